"""The pages of a PDF as pictures.

Promises:

1. At most :data:`MOST_PAGES` pages, one in memory at a time, none with more than :data:`MOST_PIXELS` pixels.
2. Forms are drawn: what is in a field is on the page too. What is in front of the PDF's own beginning is left
   out (ISO 32000-1, annex H.3.3.1: readers look for it in the first 1,024 bytes).
3. Whatever the file holds, the answer is pictures or a :class:`DecodeError` ``picture.*``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from icard_crypto.errors import DecodeError, MissingPart

from .pictures import MOST_BYTES, MOST_PIXELS

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MOST_PAGES", "is_pdf", "page", "page_count", "pages"]

MOST_PAGES: Final = 50
_MARK: Final = b"%PDF-"
_PREFIX: Final = 1024
#: Dots an inch: a module of 0.4 mm, the smallest that is printed, becomes three pixels.
RESOLUTION: Final = 200
#: Points an inch (ISO 32000-1, 8.3.2.3).
_POINTS: Final = 72


def is_pdf(data: bytes) -> bool:
    """Whether a file's content is a PDF."""
    return _MARK in data[:_PREFIX]


def pages(data: bytes) -> Iterator[Image.Image]:
    """The pages, in order, rendered in grey.

    Raises:
        DecodeError: ``picture.broken``, ``picture.too_large``.
        MissingPart: ``cli.extra_missing``.
    """
    with _opened(data) as document:
        for number in range(len(document)):
            yield _drawn(document, number, RESOLUTION, grey=True)


def page_count(data: bytes) -> int:
    """How many pages there are.

    Raises:
        DecodeError, MissingPart: as :func:`pages`.
    """
    with _opened(data) as document:
        return len(document)


def page(data: bytes, number: int, resolution: int) -> Image.Image:
    """One page in colour.

    Args:
        number: from 0.
        resolution: dots an inch; fewer where the page would have more than :data:`MOST_PIXELS` pixels.

    Raises:
        IndexError: there is no such page.
        DecodeError, MissingPart: as :func:`pages`.
    """
    with _opened(data) as document:
        if not 0 <= number < len(document):
            raise IndexError(number)
        return _drawn(document, number, resolution, grey=False)


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    try:
        import pypdfium2
    except ImportError as absent:
        raise MissingPart("cli.extra_missing", found="no pypdfium2") from absent
    if len(data) > MOST_BYTES:
        raise DecodeError("picture.too_large", expected=f"at most {MOST_BYTES} bytes", found="more")
    try:
        document = pypdfium2.PdfDocument(data[max(data.find(_MARK, 0, _PREFIX), 0) :])
        with contextlib.suppress(pypdfium2.PdfiumError):
            document.init_forms()
    except pypdfium2.PdfiumError as fault:
        locked = "password" in str(fault).lower()
        found = "a PDF that asks for a password" if locked else "a damaged PDF"
        raise DecodeError("picture.broken", found=found) from None
    with document:
        if len(document) > MOST_PAGES:
            raise DecodeError("picture.too_large", expected=f"at most {MOST_PAGES} pages", found=f"{len(document)}")
        yield document


def _drawn(document: Any, number: int, resolution: int, *, grey: bool) -> Image.Image:
    import pypdfium2

    try:
        page = document[number]
        width, height = page.get_size()
        most = (MOST_PIXELS / (max(width, 1) * max(height, 1))) ** 0.5
        # A hair below the cap, for width and height are rounded up.
        scale = min(resolution / _POINTS, most * 0.999)
        picture: Image.Image = page.render(scale=scale, grayscale=grey, may_draw_forms=True).to_pil()
    except (pypdfium2.PdfiumError, ValueError, MemoryError) as fault:
        raise DecodeError("picture.broken", found=f"page {number + 1}: {type(fault).__name__}") from None
    return picture
