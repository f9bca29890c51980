"""``refuse/``: the signature is good and the payload is not strict CBOR. Offsets count in the payload."""

from __future__ import annotations

from typing import Final

from icard_crypto.encoding import cbor
from tools.vectors.base import Json, payload, signed
from tools.vectors.refusal import refused_cose

__all__ = ["entry_behind", "filled", "vectors"]

_GOOD: Final = payload()
_ITEMS: Final = 1024


def entry_behind(entry: bytes) -> bytes:
    """The reference payload with one more entry, given as the bytes of key and value, behind its last."""
    return bytes((_GOOD[0] + 1,)) + _GOOD[1:] + entry


#: An unknown claim's value: name, about, code, bytes, offset in them.
_VALUES: Final = (
    ("float-half", "A half-precision float.", "cbor.float", "f93c00", 0),
    ("float-single", "A single-precision float.", "cbor.float", "fa3f800000", 0),
    ("float-double", "A double-precision float.", "cbor.float", "fb41dab19400000000", 0),
    ("float-nan", "Not a number.", "cbor.float", "f97e00", 0),
    ("float-infinity", "Infinity.", "cbor.float", "f97c00", 0),
    ("tag-0", "A date as text, tag 0.", "cbor.tag", "c074323032362d31302d30385430323a30303a30305a", 0),
    ("tag-1", "A time, tag 1.", "cbor.tag", "c11a6ac6f920", 0),
    ("tag-2", "A big number.", "cbor.tag", "c249010000000000000000", 0),
    ("tag-24", "CBOR in a byte string, tag 24.", "cbor.tag", "d8184101", 0),
    ("tag-35", "A regular expression, tag 35.", "cbor.tag", "d8236128", 0),
    ("tag-258", "A set, tag 258.", "cbor.tag", "d9010280", 0),
    ("tag-in-list", "A tag deep inside.", "cbor.tag", "8181c100", 2),
    ("undefined", "Undefined.", "cbor.simple_value", "f7", 0),
    ("simple-0", "Simple value 0.", "cbor.simple_value", "e0", 0),
    ("simple-255", "Simple value 255.", "cbor.simple_value", "f8ff", 0),
    ("simple-20-long", "False in two bytes.", "cbor.not_shortest", "f814", 0),
    ("integer-23-long", "23 in two bytes.", "cbor.not_shortest", "1817", 0),
    ("integer-255-long", "255 in three bytes.", "cbor.not_shortest", "1900ff", 0),
    ("integer-65535-long", "65,535 in five bytes.", "cbor.not_shortest", "1a0000ffff", 0),
    ("integer-32-bits-long", "2^32 - 1 in nine bytes.", "cbor.not_shortest", "1b00000000ffffffff", 0),
    ("negative-long", "-24 in two bytes.", "cbor.not_shortest", "3817", 0),
    ("bytes-long", "A byte string's length not in its shortest form.", "cbor.not_shortest", "580100", 0),
    ("text-long", "A text's length not in its shortest form.", "cbor.not_shortest", "780161", 0),
    ("list-long", "A list's length not in its shortest form.", "cbor.not_shortest", "980100", 0),
    ("map-long", "A map's length not in its shortest form.", "cbor.not_shortest", "b8010000", 0),
    ("bytes-indefinite", "A byte string in chunks.", "cbor.indefinite_length", "5f4100ff", 0),
    ("text-indefinite", "A text in chunks.", "cbor.indefinite_length", "7f6161ff", 0),
    ("list-indefinite", "A list without a stated length.", "cbor.indefinite_length", "9f00ff", 0),
    ("map-indefinite", "A map without a stated length.", "cbor.indefinite_length", "bf0000ff", 0),
    ("break", "A break where nothing is open.", "cbor.indefinite_length", "ff", 0),
    ("reserved-28", "A reserved length form.", "cbor.reserved", "1c", 0),
    ("reserved-30", "A reserved simple form.", "cbor.reserved", "fe", 0),
    ("integer-2-63", "2^63, one too large.", "cbor.integer_range", "1b8000000000000000", 0),
    ("integer-below", "-2^63 - 1, one too small.", "cbor.integer_range", "3b8000000000000000", 0),
    ("utf8-continuation", "A text that begins with a continuation byte.", "cbor.bad_utf8", "6180", 1),
    ("utf8-overlong", "A slash in two bytes.", "cbor.bad_utf8", "62c0af", 1),
    ("utf8-surrogate", "Half of a surrogate pair.", "cbor.bad_utf8", "63eda080", 1),
    ("utf8-cut", "A character's last byte is missing.", "cbor.bad_utf8", "6361e4b8", 2),
    ("utf8-beyond", "A character beyond U+10FFFF.", "cbor.bad_utf8", "64f4908080", 1),
    ("key-bytes", "A key that is a byte string.", "cbor.bad_key", "a1410000", 1),
    ("key-list", "A key that is a list.", "cbor.bad_key", "a18000", 1),
    ("key-true", "1 and true as keys of one map.", "cbor.bad_key", "a20100f500", 3),
    ("key-null", "A key that is null.", "cbor.bad_key", "a1f600", 1),
    ("key-float", "1 and 1.0 as keys of one map.", "cbor.float", "a20100f93c0000", 3),
    ("key-long", "1 and 1 in two bytes as keys of one map.", "cbor.not_shortest", "a20100180100", 3),
    ("duplicate-integer", "A key twice in an unknown claim.", "cbor.duplicate_key", "a201000101", 3),
    ("duplicate-text", "A text key twice.", "cbor.duplicate_key", "a2616100616100", 4),
    ("text-beyond-end", "A text that states more bytes than there are.", "cbor.truncated", "7a0001000061", 0),
    ("bytes-huge", "A byte string that states 2^64 - 1 bytes.", "cbor.truncated", "5bffffffffffffffff", 0),
    ("list-huge", "A list that states 2^32 - 1 entries.", "cbor.truncated", "9affffffff", 0),
    ("map-huge", "A map that states 2^63 entries.", "cbor.truncated", "bb8000000000000000", 0),
    ("list-one-short", "A list that lacks its last entry.", "cbor.truncated", "8200", 0),
    ("too-deep", "Nine levels.", "cbor.too_deep", "81" * 7 + "80", 7),
    ("much-too-deep", "Five hundred levels.", "cbor.too_deep", "81" * 499 + "80", 7),
)


