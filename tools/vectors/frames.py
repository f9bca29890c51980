"""``refuse/``: faults of the COSE frame and of the headers. Where the frame stands, the signature is good."""

from __future__ import annotations

from typing import Any, Final

from icard_crypto.encoding import cbor
from tools.vectors.base import ALG, CARD_KEY, KID, TYP, Json, bstr, frame, headers, payload, signed, signed_headers
from tools.vectors.keyring import KEYS
from tools.vectors.refusal import refused, refused_cose

__all__ = ["vectors"]

CRIT: Final = 2

_GENUINE: Final = signed(payload())
_HEADERS: Final = headers(KEYS[CARD_KEY])
_PROTECTED: Final = cbor.encode(_HEADERS)
_PAYLOAD: Final = payload()
_SIGNATURE: Final = _GENUINE[-64:]
_PARTS: Final = (bstr(_PROTECTED), b"\xa0", bstr(_PAYLOAD), bstr(_SIGNATURE))
_STARTS: Final = [2 + sum(map(len, _PARTS[:number])) for number in range(5)]


def _with(number: int, element: bytes) -> bytes:
    return frame(*_PARTS[:number], element, *_PARTS[number + 1 :])


def _tags() -> dict[str, Json]:
    array = _GENUINE[1:]
    made = {
        "untagged": ("No tag at all.", array, 0),
        "tag-17": ("Tag 17, COSE_Mac0.", b"\xd1" + array, 0),
        "tag-98": ("Tag 98, COSE_Sign.", b"\xd8\x62" + array, 0),
        "tag-61-alone": ("Tag 61 without tag 18 in it.", b"\xd8\x3d" + array, 2),
        "tag-61-twice": ("Tag 61 twice.", b"\xd8\x3d\xd8\x3d" + _GENUINE, 2),
        "tag-61-inside": ("Tag 61 inside tag 18; the frame has an array there.", b"\xd2\xd8\x3d" + array, None),
        "tag-18-long": ("Tag 18 in two bytes, not in its shortest form.", b"\xd8\x12" + array, 0),
        "tag-self-described": ("Tag 55799, self-described CBOR.", b"\xd9\xd9\xf7" + _GENUINE, 0),
        "no-bytes": ("IC1: and nothing behind it.", b"", 0),
    }
    found = {
        f"cose-{name}": refused_cose(about, "cose", "cose.wrong_tag", coded, offset=offset)
        for name, (about, coded, offset) in made.items()
        if offset is not None
    }
    about, coded, _ = made["tag-61-inside"]
    found["cose-tag-61-inside"] = refused_cose(about, "cose", "cose.frame", coded, offset=1)
    found["cose-bytes-other-tag"] = refused(
        "Bytes under tag 24.", "cose", "cose.wrong_tag", b"\xd8\x18\x41\0", offset=0
    )
    return found


