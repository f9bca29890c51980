"""``icard-issuer doctor``: diagnose a service on its host."""
