"""The mark outside the database by which a restored backup is recognised."""