def _frames() -> dict[str, Json]:
    three, five = frame(*_PARTS[:3], start=b"\xd2\x83"), frame(*_PARTS, b"\xa0", start=b"\xd2\x85")
    made = {
        "array-of-three": ("No signature.", "cose.frame", three, 1, None),
        "array-of-five": ("A fifth element.", "cose.frame", five, 1, None),
        "array-long-head": (
            "The array's head not in its shortest form.",
            "cose.frame",
            frame(*_PARTS, start=b"\xd2\x98\x04"),
            1,
            None,
        ),
        "array-indefinite": (
            "The array without a stated length.",
            "cose.frame",
            frame(*_PARTS, b"\xff", start=b"\xd2\x9f"),
            1,
            None,
        ),
        "no-array": ("A map instead of the array.", "cose.frame", b"\xd2\xa0", 1, None),
        "protected-map": (
            "The protected header as a map, not in a byte string.",
            "cose.frame",
            _with(0, _PROTECTED),
            2,
            "protected",
        ),
        "protected-text": ("The protected header as a text.", "cose.frame", _with(0, b"\x60"), 2, "protected"),
        "unprotected-bytes": (
            "The unprotected header as a byte string.",
            "cose.frame",
            _with(1, b"\x40"),
            _STARTS[1],
            "unprotected",
        ),
        "payload-text": ("The payload as a text.", "cose.frame", _with(2, b"\x60"), _STARTS[2], "payload"),
        "payload-map": (
            "The payload as a map, not in a byte string.",
            "cose.frame",
            _with(2, _PAYLOAD),
            _STARTS[2],
            "payload",
        ),
        "payload-undefined": ("The payload undefined.", "cose.frame", _with(2, b"\xf7"), _STARTS[2], "payload"),
        "signature-text": ("The signature as a text.", "cose.frame", _with(3, b"\x60"), _STARTS[3], "signature"),
        "signature-null": ("No signature: null.", "cose.frame", _with(3, b"\xf6"), _STARTS[3], "signature"),
        "detached": ("The payload is detached.", "cose.detached", _with(2, b"\xf6"), _STARTS[2], "payload"),
        "signature-cut": ("The last byte is missing.", "cose.truncated", _GENUINE[:-1], _STARTS[3], "signature"),
        "payload-cut": (
            "The end is missing, from within the payload.",
            "cose.truncated",
            _GENUINE[:100],
            _STARTS[2],
            "payload",
        ),
        "payload-huge-length": (
            "A payload that states 2^64 - 1 bytes.",
            "cose.truncated",
            _with(2, b"\x5b" + b"\xff" * 8),
            _STARTS[2],
            "payload",
        ),
        "after-protected": (
            "Nothing behind the protected header.",
            "cbor.truncated",
            _GENUINE[: _STARTS[1]],
            _STARTS[1],
            None,
        ),
        "head-cut": (
            "The end is missing, from within the payload's head.",
            "cbor.truncated",
            _GENUINE[: _STARTS[2] + 1],
            _STARTS[2],
            None,
        ),
        "byte-behind": ("A byte behind the message.", "cose.trailing_bytes", _GENUINE + b"\0", _STARTS[4], None),
        "message-behind": (
            "A second message behind the first.",
            "cose.trailing_bytes",
            _GENUINE + _GENUINE,
            _STARTS[4],
            None,
        ),
        "payload-indefinite": (
            "The payload in chunks.",
            "cbor.indefinite_length",
            _with(2, b"\x5f" + _PARTS[2] + b"\xff"),
            _STARTS[2],
            None,
        ),
        "payload-long-head": (
            "The payload's length not in its shortest form.",
            "cbor.not_shortest",
            _with(2, b"\x5a" + len(_PAYLOAD).to_bytes(4, "big") + _PAYLOAD),
            _STARTS[2],
            None,
        ),
        "unprotected-long-head": (
            "The empty unprotected map in two bytes.",
            "cbor.not_shortest",
            _with(1, b"\xb8\0"),
            _STARTS[1],
            None,
        ),
        "unprotected-indefinite": (
            "The unprotected map without a stated length.",
            "cbor.indefinite_length",
            _with(1, b"\xbf\xff"),
            _STARTS[1],
            None,
        ),
        "unprotected-duplicate-key": (
            "The unprotected map has a key twice.",
            "cbor.duplicate_key",
            _with(1, b"\xa2\x18\x63\x01\x18\x63\x02"),
            _STARTS[1] + 4,
            None,
        ),
        "unprotected-float": (
            "A float in the unprotected map.",
            "cbor.float",
            _with(1, b"\xa1\x18\x63\xf9\x3c\0"),
            _STARTS[1] + 3,
            None,
        ),
    }
    return {
        f"cose-{name}": refused_cose(about, "cose", code, coded, offset=offset, path=path)
        for name, (about, code, coded, offset, path) in made.items()
    }


def _without(label: int) -> dict[int | str, Any]:
    return {key: value for key, value in _HEADERS.items() if key != label}


