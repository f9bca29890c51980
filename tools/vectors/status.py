"""``status/``: good status tokens, and one fault each; the trust list they are under is in each.

Promises:

1. Code, place and content are stated here; none is asked from icard's reader.
2. A payload may hold anything, for faults; its signature is good all the same, so that only the rule named refuses it.
3. What is deflated comes from the kept inputs, for zlib's implementations differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from icard_crypto.encoding import cbor
from icard_crypto.lists import status_list, timestamp
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey
from tests.kit.adversary import (
    CAPACITY,
    CARD_KEY,
    DAY,
    ISSUERS,
    KEYS,
    OTHER_STATUS_KEY,
    REVOKED,
    ROOTS,
    START,
    STATUS_KEY,
    STRANGER,
    TIMESTAMP_KEY,
    UNTIL,
    Edit,
    drop,
    published,
    put,
)
from tools.vectors.base import Json
from tools.vectors.kept import Kept

__all__ = ["DAY", "IAT", "NOW", "TRUST", "URI", "good_token", "renamed", "status_token", "vectors"]

URI: Final = "https://sh.example/s/k7Qd"
#: When the tokens are issued, and when they are read.
IAT: Final = START + 2 * DAY
NOW: Final = IAT + 3600
_ENTRIES: Final = {0: 1, 3: 14, 15: 2}

_BITS, _LST, _CLAIM = "bits", "lst", 65533
_SUB, _EXP, _IAT, _TTL = 2, 4, 6, 65534
TRUST: Final = published(1)


def packed(bits: int, size: int, entries: dict[int, int]) -> bytes:
    """Entries packed from the least significant bit upwards (IETF Token Status List, section 4)."""
    made = bytearray(size * bits // 8)
    for index, value in entries.items():
        made[index * bits // 8] |= value << index * bits % 8
    return bytes(made)


def status_token(
    kept: Kept,
    key: SigningKey,
    *,
    uri: str,
    iat: int,
    exp: int,
    bits: int = 4,
    size: int = 16,
    entries: dict[int, int] | None = None,
    edit: Edit | None = None,
    typ: str | None = status_list.TYP,
) -> bytes:
    """A status token; ``edit`` may change its claims before they are signed."""
    named = ",".join(f"{index}={value}" for index, value in (entries or {}).items())
    stream = kept.deflated(f"status-list {bits}/{size}/{named}", packed(bits, size, entries or {}))
    claims: dict[Any, Any] = {_SUB: uri, _EXP: exp, _IAT: iat, _TTL: 43200, _CLAIM: {_BITS: bits, _LST: stream}}
    if edit is not None:
        edit(claims)
    return cose.sign_token(cbor.encode(claims), key, typ)


class _Status:
    """Vectors of status tokens."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def token(self, edit: Edit | None = None, key: SigningKey = STATUS_KEY, **more: Any) -> bytes:
        given: Json = {"uri": URI, "iat": IAT, "exp": IAT + DAY, "entries": _ENTRIES} | more
        return status_token(self._kept, key, edit=edit, **given)

    def good(self, about: str, token: bytes, *edits: Edit, now: int = NOW, **stated: Any) -> Json:
        content: Json = {"iat": IAT, "exp": IAT + DAY, "ttl": 43200, "bits": 4, "size": 16, "entries": _ENTRIES}
        content |= stated
        content["entries"] = {str(index): value for index, value in content["entries"].items()}
        return self._vector(about, token, edits, now) | {"list": content}

    def bad(
        self, about: str, code: str, token: bytes, *edits: Edit, path: str | None = None, now: int = NOW, uri: str = URI
    ) -> Json:
        made = self._vector(about, token, edits, now, uri) | {"code": code}
        return made if path is None else made | {"path": path}

    @staticmethod
    def _vector(about: str, token: bytes, edits: tuple[Edit, ...], now: int, uri: str = URI) -> Json:
        trust = published(1, *edits) if edits else TRUST
        return {"about": about, "trust_list": trust.hex(), "uri": uri, "now": now, "token": token.hex()}

    def accepted(self) -> dict[str, Json]:
        token, good = self.token, self.good
        key = (ISSUERS, 0, KEYS, 1)
        made = {
            f"accepted-{bits}-bits": good(
                f"{bits} bits an entry.",
                token(bits=bits, size=64, entries={0: 1, 9: 1, 63: (1 << bits) - 1}),
                bits=bits,
                size=64,
                entries={0: 1, 9: 1, 63: (1 << bits) - 1},
            )
            for bits in (1, 2, 4, 8)
        }
        return made | {
            "accepted-unknown-claims": good(
                "A later claim, and aggregation_uri, which is ignored.",
                token(
                    lambda claims: (claims.update({99: "later"}), claims[_CLAIM].update(aggregation_uri="https://x"))
                ),
            ),
            "accepted-31-days": good("It lives 31 days.", token(exp=IAT + 31 * DAY), exp=IAT + 31 * DAY),
            "accepted-ended": good("Ended a week ago: what it said is still knowledge.", token(), now=IAT + 8 * DAY),
            "accepted-clock-300-behind": good("Its iat is 300 seconds ahead of the clock.", token(), now=IAT - 300),
            "accepted-capacity": good(
                "As many entries as its issuer may have.", token(), put(16, ISSUERS, 0, CAPACITY)
            ),
            "accepted-key-last-second": good(
                "The key's window ends a second later.", token(), put(IAT + 1, *key, UNTIL)
            ),
            "accepted-retired-later": good(
                "The key was retired in the second of iat.", token(), put({1: IAT, 2: "retired"}, *key, REVOKED)
            ),
        }

    def refused(self) -> dict[str, Json]:
        token, bad = self.token, self.bad
        key = (ISSUERS, 0, KEYS, 1)
        spoiled = bytearray(token())
        spoiled[-1] ^= 1
        return {
            "cwt-tag": bad("Tag 61 around tag 18.", "status.cwt_tag", b"\xd8\x3d" + token()),
            "a-card": bad("A card.", "header.typ", cose.sign_token(b"\xa0", CARD_KEY)),
            "a-timestamp": bad("A timestamp's typ.", "header.typ", token(typ=timestamp.TYP)),
            "unknown-key": bad("Signed by a stranger.", "status.unknown_key", token(key=STRANGER)),
            "other-issuer": bad("Signed by a neighbour.", "status.other_issuer", token(key=OTHER_STATUS_KEY)),
            "card-key": bad("Signed by a card key.", "status.wrong_usage", token(key=CARD_KEY)),
            "timestamp-key": bad("Signed by a timestamp key.", "status.wrong_usage", token(key=TIMESTAMP_KEY)),
            "root-key": bad("Signed by a root key.", "status.wrong_usage", token(key=ROOTS[0])),
            "compromised": bad(
                "The key is compromised since a day later: the thief writes iat.",
                "status.key_compromised",
                token(),
                put({1: IAT + DAY, 2: "compromised"}, *key, REVOKED),
            ),
            "key-algorithm": bad(
                "The header names another algorithm than the key's.",
                "status.key_algorithm",
                renamed(token(), STATUS_KEY, status_list.TYP),
            ),
            "bad-signature": bad("A bit of the signature is flipped.", "status.bad_signature", bytes(spoiled)),
            "no-sub": bad("No sub.", "status.missing", token(drop(_SUB)), path="sub"),
            "no-exp": bad("No exp.", "status.missing", token(drop(_EXP)), path="exp"),
            "no-ttl": bad("No ttl.", "status.missing", token(drop(_TTL)), path="ttl"),
            "sub-number": bad("sub is a number.", "status.wrong_type", token(put(7, _SUB)), path="sub"),
            "ttl-zero": bad("ttl 0.", "status.out_of_range", token(put(0, _TTL)), path="ttl"),
            "sub-of-another": bad(
                "The list of another uri.", "status.other_subject", token(uri="https://sh.example/s/k7Qe"), path="sub"
            ),
            "sub-upper-case": bad(
                "Its uri in another spelling.",
                "status.other_subject",
                token(uri="https://SH.example/s/k7Qd"),
                path="sub",
            ),
            "uri-of-nobody": bad(
                "At an address that nobody owns.",
                "status.uri_unowned",
                token(uri="https://nobody.example/s/a"),
                path="uri",
                uri="https://nobody.example/s/a",
            ),
            "uri-deeper": bad(
                "A folder below the prefix.",
                "status.uri_unowned",
                token(uri="https://sh.example/s/a/b"),
                path="uri",
                uri="https://sh.example/s/a/b",
            ),
            "lives-31-days-and-a-second": bad(
                "It lives a second longer than 31 days.", "status.lifetime", token(exp=IAT + 31 * DAY + 1), path="exp"
            ),
            "ends-before-it-begins": bad("exp is iat.", "status.lifetime", token(exp=IAT), path="exp"),
            "future": bad("301 seconds ahead of the clock.", "status.future", token(), path="iat", now=IAT - 301),
            "three-bits": bad(
                "Three bits an entry.", "status.bits", token(put(3, _CLAIM, _BITS)), path="status_list.bits"
            ),
            "not-zlib": bad(
                "lst is no zlib stream.", "status.corrupt", token(put(b"plain", _CLAIM, _LST)), path="status_list.lst"
            ),
            "beyond-capacity": bad(
                "A byte more than its issuer's capacity.",
                "status.too_large",
                token(),
                put(14, ISSUERS, 0, CAPACITY),
                path="status_list.lst",
            ),
            "bomb": bad(
                "Two million entries, inflated from little.",
                "status.too_large",
                token(size=2_000_000, entries={}),
                path="status_list.lst",
            ),
            "cut-stream": bad(
                "The zlib stream lacks its last byte.",
                "status.truncated",
                token(_on_stream(lambda stream: stream[:-1])),
                path="status_list.lst",
            ),
            "bytes-behind": bad(
                "A byte behind the zlib stream.",
                "status.trailing_bytes",
                token(_on_stream(lambda stream: stream + b"\0")),
                path="status_list.lst",
            ),
            "key-window": bad(
                "The key's window ended in the second of iat.",
                "status.key_window",
                token(),
                put(IAT, *key, UNTIL),
                path="iat",
            ),
            "key-retired": bad(
                "Issued a second after the key was retired.",
                "status.key_retired",
                token(),
                put({1: IAT - 1, 2: "retired"}, *key, REVOKED),
                path="iat",
            ),
            "index": bad("Entry 16 of a list of 16.", "status.index", token(), path="idx") | {"index": 16},
        }

    def followed(self) -> dict[str, Json]:
        """What a verifier says that has taken another token of the same key before."""
        token = self.token
        plain, later, emptied = token(), token(iat=IAT + 1), token(entries={})
        rows = {
            "accepted-later-by-a-second": (self.good("A second later.", later, iat=IAT + 1), plain),
            "accepted-the-same-again": (self.good("The same bytes again.", plain), plain),
            "older": (
                self.bad("A second older than one that was taken.", "store.status_rollback", plain, path="iat"),
                later,
            ),
            "two-of-one-time": (
                self.bad(
                    "Of the same second, and all of it valid.", "store.status_two_of_one_time", emptied, path="iat"
                ),
                plain,
            ),
        }
        return {name: vector | {"before": before.hex()} for name, (vector, before) in rows.items()}


def _on_stream(change: Callable[[bytes], bytes]) -> Edit:
    def edit(claims: Any) -> None:
        claims[_CLAIM][_LST] = change(claims[_CLAIM][_LST])

    return edit


def renamed(token: bytes, key: SigningKey, typ: str) -> bytes:
    """A token whose header names the key, and ES256."""
    protected = cbor.encode({cose.ALG: -7, cose.KID: bytes(key.verifying_key.kid), cose.TYP: typ})
    message = cose.parse_sign1(token)._replace(protected=protected)
    parts = (message.protected, message.payload, message.signature)
    protected_bytes, payload, signature = map(cbor.encode, parts)
    return b"\xd2\x84" + protected_bytes + b"\xa0" + payload + signature


def good_token(kept: Kept) -> bytes:
    """The token that the faults are made from."""
    return _Status(kept).token()


def vectors(kept: Kept) -> dict[str, Json]:
    """``status/*.json``."""
    status = _Status(kept)
    made = status.accepted() | status.refused() | status.followed()
    return {f"status/{name}.json": vector for name, vector in made.items()}
