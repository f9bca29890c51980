"""Signed lists: trust lists, status lists, timestamps, and bundles of them."""
