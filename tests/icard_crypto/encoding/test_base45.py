"""Base45 (RFC 9285): the RFC's examples, every refusal with its place, one text for one content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto import limits
from icard_crypto.encoding import base45
from icard_crypto.errors import DecodeError

#: RFC 9285 sections 4.3 and 4.4.
EXAMPLES = [
    (b"AB", "BB8"),
    (b"Hello!!", "%69 VD92EX0"),
    (b"base-45", "UJCLQE7W581"),
    (b"ietf!", "QED8WEX0"),
    (b"", ""),
    (b"\xff\xff", "FGW"),
    (b"\xff", "U5"),
]


def refused(text: str) -> DecodeError:
    """The error that ``text`` gives."""
    with pytest.raises(DecodeError) as caught:
        base45.decode(text)
    return caught.value


@pytest.mark.parametrize(("content", "text"), EXAMPLES)
def test_examples_of_the_rfc(content: bytes, text: str) -> None:
    """The RFC's examples, both ways."""
    assert base45.encode(content) == text
    assert base45.decode(text) == content


@pytest.mark.parametrize(
    ("text", "offset", "found"),
    [
        ("BB8a", 3, "U+0061"),
        ("b", 0, "U+0062"),
        ("BB?", 2, "U+003F"),
        ("BB8\n", 3, "U+000A"),
        ("ＢB8", 0, "U+FF22"),
        ("BB\ud800", 2, "U+D800"),
        ("BB8\U0001f4a9", 3, "U+1F4A9"),
        ("BB\xff", 2, "U+00FF"),
        ("\x00BB", 0, "U+0000"),
    ],
)
def test_foreign_character_is_refused_where_it_stands(text: str, offset: int, found: str) -> None:
    """Any character outside the 45 is refused, with its place and its code point."""
    error = refused(text)
    assert (error.code, error.offset, error.found) == ("base45.character", offset, found)
    assert error.message() == "The code has a character that cannot occur in it."


def test_every_other_character_of_the_bmp_is_refused() -> None:
    """No code point but the 45 is taken, as none is folded or replaced."""
    for number in [*range(0x3000), *range(0xD7F0, 0x10000)]:
        if chr(number) not in base45.ALPHABET:
            assert refused(f"BB8{chr(number)}0").code == "base45.character", hex(number)


@pytest.mark.parametrize("text", ["B", "BB8B", "BB8BB8B"])
def test_length_that_no_encoder_makes_is_refused(text: str) -> None:
    """A single character left over after groups of three is half of nothing."""
    error = refused(text)
    assert (error.code, error.offset, error.found) == ("base45.length", len(text) - 1, str(len(text)))
    assert error.expected == "a multiple of three, or two more"


@pytest.mark.parametrize(
    ("text", "offset", "expected", "found"),
    [
        ("GGW", 0, "at most 65535", "a larger number"),
        ("BB8GGW", 3, "at most 65535", "a larger number"),
        (":::", 0, "at most 65535", "a larger number"),
        ("BB8BB8:::BB8", 6, "at most 65535", "a larger number"),
        ("BB8V5", 3, "at most 255", "256"),
        ("::", 0, "at most 255", "2024"),
    ],
)
def test_overflow_is_refused_where_its_group_begins(text: str, offset: int, expected: str, found: str) -> None:
    """65,535 and 255 are the last numbers; FGW and U5 stand for them above."""
    error = refused(text)
    assert (error.code, error.offset, error.expected, error.found) == ("base45.overflow", offset, expected, found)


def test_every_group_of_three_is_decoded_or_refused_by_its_number() -> None:
    """All 91,125 groups, against the definition: c + 45 d + 2025 e."""
    digits = range(45)
    rising = [
        base45.ALPHABET[c] + base45.ALPHABET[d] + base45.ALPHABET[e] for e in digits for d in digits for c in digits
    ]
    whole = "".join(rising[:65536])
    decoded = b"".join(base45.decode(whole[at : at + 8190]) for at in range(0, len(whole), 8190))
    assert decoded == b"".join(number.to_bytes(2, "big") for number in range(65536))
    for text in rising[65536::7]:
        assert refused(text).code == "base45.overflow"


def test_longest_text_is_read_and_one_more_is_not() -> None:
    """The cap stands before anything else."""
    text = "0" * limits.CARD_TEXT
    assert base45.decode(text) == bytes(limits.CARD_TEXT // 3 * 2 + 1)
    error = refused(text + "?")
    assert (error.code, error.offset) == ("base45.too_long", None)
    assert (error.expected, error.found) == ("at most 8192 characters", "8193")


def test_overflow_in_the_last_lane_of_the_longest_text() -> None:
    """The masks reach to the highest lane."""
    at = limits.CARD_TEXT // 3 * 3 - 3
    assert refused("0" * at + ":::").offset == at


@given(st.binary(max_size=600))
def test_what_is_encoded_decodes_and_never_ends_in_a_space(content: bytes) -> None:
    """A round trip; and trimming white space can't cut a code, for no text ends in the alphabet's space."""
    text = base45.encode(content)
    assert base45.decode(text) == content
    assert text == text.rstrip()


@given(st.text(base45.ALPHABET, max_size=60) | st.text(max_size=20))
def test_what_decodes_encodes_to_the_same_text(text: str) -> None:
    """One text for one content; all else is a DecodeError of this layer."""
    try:
        content = base45.decode(text)
    except DecodeError as error:
        layer = error.layer
    else:
        layer = "base45"
        assert base45.encode(content) == text
    assert layer == "base45"
