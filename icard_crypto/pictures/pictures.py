"""Pictures from untrusted sources: opened within limits, turned upright, put on white.

Promises:

1. Whatever is given, the answer is a Pillow image or a :class:`~icard_crypto.errors.DecodeError`, nothing else.
2. PNG, JPEG, WebP, and SVG that icard drew (:mod:`.svg`), recognised by content; the name of a file says nothing.
3. The size in the header is compared with :data:`MOST_DECODED` before a single pixel is decoded, and what is handed out
   has at most :data:`MOST_PIXELS`: a larger picture is made smaller, a JPEG while it is decoded. A JPEG whose scans
   would take more than a few seconds is refused before the first one.
4. Of a moving picture the first frame; the EXIF orientation is applied; transparent parts are white, or as asked for.
5. Of a PNG, profiles and texts are left out: they say nothing of the pixels, and Pillow gives up where they are large.
6. Pillow is imported when a picture is opened, not before.
"""

from __future__ import annotations

import math
import os
import re
import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from icard_crypto.errors import DecodeError, MissingPart

from .svg import drawn, is_svg

if TYPE_CHECKING:
    from PIL import Image
    from typing_extensions import Buffer

__all__ = ["MOST_BYTES", "MOST_DECODED", "MOST_PIXELS", "Ground", "Picture", "has_transparency", "open_picture"]

#: A code or a portrait needs far less.
MOST_PIXELS: Final = 16_000_000
#: Telephones deliver 12, 24 or 48 million pixels, a scanner 35 of a page at 600 dots an inch.
MOST_DECODED: Final = 52_000_000
Ground: TypeAlias = Literal["white", "black"]
"""What is put behind transparent parts."""
# An uncompressed-looking PNG of that size in grey takes about half of this.
MOST_BYTES: Final = 32 * 1024 * 1024


