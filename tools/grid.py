"""A grid of shares as SVG, in the manner of :mod:`tools.bars`: rows by columns, the fuller the darker.

Promises:

1. It reads at a glance: each cell is filled from the left by its share, with its count in it; the first column is ours.
2. Themes, ``title``, ``desc`` and repeatability as for bars; nothing is conveyed by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from tools.bars import STYLE

__all__ = ["grid"]

_LEFT: Final = 150
_TOP: Final = 70
_ROW: Final = 28
_CELL: Final = 140
_GAP: Final = 8


def grid(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]], full: int) -> str:
    """The chart.

    Args:
        rows: a label, and a count for each column, 0 to ``full``.
    """
    width = _LEFT + (_CELL + _GAP) * len(columns) + 16
    height = _TOP + _ROW * len(rows) + 14
    told = "; ".join(
        f"{label}: " + ", ".join(f"{name} {count}" for name, count in zip(columns, counts, strict=True))
        for label, counts in rows
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(told)}, of {full} each</desc>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="6"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
    ]
    for place, name in enumerate(columns):
        lines.append(f'<text x="{_LEFT + (_CELL + _GAP) * place}" y="{_TOP - 12}">{escape(name)}</text>')
    for number, (label, counts) in enumerate(rows):
        top = _TOP + _ROW * number
        lines.append(f'<text x="{_LEFT - 10}" y="{top + 16}" text-anchor="end">{escape(label)}</text>')
        for place, count in enumerate(counts):
            left = _LEFT + (_CELL + _GAP) * place
            kind = "bar" if place else "ours"
            lines += [
                f'<rect class="cell" x="{left}" y="{top}" width="{_CELL}" height="22" rx="2"/>',
                f'<rect class="{kind}" x="{left}" y="{top}" width="{_CELL * count / full:.1f}" height="22" rx="2"/>',
                f'<text class="on" x="{left + 6}" y="{top + 16}">{count}</text>',
            ]
    return "\n".join([*lines, "</svg>"]) + "\n"
