"""The two forms in which a card's COSE bytes are shown, and no third.

Promises:

1. IC1: ``IC1:`` and the base45 of the COSE bytes. Claim 169: the base45 of their zlib stream, without a prefix.
2. :func:`read` takes a text of either form, COSE bytes, a zlib stream, or ASCII bytes of a text; it caps sizes before
   anything else, and inflates at most :data:`limits.CARD_BYTES`, with no byte missing or left over.
3. People paste and scanners type: ASCII white space, a byte order mark, STX and ETX at the ends, a scanner's AIM
   identifier (``]Q1``) and CR, LF, TAB inside are dropped. Inner spaces never are: a space is a character of the code.
4. What the way here spoilt (lower case, full-width characters, another keyboard layout, characters that a scanner puts
   before the code) is refused by name, not repaired: it is neither the card's fault nor the holder's.
5. What is not a card (a web address, a vaccination certificate, ...) is refused by a code that says what it is; the
   table is ``lookalikes.json``.
6. Every refusal is a :class:`DecodeError` with a ``text.*``, ``base45.*`` or ``zlib.*`` code.
"""

from __future__ import annotations

import functools
import json
import re
import zlib
from importlib import resources
from typing import Final, Literal, NamedTuple

from icard_crypto import limits
from icard_crypto.errors import DecodeError

from . import base45

__all__ = ["PREFIX", "Envelope", "Form", "read", "to_claim169", "to_ic1"]

Form = Literal["ic1", "claim169", "cose"]

PREFIX: Final = "IC1:"

#: White space, the byte order mark that editors put before a text, and the frame that serial scanners put around one.
_AROUND: Final = " \t\n\r\v\f\ufeff\x02\x03"
#: What a scanner may say about the kind of symbol (ISO/IEC 15424); no code begins with ``]``, which is not in base45.
_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
#: The most characters that a scanner's set-up puts before a code.
_LONGEST_PREFIX: Final = 8
_LINE_BREAKS: Final = {ord(character): None for character in "\r\n\t"}
_COSE_STARTS: Final = (0xD2, 0xD8)
#: The magic byte of a visible digital seal (ICAO Doc 9303-13, section 2.2.1).
_SEAL: Final = b"\xdc"
_HALF_WIDTH: Final = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


class Envelope(NamedTuple):
    """What :func:`read` found: the form shown and the COSE bytes inside. Nothing is verified."""

    form: Form
    cose: bytes


def to_ic1(cose: bytes) -> str:
    """The IC1 text of a card's COSE bytes."""
    return PREFIX + base45.encode(cose)


def to_claim169(cose: bytes) -> str:
    """The MOSIP Claim 169 text of a card's COSE bytes: base45 of their zlib stream."""
    return base45.encode(zlib.compress(cose, 9))


def read(shown: str | bytes) -> Envelope:
    """Find the COSE bytes in what was shown.

    Raises:
        DecodeError: ``text.*``, ``base45.*``, ``zlib.*``; offsets count characters or bytes after trimming.
    """
    if isinstance(shown, str):
        return _read_text(shown)
    if len(shown) > limits.CARD_BYTES:
        raise DecodeError("text.too_large", expected=f"at most {limits.CARD_BYTES} bytes", found=f"{len(shown)}")
    if shown[:1] and shown[0] in _COSE_STARTS:
        return Envelope("cose", shown)
    if _is_zlib(shown):
        return Envelope("claim169", _inflate(shown))
    try:
        text = shown.decode("ascii")
    except UnicodeDecodeError:
        try:
            text = shown.decode("utf-8")
        except UnicodeDecodeError:
            if shown[:1] == _SEAL:
                raise DecodeError("text.official_seal") from None
            raise DecodeError("text.binary", found=f"{len(shown)} bytes that are no text") from None
    return _read_text(text)


def _read_text(text: str) -> Envelope:
    if len(text) > limits.CARD_TEXT:
        raise DecodeError("text.too_large", expected=f"at most {limits.CARD_TEXT} characters", found=f"{len(text)}")
    text = text.strip(_AROUND)
    if text[:1] == "]" and (aim := _AIM.match(text)):
        text = text[aim.end() :].strip(_AROUND)
    if not text.isprintable():
        text = text.translate(_LINE_BREAKS)
    if text.startswith(PREFIX):
        cose = _decode(text, len(PREFIX))
        if _is_zlib(cose):
            raise DecodeError("text.mixed_forms", expected="COSE bytes behind IC1:", found="a zlib stream")
        return Envelope("ic1", cose)
    if not text:
        raise DecodeError("text.empty")
    if _starts_as_zlib(text):
        return Envelope("claim169", _inflate(_decode(text, 0)))
    raise _not_a_code(text)


