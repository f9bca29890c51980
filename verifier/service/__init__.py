"""The verifier as a service over HTTP; ``edge`` is the plumbing that the issuer's service shares."""
