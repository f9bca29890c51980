"""Diagnostic notation: complete, on one line, and unable to rearrange a reader's screen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.encoding.diagnostic import diagnostic

TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({1: "cn.310000", 7: b"\x01\x02"}, "{1: \"cn.310000\", 7: h'0102'}"),
        ({"1": 1, 1: "1"}, '{"1": 1, 1: "1"}'),
        ([True, 1, False, 0, None], "[true, 1, false, 0, null]"),
        ([], "[]"),
        ({}, "{}"),
        (b"", "h''"),
        (-(2**63), "-9223372036854775808"),
        ({-65537: {2: [1, [2]]}}, "{-65537: {2: [1, [2]]}}"),
        ("张伟 Müller", '"张伟 Müller"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
    ],
)
def test_notation(value: Any, shown: str) -> None:
    """Each kind of value as RFC 8949 section 8 writes it."""
    assert diagnostic(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", '"\\u001b[2J"'),
        ("a\nb\r\t", '"a\\nb\\r\\t"'),
        ("\x7f\x85", '"\\u007f\\u0085"'),
        ("\u202eevil", '"\\u202eevil"'),
        ("\u2066x\u2069\u200b\ufeff", '"\\u2066x\\u2069\\u200b\\ufeff"'),
        ("\u2028\u2029\u00a0\u3000", '"\\u2028\\u2029\\u00a0\\u3000"'),
        ("\U000e0041", '"\\udb40\\udc41"'),
    ],
)
def test_what_would_not_be_seen_is_escaped(text: str, shown: str) -> None:
    """Control, format, separator and tag characters are shown as escapes."""
    assert diagnostic(text) == shown


@given(TEXTS)
def test_nothing_is_lost_and_all_is_printable(value: Any) -> None:
    """Without byte strings and integer keys the notation is JSON: it reads back to the same value, on one line."""
    shown = diagnostic(value)
    assert shown.isprintable()
    assert json.loads(shown) == value
