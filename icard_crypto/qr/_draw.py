"""Drawing: a text becomes a QR symbol as PNG or SVG.

Promises:

1. Only texts of the 45 characters of the alphanumeric mode are drawn (``qr.character`` names the first other one).
2. The smallest version that holds the text at level M; where none does, level L with a ``warning``; level and version
   can be asked for, and are then exact.
3. A symbol is read back, from the very PNG that is handed out, before anyone gets it.
4. PNG and SVG show the same modules. The quiet zone is 4 modules or more, unless a narrow one is asked for by name.

zxing-cpp computes the symbol, Pillow packs one bit a pixel, and qrcode writes zxing-cpp's modules as SVG, for
terminals and for print (:mod:`._writers`); docs/decisions/0004-qr-parts.md has the measurements.
"""

from __future__ import annotations

import functools
import json
from bisect import bisect_left
from dataclasses import dataclass, field
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from icard_crypto.encoding.base45 import ALPHABET
from icard_crypto.errors import EncodeError, MissingPart
from icard_crypto.pictures.pictures import MOST_PIXELS, Picture, open_picture

from . import _writers
from ._readers import contents, scan_zxing, zxing

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Drawing", "Level", "draw", "draw_png", "draw_styled", "draw_svg"]

Level: TypeAlias = Literal["L", "M", "Q", "H"]

