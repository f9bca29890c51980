"""Work permits: what has to be filed, what is decided, and what follows from it."""
