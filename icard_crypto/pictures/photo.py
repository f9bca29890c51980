"""The holder's photo, made small enough for a code.

Promises:

1. :func:`fit` gives a portrait of at most so many bytes, or says how many it would take (``photo.does_not_fit``).
2. The picture is turned upright and cropped to 3:4; no metadata of the original (place, camera, thumbnail) survives.
3. What is handed out decodes again, to the width and height stated.
4. The same picture and budget give the same bytes with the same version of Pillow.

WebP up to 700 bytes: the smallest AVIF file is 343 bytes, most of it boxes, and at 400 its error is twice to six times
that of WebP. Above, both are tried: at 800 WebP still wins, at 1,500 AVIF does on a plain background.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from io import BytesIO
from typing import TYPE_CHECKING, Final

from icard_crypto.errors import EncodeError

from .pictures import Picture, open_picture

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Photo", "PhotoFormat", "fit"]


class PhotoFormat(IntEnum):
    """Key 17 ("Binary Image Format") of MOSIP's "169 - QR Code Specifications", section 3, where 2 is called JPEG2."""

    JPEG = 1
    JPEG2000 = 2
    AVIF = 3
    WEBP = 4


@dataclass(frozen=True, slots=True)
class Photo:
    """A portrait as it is in a card: the file's bytes, its format, its size in pixels."""

    data: bytes = field(repr=False)
    format: PhotoFormat
    width: int
    height: int


# ISO/IEC 39794-5 portraits are 3:4 or close to it.
_SHAPE: Final = (3, 4)
# In a picture taller than 3:4 the head sits above the middle; the crop leaves two parts above for three below.
_CENTRE: Final = (0.5, 0.4)
# Units of 3 x 4 pixels: 24 x 32 (below, nobody is recognised) to 240 x 320 (above, nothing is gained in 4 kB).
_UNITS: Final = (8, 10, 12, 14, 16, 20, 24, 30, 40, 50, 60, 80)
_AVIF_FROM: Final = 700
# Candidates are compared at the size at which a page shows the photo.
_SHOWN: Final = (180, 240)


def fit(picture: Picture, max_bytes: int = 400) -> Photo:
    """The best portrait of at most ``max_bytes``.

    All sizes are tried, each at the highest quality that fits (found by bisection), and the candidate with the least
    error against the original wins, both seen at the size of display: a small sharp picture enlarged and a large coarse
    one then compete on what is seen. Takes 0.2 s; about a second above 700 bytes.

    Args:
        picture: as for :func:`icard_crypto.qr.read`, and with the same limits.
        max_bytes: 1 or more; 200 to 600 is usual.

    Raises:
        DecodeError: ``picture.*``.
        EncodeError: ``photo.does_not_fit``.
        MissingPart: ``qr.extra_missing``.
    """
    upright = open_picture(picture, "RGB")
    original = _portrait(upright)
    shown = _as_shown(original)
    formats = [PhotoFormat.WEBP]
    if max_bytes > _AVIF_FROM and _writes_avif():
        formats.append(PhotoFormat.AVIF)
    best: tuple[float, Photo] | None = None
    smallest: int | None = None
    for small in _sizes(original):
        for kind in formats:
            data, least = _highest_quality(small, kind, max_bytes)
            smallest = least if smallest is None else min(smallest, least)
            if data is not None:
                error = _error(shown, _as_shown(_decoded(data)))
                if best is None or error < best[0]:
                    best = error, Photo(data, kind, small.width, small.height)
    if best is None:
        raise EncodeError("photo.does_not_fit", expected=f"at least {smallest} bytes", found=f"{max_bytes}")
    return best[1]


def _portrait(image: Image.Image) -> Image.Image:
    """The crop of shape 3:4, never enlarged."""
    from PIL import ImageOps

    across, down = _SHAPE
    unit = max(1, min(image.width // across, image.height // down, _UNITS[-1] * 2))
    return ImageOps.fit(image, (unit * across, unit * down), centering=_CENTRE)


def _sizes(original: Image.Image) -> Iterator[Image.Image]:
    """The candidates, none larger than the original; the original itself where it is smaller than all of them."""
    from PIL import Image

    across, down = _SHAPE
    own = original.width // across
    for unit in [unit for unit in _UNITS if unit <= own] or [own]:
        yield original.resize((unit * across, unit * down), Image.Resampling.LANCZOS)


def _highest_quality(image: Image.Image, kind: PhotoFormat, max_bytes: int) -> tuple[bytes | None, int]:
    """The file of the highest quality from 0 to 100 that fits, if any, and the length of the shortest one seen."""
    fitting: bytes | None = None
    shortest: int | None = None
    low, high = 0, 100
    while low <= high:
        quality = (low + high) // 2
        data = _encoded(image, kind, quality)
        shortest = len(data) if shortest is None else min(shortest, len(data))
        if len(data) <= max_bytes:
            fitting, low = data, quality + 1
        else:
            high = quality - 1
    return fitting, shortest or 0


def _encoded(image: Image.Image, kind: PhotoFormat, quality: int) -> bytes:
    out = BytesIO()
    if kind is PhotoFormat.WEBP:
        image.save(out, "WEBP", quality=quality, method=6)
    else:
        # Speed 3 takes eight times as long for a tenth less error; one thread, so that the bytes do not vary.
        image.save(out, "AVIF", quality=quality, speed=6, max_threads=1)
    return out.getvalue()


def _decoded(data: bytes) -> Image.Image:
    from PIL import Image

    return Image.open(BytesIO(data), formats=("WEBP", "AVIF")).convert("RGB")


def _writes_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))


def _as_shown(image: Image.Image) -> Image.Image:
    from PIL import Image

    return image.resize(_SHOWN, Image.Resampling.BICUBIC).convert("YCbCr")


def _error(one: Image.Image, other: Image.Image) -> float:
    """Mean squared difference, brightness counted four times as much as each colour: the eye resolves it better."""
    from PIL import ImageChops, ImageStat

    brightness, blue, red = ImageStat.Stat(ImageChops.difference(one, other)).sum2
    return float(4 * brightness + blue + red) / (6 * one.width * one.height)
