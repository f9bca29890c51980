"""Status lists: indexes given once, and the entry of each code."""
