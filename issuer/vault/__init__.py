"""Encryption at rest, its rewrapping, and password hashes."""
