"""Load what reads pictures and PDFs, before a process gives up opening files."""

from __future__ import annotations

import contextlib
import importlib
from io import BytesIO

__all__ = ["load_decoders"]

_ORIENTATION = 0x0112


def load_decoders() -> list[bytes]:
    """Import what libraries import only when they meet a picture that needs it.

    Returns:
        Small pictures of each kind, for whoever has more to load by them; none where Pillow is not installed.
    """
    made = []
    with contextlib.suppress(ImportError):
        from PIL import Image

        for plugin in ("Jpeg", "Mpo", "Png", "Tiff", "WebP"):
            importlib.import_module(f"PIL.{plugin}ImagePlugin")
        exif = Image.Exif()
        exif[_ORIENTATION] = 6
        for form in ("PNG", "JPEG", "WEBP"):
            out = BytesIO()
            Image.new("RGBA" if form == "PNG" else "RGB", (32, 32)).save(out, form, exif=exif)
            made.append(out.getvalue())
    with contextlib.suppress(ImportError):
        import pypdfium2

        document = pypdfium2.PdfDocument.new()
        for grey in (True, False):
            document.new_page(32, 32).render(scale=1, grayscale=grey, may_draw_forms=True).to_pil()
        document.close()
    return made
