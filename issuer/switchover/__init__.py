"""Permits from before the switch to the card: imported, looked up, and never replaced without need."""
