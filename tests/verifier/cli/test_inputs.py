"""Files as people have them: PDFs with forms and with something in front, texts of other editors."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from icard_crypto import qr
from tests.kit import pictures
from verifier.cli.inputs import Source, kind_of, read_source
from verifier.service.picture_contents import Way, contents

TEXT = pictures.card_text(417)
FORM = Path(__file__).parents[2] / "kit" / "form-field.pdf"


def _pdf() -> bytes:
    out = BytesIO()
    Image.open(BytesIO(qr.draw_png(TEXT))).convert("L").save(out, "PDF")
    return out.getvalue()


@pytest.mark.parametrize("before", [b"", b"\r\n", b"x" * 1000], ids=["nothing", "line break", "a kilobyte"])
def test_what_stands_before_a_pdf_is_left_out(before: bytes) -> None:
    """Mail gateways and scanners put lines in front; other readers look for the beginning too."""
    data = before + _pdf()
    assert kind_of(data) == "pdf"
    assert contents(data, Way.COMMAND) == ([TEXT], None)


def test_a_code_in_the_field_of_a_form_is_read() -> None:
    """What stands in a field is drawn by forms alone."""
    (code,) = contents(FORM.read_bytes(), Way.COMMAND).codes
    assert str(code).startswith("IC1:")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_is_read_by_its_mark(tmp_path: Path, encoding: str) -> None:
    """PowerShell writes UTF-16, older editors a mark in front of UTF-8."""
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    path = tmp_path / "code.txt"
    path.write_bytes(marks.get(encoding, b"") + TEXT.encode(encoding))
    assert read_source(Source("code.txt", path)) == ("code", TEXT.encode())
