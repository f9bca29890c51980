"""The journal of a job: a line for each finished part, on disk before the next part starts.

Promises:

1. A line is whole or it does not count: what a kill left of one is cut off.
2. Each line has all that was found so far, so that the last one is enough to go on.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Journal", "Summary"]


@dataclass
class Summary:
    """What a job came to.

    Attributes:
        rows: of the input, and so of the output.
        resumed: how many of them had been done before this run.
        nulls: rows without a code, those that could not be read among them.
        unreadable: rows that could not be read; ``first_unreadable``: the number of the first, from 1.
        verdicts: how many of each outcome and reason.
        now: Unix time of every verdict.
    """

    now: int
    rows: int = 0
    resumed: int = 0
    nulls: int = 0
    unreadable: int = 0
    first_unreadable: int | None = None
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_to(self, other: Summary) -> None:
        """Add these rows, which follow, to another's."""
        other.rows += self.rows
        other.nulls += self.nulls
        other.unreadable += self.unreadable
        other.first_unreadable = other.first_unreadable or self.first_unreadable
        other.verdicts.update(self.verdicts)


class Journal:
    """The finished parts of a job, with the totals after each part.

    Attributes:
        parts: how many count.
        whole: every row is in a part.
        joined: the parts are joined, whole.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = _whole_lines(path)
        written = [line for line in lines if "rows" in line]
        self._last = written[-1] if written else None
        self.parts = len(written)
        self.whole = {"whole": True} in lines
        self.joined = {"joined": True} in lines

    def summary(self, now: int) -> tuple[Summary, int]:
        """What has been found so far, and where in the input the next piece begins."""
        if self._last is None:
            return Summary(now), 0
        written = dict(self._last)
        end = written.pop("end")
        counted = Counter({(outcome, reason): count for outcome, reason, count in written.pop("verdicts")})
        return Summary(now, verdicts=counted, **written), end

    def add(self, summary: Summary, end: int) -> None:
        """Count one more part."""
        written = {name: getattr(summary, name) for name in ("rows", "nulls", "unreadable", "first_unreadable")}
        counted = [[*names, count] for names, count in sorted(summary.verdicts.items())]
        self._append(written | {"verdicts": counted, "end": end})
        self.parts += 1

    def close_rows(self) -> None:
        """Every row is in a part."""
        self._append({"whole": True})

    def close_join(self) -> None:
        """The parts are joined."""
        self._append({"joined": True})

    def _append(self, line: dict[str, Any]) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal; what a kill left of one is cut off."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]
