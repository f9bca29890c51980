"""The two readers, each behind one function, and what is installed of them.

Promises:

1. A missing part is reported as :class:`Reader` or :class:`~icard_crypto.errors.MissingPart`, never as an ImportError.
2. QR codes only; Micro QR and rMQR are not read.
3. Content is text when it is UTF-8 without control characters (but TAB, CR, LF), else it is the bytes as encoded.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from icard_crypto.errors import MissingPart

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Found", "Reader", "ReaderName", "contents", "readers", "scan_zbar", "scan_zxing", "zxing"]

ReaderName: TypeAlias = Literal["zxing-cpp", "zbar"]
Corners: TypeAlias = tuple[tuple[int, int], ...]

#: All but TAB, LF, CR.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader and, where it cannot be used, why not and what to do about it (in one line)."""

    name: ReaderName
    available: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader saw: ``content`` is None where a symbol was located but could not be read."""

    content: str | bytes | None
    corners: Corners


def readers() -> list[Reader]:
    """What is installed, the one that is asked first in front."""
    extra = MissingPart("qr.extra_missing").hint()
    return [
        _status("zxing-cpp", "zxingcpp", extra),
        _status("zbar", "pyzbar.pyzbar", f"{extra} And the system's library: apt-get install libzbar0"),
    ]


def _status(name: ReaderName, module: str, remedy: str) -> Reader:
    try:
        importlib.import_module(module)
    except Exception as absent:  # pyzbar: ImportError without its library, OSError or AttributeError with a wrong one
        return Reader(name, False, f"{type(absent).__name__}: {absent} ({remedy})".replace("\n", " "))
    return Reader(name, True, None)


def zxing() -> Any:  # the extension has no types
    """The module zxingcpp. Raises MissingPart ``qr.extra_missing``."""
    try:
        return importlib.import_module("zxingcpp")
    except ImportError as absent:
        raise MissingPart("qr.extra_missing", found="no zxing-cpp") from absent


def contents(found: list[Found]) -> list[str | bytes]:
    """What was read. About one drawing in ten thousand has a pattern in it that looks like another code and is none."""
    return [one.content for one in found if one.content is not None]


def scan_zxing(image: Image.Image) -> list[Found]:
    """All QR codes in a grey image, and those that were located but not read."""
    module = zxing()
    barcodes = module.read_barcodes(
        image, formats=module.BarcodeFormat.QRCode, return_errors=True, text_mode=module.TextMode.Plain
    )
    found = []
    for barcode in barcodes:
        place = barcode.position
        corners = tuple(
            (corner.x, corner.y) for corner in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        )
        found.append(Found(_content(barcode.bytes) if barcode.valid else None, corners))
    return found


def scan_zbar(image: Image.Image) -> list[Found]:
    """QR codes in a grey image as zbar reads them; nothing where zbar is not installed.

    Only ASCII is taken from it: zbar guesses the encoding of everything else and rewrites it, and the bytes of a binary
    card would come back changed.
    """
    try:
        pyzbar = importlib.import_module("pyzbar.pyzbar")
    except Exception:  # what readers() reports; reading goes on with what there is
        return []
    found = []
    try:
        symbols = pyzbar.decode(image, symbols=[pyzbar.ZBarSymbol.QRCODE])
    except Exception:  # pyzbar raises on what zbar says about a symbol, such as an orientation that it does not know
        return []
    for symbol in symbols:
        if symbol.data.isascii():
            found.append(Found(_content(symbol.data), tuple((point.x, point.y) for point in symbol.polygon)))
    return found


def _content(raw: bytes) -> str | bytes:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    # Control characters mark binary content: a COSE message begins with what happens to be valid UTF-8.
    return raw if _CONTROLS.search(text) else text
