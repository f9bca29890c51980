"""Findings of compliance as a chart: bars by kind, drawn as SVG.

Promises:

1. The chart says what the table says: each bar has its kind, its count and what is owed, as text.
2. It loads and runs nothing, has a title and a description for readers of the screen, and follows the page's colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from icard_crypto.errors import Language

from .answers import words_of, written
from .money import in_yuan

__all__ = ["Bar", "draw"]

_ROW: Final = 34
_LABEL: Final = 190
_WIDTH: Final = 720
_BAR: Final = 330
_TOP: Final = 56
_WORDS: Final = {
    "en": {"title": "Compliance findings on {day}", "empty": "No findings.", "owed": "owed {yuan} yuan",
           "none": "sum not known", "count": "{count} findings"},
    "zh": {"title": "截至{day}的参保缴费核查结果", "empty": "无核查结果。", "owed": "欠缴{yuan}元",
           "none": "金额未知", "count": "{count}项"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """A kind of finding. ``owed`` in fen; ``without_sum``: findings whose sum is not known."""

    kind: str
    findings: int
    owed: int
    without_sum: int


def draw(bars: Sequence[Bar], day: str, language: Language) -> str:
    """The chart, as the text of an SVG file.

    Args:
        day: of the report, as YYYY-MM-DD.
    """
    words = _WORDS[language]
    title = words["title"].format(day=written(day, language))
    most = max((bar.findings for bar in bars), default=1)
    height = _TOP + _ROW * max(len(bars), 1) + 12
    colon, semicolon = ("：", "；") if language == "zh" else (": ", "; ")
    said = (
        semicolon.join(f"{_name(bar.kind, language)}{colon}{_value(bar, language)}" for bar in bars) or words["empty"]
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="t d" lang="{language}" fill="currentColor" font-family="sans-serif" font-size="13">',
        f'<title id="t">{escape(title)}</title>',
        f'<desc id="d">{escape(said)}</desc>',
        f'<text x="8" y="28" font-size="17">{escape(title)}</text>',
    ]
    if not bars:
        parts.append(f'<text x="8" y="{_TOP + 16}">{escape(words["empty"])}</text>')
    for number, bar in enumerate(bars):
        top = _TOP + number * _ROW
        width = max(round(_BAR * bar.findings / most), 2)
        parts += [
            f'<text x="8" y="{top + 16}">{escape(_name(bar.kind, language))}</text>',
            f'<rect x="{_LABEL}" y="{top}" width="{width}" height="22" fill-opacity="0.55"/>',
            f'<text x="{_LABEL + width + 8}" y="{top + 16}">{escape(_value(bar, language))}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _name(kind: str, language: Language) -> str:
    return words_of(f"kind_{kind}", language, {})


def _value(bar: Bar, language: Language) -> str:
    words = _WORDS[language]
    parts = [words["count"].format(count=bar.findings)]
    if bar.owed:
        parts.append(words["owed"].format(yuan=in_yuan(bar.owed)))
    elif bar.without_sum:
        parts.append(words["none"])
    return ("，" if language == "zh" else ", ").join(parts)
