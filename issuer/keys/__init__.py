"""Signing keys: keystore, states, signer, and the clock guard."""
