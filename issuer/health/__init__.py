"""Health: expiry dates, backlog and disk space, for readiness, metrics and ``icard-issuer doctor``."""
