"""Check photos of people for what a machine can measure: size, shape, white background, no frame.

Promises:

1. The requirements are a rule row (``photo``); none is written here.
2. Face, gaze and likeness are not judged: no model is shipped, and an officer looks at each photo.
3. What is kept is scaled and cropped to the rule's shape, upright, a JPEG of at most the rule's bytes without metadata.

The background is what shows left and right of the head and above it: the top tenth, and the outer eighth of both sides
down to half the height, where shoulders don't reach. A frame is a band along the edge that differs in colour from what
lies inside of it, along three edges or four: a person in front of a white wall touches one edge only.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from icard_crypto.errors import DecodeError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["measured"]

#: The size at which colours are compared: noise of a sensor is gone, a frame of 1 % of the width is seen.
_SEEN: Final = (150, 200)
_TOP, _SIDE, _DOWN = 20, 19, 100
#: The outermost band and the one inside that it is compared with, in pixels of that size.
_OUTER: Final = (0, 2)
_INNER: Final = (10, 14)
_QUALITIES: Final = (92, 85, 75, 60, 45)


def measured(photo: Image.Image, rule: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The measures of an upright photo in colour, and the photo as it is kept.

    Args:
        rule: ``least`` and ``scaled`` (width, height), ``shape`` (parts across, down), ``tolerance`` (of the shape),
            ``most_bytes``, ``white_from`` (0 to 255), ``tint`` (between channels), ``difference`` (of a frame).

    Returns:
        width, height, white (share), framed (edges); the JPEG, empty where size or shape don't allow one.

    Raises:
        DecodeError: ``picture.too_large``; not even the lowest quality fits.
    """
    from PIL import Image

    seen = photo.resize(_SEEN, Image.Resampling.BOX)
    found = {
        "width": photo.width,
        "height": photo.height,
        "white": _white(seen, rule["white_from"], rule["tint"]),
        "framed": _framed(seen, rule["difference"]),
    }
    least = rule["least"]
    fits = photo.width >= least[0] and photo.height >= least[1] and has_shape(photo.width, photo.height, rule)
    return found, _kept(photo, rule) if fits else b""


def has_shape(width: int, height: int, rule: dict[str, Any]) -> bool:
    """Whether a size is that of the rule's shape, within its tolerance."""
    across, down = rule["shape"]
    return bool(abs(width / height / (across / down) - 1) <= rule["tolerance"])


def _white(seen: Image.Image, white_from: int, tint: int) -> float:
    width, _ = seen.size
    boxes = ((0, 0, width, _TOP), (0, _TOP, _SIDE, _DOWN), (width - _SIDE, _TOP, width, _DOWN))
    pixels = [pixel for box in boxes for pixel in _pixels(seen, box)]
    white = sum(min(pixel) >= white_from and max(pixel) - min(pixel) <= tint for pixel in pixels)
    return round(white / len(pixels), 3)


def _framed(seen: Image.Image, difference: int) -> int:
    from PIL import Image

    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    edges = 0
    for turned in (seen, *(seen.transpose(turn) for turn in turns)):
        outer, inner = (_mean(turned, *band) for band in (_OUTER, _INNER))
        edges += max(abs(one - other) for one, other in zip(outer, inner, strict=True)) >= difference
    return edges


def _mean(seen: Image.Image, top: int, bottom: int) -> tuple[float, ...]:
    """The mean colour of a band along the upper edge, without its ends, which belong to the neighbouring edges."""
    pixels = _pixels(seen, (_INNER[1], top, seen.width - _INNER[1], bottom))
    return tuple(sum(channel) / len(pixels) for channel in zip(*pixels, strict=True))


def _pixels(seen: Image.Image, box: tuple[int, int, int, int]) -> list[tuple[int, int, int]]:
    data = seen.crop(box).tobytes()
    return list(zip(data[0::3], data[1::3], data[2::3], strict=True))


def _kept(photo: Image.Image, rule: dict[str, Any]) -> bytes:
    from PIL import Image, ImageOps

    width, height = rule["scaled"]
    if photo.width < width or photo.height < height:
        # Never enlarged: that would invent what isn't there.
        width, height = rule["least"]
    small = ImageOps.fit(photo, (width, height), Image.Resampling.LANCZOS)
    for quality in _QUALITIES:
        out = BytesIO()
        small.save(out, "JPEG", quality=quality)
        if out.tell() <= rule["most_bytes"]:
            return out.getvalue()
    raise DecodeError("picture.too_large", expected=f"at most {rule['most_bytes']} bytes", found="more")
