"""``timestamp/`` and ``bundle/``: good ones, and one fault each.

Promises:

1. Code, place and content are stated here; none is asked from icard's readers.
2. A timestamp's payload may hold anything, for faults; its signature is good all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from icard_crypto.encoding import cbor
from icard_crypto.lists import status_list, timestamp
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey
from tests.kit.adversary import CARD_KEY, DAY, ROOTS, STATUS_KEY, TIMESTAMP_KEY, Edit, drop, published, put
from tools.vectors.base import Json
from tools.vectors.kept import Kept
from tools.vectors.status import IAT, NOW, TRUST, URI, good_token, renamed

__all__ = ["vectors"]

Editor = Callable[[dict[Any, Any]], object]

_HASH: Final = bytes([7]) * 32
_DENIED: Final = bytes([9]) * 32


def _timestamp(edit: Editor | None = None, key: SigningKey = TIMESTAMP_KEY, typ: str | None = timestamp.TYP) -> bytes:
    payload: dict[Any, Any] = {1: 7, 2: _HASH, 3: IAT, 4: IAT + 7 * DAY, 5: [_DENIED], 6: {URI: IAT - 60}}
    if edit is not None:
        edit(payload)
    return cose.sign_token(cbor.encode(payload), key, typ)


def _stamped(about: str, token: bytes, *, now: int = NOW, before: bytes | None = None) -> Json:
    return {
        "about": about,
        "trust_list": TRUST.hex(),
        "before": None if before is None else before.hex(),
        "now": now,
        "token": token.hex(),
    }


def _good_timestamp(about: str, token: bytes, *, now: int = NOW, before: bytes | None = None, **stated: Any) -> Json:
    content = {
        "trust_version": 7,
        "trust_hash": _HASH.hex(),
        "iat": IAT,
        "exp": IAT + 7 * DAY,
        "denied": [_DENIED.hex()],
        "lists": {URI: IAT - 60},
    }
    return _stamped(about, token, now=now, before=before) | {"timestamp": content | stated}


def _bad_timestamp(
    about: str,
    code: str,
    token: bytes,
    path: str | None = None,
    *,
    now: int = NOW,
    before: bytes | None = None,
) -> Json:
    made = _stamped(about, token, now=now, before=before) | {"code": code}
    return made if path is None else made | {"path": path}


def _uri_faults() -> dict[str, Json]:
    faults = {
        "too_long": ("A uri whose prefix has 129 characters.", "https://sh.example/" + "x" * 109 + "/k7Qd"),
        "scheme": ("Not https.", "http://sh.example/s/k7Qd"),
        "percent_escape": ("A percent escape.", "https://sh.example/%2e/k7Qd"),
        "query": ("A query before the name.", "https://sh.example/?a/k7Qd"),
        "fragment": ("A fragment before the name.", "https://sh.example/#/k7Qd"),
        "userinfo": ("Userinfo.", "https://sh.example@gd.example/s/k7Qd"),
        "host": ("A host in capitals.", "https://SH.example/s/k7Qd"),
        "port": ("Port 65536.", "https://sh.example:65536/s/k7Qd"),
        "dot_segment": ("A dot segment.", "https://sh.example/s/../k7Qd"),
        "segment": ("An empty segment.", "https://sh.example//s/k7Qd"),
        "list_name": ("No list's name.", "https://sh.example/s/"),
    }
    return {
        f"uri-{name.replace('_', '-')}": _bad_timestamp(
            about, f"uri.{name}", _timestamp(put({uri: IAT}, 6)), path="lists[0]"
        )
        for name, (about, uri) in faults.items()
    }


def _timestamps() -> dict[str, Json]:
    later: Edit = put(IAT + 60, 3)
    spoiled = bytearray(_timestamp())
    spoiled[-1] ^= 1
    bad, plain = _bad_timestamp, _timestamp()

    def also(*edits: Edit) -> bytes:
        return _timestamp(lambda payload: [edit(payload) for edit in (later, *edits)])

    return {
        "accepted": _good_timestamp("A good timestamp.", plain),
        "accepted-empty": _good_timestamp(
            "It denies nothing and names no list.",
            _timestamp(lambda payload: payload.update({5: [], 6: {}})),
            denied=[],
            lists={},
        ),
        "accepted-unknown-keys": _good_timestamp(
            "A later field.", _timestamp(lambda payload: payload.update({7: "later", "x": 1}))
        ),
        "accepted-ended": _good_timestamp("Ended: what it denies stays denied.", plain, now=IAT + 30 * DAY),
        "accepted-clock-300-behind": _good_timestamp("300 seconds ahead of the clock.", plain, now=IAT - 300),
        "accepted-the-same-again": _good_timestamp("The same again.", plain, before=plain),
        "accepted-next": _good_timestamp(
            "A minute later, and it names the next trust list.",
            also(put(8, 1), put(bytes(32), 2)),
            before=plain,
            iat=IAT + 60,
            trust_version=8,
            trust_hash=bytes(32).hex(),
        ),
        "cwt-tag": bad("Tag 61 around tag 18.", "timestamp.cwt_tag", b"\xd8\x3d" + plain),
        "a-card": bad("A card.", "header.typ", cose.sign_token(b"\xa0", CARD_KEY)),
        "a-status-token": bad("A status token's typ.", "header.typ", _timestamp(typ=status_list.TYP)),
        "status-key": bad("Signed by a status key.", "timestamp.unknown_key", _timestamp(key=STATUS_KEY)),
        "root-key": bad("Signed by a root key.", "timestamp.unknown_key", _timestamp(key=ROOTS[0])),
        "key-algorithm": bad(
            "The header names another algorithm than the key's.",
            "timestamp.key_algorithm",
            renamed(plain, TIMESTAMP_KEY, timestamp.TYP),
        ),
        "bad-signature": bad("A bit of the signature is flipped.", "timestamp.bad_signature", bytes(spoiled)),
        "no-denied": bad("No list of denied keys.", "timestamp.missing", _timestamp(drop(5)), "denied"),
        "version-true": bad("True is no version.", "timestamp.wrong_type", _timestamp(put(True, 1)), "trust_version"),
        "list-by-number": bad("A list by number.", "timestamp.wrong_type", _timestamp(put({1: 1}, 6)), "lists[0]"),
        "version-zero": bad("Version 0.", "timestamp.out_of_range", _timestamp(put(0, 1)), "trust_version"),
        "short-thumbprint": bad(
            "A thumbprint of 31 bytes.", "timestamp.out_of_range", _timestamp(put([bytes(31)], 5)), "denied[0]"
        ),
        "lives-7-days-and-a-second": bad(
            "It lives a second longer than 7 days.",
            "timestamp.lifetime",
            _timestamp(put(IAT + 7 * DAY + 1, 4)),
            "exp",
        ),
        "future": bad("301 seconds ahead of the clock.", "timestamp.future", plain, "iat", now=IAT - 301),
        "denied-twice": bad(
            "One key denied twice.", "timestamp.denied_twice", _timestamp(put([_DENIED, _DENIED], 5)), "denied"
        ),
        "rollback": bad("An older one.", "timestamp.rollback", plain, "iat", before=also()),
        "two-of-one-time": bad(
            "Of the same second, and it denies nothing.",
            "timestamp.two_of_one_time",
            _timestamp(put([], 5)),
            "iat",
            before=plain,
        ),
        "trust-version-falls": bad(
            "Later, and it names an older trust list.",
            "timestamp.trust_falls",
            also(put(6, 1)),
            "trust_version",
            before=plain,
        ),
        "trust-hash-differs": bad(
            "Later, and it names another trust list of the same version.",
            "timestamp.trust_falls",
            also(put(bytes(32), 2)),
            "trust_version",
            before=plain,
        ),
    } | _uri_faults()


_START: Final = b"\x85\x6cicard-bundle"


def _bad_bundle(about: str, code: str, data: bytes, offset: int, path: str | None = None) -> Json:
    made: Json = {"about": about, "hex": data.hex(), "code": code, "offset": offset}
    return made if path is None else made | {"path": path}


def _good_bundle(about: str, lists: list[Any], tokens: list[Any], stamp: bytes) -> Json:
    return {
        "about": about,
        "hex": cbor.encode(["icard-bundle", 1, lists, tokens, stamp]).hex(),
        "trust_lists": [data.hex() for data in lists],
        "status_tokens": [data.hex() for data in tokens],
        "timestamp": stamp.hex(),
    }


def _bundles(status: bytes) -> dict[str, Json]:
    bad = _bad_bundle
    small = cbor.encode(["icard-bundle", 1, [b"one"], [b"two"], b"three"])
    wrong_name = cbor.encode(["icard-bundel", 1, [], [], b""])
    # The offsets: 1 byte for the array, 13 for the name, 1 for the format; then each part's own.
    return {
        "accepted": _good_bundle(
            "Two trust lists, a status token, a timestamp.", [TRUST, published(2)], [status], _timestamp()
        ),
        "accepted-empty": _good_bundle("Nothing in it.", [], [], b""),
        "accepted-any-bytes": _good_bundle("What it carries is not looked at.", [b"one"], [b"two"], b"three"),
        "name": bad("Another name.", "bundle.not_a_bundle", wrong_name, 0),
        "four-parts": bad("Four parts.", "bundle.not_a_bundle", cbor.encode(["icard-bundle", 1, [], []]), 0),
        "a-map": bad("A map.", "bundle.not_a_bundle", cbor.encode({"icard-bundle": 1}), 0),
        "no-bytes": bad("No bytes at all.", "bundle.not_a_bundle", b"", 0),
        "format-2": bad("Format 2, whatever follows.", "bundle.format_newer", _START + b"\x02\xff", 14),
        "format-text": bad("The format is a text.", "bundle.frame", _START + b"\x611\x80\x80\x40", 14, "format"),
        "format-zero": bad("Format 0.", "bundle.frame", _START + b"\x00\x80\x80\x40", 14, "format"),
        "lists-map": bad("A map of trust lists.", "bundle.frame", _START + b"\x01\xa0\x80\x40", 15, "trust_lists"),
        "list-text": bad(
            "A trust list as text.", "bundle.frame", _START + b"\x01\x81\x61x\x80\x40", 16, "trust_lists[0]"
        ),
        "timestamp-null": bad("null for the timestamp.", "bundle.frame", _START + b"\x01\x80\x80\xf6", 17, "timestamp"),
        "too-many": bad(
            "65,537 trust lists, by the count alone.",
            "bundle.too_many",
            _START + b"\x01\x9a\x00\x01\x00\x01",
            15,
            "trust_lists",
        ),
        "token-too-large": bad(
            "A trust list of 8 MiB and a byte, by the length alone.",
            "bundle.token_too_large",
            _START + b"\x01\x81\x5a\x00\x80\x00\x01",
            16,
            "trust_lists[0]",
        ),
        "timestamp-too-large": bad(
            "A timestamp of 1 MiB and a byte, by the length alone.",
            "bundle.token_too_large",
            _START + b"\x01\x80\x80\x5a\x00\x10\x00\x01",
            17,
            "timestamp",
        ),
        "truncated": bad("The last byte is missing.", "bundle.truncated", small[:-1], len(small) - 6, "timestamp"),
        "bytes-behind": bad("A byte behind it.", "bundle.trailing_bytes", small + b"\0", len(small)),
        "head-not-shortest": bad("A head in a longer form.", "cbor.not_shortest", _START + b"\x18\x01\x80\x80\x40", 14),
        "indefinite": bad(
            "An array of indefinite length.", "cbor.indefinite_length", _START + b"\x01\x9f\xff\x80\x40", 15
        ),
    }


def vectors(kept: Kept) -> dict[str, Json]:
    """``timestamp/*.json``, ``bundle/*.json``."""
    folders = {"timestamp": _timestamps(), "bundle": _bundles(good_token(kept))}
    return {f"{folder}/{name}.json": vector for folder, made in folders.items() for name, vector in made.items()}
