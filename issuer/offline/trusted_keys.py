"""The file of trusted keys that verifiers take: written, and extended by further keys.

Promises:

1. What is written has been read by :func:`verifier.knowledge.trusted_file.read_trusted_file`, with all its rules.
2. Keys that are in a file stay there; a key of another environment is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from icard_crypto.errors import StateError
from icard_crypto.moments import moment_text
from icard_crypto.signing.keys import VerifyingKey
from verifier.knowledge.trust import Environment, Usage
from verifier.knowledge.trusted_file import read_trusted_file

__all__ = ["TrustedEntry", "extended"]


@dataclass(frozen=True, slots=True)
class TrustedEntry:
    """One key with its issuer, as verifiers shall trust it. Times are Unix times; ``valid_until`` None: no end."""

    key: VerifyingKey
    issuer: str
    names: dict[str, str]
    regions: Sequence[str]
    status_prefixes: Sequence[str]
    valid_from: int
    valid_until: int | None = None
    usage: Usage = "card"

    def to_dict(self) -> dict[str, Any]:
        """The entry in the file's form."""
        return {
            "iss": self.issuer,
            "names": self.names,
            "regions": list(self.regions),
            "status_prefixes": list(self.status_prefixes),
            "usage": self.usage,
            "from": moment_text(self.valid_from),
            "until": moment_text(self.valid_until),
            "key": {"pem": self.key.to_pem().decode("ascii")},
        }


def extended(existing: bytes | None, entry: TrustedEntry, environment: Environment) -> bytes:
    """A file's content with one key more; None begins a file.

    Raises:
        StateError: ``signing.environment``; ``trusted.*``, for the file as it was or as it would become.
    """
    loaded: dict[str, Any] = {"environment": environment, "keys": []}
    if existing is not None:
        found, _ = read_trusted_file(existing)
        if found != environment:
            raise StateError("signing.environment", expected=environment, found=found)
        loaded = json.loads(existing)
    loaded["keys"].append(entry.to_dict())
    content = json.dumps(loaded, ensure_ascii=False, indent=2).encode() + b"\n"
    read_trusted_file(content)
    return content
