"""Bar charts as SVG, written by hand: no plotting library, no script, no font of its own.

Promises:

1. It reads at a glance: one bar a row in the order given, from zero, the figure at its end, our own in another colour.
2. It follows the reader's light or dark theme, on a background of its own, and says in ``title`` and ``desc`` what it
   shows to whoever does not see it.
3. The same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from benchmarks.keeping import short

__all__ = ["STYLE", "Bar", "bars"]

_WIDTH = 760
_LEFT = 190
_ROW = 30
_TOP = 54
# From the longest bar's end to the edge: room for its figure.
_RIGHT = 90

STYLE: Final = """\
text { font: 14px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.paper { fill: #ffffff; }
.bar { fill: #8c959f; }
.ours { fill: #0969da; }
.line { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3; }
.note { font-size: 12px; fill: #cf222e; }
.tick { font-size: 12px; fill: #59636e; }
.rule { stroke: #d1d9e0; stroke-width: 1; }
.curve { stroke: #0969da; stroke-width: 2; fill: none; }
.other { stroke: #8c959f; stroke-width: 2; fill: none; }
.cell { fill: #eff2f5; }
.on { paint-order: stroke; stroke: #ffffff; stroke-width: 3; }
.point { fill: #0969da; }
.point-other { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.paper { fill: #0d1117; }
.bar { fill: #6e7681; }
.ours { fill: #4493f8; }
.line { stroke: #ff7b72; }
.note { fill: #ff7b72; }
.tick { fill: #9198a1; }
.rule { stroke: #3d444d; }
.curve { stroke: #4493f8; }
.other { stroke: #6e7681; }
.cell { fill: #212830; }
.on { stroke: #0d1117; }
.point { fill: #4493f8; }
.point-other { fill: #6e7681; }
}"""


class Bar(NamedTuple):
    """One row: what it is called, its figure, and whether it is one of ours."""

    label: str
    figure: float
    ours: bool


def bars(title: str, unit: str, rows: Sequence[Bar], limit: tuple[str, float] | None = None) -> str:
    """The chart.

    Args:
        unit: of the figures, shown behind each.
        rows: at least one; figures from 0.
        limit: a line across all bars, with its name: what they are to be read against.
    """
    longest = max([row.figure for row in rows] + ([limit[1]] if limit else [])) or 1
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    height = _TOP + _ROW * len(rows) + 14
    told = "; ".join(f"{row.label} {short(row.figure)} {unit}" for row in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(told)}</desc>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="6"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        top = _TOP + _ROW * number
        length = row.figure * scale
        middle = top + 16
        kind = "ours" if row.ours else "bar"
        lines += [
            f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{escape(row.label)}</text>',
            f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{length:.1f}" height="22" rx="2"/>',
            f'<text x="{_LEFT + length + 8:.1f}" y="{middle}">{short(row.figure)} {escape(unit)}</text>',
        ]
    if limit is not None:
        name, figure = limit
        across = f"{_LEFT + figure * scale:.1f}"
        lines += [
            f'<line class="line" x1="{across}" x2="{across}" y1="{_TOP - 6}" y2="{height - 10}"/>',
            f'<text class="note" x="{across}" y="{_TOP - 9}" text-anchor="middle">{escape(name)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
