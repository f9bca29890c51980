"""JSON that means one thing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.encoding import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_python_writes_is_read_as_python_reads_it(value: object) -> None:
    """Text or bytes, the value is the same."""
    text = json.dumps(value)
    assert strict_json.loads(text) == strict_json.loads(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '[{"b": 0, "a": {"a": 1, "b": 2, "a": 3}}]', '{"\\u0061": 1, "a": 2}']
)
def test_a_member_that_stands_twice_is_named(text: str) -> None:
    """At any depth, and however it is escaped."""
    with pytest.raises(strict_json.DuplicateMember) as caught:
        strict_json.loads(text)
    assert caught.value.name == "a"


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "{", "", "[" * 100_000, b"\xff\xfe\xff"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    """Numbers that JSON does not have, a broken text, one that is nested too deeply, bytes of no text."""
    with pytest.raises(ValueError, match=r"."):
        strict_json.loads(text)
