"""What can't be made twice alike, and is therefore kept in ``kept.json`` and verified instead of made.

Promises:

1. An ML-DSA signature is kept because signing is randomised; one that does not verify is refused.
2. A deflate stream is kept because zlib's implementations differ in their output; one that does not inflate to the
   COSE bytes it stands for is refused.
3. Nothing is kept silently: only ``make_vectors --keep`` writes the file.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any, Final

from icard_crypto.signing.keys import SigningKey

__all__ = ["Kept"]

ABOUT: Final = (
    "Inputs of the vectors that can't be made twice alike: ML-DSA signatures (signing is randomised), deflate streams "
    "(zlib's implementations differ), a photo. By vector, in hexadecimal."
)


class Kept:
    """The kept inputs.

    Args:
        file: ``kept.json``.
        renew: make what is missing or no longer fits, for :meth:`save`.
    """

    def __init__(self, file: Path, *, renew: bool = False) -> None:
        self._file = file
        self._renew = renew
        self._entries: dict[str, dict[str, str]] = json.loads(file.read_text("utf-8"))
        self._used: dict[str, dict[str, str]] = {"photo": self._entries["photo"], "signatures": {}, "deflate": {}}

    @property
    def photo(self) -> bytes:
        """A drawn face, WebP, 32 by 40."""
        return bytes.fromhex(self._entries["photo"]["webp"])

    def signature(self, name: str, key: SigningKey, message: bytes) -> bytes:
        """The kept signature of a vector over ``message``."""
        kept = bytes.fromhex(self._entries["signatures"].get(name, ""))
        if not key.verifying_key.verify(kept, message):
            kept = self._new(f"the signature of {name}", lambda: key.sign(message))
        self._used["signatures"][name] = kept.hex()
        return kept

    def deflated(self, name: str, content: bytes) -> bytes:
        """The kept zlib stream of a vector."""
        kept = bytes.fromhex(self._entries["deflate"].get(name, ""))
        if not kept or zlib.decompress(kept) != content:
            kept = self._new(f"the zlib stream of {name}", lambda: zlib.compress(content, 9))
        self._used["deflate"][name] = kept.hex()
        return kept

    def _new(self, what: str, make: Any) -> bytes:
        if not self._renew:
            raise SystemExit(f"{what} in {self._file.name} does not fit; make_vectors --keep makes a new one")
        made: bytes = make()
        return made

    def save(self) -> None:
        """Write what was used."""
        written = {"about": ABOUT, **self._used}
        self._file.write_text(json.dumps(written, indent=2) + "\n", "utf-8")
