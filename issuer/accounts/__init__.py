"""Accounts: who may do what, and what two people confirm."""
