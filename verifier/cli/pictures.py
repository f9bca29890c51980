"""The codes in a picture or in the pages of a PDF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from icard_crypto.pictures.pdf import pages

from .inputs import Kind

if TYPE_CHECKING:
    from icard_crypto.pictures.pictures import Picture

__all__ = ["codes_in"]


def codes_in(kind: Kind, content: bytes) -> Iterator[str | bytes]:
    """All codes, in reading order, page by page; of equal ones in one PDF the first.

    Raises:
        DecodeError: ``picture.*``; ``picture.no_code`` where no page has one.
        MissingPart: a reader is not installed.
    """
    shown: list[str | bytes] = []
    fault = DecodeError("picture.no_code", expected="a QR code", found="none")
    pictures: Iterator[Picture] = pages(content) if kind == "pdf" else iter([content])
    for picture in pictures:
        try:
            codes = qr.read(picture)
        except DecodeError as error:
            if error.code != "picture.late":
                raise
            # One page that is hard to look at must not hide the codes of the others.
            fault, codes = error, []
        for code in codes:
            if code.content not in shown:
                shown.append(code.content)
                yield code.content
    if not shown:
        raise fault
