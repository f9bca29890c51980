"""What runs out, what waits and what is full: for readiness, metrics and ``icard-issuer doctor``."""
