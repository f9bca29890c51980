"""SVG pictures of codes as icard draws them (:mod:`icard_crypto.qr`), read back as pixels.

Promises:

1. Nothing of an SVG is interpreted but the strokes of its symbol: no XML parser, no entity, no reference, no script.
2. What icard did not draw is refused by name: whatever else an SVG may show, nobody here draws it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from icard_crypto.errors import DecodeError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["drawn", "is_svg"]

_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?<svg[\s>]")
_VIEW: Final = re.compile(rb'viewBox="0 0 ([1-9][0-9]{1,2}) ([1-9][0-9]{1,2})"')
_STROKES: Final = re.compile(rb'<path stroke="[^"<]{1,64}" d="((?:M[0-9]{1,3} [0-9]{1,3}\.5h[0-9]{1,3})+)"')
_STROKE: Final = re.compile(rb"M([0-9]+) ([0-9]+)\.5h([0-9]+)")
#: Bytes: the largest symbol, drawn stroke by stroke, has under 300 KB.
_MOST: Final = 1024 * 1024
#: Of the largest symbol with a wide border.
_LONGEST_SIDE: Final = 400
#: Pixels a module.
_MODULE: Final = 4


def is_svg(data: bytes) -> bool:
    """Whether a file's content is SVG."""
    return _START.match(data[:512]) is not None


def drawn(data: bytes) -> Image.Image:
    """The picture in grey.

    Raises:
        DecodeError: ``picture.not_a_picture``.
    """
    from PIL import Image

    view = _VIEW.search(data[:1024])
    symbols = _STROKES.findall(data) if len(data) <= _MOST else []
    side = int(view[1]) if view is not None and view[1] == view[2] else 0
    if len(symbols) != 1 or not 0 < side <= _LONGEST_SIDE:
        raise DecodeError(
            "picture.not_a_picture", expected="PNG, JPEG, WebP, or SVG as icard draws it", found="another SVG"
        )
    modules = Image.new("L", (side, side), 255)
    for x, y, length in (tuple(map(int, stroke)) for stroke in _STROKE.findall(symbols[0])):
        modules.paste(0, (x, y, min(x + length, side), y + 1))
    return modules.resize((side * _MODULE, side * _MODULE), Image.Resampling.NEAREST)
