"""Single bytes of a zlib stream, against the whole of it."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import DecodeError
from icard_crypto.lists.pieces import APART, Pieces

_CHANCE = random.Random(1)
_VARIED = _CHANCE.randbytes(2 * APART + 17)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x07", id="one byte"),
        pytest.param(bytes(3 * APART), id="zeros that fill whole pieces"),
        pytest.param(_VARIED, id="what cannot be deflated"),
        pytest.param(_VARIED[:1000] * 2000, id="copies from before a waypoint"),
    ],
)
def test_every_byte_is_that_of_the_whole(content: bytes) -> None:
    """At both sides of every waypoint, at the ends, and anywhere."""
    pieces = Pieces(zlib.compress(content, 6), len(content))
    edges = {place + step for place in range(0, len(content), APART) for step in (-1, 0, 1)} | {len(content) - 1}
    places = [at for at in sorted(edges) if 0 <= at < len(content)] + _CHANCE.choices(range(len(content)), k=30)
    assert [pieces.byte(at) for at in places] == [content[at] for at in places]


@given(st.binary(max_size=200), st.integers(-2, 2), st.integers(0, 8))
def test_only_a_whole_stream_of_that_length_is_taken(content: bytes, more: int, cut: int) -> None:
    """Neither a cut one, nor one that inflates to more or less."""
    stream = zlib.compress(content)
    given_length = len(content) + more
    if more == 0 and cut == 0:
        assert [Pieces(stream, given_length).byte(at) for at in range(len(content))] == list(content)
    elif given_length >= 0:
        with pytest.raises(DecodeError, match=r"status\.corrupt"):
            Pieces(stream[: len(stream) - cut], given_length)
