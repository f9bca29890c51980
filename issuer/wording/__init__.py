"""Words that pages and documents have in common, and how each language writes days, times, counts and names."""
