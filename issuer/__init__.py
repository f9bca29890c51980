"""The issuing service."""

import verifier  # noqa: F401  (its words are registered when it is loaded)
from icard_crypto.errors import register

register("issuer")
