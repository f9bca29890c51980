"""What a person may ask about their own data (a copy, a correction, a deletion, consents), and how long it is kept."""