class Pixels(Protocol):
    """A numpy array, as a type checker sees one: before Python 3.12 buffers have no type of their own."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


Picture: TypeAlias = "str | os.PathLike[str] | Buffer | Pixels | Image.Image"
"""A path, the bytes of a file, a Pillow image, or pixels: a C-ordered buffer of unsigned bytes of the shape
height x width (grey), height x width x 3 (RGB) or height x width x 4 (RGBA), such as a numpy array."""

# EXIF tag 0x0112 (CIPA DC-008, 4.6.4): what brings the stored rows upright, as names of Image.Transpose.
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
# Progressive JPEGs have about ten scans. Each one, if empty, costs 30 bytes and a pass over all pixels: a file of
# MOST_BYTES could keep a decoder busy for hours.
_MOST_SCANS: Final = 64
# Pixels of all scans together: sixteen over the largest picture take about two seconds, and a decoder cannot be stopped
# between them.
_MOST_SCANNED: Final = 16 * MOST_DECODED
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_WORDY: Final = frozenset({b"iCCP", b"tEXt", b"zTXt", b"iTXt"})
_PIXEL_MODES: Final = {1: "L", 3: "RGB", 4: "RGBA"}


def open_picture(picture: Picture, mode: Literal["L", "RGB"], ground: Ground = "white") -> Image.Image:
    """The picture upright, on its ground, in grey ("L") or colour ("RGB").

    Raises:
        DecodeError: ``picture.unreadable`` (no such file), ``picture.not_a_picture``, ``picture.too_large``,
            ``picture.broken``.
        MissingPart: ``qr.extra_missing`` without Pillow.
    """
    try:
        from PIL import Image
    except ImportError as absent:
        raise MissingPart("qr.extra_missing", found="no pillow") from absent
    opened = picture if isinstance(picture, Image.Image) else _from_data(picture)
    width, height = opened.size
    _check_size(width, height)
    if width * height == 0:
        raise DecodeError("picture.not_a_picture", expected="at least one pixel", found=f"{width} x {height}")
    try:
        return _upright_on(ground, opened, mode)
    except Exception as fault:  # Pillow's decoders raise whatever they like; this is the one edge.
        raise DecodeError("picture.broken", found=type(fault).__name__) from fault


def has_transparency(picture: Picture) -> bool:
    """Whether a picture has transparent parts; one that cannot be opened has none.

    Raises:
        DecodeError, MissingPart: as :func:`open_picture`.
    """
    from PIL import Image

    opened = picture if isinstance(picture, Image.Image) else _from_data(picture)
    return bool(opened.has_transparency_data)


def _check_size(width: int, height: int, most: int = MOST_DECODED) -> None:
    if width * height > most:
        raise DecodeError("picture.too_large", expected=f"at most {most} pixels", found=f"{width} x {height} pixels")


def _from_data(picture: str | os.PathLike[str] | Buffer | Pixels) -> Image.Image:
    if isinstance(picture, str | os.PathLike):
        return _from_file_bytes(_file_bytes(picture))
    try:
        view = memoryview(picture)  # type: ignore[arg-type]
    except TypeError as fault:
        raise DecodeError(
            "picture.not_a_picture",
            expected="a path, bytes, a Pillow image or pixels",
            found=type(picture).__name__,
        ) from fault
    if view.ndim == 1 and view.itemsize == 1:
        return _from_file_bytes(view)
    return _from_pixels(view)


def _file_bytes(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as fault:  # ValueError: a path with a null character
        reason = fault.strerror if isinstance(fault, OSError) else None
        raise DecodeError("picture.unreadable", found=reason or type(fault).__name__) from fault


def _from_pixels(view: memoryview) -> Image.Image:
    from PIL import Image

    shape = view.shape or ()
    channels = 1 if len(shape) == 2 else shape[2] if len(shape) == 3 else 0
    if view.format != "B" or channels not in _PIXEL_MODES:
        raise DecodeError(
            "picture.not_a_picture",
            expected="unsigned bytes, height x width, x 3 or x 4",
            found=f"format {view.format}, shape {'x'.join(map(str, shape))}",
        )
    height, width = shape[:2]
    if width * height == 0:
        raise DecodeError("picture.not_a_picture", expected="at least one pixel", found=f"{width} x {height}")
    _check_size(width, height)
    return Image.frombytes(_PIXEL_MODES[channels], (width, height), view.tobytes())


def _from_file_bytes(data: bytes | memoryview) -> Image.Image:
    """The header read, nothing decoded.

    The plugins are called by name, not through ``Image.open``: that would print or raise Pillow's own warning of large
    pictures, which cannot be silenced for one thread alone, before the size is known here.
    """
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    if len(data) > MOST_BYTES:
        raise DecodeError("picture.too_large", expected=f"at most {MOST_BYTES} bytes", found=f"{len(data)} bytes")
    head = bytes(data[:30])
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return PngImagePlugin.PngImageFile(BytesIO(_pixels_alone(bytes(data))))
        if head.startswith(b"\xff\xd8\xff"):
            jpeg = JpegImagePlugin.jpeg_factory(BytesIO(data))
            _check_size(jpeg.width, jpeg.height)
            _check_jpeg_scans(data, jpeg.width * jpeg.height)
            return jpeg
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            _check_webp_canvas(head)
            return WebPImagePlugin.WebPImageFile(BytesIO(data))
        if is_svg(bytes(data[:512])):
            return drawn(bytes(data))
    except DecodeError:
        raise
    except Exception as fault:
        raise DecodeError("picture.broken", found=type(fault).__name__) from fault
    raise DecodeError(
        "picture.not_a_picture",
        expected="PNG, JPEG or WebP",
        found=f"bytes that start with {head[:4].hex() or 'nothing'}",
    )


def _pixels_alone(data: bytes) -> bytes:
    """A PNG without profiles and texts (PNG 3rd edition, 5.3 and 11.3); one that is broken is left as it is."""
    kept, at = [data[:8]], 8
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in _WORDY:
            kept.append(data[at : at + 12 + length])
        at += 12 + length
    return b"".join((*kept, data[at:]))


def _check_jpeg_scans(data: bytes | memoryview, pixels: int) -> None:
    """Segments are stepped over, since what they hold may look like markers (ITU-T T.81, annex B.1.1)."""
    most = min(_MOST_SCANS, _MOST_SCANNED // max(pixels, 1))
    scans = at = 0
    while marker := _JPEG_MARKER.search(data, at):
        kind = marker[1][0]
        if kind == 0xD9:
            return
        if kind == 0xDA:
            scans += 1
            if scans > most:
                expected = f"at most {most} scans"
                raise DecodeError("picture.too_large", expected=expected, found="more")
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")


def _check_webp_canvas(head: bytes) -> None:
    """libwebp reserves two canvases as soon as it sees the header, so its size is read first (RFC 9649, section 2)."""
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
    elif kind == b"VP8L":
        packed = int.from_bytes(head[21:25], "little")
        width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", head, 26))
    _check_size(width, height, MOST_PIXELS)


def _upright_on(ground: Ground, opened: Image.Image, mode: Literal["L", "RGB"]) -> Image.Image:
    from PIL import Image

    turn = _UPRIGHT.get(_orientation(opened))
    shrink = math.ceil(math.sqrt(opened.width * opened.height / MOST_PIXELS))
    if opened.format in ("JPEG", "MPO") and opened.mode != "CMYK" and (mode == "L" or shrink > 1):
        # Colours are never computed, nor pixels that are left out: a third of the time, a quarter of the memory. Pillow
        # takes the smallest size that is not below the one asked for.
        opened.draft("L" if mode == "L" else None, (opened.width // shrink, opened.height // shrink))
    if opened.mode.startswith("I;16"):
        # Pillow would cut off at 255 instead of scaling.
        image = opened.convert("I").point(lambda value: value * (1 / 257)).convert(mode)
    elif opened.has_transparency_data:
        colours = opened.convert("LA" if mode == "L" and opened.mode in ("LA", "La") else "RGBA")
        image = Image.new(mode, colours.size, ground)
        image.paste(colours.convert(mode), mask=colours.getchannel("A"))
    else:
        image = opened.convert(mode)  # a copy even when the mode is right: the caller's image is never changed
    if image.width * image.height > MOST_PIXELS:
        image = image.reduce(math.ceil(math.sqrt(image.width * image.height / MOST_PIXELS)))
    return image if turn is None else image.transpose(Image.Transpose[turn])


def _orientation(opened: Image.Image) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF data does not make a picture unreadable
        return 1
