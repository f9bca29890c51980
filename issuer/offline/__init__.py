"""Signing and publishing from plain files, without a database."""
