"""``icard-issuer doctor``: everything that can be wrong with a service, looked at on its host."""
