"""Forms that a browser sends, read from bodies that are there as a whole.

Promises:

1. Reading costs as much as searching the body a few times, whatever is in it: no byte is looked at on its own. Parsers
   that step through a body take seconds for some megabytes of line breaks, blanks or ``&``, for which nobody has to be
   logged in.
2. A form has a bounded number of fields and files, and heads of parts a bounded size: one that has more, or is no form
   by RFC 7578 or the URL standard, is ``http.bad_request``.
3. Fields are UTF-8; a file is in memory, where its body is already, with the name and media type that its browser gave.
"""

from __future__ import annotations

import binascii
import io
import re
from typing import Final

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile

from .problems import Problem

__all__ = ["read_form"]

#: Of a Content-Type and a Content-Disposition: parameters are read one by one.
_LONGEST_FIELD: Final = 1024
#: RFC 2046, section 5.1.1, has 70.
_LONGEST_BOUNDARY: Final = 70
_LONGEST_HEAD: Final = 4096
#: An escape without its two digits, and what a browser always escapes.
_NO_URL_FORM: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})|[\x00-\x20\x7f]")


def read_form(content_type: str, body: bytes, *, fields: int, files: int) -> FormData:
    """A form; of another media type an empty one.

    Args:
        content_type: of the request.
        fields, files: how many it has at most.

    Raises:
        Problem: ``http.bad_request``.
    """
    if len(content_type) > _LONGEST_FIELD:
        raise Problem("http.bad_request", path="Content-Type", expected=f"at most {_LONGEST_FIELD} characters")
    media_type, options = parse_options_header(content_type)
    if media_type == b"multipart/form-data":
        found = _parts(options.get(b"boundary", b""), body, fields + files)
        if sum(isinstance(value, UploadFile) for _, value in found) > files:
            raise Problem("http.bad_request", expected=f"at most {files} files")
        return FormData(found)
    if media_type != b"application/x-www-form-urlencoded":
        return FormData()
    pieces = body.split(b"&", fields)
    if len(pieces) > fields or not body.isascii() or _NO_URL_FORM.search(body):
        raise Problem("http.bad_request", expected=f"at most {fields} fields, URL-encoded")
    halves = (piece.partition(b"=") for piece in pieces if piece)
    return FormData([(_decoded(name), _decoded(value)) for name, _, value in halves])


def _decoded(text: bytes) -> str:
    # As quoted-printable, which is decoded at once: urllib.parse takes a microsecond for each escaped byte.
    quoted = text.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"=")
    try:
        return binascii.a2b_qp(quoted).decode()
    except UnicodeDecodeError:
        raise Problem("http.bad_request", expected="fields in UTF-8") from None


def _parts(boundary: bytes, body: bytes, most: int) -> list[tuple[str, str | UploadFile]]:
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise Problem("http.bad_request", path="Content-Type", expected="a boundary")
    # Whatever is before the first boundary and behind the last one is nothing; a line break precedes each.
    before, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, most + 2)
    if before or not pieces or len(pieces) > most + 1 or not pieces[-1].startswith(b"--"):
        raise Problem("http.bad_request", expected=f"at most {most} parts, and the boundary that ends them")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> tuple[str, str | UploadFile]:
    end = piece.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
    if not piece.startswith(b"\r\n") or end < 0:
        raise Problem("http.bad_request", expected="a part with a head")
    raw = [line.partition(b":") for line in piece[2:end].split(b"\r\n")]
    headers = Headers(raw=[(name.strip().lower(), value.strip()) for name, _, value in raw])
    disposition = headers.get("content-disposition", "")
    if len(disposition) > _LONGEST_FIELD:
        raise Problem("http.bad_request", expected=f"a Content-Disposition of at most {_LONGEST_FIELD} characters")
    _, options = parse_options_header(disposition)
    content = piece[end + 4 :]
    try:
        name = options[b"name"].decode()
        if b"filename" not in options:
            return name, content.decode()
        filename = options[b"filename"].decode()
    except (KeyError, UnicodeDecodeError):
        raise Problem("http.bad_request", expected="fields with names, in UTF-8") from None
    return name, UploadFile(io.BytesIO(content), size=len(content), filename=filename, headers=headers)
