"""A computed symbol written for pages, terminals and print, by qrcode's writers.

Promises:

1. The modules are zxing-cpp's: nothing is computed a second time, and every form shows the same symbol.
2. SVG: one user unit a module, without a size, so that it fills what it is put into; a title is escaped.
3. What is styled for print (rounded modules, a mark in the middle) is handed out only after both readers have read
   it as the text that it was drawn from.
"""

from __future__ import annotations

import importlib
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from icard_crypto.errors import EncodeError, MissingPart

from ._readers import contents, scan_zbar, scan_zxing

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Modules", "styled_png", "svg", "terminal"]

#: Rows of modules, True for a dark one, without the quiet zone.
Modules = list[list[bool]]

_SVG: Final = "http://www.w3.org/2000/svg"
#: Of the symbol's side: an eighth of the area that level H can lose is left for wear.
_MARK_SHARE: Final = 0.2


def _symbol(modules: Modules, border: int, level: str, box_size: int = 1) -> Any:
    """qrcode's symbol with modules that it did not compute."""
    try:
        qrcode = importlib.import_module("qrcode")
    except ImportError as absent:
        raise MissingPart("qr.extra_missing", found="no qrcode") from absent
    correction = getattr(qrcode.constants, f"ERROR_CORRECT_{level}")
    symbol = qrcode.QRCode((len(modules) - 17) // 4, error_correction=correction, border=border, box_size=box_size)
    symbol.modules_count, symbol.modules = len(modules), modules
    # Where there is no data yet, qrcode computes the symbol itself.
    symbol.data_cache = []
    return symbol


def svg(modules: Modules, border: int, *, dark: str, light: str, title: str | None) -> str:
    """The symbol as SVG (promise 2).

    Raises:
        MissingPart: ``qr.extra_missing`` without qrcode.
    """
    root = _symbol(modules, border, "M", box_size=10).make_image(_runs(), dark=dark, light=light, title=title)
    return str(root.to_string(encoding="unicode"))


def _runs() -> Any:
    """An image of qrcode's that draws each run of dark modules as one stroke: a tenth of one path a module."""
    base: Any = importlib.import_module("qrcode.image.svg").SvgPathImage

    class Runs(base):  # type: ignore[misc]  # its base is known when it is imported, which costs time
        needs_drawrect = False

        def new_image(self, dark: str, light: str, title: str | None, **_: Any) -> ElementTree.Element:
            self.dark = dark
            side = self.width + 2 * self.border
            root = ElementTree.Element("svg", xmlns=_SVG, viewBox=f"0 0 {side} {side}")
            root.set("class", "qr")
            if title is not None:
                ElementTree.SubElement(root, "title").text = title
            ElementTree.SubElement(root, "path", fill=light, d=f"M0 0h{side}v{side}h-{side}z")
            return root

        def process(self) -> None:
            strokes = []
            for y, row in enumerate(self.modules):
                x = 0
                while x < len(row):
                    end = x
                    while end < len(row) and row[end]:
                        end += 1
                    if end > x:
                        strokes.append(f"M{x + self.border} {y + self.border}.5h{end - x}")
                    x = end + 1
            ElementTree.SubElement(self._img, "path", stroke=self.dark, d="".join(strokes))

    return Runs


def terminal(modules: Modules, border: int) -> str:
    """The symbol in half blocks, two rows of modules a line: dark modules as blocks.

    Raises:
        MissingPart: ``qr.extra_missing`` without qrcode.
    """
    out = StringIO()
    _symbol(modules, border, "M").print_ascii(out)
    # qrcode writes light modules as spaces that do not break.
    return out.getvalue().replace("\xa0", " ").rstrip("\n")


def styled_png(
    modules: Modules, border: int, text: str, *, level: str, module_size: int, mark: Image.Image | None
) -> bytes:
    """The symbol for print (promise 3): rounded modules and, at level H, a mark in the middle.

    Raises:
        EncodeError: ``qr.not_readable``: a reader does not read it as the text.
        MissingPart: ``qr.extra_missing``: qrcode or one of the two readers is not installed.
    """
    symbol = _symbol(modules, border, level, box_size=module_size)
    factory = importlib.import_module("qrcode.image.styledpil").StyledPilImage
    drawers = importlib.import_module("qrcode.image.styles.moduledrawers")
    embedded = {} if mark is None else {"embedded_image": mark.convert("RGBA"), "embedded_image_ratio": _MARK_SHARE}
    image = symbol.make_image(factory, module_drawer=drawers.RoundedModuleDrawer(radius_ratio=0.8), **embedded)
    out = BytesIO()
    image.get_image().convert("RGB").quantize(64).save(out, "PNG", optimize=True)
    _read_by_both(out.getvalue(), text)
    return out.getvalue()


def _read_by_both(png: bytes, text: str) -> None:
    from PIL import Image

    grey = Image.open(BytesIO(png), formats=("PNG",)).convert("L")
    try:
        importlib.import_module("pyzbar.pyzbar")
    except Exception as absent:
        raise MissingPart("qr.extra_missing", found="no zbar, the second reader") from absent
    for name, scan in (("zxing-cpp", scan_zxing), ("zbar", scan_zbar)):
        read = contents(scan(grey))
        if read != [text]:
            raise EncodeError("qr.not_readable", expected="the text drawn", found=f"{len(read)} codes by {name}")