# ISO/IEC 18004:2015, 5.3.8: a quiet zone of four modules on all sides.
QUIET_ZONE: Final = 4
_CHARACTERS: Final = frozenset(ALPHABET)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A QR symbol that has been read back.

    Attributes:
        text: what it says.
        version: 1 to 40.
        level: error correction L, M, Q or H.
        modules: modules on a side, without the quiet zone: ``17 + 4 * version``.
        border: modules of quiet zone on each side.
        module_size: pixels of a module in the PNG.
        warning: an error object that was *not* raised (``qr.low_correction``: level L was the only one that holds the
            text), with its words in two languages; else None.
    """

    text: str = field(repr=False)
    version: int
    level: Level
    modules: int
    border: int
    module_size: int
    warning: EncodeError | None
    _png: bytes = field(repr=False)
    _grey: bytes = field(repr=False)

    def png(self) -> bytes:
        """The picture as PNG, one bit a pixel."""
        return self._png

    def svg(self, *, dark: str = "#000", light: str = "#fff", title: str | None = None) -> str:
        """The picture as SVG, one user unit a module, without size: it fills what it is put into.

        Args:
            dark, light: CSS colours; the caller makes sure that dark is dark and light is light.
            title: an accessible name, escaped.

        Raises:
            MissingPart: ``qr.extra_missing`` without qrcode.
        """
        return _writers.svg(self._rows(), self.border, dark=dark, light=light, title=title)

    def terminal(self) -> str:
        """The picture in half blocks, two rows of modules a line, dark modules as blocks.

        Raises:
            MissingPart: ``qr.extra_missing`` without qrcode.
        """
        return _writers.terminal(self._rows(), self.border)

    def _rows(self) -> _writers.Modules:
        side = self.modules
        return [[not grey for grey in self._grey[row * side : (row + 1) * side]] for row in range(side)]


def draw_styled(text: str, *, mark: Picture | None = None, module_size: int = 12, border: int = QUIET_ZONE) -> bytes:
    """A text drawn for print as PNG: rounded modules and, with a mark in the middle, at level H.

    Both readers have read it before it is handed out. Without a mark the level is that of :func:`draw`.

    Args:
        mark: a picture of whatever form :func:`icard_crypto.qr.read` takes; it covers a twenty-fifth of the symbol.
        module_size: pixels a module, 4 to 20.

    Raises:
        EncodeError: those of :func:`draw`; ``qr.not_readable`` also where one of the readers fails.
        DecodeError: ``picture.*``: the mark cannot be read.
        MissingPart: ``qr.extra_missing``: a writer or a reader is not installed.
        ValueError: an argument out of its range.
    """
    if not 4 <= module_size <= 20:
        raise ValueError("module_size is 4 to 20 pixels for a styled code")
    drawing = draw(text, level=None if mark is None else "H", module_size=module_size, border=border)
    picture = None if mark is None else open_picture(mark, "RGB")
    return _writers.styled_png(
        drawing._rows(), border, text, level=drawing.level, module_size=module_size, mark=picture
    )


def draw(
    text: str,
    *,
    level: Level | None = None,
    version: int | None = None,
    module_size: int = 8,
    border: int = QUIET_ZONE,
    narrow_border: bool = False,
) -> Drawing:
    """Draw a text.

    Args:
        text: characters of the alphanumeric mode only, at most 4,296.
        level: None for M, or L with a warning where M holds no such text.
        version: None for the smallest.
        module_size: pixels a module, 1 to 20. For print at 300 dots an inch, 8 make modules of 0.68 mm.
        border: modules of quiet zone; below 4 only with ``narrow_border``.

    Raises:
        EncodeError: ``qr.empty``, ``qr.character``, ``qr.too_large`` (says what fits), ``qr.not_readable`` (the picture
            does not read back as the text).
        MissingPart: ``qr.extra_missing``.
        ValueError: an argument out of its range.
    """
    _check_text(text)
    chosen, fitting = _fit(len(text), level, version)
    modules = 17 + 4 * fitting
    if not 1 <= module_size <= 20:
        raise ValueError("module_size is 1 to 20 pixels")
    if border < (0 if narrow_border else QUIET_ZONE):
        raise ValueError("the quiet zone is 4 modules; pass narrow_border=True for less")
    if ((modules + 2 * border) * module_size) ** 2 > MOST_PIXELS:
        raise ValueError(f"the picture would have more than {MOST_PIXELS} pixels")
    module = zxing()
    barcode = module.create_barcode(text, module.BarcodeFormat.QRCode, ec_level=chosen, version=fitting)
    grey = bytes(memoryview(barcode.to_image(scale=1, add_quiet_zones=False)))
    png = _png(grey, modules, module_size, border)
    _read_back(png, text)
    warning = None
    if level is None and chosen == "L":
        warning = EncodeError(
            "qr.low_correction", expected=f"at most {_capacities()['M'][-1]} characters", found=f"{len(text)}"
        )
    return Drawing(text, fitting, chosen, modules, border, module_size, warning, png, grey)


def draw_png(
    text: str, *, level: Level | None = None, version: int | None = None, module_size: int = 8, border: int = QUIET_ZONE
) -> bytes:
    """:func:`draw`, the PNG alone."""
    return draw(text, level=level, version=version, module_size=module_size, border=border).png()


def draw_svg(
    text: str,
    *,
    level: Level | None = None,
    version: int | None = None,
    border: int = QUIET_ZONE,
    title: str | None = None,
) -> str:
    """:func:`draw`, the SVG alone."""
    return draw(text, level=level, version=version, border=border).svg(title=title)


@functools.cache
def _capacities() -> dict[Level, list[int]]:
    table = json.loads((resources.files("icard_crypto.qr") / "capacity.json").read_text("utf-8"))
    characters: dict[Level, list[int]] = table["characters"]
    return characters


def _check_text(text: str) -> None:
    if not text:
        raise EncodeError("qr.empty")
    if not _CHARACTERS.issuperset(text):
        at = next(at for at, character in enumerate(text) if character not in _CHARACTERS)
        raise EncodeError("qr.character", offset=at, found=f"U+{ord(text[at]):04X}")


def _fit(length: int, level: Level | None, version: int | None) -> tuple[Level, int]:
    """The level and version for a text, or ``qr.too_large`` with the largest text that the wish allows."""
    table = _capacities()
    if level is not None and level not in table:
        raise ValueError("level is L, M, Q or H")
    if version is not None and not 1 <= version <= 40:
        raise ValueError("version is 1 to 40")
    wishes: tuple[Level, ...] = ("M", "L") if level is None else (level,)
    for wish in wishes:
        if version is not None:
            if length <= table[wish][version - 1]:
                return wish, version
        elif length <= table[wish][-1]:
            return wish, 1 + bisect_left(table[wish], length)
    last = version or 40
    fits = ", ".join(f"{table[wish][last - 1]} at {last}-{wish}" for wish in wishes)
    raise EncodeError("qr.too_large", expected=f"at most {fits} (characters)", found=f"{length}")


def _png(grey: bytes, modules: int, module_size: int, border: int) -> bytes:
    try:
        from PIL import Image
    except ImportError as absent:
        raise MissingPart("qr.extra_missing", found="no pillow") from absent
    symbol = Image.frombytes("L", (modules, modules), grey)
    side = modules + 2 * border
    image = Image.new("L", (side, side), 255)
    image.paste(symbol, (border, border))
    pixels = (side * module_size, side * module_size)
    bits = image.convert("1", dither=Image.Dither.NONE).resize(pixels, Image.Resampling.NEAREST)
    out = BytesIO()
    bits.save(out, "PNG")
    return out.getvalue()


def _read_back(png: bytes, text: str) -> None:
    from PIL import Image

    image: Image.Image = Image.open(BytesIO(png), formats=("PNG",)).convert("L")
    read = contents(scan_zxing(image))
    if read != [text]:
        # A module of one or two pixels is meant for a printer that enlarges; readers want more.
        image = image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)
        read = contents(scan_zxing(image))
    if read != [text]:
        raise EncodeError("qr.not_readable", expected="the text drawn", found=f"{len(read)} codes")
