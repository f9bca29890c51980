"""The two forms of a card, what people do to them when they paste, and names for what is not a card."""

from __future__ import annotations

import json
import random
import tracemalloc
import zlib
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto import limits
from icard_crypto.encoding import base45, envelope
from icard_crypto.encoding.envelope import Envelope
from icard_crypto.errors import DecodeError
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey

CARD = cose.sign_token(b"\xa1\x01\x6acn.310000\x00"[:-1], SigningKey.from_raw(ED25519, b"\x09" * 32))
IC1, CLAIM169 = envelope.to_ic1(CARD), envelope.to_claim169(CARD)
STREAM = zlib.compress(CARD, 9)
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
LOOKALIKES = json.loads((resources.files("icard_crypto.encoding") / "lookalikes.json").read_text("utf-8"))["lookalikes"]


def refused(shown: str | bytes) -> DecodeError:
    """The error that ``shown`` gives; it repeats nothing of a longer text."""
    with pytest.raises(DecodeError) as caught:
        envelope.read(shown)
    assert caught.value.message() in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("shown", "form"),
    [
        (IC1, "ic1"),
        (IC1.encode(), "ic1"),
        (CLAIM169, "claim169"),
        (CLAIM169.encode(), "claim169"),
        (STREAM, "claim169"),
        (CARD, "cose"),
    ],
)
def test_both_forms_as_text_and_as_bytes(shown: str | bytes, form: str) -> None:
    """IC1 text, Claim 169 text, the same in ASCII bytes, the zlib stream, the COSE bytes."""
    assert envelope.read(shown) == Envelope(form, CARD)  # type: ignore[arg-type]


def test_forms_are_written_in_the_codes_alphabet() -> None:
    """Every character is of QR's alphanumeric mode, and neither form ends in its space."""
    for text in (IC1, CLAIM169):
        assert set(text) <= set(base45.ALPHABET)
        assert text == text.strip()
    assert "IC1:" + base45.encode(CARD) == IC1
    assert zlib.decompress(base45.decode(CLAIM169)) == CARD


def test_a_card_with_tag_61_is_read_as_cose() -> None:
    """D8 begins COSE bytes as D2 does; what stands behind is the parser's question."""
    assert envelope.read(b"\xd8\x3d" + CARD) == Envelope("cose", b"\xd8\x3d" + CARD)
    assert envelope.read(b"\xd2") == Envelope("cose", b"\xd2")


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r", "\v", "\f", " \r\n\t "])
@pytest.mark.parametrize("text", [IC1, CLAIM169], ids=["ic1", "claim169"])
def test_white_space_at_the_ends_is_dropped(text: str, space: str) -> None:
    """People paste; as text and as bytes."""
    expected = envelope.read(text)
    for shown in (space + text, text + space, space + text + space):
        assert envelope.read(shown) == expected
        assert envelope.read(shown.encode()) == expected


@pytest.mark.parametrize("text", [IC1, CLAIM169], ids=["ic1", "claim169"])
def test_line_breaks_and_tabs_inside_are_dropped(text: str) -> None:
    """A code that was wrapped: in the prefix, in a group, anywhere."""
    expected = envelope.read(text)
    for width in (1, 2, 3, 40):
        for wrap in ("\r\n", "\n", "\t"):
            assert envelope.read(wrap.join(text[at : at + width] for at in range(0, len(text), width))) == expected


@pytest.mark.parametrize("inside", ["\v", "\f", "\x00", "\u00a0", "\u200b", "\u2028", "\ufeff"])
def test_other_white_space_inside_is_refused(inside: str) -> None:
    """Only CR, LF and TAB are dropped."""
    error = refused(IC1[:9] + inside + IC1[9:])
    assert (error.code, error.offset, error.found) == ("base45.character", 9, f"U+{ord(inside):04X}")


def test_inner_spaces_are_characters_of_the_code() -> None:
    """A space may stand right behind the prefix; one too many is a wrong length, three are a number too large."""
    assert envelope.to_ic1(b"\x00\x24") == "IC1: 00"
    assert envelope.read("IC1: 00\n").cose == b"\x00\x24"
    assert refused("IC1:  00").code == "base45.length"
    assert refused("IC1:    00").code == "base45.overflow"


