"""Outbound HTTP: addresses resolved once, guarded fetching."""
