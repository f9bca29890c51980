"""Bulk runs: issue, renew and revoke from a file."""