def _maps() -> dict[str, Json]:
    """Protected header, unprotected header."""
    kid: Any = _HEADERS[KID]
    made: dict[str, tuple[str, str, dict[int | str, Any], dict[int | str, Any]]] = {
        "alg-missing": ("No algorithm.", "header.alg_missing", _without(ALG), {}),
        "alg-unprotected": ("The algorithm outside protection.", "header.alg_unprotected", _without(ALG), {ALG: -8}),
        "alg-in-both": ("The algorithm in both maps.", "header.in_both", _HEADERS, {ALG: -8}),
        "alg-text": ("The algorithm as a text.", "header.alg_unknown", _HEADERS | {ALG: "EdDSA"}, {}),
        "alg-null": ("The algorithm null.", "header.alg_unknown", _HEADERS | {ALG: None}, {}),
        "kid-missing": ("No kid.", "header.kid", _without(KID), {}),
        "kid-unprotected": ("The kid outside protection.", "header.unprotected", _without(KID), {KID: kid}),
        "kid-in-both": ("The kid in both maps.", "header.in_both", _HEADERS, {KID: kid}),
        "kid-7-bytes": ("A kid of 7 bytes.", "header.kid", _HEADERS | {KID: kid[:7]}, {}),
        "kid-9-bytes": ("A kid of 9 bytes.", "header.kid", _HEADERS | {KID: kid + b"\0"}, {}),
        "kid-thumbprint": (
            "The whole thumbprint as the kid: a trust list's form.",
            "header.kid",
            _HEADERS | {KID: bytes(KEYS[CARD_KEY].verifying_key.thumbprint)},
            {},
        ),
        "kid-empty": ("An empty kid.", "header.kid", _HEADERS | {KID: b""}, {}),
        "kid-text": ("A kid that is a text.", "header.kid", _HEADERS | {KID: kid.hex()}, {}),
        "unprotected-unknown": ("An unknown header outside protection.", "header.unprotected", _HEADERS, {99: 1}),
        "crit-alg": ("crit names a header that is understood.", "header.crit", _HEADERS | {CRIT: [ALG]}, {}),
        "crit-unknown": ("crit names an extension.", "header.crit", _HEADERS | {CRIT: [99], 99: 1}, {}),
        "crit-empty": ("An empty crit.", "header.crit", _HEADERS | {CRIT: []}, {}),
        "crit-null": ("crit is null.", "header.crit", _HEADERS | {CRIT: None}, {}),
        "crit-unprotected": ("crit outside protection.", "header.crit", _HEADERS, {CRIT: [ALG]}),
        "typ-status-list": (
            "The type of a status list.",
            "header.typ",
            _HEADERS | {TYP: "application/statuslist+cwt"},
            {},
        ),
        "typ-timestamp": (
            "The type of a timestamp.",
            "header.typ",
            _HEADERS | {TYP: "application/icard-timestamp+cbor"},
            {},
        ),
        "typ-empty": ("An empty type.", "header.typ", _HEADERS | {TYP: ""}, {}),
        "typ-number": ("A type by number.", "header.typ", _HEADERS | {TYP: 61}, {}),
        "typ-null": ("The type null.", "header.typ", _HEADERS | {TYP: None}, {}),
    }
    for number, name in (
        (0, "reserved"),
        (-6, "direct"),
        (-36, "es512"),
        (-37, "ps256"),
        (-47, "es256k"),
        (-49, "ml-dsa-65"),
        (-53, "ed448"),
        (-257, "rs256"),
        (5, "hmac"),
    ):
        about = f"Algorithm {number}, which is not in the table."
        made[f"alg-{name}"] = (about, "header.alg_unknown", _HEADERS | {ALG: number}, {})
    return {
        f"header-{name}": refused_cose(
            about, "headers", code, signed_headers(cbor.encode(first), _PAYLOAD, unprotected=cbor.encode(second))
        )
        for name, (about, code, first, second) in made.items()
    }


def _header_bytes() -> dict[str, Json]:
    kid_entry = b"\x04" + bstr(bytes(KEYS[CARD_KEY].verifying_key.kid))
    good = b"\x01\x27" + kid_entry
    many = b"\xb8\x21" + good + b"".join(b"\x18" + bytes((number,)) + b"\0" for number in range(64, 95))
    made = {
        "empty": ("An empty byte string: no header at all.", "header.alg_missing", b"", None),
        "list": ("A list.", "header.not_a_map", b"\x80", None),
        "integer": ("An integer.", "header.not_a_map", b"\x27", None),
        "byte-behind": ("A byte behind the map.", "cbor.trailing_bytes", b"\xa2" + good + b"\0", 1 + len(good)),
        "cut": ("The last byte of the kid is missing.", "cbor.truncated", (b"\xa2" + good)[:-1], 4),
        "alg-twice": ("The algorithm twice.", "cbor.duplicate_key", b"\xa3\x01\x27\x01\x26" + kid_entry, 3),
        "alg-long": (
            "The algorithm not in its shortest form.",
            "cbor.not_shortest",
            b"\xa2\x01\x38\x07" + kid_entry,
            2,
        ),
        "alg-float": ("The algorithm as a float.", "cbor.float", b"\xa2\x01\xf9\xc8\0" + kid_entry, 2),
        "alg-tagged": ("The algorithm as a big number.", "cbor.tag", b"\xa2\x01\xc3\x41\x07" + kid_entry, 2),
        "key-true": ("A key that is true beside 1.", "cbor.bad_key", b"\xa3" + good + b"\xf5\x26", 1 + len(good)),
        "indefinite": ("Without a stated length.", "cbor.indefinite_length", b"\xbf" + good + b"\xff", 0),
        "513-bytes": (
            "One byte more than a header may have.",
            "cbor.too_large",
            b"\xa3" + good + b"\x18\x63" + bstr(bytes(513 - 6 - 1 - len(good) + 1)),
            None,
        ),
        "33rd-item": (
            "66 items and the map; the 33rd is one too many.",
            "cbor.too_many_items",
            many,
            2 + len(good) + 13 * 3 + 2,
        ),
        "too-deep": (
            "Nine levels.",
            "cbor.too_deep",
            b"\xa3" + good + b"\x18\x63" + b"\x81" * 7 + b"\x80",
            1 + len(good) + 2 + 7,
        ),
    }
    return {
        f"protected-{name}": refused_cose(
            f"The protected header: {about[0].lower()}{about[1:]}",
            "headers",
            code,
            signed_headers(encoded, _PAYLOAD),
            offset=offset,
        )
        for name, (about, code, encoded, offset) in made.items()
    }


def vectors() -> dict[str, Json]:
    """``refuse/*.json`` of the layers cose and header."""
    return _tags() | _frames() | _maps() | _header_bytes()