@pytest.mark.parametrize(
    ("shown", "code", "offset", "found"),
    [
        ("", "text.empty", None, None),
        (b"", "text.empty", None, None),
        (" \r\n\t", "text.empty", None, None),
        ("A" * 8193, "text.too_large", None, "8193"),
        (b"A" * 8193, "text.too_large", None, "8193"),
        (b"\xd2" * 16385, "text.too_large", None, "16385"),
        (b"A" * 16385, "text.too_large", None, "16385"),
        (b"\x84\x40\xa0\x40\xff", "text.binary", None, "5 bytes that are no text"),
        (b"\xff", "text.binary", None, "1 bytes that are no text"),
        ("hello", "text.unknown", None, None),
        ("0", "text.unknown", None, None),
        ("\ud800", "text.unknown", None, None),
        ("张伟", "text.unknown", None, None),
        ("张伟".encode(), "text.unknown", None, None),
        ("IC1;" + IC1[4:], "text.keyboard_layout", None, None),
        ("IC1Ö" + IC1[4:], "text.keyboard_layout", None, None),
        ("\ufeff02" + IC1, "text.scanner_prefix", 0, "2 characters before it"),
        ("123456789" + IC1, "text.unknown", None, None),
        (IC1[4:], "text.prefix_missing", None, None),
        (base45.encode(b"\xd8\x3d" + CARD), "text.prefix_missing", None, None),
        ("ic1:" + IC1[4:], "text.lower_case", 0, None),
        ("Ic1:" + IC1[4:], "text.lower_case", 1, None),
        (IC1.lower(), "text.lower_case", 0, None),
        (CLAIM169.lower(), "text.lower_case", 0, None),
        (IC1[:12] + "a" + IC1[13:], "text.lower_case", 12, None),
        (CLAIM169[:12] + "a" + CLAIM169[13:], "text.lower_case", 12, None),
        (IC1.translate(FULL_WIDTH), "text.full_width", 0, None),
        (CLAIM169.translate(FULL_WIDTH), "text.full_width", 0, None),
        (IC1.translate(FULL_WIDTH).encode(), "text.full_width", 0, None),
        (IC1.lower().translate(FULL_WIDTH), "text.full_width", 0, None),
        ("IC1：" + IC1[4:], "text.full_width", 3, None),
        ("IC1:ＡA0", "text.full_width", 4, None),
        ("IC1:A\u3000", "text.full_width", 5, None),
        ("IC1:" + CLAIM169, "text.mixed_forms", None, "a zlib stream"),
        ("IC1:BB8B", "base45.length", 7, "4"),
        ("IC1:BB8:::", "base45.overflow", 7, "a larger number"),
        ("IC1:BB8?", "base45.character", 7, "U+003F"),
        ("IC1:é", "base45.character", 4, "U+00E9"),
        ("IC1:\udc80", "base45.character", 4, "U+DC80"),
        ("  IC1:BB8?", "base45.character", 7, "U+003F"),
        ("IC1:B\nB8?", "base45.character", 7, "U+003F"),
        (CLAIM169 + "?", "base45.character", len(CLAIM169), "U+003F"),
    ],
)
def test_refusals_of_texts(shown: str | bytes, code: str, offset: int | None, found: str | None) -> None:
    """Every text.* fault, and base45 faults with their place in the text, prefix included, white space not."""
    error = refused(shown)
    assert error.code == code
    assert (error.offset, error.found) == (offset, found)


def test_a_code_cut_in_two_is_no_card() -> None:
    """Every first part gives an error or other bytes, and no second part is read as a card."""
    for at in range(1, len(IC1)):
        assert refused(IC1[at:]).layer in ("text", "base45", "zlib")
        try:
            assert envelope.read(IC1[:at]).cose != CARD
        except DecodeError as error:
            layer = error.layer
            assert layer in ("text", "base45")
    for at in range(3, len(CLAIM169)):
        assert refused(CLAIM169[:at]).code in ("base45.length", "base45.overflow", "zlib.truncated", "zlib.corrupt")


@pytest.mark.parametrize(
    "entry", [entry for entry in LOOKALIKES if "prefix" in entry], ids=lambda entry: entry["prefix"]
)
def test_lookalikes_are_named(entry: dict[str, str]) -> None:
    """Each prefix of the table, in any case and width, behind white space; nothing of the text is repeated."""
    for prefix in (entry["prefix"], entry["prefix"].lower(), entry["prefix"].title()):
        error = refused(f" {prefix}jane-doe")
        assert error.code == entry["code"]
        assert "jane" not in str(error)
    assert refused(entry["prefix"].translate(FULL_WIDTH) + "x").code == entry["code"]


def test_every_code_of_the_lookalikes_is_used_once_at_least() -> None:
    """The table is not empty, in capitals, and without two entries of one prefix."""
    prefixes = [entry["prefix"] for entry in LOOKALIKES if "prefix" in entry]
    assert len(prefixes) == len(set(prefixes)) > 20
    assert all(prefix == prefix.upper() for prefix in prefixes)


def test_any_character_in_any_of_the_first_places_is_named() -> None:
    """Every character that case folding or width could turn into one of the code's, and thousands that it can't."""
    telling = [
        character
        for character in map(chr, range(0x20000))
        if not character.isascii() and any(part.isascii() for part in character.upper() + character.lower())
    ]
    assert len(telling) > 10
    for character in [*telling, *map(chr, FULL_WIDTH.values()), *map(chr, range(0x800))]:
        for at in range(4):
            shown = IC1[:at] + character + IC1[at + 1 :]
            if shown != IC1 and not (at == 0 and character in "\t\n\v\f\r "):
                assert refused(shown).layer in ("text", "base45", "zlib")