def _values() -> dict[str, Json]:
    start = len(_GOOD) + 2
    return {
        f"payload-{name}": refused_cose(
            about,
            "payload",
            code,
            signed(entry_behind(b"\x18\x63" + bytes.fromhex(digits))),
            offset=start + offset,
        )
        for name, about, code, digits, offset in _VALUES
    }


def _wholes() -> dict[str, Json]:
    end = len(_GOOD)
    first = _GOOD[1:]
    made = {
        "empty": ("No byte.", "cbor.truncated", b"", 0),
        "byte-behind": ("A byte behind the claims.", "cbor.trailing_bytes", _GOOD + b"\0", end),
        "claims-twice": ("The claims twice.", "cbor.trailing_bytes", _GOOD + _GOOD, end),
        "last-byte-missing": ("The last byte is missing.", "cbor.truncated", _GOOD[:-1], end - 1),
        "entry-missing": (
            "The map states one entry more than it has.",
            "cbor.truncated",
            bytes((_GOOD[0] + 1,)) + first,
            end,
        ),
        "tag-61": ("Tag 61 around the claims.", "cbor.tag", b"\xd8\x3d" + _GOOD, 0),
        "head-long": (
            "The map's head not in its shortest form.",
            "cbor.not_shortest",
            b"\xb8" + bytes((_GOOD[0] & 31,)) + first,
            0,
        ),
        "indefinite": ("The map without a stated length.", "cbor.indefinite_length", b"\xbf" + first + b"\xff", 0),
        "iss-twice": (
            "iss twice, with another value.",
            "cbor.duplicate_key",
            entry_behind(b"\x01" + cbor.encode("cn.110000")),
            end,
        ),
        "exp-twice": (
            "exp twice, with the same value.",
            "cbor.duplicate_key",
            entry_behind(_GOOD[_GOOD.index(b"\x04\x1a") :][:6]),
            end,
        ),
    }
    return {
        f"payload-{name}": refused_cose(about, "payload", code, signed(content), offset=offset)
        for name, (about, code, content, offset) in made.items()
    }


def _count(value: cbor.Value) -> int:
    if isinstance(value, dict):
        return 1 + sum(1 + _count(entry) for entry in value.values())
    if isinstance(value, list):
        return 1 + sum(map(_count, value))
    return 1


def filled(items: int) -> bytes:
    """The reference payload with an unknown claim, a list, that makes it have this many items."""
    # The claims, the key of one more claim and its list leave the rest for the list's entries.
    left = items - _count(cbor.decode(_GOOD, max_bytes=len(_GOOD), max_items=_ITEMS)) - 2
    return entry_behind(b"\x18\x63" + cbor.encode([0] * left))


def _items() -> dict[str, Json]:
    content = filled(_ITEMS + 1)
    about = "1,025 items, one too many."
    return {
        "payload-1025-items": refused_cose(
            about, "payload", "cbor.too_many_items", signed(content), offset=len(content) - 1
        )
    }


def vectors() -> dict[str, Json]:
    """``refuse/*.json`` of the layer cbor, in the payload."""
    return _values() | _wholes() | _items()
