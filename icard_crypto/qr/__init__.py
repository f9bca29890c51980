"""QR codes: draw cards, and read them from pictures. The public interface of the package.

::

    from icard_crypto import qr

    drawing = qr.draw("IC1:ABC")  # 21 x 21 modules, level M
    drawing.png()  # bytes
    [code] = qr.read(drawing.png())
    code.content  # "IC1:ABC"

Importing this costs nothing: Pillow, zxing-cpp, qrcode and pyzbar (extra ``qr``) are imported by the first call that
needs them; without them that call raises :class:`~icard_crypto.errors.MissingPart`.
"""

from ._draw import Drawing, Level, draw, draw_png, draw_styled, draw_svg
from ._read import Code, read
from ._readers import Reader, readers

__all__ = ["Code", "Drawing", "Level", "Reader", "draw", "draw_png", "draw_styled", "draw_svg", "read", "readers"]
