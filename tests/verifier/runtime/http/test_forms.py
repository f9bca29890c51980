"""Forms: what is read, what is refused, and what reading costs."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import UploadFile

from verifier.runtime import http

CHECKOUT = Path(__file__).parents[4]
URL = "application/x-www-form-urlencoded"
MULTI = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\nContent-Type: image/png\r\n\r\n'
END = b"\r\n--b--\r\n"
SIZE = 1 << 20


def form(content_type: str, body: bytes) -> list[tuple[str, Any]]:
    """Its fields, a file as its name, type and content."""
    read = http.read_form(content_type, body, fields=5, files=2)
    return [
        (name, (value.filename, value.content_type, value.file.read()) if isinstance(value, UploadFile) else value)
        for name, value in read.multi_items()
    ]


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_what_a_client_sends_is_what_is_read(fields: list[tuple[str, str]]) -> None:
    """By either type, whatever the fields say."""
    fields = [(name.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode())
              for name, value in fields]  # fmt: skip
    assert form(URL, urlencode(fields).encode()) == fields


@given(st.binary(), st.binary())
def test_files_are_read_byte_by_byte(one: bytes, other: bytes) -> None:
    """As a library sends them, with the name and type that they have there."""
    files = [("x", ("a.png", one, "image/png")), ("y", ('b;".pdf', other, "application/pdf"))]
    sent = httpx.Request("POST", "http://localhost/", data={"k": "värde"}, files=files)
    read = form(sent.headers["Content-Type"], sent.read())
    assert [(name, value[1:]) for name, value in read if name != "k"] == [
        ("x", ("image/png", one)), ("y", ("application/pdf", other))
    ]  # fmt: skip
    assert ("k", "värde") in read


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URL, b"a=1&b=2&c=3&d=4&e=5&f=6"),
        (URL, "a=é".encode()),
        (URL, b"a=%FF"),
        (URL, b"a=%4"),
        (URL, b"a=%zz"),
        (URL, b"a=1\n"),
        (MULTI, b""),
        (MULTI, PART + b"1"),
        (MULTI, b"x\r\n" + PART + b"1" + END),
        (MULTI, PART + b"\xff" + END),
        (MULTI, (PART + b"1\r\n") * 8 + b"--b--\r\n"),
        (MULTI, (FILE + b"1\r\n") * 3 + b"--b--\r\n"),
        (MULTI, b"--b\r\n\r\n1" + END),
        (MULTI, b"--b\r\nContent-Type: text/plain\r\n\r\n1" + END),
        (MULTI, b"--b\r\nX: " + b"y" * 5000 + b"\r\n\r\n1" + END),
        ("multipart/form-data", PART + b"1" + END),
        (MULTI + ";" * 30_000, PART + b"1" + END),
        (MULTI, b"--b\r\nContent-Disposition: form-data; name=a" + b";" * 2000 + b"\r\n\r\n1" + END),
        (f"multipart/form-data; boundary={'b' * 71}", PART + b"1" + END),
    ],
)
def test_what_is_no_form_is_refused_by_name(content_type: str, body: bytes) -> None:
    """Too many fields or files, no names, no text, no end: one code."""
    with pytest.raises(http.Problem) as refused:
        form(content_type, body)
    assert refused.value.code == "http.bad_request"


def test_another_type_is_an_empty_form() -> None:
    """What the edge lets through for other addresses is no field."""
    assert form("text/plain", b"a=1") == form("", b"") == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URL, b"&" * SIZE),
        (URL, b"=" * SIZE),
        (URL, b"%" * SIZE),
        (URL, b"a=" + b"%41b" * (SIZE // 4)),
        (MULTI, FILE + b"\r\n--bX" * (SIZE // 6) + END),
        (MULTI, FILE + b"\r\n--b-X" * (SIZE // 7) + END),
        (MULTI, FILE + b"\r\n" * (SIZE // 2) + END),
        (MULTI, PART + b"x\r\n--b" + b" " * SIZE + b"--\r\n"),
        (MULTI, b"\r\n" * (SIZE // 2) + PART + b"x" + END),
        (MULTI, PART + b"x" + END + b"\r\n" * (SIZE // 2)),
        (f"multipart/form-data; boundary={'-' * 70}", b"-" * SIZE),
    ],
)
def test_reading_looks_at_no_byte_on_its_own(content_type: str, body: bytes) -> None:
    """Of a megabyte a few hundred lines are executed, read or refused: a parser that steps through it takes millions,
    for a body that any stranger may send."""
    lines = 0

    def count(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        assert lines < 2000
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        with contextlib.suppress(http.Problem):
            http.read_form(content_type, body, fields=5, files=2)
    finally:
        sys.settrace(before)


def test_no_form_is_read_in_another_way() -> None:
    """Both services read forms here: Starlette's own parser is called nowhere."""
    folders = [CHECKOUT / "verifier", CHECKOUT / "issuer"]
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(sources) > 300
    assert [path.name for path in sources if "request.form(" in path.read_text("utf-8")] == []
