"""What a verifier trusts and knows."""
