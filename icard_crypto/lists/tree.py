"""Names of the files of a published tree, as publishers write them and verifiers ask for them (docs/publication.md)."""

from __future__ import annotations

from typing import Final

__all__ = ["BUNDLE", "TIMESTAMP", "TRUST_LATEST", "checkpoint_path", "status_path", "trust_path"]

TIMESTAMP: Final = "timestamp.cbor"
BUNDLE: Final = "bundle.cbor"
TRUST_LATEST: Final = "trust/latest.cbor"


def trust_path(version: int) -> str:
    """The path of the trust list of that version."""
    return f"trust/{version}.cbor"


def status_path(name: str) -> str:
    """The path of the status list with that name: the last segment of its uri."""
    return f"status/{name}"


def checkpoint_path(seq: int) -> str:
    """The path of the audit's checkpoint at that row."""
    return f"audit/{seq}.cbor"
