"""``python -m issuer.documents.drawing_child``: looks at one file from an untrusted source, and ends.

Promises:

1. Before a byte of the file is decoded, the process gives up: more memory than :data:`MEMORY`, more processor time than
   :data:`SECONDS`, and what else :func:`icard_crypto.platform_parts.confine` says.
2. The input is a line of JSON and the file; the output a line of JSON and, for a page or a photo, a JPEG that was made
   again, or the texts of the codes in it: no metadata of the file survives.
"""

from __future__ import annotations

import json
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from icard_crypto import qr
from icard_crypto.errors import DecodeError
from icard_crypto.limits import MIB
from icard_crypto.pictures import pdf
from icard_crypto.pictures.pictures import open_picture
from icard_crypto.pictures.preload import load_decoders
from icard_crypto.platform_parts import confine

from . import photos

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MEMORY", "SECONDS", "answered", "main"]

#: Bytes of address space.
MEMORY: Final = 768 * MIB
#: Of processor time.
SECONDS: Final = 10
#: Dots an inch of a page, and pixels of a picture's longer side: an A4 page on a screen, legible when enlarged.
_RESOLUTION: Final = 150
_LONGEST_SIDE: Final = 2000
_QUALITY: Final = 85


def main() -> None:
    """Answer the one request."""
    head, _, data = sys.stdin.buffer.read().partition(b"\n")
    request = json.loads(head)
    known = load_decoders()
    if request["do"] == "read":
        for picture in known:
            qr.read(picture)
    confine(MEMORY, seconds=SECONDS)
    sys.stdout.buffer.write(answered(request, data))


def answered(request: dict[str, Any], data: bytes) -> bytes:
    """The answer to a request."""
    try:
        found, rest = _DO[request["do"]](request, data)
    except DecodeError as fault:
        many = fault.code == "picture.too_large" and "pages" in (fault.expected or "")
        code = "upload.pages" if many else "upload.broken"
        found, rest = {"error": code, "expected": fault.expected or "", "found": fault.found or ""}, b""
    except IndexError:
        found, rest = {"error": "upload.no_page", "expected": "a page of the file", "found": ""}, b""
    except MemoryError:
        found, rest = {"error": "upload.costly", "expected": f"at most {MEMORY // MIB} MiB", "found": ""}, b""
    return json.dumps(found).encode() + b"\n" + rest


def _look(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    if request["type"] == "application/pdf":
        # The first page is drawn too: a file none of whose pages can be drawn is no use to an officer.
        pages = pdf.page_count(data)
        pdf.page(data, 0, _RESOLUTION)
        return {"pages": pages}, b""
    open_picture(data, "RGB")
    return {"pages": 1}, b""


def _page(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    number = int(request["number"])
    if request["type"] == "application/pdf":
        picture = pdf.page(data, number - 1, _RESOLUTION)
    elif number != 1:
        raise IndexError(number)
    else:
        picture = open_picture(data, "RGB")
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    return {}, _jpeg(picture)


def _photo(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    if request["type"] == "application/pdf":
        raise DecodeError("picture.not_a_picture", expected="PNG or JPEG", found="a PDF")
    return photos.measured(open_picture(data, "RGB"), request["rule"])


def _read(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """The texts of the QR codes in a picture."""
    try:
        return {"texts": [code.content for code in qr.read(data, deadline=SECONDS / 4)]}, b""
    except DecodeError as fault:
        if fault.code == "picture.late":
            return {"texts": []}, b""
        raise


def _jpeg(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


_DO: Final = {"look": _look, "page": _page, "photo": _photo, "read": _read}


if __name__ == "__main__":
    main()
