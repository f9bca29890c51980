"""Curves on two logarithmic axes, as SVG, in the manner of :mod:`tools.bars`: how a figure grows.

Promises:

1. It reads at a glance: decades as grid, a point for each figure, the name at each curve's end; equal factors are equal
   lengths on both axes, so that work in proportion is a line at 45 degrees.
2. Themes, ``title``, ``desc`` and repeatability as for bars.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from benchmarks.keeping import short
from tools.bars import STYLE

__all__ = ["Curve", "curves"]

_LEFT: Final = 80
_TOP: Final = 48
_DECADE: Final = 62
# From the last decade to the edges: room for a curve's name, and for the axis's.
_RIGHT: Final = 130
_BELOW: Final = 52


class Curve(NamedTuple):
    """A name, its points (both above 0), and whether it is one of ours."""

    label: str
    points: Sequence[tuple[float, float]]
    ours: bool


def curves(title: str, across: str, up: str, drawn: Sequence[Curve]) -> str:
    """The chart; ``across`` and ``up`` name the axes with their units."""
    low_x, high_x = _decades([x for curve in drawn for x, _ in curve.points])
    low_y, high_y = _decades([y for curve in drawn for _, y in curve.points])
    width = _LEFT + _DECADE * (high_x - low_x) + _RIGHT
    bottom = _TOP + _DECADE * (high_y - low_y)

    def at(x: float, y: float) -> tuple[float, float]:
        return (_LEFT + _DECADE * (math.log10(x) - low_x), bottom - _DECADE * (math.log10(y) - low_y))

    told = "; ".join(
        f"{curve.label}: " + ", ".join(f"{short(y)} at {x:,.0f}" for x, y in curve.points) for curve in drawn
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + _BELOW}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(told)}</desc>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="paper" width="{width}" height="{bottom + _BELOW}" rx="6"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
    ]
    for decade in range(low_x, high_x + 1):
        x = _LEFT + _DECADE * (decade - low_x)
        lines += [
            f'<line class="rule" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>',
            f'<text class="tick" x="{x}" y="{bottom + 18}" text-anchor="middle">{_power(decade)}</text>',
        ]
    for decade in range(low_y, high_y + 1):
        y = bottom - _DECADE * (decade - low_y)
        lines += [
            f'<line class="rule" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y}" y2="{y}"/>',
            f'<text class="tick" x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{_power(decade)}</text>',
        ]
    lines += [
        f'<text class="tick" x="{(_LEFT + width - _RIGHT) / 2:.0f}" y="{bottom + 40}" text-anchor="middle">'
        f"{escape(across)}</text>",
        f'<text class="tick" x="16" y="{_TOP - 8}">{escape(up)}</text>',
    ]
    for curve in drawn:
        places = [at(x, y) for x, y in curve.points]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        lines.append(f'<polyline class="{"curve" if curve.ours else "other"}" points="{way}"/>')
        dot = "point" if curve.ours else "point-other"
        lines += [f'<circle class="{dot}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places]
        end_x, end_y = places[-1]
        lines.append(f'<text x="{end_x + 10:.1f}" y="{end_y + 5:.1f}">{escape(curve.label)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _decades(figures: Sequence[float]) -> tuple[int, int]:
    """The whole powers of ten around them."""
    low, high = math.floor(math.log10(min(figures))), math.ceil(math.log10(max(figures)))
    return low, max(high, low + 1)


def _power(decade: int) -> str:
    if decade >= 6:
        return f"{10 ** (decade - 6):,} M"
    return f"{10**decade:,}" if decade >= 0 else f"{10.0**decade:g}"
