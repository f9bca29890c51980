"""The expiry date of a TLS certificate."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from verifier.runtime.files import FileFault, read_capped

__all__ = ["certificate_end"]

_BYTES = 1024 * 1024


def certificate_end(path: Path | None) -> int | None:
    """The end of the first certificate of a PEM file, Unix time; None: there is none, or it cannot be read."""
    if path is None:
        return None
    try:
        found = x509.load_pem_x509_certificates(read_capped(path, _BYTES))
    except (FileFault, ValueError):
        return None
    return int(found[0].not_valid_after_utc.timestamp()) if found else None
