"""The card: its fields, claims and JSON form."""