def _decode(text: str, start: int) -> bytes:
    try:
        return base45.decode(text[start:])
    except DecodeError as error:
        if error.code == "base45.character" and error.offset is not None:
            _refuse_by_name(text, start + error.offset)
        if error.offset is not None:
            error.offset += start
        raise


def _refuse_by_name(text: str, at: int) -> None:
    """Say what kind of wrong character it is, where people can fix it."""
    if text[at].isascii() and text[at].islower():
        raise DecodeError("text.lower_case", offset=at, expected="capitals")
    if ord(text[at]) in _HALF_WIDTH:
        raise DecodeError("text.full_width", offset=at, expected="half-width characters")


def _is_zlib(data: bytes) -> bool:
    """Whether two bytes are a zlib header with the largest window (RFC 1950 section 2.2)."""
    return len(data) >= 2 and data[0] == 0x78 and (0x7800 + data[1]) % 31 == 0


def _starts_as_zlib(text: str) -> bool:
    return text[:3] in _ZLIB_STARTS


#: What the base45 of a zlib stream begins with: one for each of the nine headers with the largest window.
_ZLIB_STARTS: Final = frozenset(
    base45.encode(header) for header in (bytes((0x78, flags)) for flags in range(256)) if _is_zlib(header)
)


def _inflate(stream: bytes) -> bytes:
    """Inflate one whole zlib stream of at most :data:`limits.CARD_BYTES` bytes (RFC 1950)."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(stream, limits.CARD_BYTES + 1)
    except zlib.error:
        raise DecodeError("zlib.corrupt") from None
    if len(content) > limits.CARD_BYTES:
        raise DecodeError("zlib.too_large", expected=f"at most {limits.CARD_BYTES} bytes inflated")
    if not inflater.eof:
        raise DecodeError("zlib.truncated", offset=len(stream))
    if inflater.unused_data:
        behind = len(inflater.unused_data)
        raise DecodeError("zlib.trailing_bytes", offset=len(stream) - behind, found=f"{behind} bytes behind the stream")
    return content


@functools.cache
def _lookalikes() -> list[tuple[re.Pattern[str], str]]:
    table = json.loads((resources.files(__package__) / "lookalikes.json").read_text("utf-8"))
    return [
        (re.compile(entry["pattern"] if "pattern" in entry else re.escape(entry["prefix"])), entry["code"])
        for entry in table["lookalikes"]
    ]


@functools.cache
def _keyboards() -> tuple[str, ...]:
    """What other keyboard layouts make of ``IC1:``, in capitals."""
    table = json.loads((resources.files(__package__) / "keyboards.json").read_text("utf-8"))
    return tuple(entry["typed"].upper() for entry in table["keyboards"])


def _not_a_code(text: str) -> DecodeError:
    """Name what a text is that is neither form. Nothing of it is repeated: it may be anyone's address or secret."""
    narrow = text.translate(_HALF_WIDTH)
    upper = narrow.upper()
    if upper.startswith(PREFIX) or _starts_as_zlib(upper):
        wide = next((at for at, character in enumerate(text) if ord(character) in _HALF_WIDTH), None)
        if wide is not None:
            return DecodeError("text.full_width", offset=wide, expected="half-width characters")
        lower = next(at for at, character in enumerate(text) if character.islower())
        return DecodeError("text.lower_case", offset=lower, expected="capitals")
    before = upper.find(PREFIX, 0, _LONGEST_PREFIX + len(PREFIX))
    if before > 0:
        return DecodeError(
            "text.scanner_prefix", offset=0, expected="IC1: first", found=f"{before} characters before it"
        )
    if any(upper.find(typed, 0, _LONGEST_PREFIX + len(typed)) >= 0 for typed in _keyboards()):
        return DecodeError("text.keyboard_layout", expected="IC1:, as an English keyboard types it")
    for pattern, code in _lookalikes():
        if pattern.match(upper):
            return DecodeError(code)
    try:
        start = base45.decode(text[:3])
    except DecodeError:
        start = b""
    if start[:1] and start[0] in _COSE_STARTS:
        return DecodeError("text.prefix_missing", expected="IC1: before the code")
    return DecodeError("text.unknown")
