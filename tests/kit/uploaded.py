"""Files that people upload: scans, photos, and what is no use."""

from __future__ import annotations

import zlib
from io import BytesIO

import pypdfium2
from PIL import Image, ImageDraw

__all__ = [
    "bomb",
    "endless",
    "forest",
    "nested",
    "pdf",
    "photo",
    "picture",
    "scan",
    "scripted",
    "stuck",
]


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 80)) -> bytes:
    """A grey picture."""
    return _saved(Image.new("RGB", size, "grey"), kind)


def pdf(pages: int = 1) -> bytes:
    """A PDF of empty A4 pages."""
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(595, 842)
    out = BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def photo(
    size: tuple[int, int] = (900, 1200), ground: str = "white", frame: str | None = None, kind: str = "JPEG"
) -> bytes:
    """What stands for a person: a head and shoulders that touch the lower edge, in front of a ground."""
    made = Image.new("RGB", size, ground)
    width, height = size
    drawn = ImageDraw.Draw(made)
    drawn.ellipse((width * 0.32, height * 0.15, width * 0.68, height * 0.6), fill=(200, 160, 130))
    drawn.ellipse((width * 0.08, height * 0.62, width * 0.92, height * 1.4), fill=(30, 40, 90))
    if frame is not None:
        drawn.rectangle((0, 0, width - 1, height - 1), outline=frame, width=max(2, width // 50))
    return _saved(made, kind)


def bomb(side: int = 30_000) -> bytes:
    """A PDF of a few kilobytes with a picture of ``side`` times ``side`` pixels of three bytes."""
    packer = zlib.compressobj(9)
    row = bytes(3 * side)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return _with_picture(data, side, "/FlateDecode")


def stuck() -> bytes:
    """A PDF whose one page draws a form that draws itself very often."""
    forms = [
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F %d 0 R >> >> /Length %d >>\n"
        b"stream\n%s\nendstream" % (number + 1, len(_DRAWN), _DRAWN)
        for number in range(5, 18)
    ]
    last = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 11 >>\nstream\n0 0 9 9 re f\nendstream"
    page = b"/F Do"
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /XObject << /F 5 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
            *forms,
            last,
        ]
    )


_DRAWN = b"/F Do " * 12


def scripted() -> bytes:
    """A PDF of an empty page that runs a script when a reader opens it."""
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(7\\)) >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        ]
    )


def nested(mebibytes: int = 1024) -> bytes:
    """A PDF of some kilobytes whose page's drawing is so many mebibytes of blanks, packed twice."""
    data = zlib.compress(_packed(b" " * 2**20, mebibytes), 9)
    return _file(_one_page(data, more=b" /Filter [/FlateDecode /FlateDecode]"))


def endless() -> bytes:
    """A PDF of some kilobytes that paints its page sixteen million times."""
    return _file(_one_page(zlib.compress(_packed(b"0 0 595 842 re f\n" * 2**14, 2**10), 9),
                           more=b" /Filter [/FlateDecode /FlateDecode]"))  # fmt: skip


def forest(levels: int = 6, each: int = 100) -> bytes:
    """A PDF of some kilobytes whose tree of pages names each of its branches a hundred times: 10**12 pages."""
    branches = [
        b"<< /Type /Pages /Parent %d 0 R /Count %d /Kids [%s] >>"
        % (max(2, number - 1), each ** (levels - place), b"%d 0 R " % (number + 1) * each)
        for place, number in enumerate(range(2, 2 + levels))
    ]
    page = b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] >>" % (1 + levels)
    return _file([b"<< /Type /Catalog /Pages 2 0 R >>", *branches, page])


def scan(pages: int) -> bytes:
    """A PDF as a scanner makes it: on each page of A4 one grey JPEG, and nothing else."""
    grey = picture("JPEG", (420, 594))
    drawn = b"q 595 0 0 842 0 0 cm /P Do Q"
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(pages))
    made = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
    ]
    for number in range(pages):
        made += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 3 0 R"
            b" /Resources << /XObject << /P %d 0 R >> >> >>" % (first + 2 * number + 1),
            b"<< /Type /XObject /Subtype /Image /Width 420 /Height 594 /ColorSpace /DeviceRGB /BitsPerComponent 8"
            b" /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream" % (len(grey), grey),
        ]
    return _file(made)


def _packed(block: bytes, times: int) -> bytes:
    """A block so many times, as zlib packs it; packed once, for what is between two full flushes stands alone."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    part, check = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH), 1
    for _ in range(times):
        check = zlib.adler32(block, check)
    # In front the header (RFC 1950), behind an empty last part (RFC 1951) and the checksum.
    return b"\x78\xda" + part * times + b"\x03\x00" + check.to_bytes(4, "big")


def _one_page(drawing: bytes, more: bytes = b"") -> list[bytes]:
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(drawing), more, drawing),
    ]


def _with_picture(data: bytes, side: int, coding: str) -> bytes:
    page = b"q 595 0 0 842 0 0 cm /P Do Q"
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /XObject << /P 5 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
            b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8"
            b" /Filter %s /Length %d >>\nstream\n%s\nendstream" % (side, side, coding.encode(), len(data), data),
        ]
    )


def _file(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _saved(made: Image.Image, kind: str) -> bytes:
    out = BytesIO()
    made.save(out, kind)
    return out.getvalue()
