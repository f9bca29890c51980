"""The table of the kinds of notices, from the data that decides."""

from __future__ import annotations

from issuer.notices.kinds import kinds

__all__ = ["notices_table"]


def notices_table() -> str:
    """Every kind with its channels and its subjects in both languages."""
    head = "| kind | beside the inbox | fixed | subject | |\n| --- | --- | --- | --- | --- |\n"
    rows = [
        f"| `{kind.name}` | {', '.join(kind.channels)} | {', '.join(sorted(kind.fixed))} "
        f"| {kind.words['en'].subject} | {kind.words['zh'].subject} |"
        for kind in kinds().values()
    ]
    return head + "\n".join(rows) + "\n"
