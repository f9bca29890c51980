"""The servers and workers of the service, as their heartbeats in the database tell."""
