"""Restoring a backup: the stricter of what the database and what was published say."""
