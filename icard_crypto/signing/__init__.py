"""Keys, algorithms, and COSE messages."""
