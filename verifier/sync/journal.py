"""What a sync agent remembers of each address: its ETag, when it was last reached, what was wrong since.

Promises:

1. Nothing is trusted because of it: it saves transfers, and tells people how old their knowledge is. A journal that is
   lost or damaged is an empty one.
2. It is written whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from icard_crypto.errors import IcardError, StateError, catalogue
from verifier.store.folder import DomainFolder

__all__ = ["Journal", "Source", "read_journal", "write_journal"]

_NAME: Final = "sync.json"
_FIELDS: Final = ("offset", "path", "expected", "found")


@dataclass(frozen=True, slots=True)
class Source:
    """One address.

    Args:
        tried: Unix time of the last attempt.
        reached: Unix time of the last attempt that brought or confirmed something good; None: never.
        etag: of the token that was taken.
        token: that token's SHA-256 in hexadecimal.
        fault: why the last attempt failed; None: it did not.
    """

    tried: int
    reached: int | None = None
    etag: str | None = None
    token: str | None = None
    fault: IcardError | None = None


@dataclass(slots=True)
class Journal:
    """All addresses of one domain."""

    sources: dict[str, Source] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The journal as JSON."""
        return {
            url: {
                "tried": source.tried,
                "reached": source.reached,
                "etag": source.etag,
                "token": source.token,
                "fault": None if source.fault is None else source.fault.to_dict(),
            }
            for url, source in self.sources.items()
        }


def read_journal(folder: Path) -> Journal:
    """The journal in a domain's folder (promise 1)."""
    try:
        loaded = json.loads((folder / _NAME).read_bytes())
        return Journal({url: _source(entry) for url, entry in loaded.items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Journal()


def _source(entry: Mapping[str, Any]) -> Source:
    reached = entry["reached"]
    texts = [None if entry[name] is None else str(entry[name]) for name in ("etag", "token")]
    return Source(
        int(entry["tried"]), None if reached is None else int(reached), texts[0], texts[1], _fault(entry["fault"])
    )


def _fault(entry: Mapping[str, Any] | None) -> IcardError | None:
    # A code that this version has no words for could not be shown.
    if entry is None or entry["code"] not in catalogue():
        return None
    return StateError(entry["code"], **{name: entry[name] for name in _FIELDS if name in entry})


def write_journal(folder: Path, journal: Journal) -> None:
    """Replace the journal in a domain's folder.

    Raises:
        StateError: ``store.unwritable``, ``store.locked``.
    """
    # Under the writer's lock: whoever tidies the folder up would take the temporary file for a dead process's.
    with DomainFolder(folder).writing():
        temporary = folder / f"{_NAME}.tmp"
        try:
            temporary.write_text(json.dumps(journal.to_dict(), indent=1), "utf-8")
            temporary.replace(folder / _NAME)
        except OSError as fault:
            raise StateError("store.unwritable", found=f"{folder}: {fault.strerror}") from None
