"""The file of codes that a bulk run hands out: one JSON object a line, each card once.

Promises:

1. The file is its owner's alone from its first byte: codes are personal data.
2. After a kill, the resumed run truncates the file behind the last finished row, with any incomplete line, and writes
   on from there.
3. Memory does not grow with the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from issuer.cards import IssuedCard
from verifier.runtime.files import FileFault

__all__ = ["CodesFile"]

_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class CodesFile:
    """Where a run's codes go."""

    path: Path

    def cut_behind(self, row: int) -> None:
        """Cut off what is from later rows than ``row``; 0: the file has to be empty or not there.

        Raises:
            FileFault: ``file.exists``: it holds something else; ``file.unwritable``.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, _MODE)
            with os.fdopen(descriptor, "r+b") as file:
                keep = 0
                for line in file:
                    number = _row(line)
                    if number is None and line.endswith(b"\n"):
                        raise FileFault("file.exists", found=str(self.path))
                    if number is None or number > row:
                        break
                    keep += len(line)
                file.truncate(keep)
        except OSError as fault:
            raise FileFault("file.unwritable", found=f"{self.path}: {fault.strerror}") from None

    def write(self, made: Sequence[tuple[int, IssuedCard | None]]) -> None:
        """Append the codes of these rows, and wait until the disk has them.

        Raises:
            FileFault: ``file.unwritable``.
        """
        lines = [_line(row, card) for row, card in sorted(made, key=lambda one: one[0]) if card is not None]
        try:
            with self.path.open("ab") as file:
                file.write(b"".join(lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise FileFault("file.unwritable", found=f"{self.path}: {fault.strerror}") from None


def _line(row: int, card: IssuedCard) -> bytes:
    codes = {code.profile.name.lower(): code.text for code in card.codes}
    return json.dumps({"row": row, "card": card.card_id, "codes": codes}).encode() + b"\n"


def _row(line: bytes) -> int | None:
    """The row of a line of ours; None: it is torn, or another file's."""
    try:
        loaded = json.loads(line)
    except ValueError:
        return None
    row = loaded.get("row") if isinstance(loaded, dict) else None
    return row if isinstance(row, int) else None