@pytest.mark.parametrize(
    ("stream", "code", "offset", "found"),
    [
        (STREAM[:-1], "zlib.truncated", len(STREAM) - 1, None),
        (STREAM[:2], "zlib.truncated", 2, None),
        (STREAM + b"\x00", "zlib.trailing_bytes", len(STREAM), "1 bytes behind the stream"),
        (STREAM + STREAM, "zlib.trailing_bytes", len(STREAM), f"{len(STREAM)} bytes behind the stream"),
        (STREAM[:-1] + bytes([STREAM[-1] ^ 1]), "zlib.corrupt", None, None),
        (b"\x78\x9c\xff\xff", "zlib.corrupt", None, None),
        (zlib.compress(bytes(limits.CARD_BYTES + 1), 9), "zlib.too_large", None, None),
        (zlib.compress(bytes(12_000_000), 9), "zlib.too_large", None, None),
    ],
)
def test_refusals_of_streams(stream: bytes, code: str, offset: int | None, found: str | None) -> None:
    """Cut, damaged, followed by something, or larger than a card: as bytes and as text alike."""
    for shown in (stream, base45.encode(stream)):
        if len(shown) > (limits.CARD_TEXT if isinstance(shown, str) else limits.CARD_BYTES):
            assert refused(shown).code == "text.too_large"
            continue
        error = refused(shown)
        assert (error.code, error.offset, error.found) == (code, offset, found)


def test_a_stream_of_exactly_a_cards_size_is_read() -> None:
    """16 KiB inflated pass; the stream must end there."""
    content = b"\xd2" * limits.CARD_BYTES
    assert envelope.read(zlib.compress(content)) == Envelope("claim169", content)


def test_preset_dictionary_is_refused() -> None:
    """A stream that needs a dictionary names none that is known."""
    packer = zlib.compressobj(9, zdict=b"cn.310000")
    stream = packer.compress(CARD) + packer.flush()
    assert stream[1] & 0x20
    assert refused(stream).code == "zlib.corrupt"
    assert refused(base45.encode(stream)).code == "zlib.corrupt"


@pytest.mark.parametrize("wbits", [-15, 31, 9], ids=["raw deflate", "gzip", "small window"])
def test_other_containers_are_no_form(wbits: int) -> None:
    """Raw deflate, gzip, and a window other than zlib's largest."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    stream = packer.compress(CARD) + packer.flush()
    assert refused(stream).layer == "text"
    assert refused(base45.encode(stream)).code == "text.unknown"


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_every_level_of_zlib_is_read(level: int) -> None:
    """The header's second byte tells the level: all four that exist."""
    stream = zlib.compress(CARD, level)
    assert envelope.read(base45.encode(stream)) == envelope.read(stream) == Envelope("claim169", CARD)


@pytest.mark.parametrize(
    "shown", ["A" * 10_000_000, b"A" * 10_000_000, zlib.compress(bytes(10_000_000), 9)], ids=["text", "bytes", "bomb"]
)
def test_large_inputs_take_little_memory(shown: str | bytes) -> None:
    """10 MB of text, and 10 MB inflated: refused with less than 100 KB of new memory."""
    tracemalloc.start()
    try:
        error = refused(shown)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.code in ("text.too_large", "zlib.too_large")
    assert peak < 100_000


@given(st.binary(max_size=500))
def test_round_trips(content: bytes) -> None:
    """Any COSE bytes come back from either form, except that IC1 never holds a zlib stream."""
    assert envelope.read(envelope.to_claim169(content)) == Envelope("claim169", content)
    if content[:1] != b"\x78":
        assert envelope.read(envelope.to_ic1(content)) == Envelope("ic1", content)


@settings(max_examples=400)
@given(st.text(max_size=60) | st.text(base45.ALPHABET, max_size=60).map("IC1:".__add__) | st.binary(max_size=60))
def test_anything_is_an_envelope_or_a_decode_error(shown: str | bytes) -> None:
    """No other exception, whatever is shown; and every error has its words in both languages."""
    try:
        found = envelope.read(shown)
    except DecodeError as error:
        outcome = f"{error.layer} {bool(error.message('zh') and error.hint('en'))}"
    else:
        outcome = found.form
    assert outcome in ("ic1", "claim169", "cose", "text True", "base45 True", "zlib True")


@given(st.randoms(use_true_random=False))
def test_a_changed_character_never_gives_the_same_card(choose: random.Random) -> None:
    """One text for one content: another character is another content or an error."""
    at = choose.randrange(4, len(IC1))
    changed = IC1[:at] + choose.choice(base45.ALPHABET.replace(IC1[at], "")) + IC1[at + 1 :]
    try:
        content: bytes | None = envelope.read(changed).cose
    except DecodeError:
        content = None
    assert content != CARD
