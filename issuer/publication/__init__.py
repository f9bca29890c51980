"""Publication: signed lists as rows, and their export as files."""
