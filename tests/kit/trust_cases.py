"""Every attack on the trust list, as a table: bytes in, a code out, ready to be written to files for other readers."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

from icard_crypto.encoding import cbor
from icard_crypto.lists.trust_chain import TYP
from icard_crypto.signing import cose
from icard_crypto.signing.algorithms import ML_DSA_44
from icard_crypto.signing.keys import SigningKey
from tests.kit.adversary import (
    CAPACITY,
    CARD_KEY,
    DAY,
    ENVIRONMENT,
    EXP,
    FORMAT,
    FROM,
    IAT,
    ISS,
    ISSUERS,
    KEY,
    KEYS,
    NAMES,
    PREFIXES,
    REGIONS,
    REVOKED,
    ROOTS,
    START,
    STATUS_KEY,
    STRANGER,
    THRESHOLD,
    TIMESTAMP_KEYS,
    TRUST_ROOTS,
    UNTIL,
    USAGE,
    Edit,
    add,
    alien,
    cose_key,
    drop,
    key_entry,
    noisy,
    payload,
    published,
    put,
    signed,
    spoiled,
    unprotected,
    with_roots,
)

__all__ = ["ACCEPTED", "COMPROMISED", "NOW", "UNKNOWN", "TrustCase", "cases"]

NOW: Final = START + 30 * DAY
SIX_YEARS: Final = 2192 * DAY
#: Stands where a code would, when the chain is good.
ACCEPTED: Final = "accepted"

A, B, C, D, E, F = ROOTS
ML_DSA: Final = SigningKey.from_raw(ML_DSA_44, bytes([51]) * 32)


@dataclass(frozen=True)
class TrustCase:
    """One trial: open ``anchor``, follow ``lists`` at ``now``.

    Args:
        code: of the refusal, or :data:`ACCEPTED`.
        version: the version in force at the end of an accepted chain.
        single_root: whether the verifier asked for a single root by name.
    """

    name: str
    code: str
    lists: tuple[bytes, ...]
    anchor: bytes
    now: int = NOW
    version: int = 2
    single_root: bool = False


def _first_key(*rest: Any) -> tuple[Any, ...]:
    return (ISSUERS, 0, KEYS, 0, *rest)


def _prefix(prefix: str) -> Edit:
    return put([prefix], ISSUERS, 1, PREFIXES)


COMPROMISED: Final = put({1: START + DAY, 2: "compromised"}, *_first_key(REVOKED))
RETIRED: Final = put({1: START + DAY, 2: "retired"}, *_first_key(REVOKED))
DROPPED: Final = drop(*_first_key())
LATE: Final = (put(START + SIX_YEARS + 2 * DAY, IAT), put(START + SIX_YEARS + 300 * DAY, EXP))
ENDED: Final = put(NOW, EXP)
SMALL_ORDER: Final = {1: 1, -1: 6, -2: b"\x01" + bytes(31)}
OFF_CURVE: Final = {1: 2, -1: 1, -2: bytes([1]) * 32, -3: bytes([1]) * 32}
UNKNOWN: Final = {1: 7, 3: -999, -1: bytes(100)}
CARD: Final = cose.sign_token(b"\xa0", CARD_KEY)


@functools.cache
def cases() -> tuple[TrustCase, ...]:
    """All attacks on the trust list, and what looks like one and is fine."""
    first, second, third = published(1), published(2), published(3)
    good = ACCEPTED

    def case(name: str, code: str, *lists: bytes, anchor: bytes = first, **more: Any) -> TrustCase:
        return TrustCase(name, code, lists, anchor, **more)

    def edited(name: str, code: str, *edits: Edit) -> TrustCase:
        return case(name, code, published(2, *edits))

    single = put(1, THRESHOLD)
    return (
        # Versions and times.
        case("the next list", good, second),
        case("two lists on", good, second, third, version=3),
        case("no list", good, version=1),
        case("the whole chain, the current list in it", good, first, second, third, version=3),
        case("the current list again", good, first, version=1),
        case("rollback", "trust.rollback", published(4), anchor=published(5)),
        case("rollback in the middle", "trust.rollback", second, third, published(2, put(START + 9 * DAY, IAT))),
        case("skipped version", "trust.version_skipped", third),
        case("same version, another payload", "trust.two_of_one_version", published(1, put(999, ISSUERS, 0, CAPACITY))),
        case("same payload, other signatures", good, published(1, by=(B, C)), version=1),
        case("same payload, other signatures, in the middle", good, second, published(2, by=(B, C)), third, version=3),
        edited("iat falls", "trust.iat_falls", put(START, IAT)),
        edited("iat stays", good, put(START + DAY, IAT)),
        case("expired middle", good, published(2, ENDED), third, version=3),
        case("expired last: a freeze", "trust.expired", second, published(3, ENDED)),
        case("the current list again, expired: a freeze", "trust.expired", first, now=START + 301 * DAY),
        case("ends a second later", good, published(2, put(NOW + 1, EXP))),
        case("from the future", "trust.future", second, now=START + 2 * DAY - 301),
        case("a clock 300 seconds behind", good, second, now=START + 2 * DAY - 300),
        edited("lives 401 days", "trust.lifetime", put(START + 402 * DAY + 1, EXP)),
        edited("lives 400 days", good, put(START + 402 * DAY, EXP)),
        edited("ends before it begins", "trust.lifetime", put(START, EXP)),
        # Roots and thresholds.
        case("one root", "trust.threshold_current", published(2, by=(A,))),
        case("one root twice", "trust.threshold_current", published(2, by=(A, A))),
        case("strangers", "trust.threshold_current", published(2, by=(STRANGER, D))),
        case("a card key as a root", "trust.threshold_current", published(2, by=(A, CARD_KEY))),
        case("one bad signature of two", "trust.threshold_current", spoiled(second, 1)),
        case("new roots, both thresholds met", good, published(2, with_roots(C, D, E), by=(A, C, D))),
        case(
            "new roots, new threshold alone",
            "trust.threshold_current",
            published(2, with_roots(D, E, F), by=(D, E, F, A)),
        ),
        case(
            "new roots, old threshold alone",
            "trust.threshold_own",
            published(2, with_roots(D, E, F), by=(A, B, C, D)),
        ),
        case("roots of the old list only", "trust.threshold_own", published(2, with_roots(D, E, F), by=(A, B))),
        case("a higher threshold than signed", "trust.threshold_own", published(2, put(3, THRESHOLD), by=(A, B))),
        case(
            "old roots after a rotation",
            "trust.threshold_current",
            published(2, with_roots(D, E, F), by=(A, B, D, E)),
            published(3, with_roots(D, E, F), by=(A, B, C)),
        ),
        case("bad and unknown signatures beside good ones", good, noisy(published(2, by=(A, B)), 30)),
        case("signatures of strange form beside good ones", good, alien(second)),
        case("a bad signature of a root before its good one", good, spoiled(published(2, by=(A, A, B)), 0)),
        case("33 signatures", "cose.signatures", noisy(second, 31)),
        edited("threshold above the roots", "trust.threshold_range", put(4, THRESHOLD)),
        edited("threshold 0", "trust.out_of_range", put(0, THRESHOLD)),
        edited("threshold lowered to one", "trust.single_root", single),
        case("threshold of one, not asked for", "trust.single_root", anchor=published(1, single, by=(A,))),
        case("threshold of one, asked for", good, anchor=published(1, single, by=(A,)), version=1, single_root=True),
        case("an anchor that its roots did not sign", "trust.threshold_own", anchor=published(1, by=(A, STRANGER))),
        # What it is.
        case("no typ", "header.typ", signed(payload(2), (A, B), typ=None)),
        case("wrong typ", "header.typ", signed(payload(2), (A, B), typ="application/icard-timestamp+cbor")),
        case("typ as a number", "header.typ", signed(payload(2), (A, B), typ=1)),
        case("a card as a trust list", "cose.wrong_tag", CARD),
        case("one signature's frame", "cose.wrong_tag", cose.sign_token(cbor.encode(payload(2)), A, TYP)),
        case("typ outside protection", "header.unprotected", unprotected(second)),
        case("crit", "header.crit", signed(payload(2), (A, B), crit=True)),
        case("a byte behind", "cose.trailing_bytes", second + b"\x00"),
        case("no CBOR inside", "cbor.truncated", signed(b"\xa1", (A, B))),
        case("no map inside", "trust.wrong_type", signed(b"\x80", (A, B))),
        case("unsigned bytes that are no CBOR", "trust.threshold_current", signed(b"\xff", (STRANGER,))),
        edited("format too new", "trust.format_newer", put(2, FORMAT), put("other", THRESHOLD)),
        edited("format 0", "trust.out_of_range", put(0, FORMAT)),
        edited("environment switched", "trust.environment", put("production", ENVIRONMENT)),
        case(
            "a test list after a production anchor",
            "trust.environment",
            second,
            anchor=published(1, put("production", ENVIRONMENT)),
        ),
        edited("an environment of no name", "trust.form", put("proof", ENVIRONMENT)),
        edited("a field is missing", "trust.missing", drop(TIMESTAMP_KEYS)),
        edited("a later field", good, put("later", 10), put(1, ISSUERS, 0, "later")),
        # Keys.
        edited("one kid twice in an issuer", "trust.duplicate_kid", add(key_entry(CARD_KEY, "card"), ISSUERS, 0, KEYS)),
        edited("one kid in two issuers", "trust.duplicate_kid", add(key_entry(CARD_KEY, "card"), ISSUERS, 1, KEYS)),
        edited("a root twice", "trust.duplicate_kid", with_roots(A, B, A)),
        edited("a key with two usages", "trust.two_usages", add(key_entry(CARD_KEY, "status"), ISSUERS, 0, KEYS)),
        edited("a root that signs cards", "trust.two_usages", add(key_entry(A, "card"), ISSUERS, 0, KEYS)),
        edited("a timestamp key that signs lists", "trust.two_usages", put([cose_key(STATUS_KEY)], TIMESTAMP_KEYS)),
        edited("a usage of no name", "trust.form", put("seal", *_first_key(USAGE))),
        edited("small-order key", "trust.weak_key", put(SMALL_ORDER, *_first_key(KEY))),
        edited("small-order root", "trust.weak_key", add(SMALL_ORDER, TRUST_ROOTS)),
        edited("off-curve key", "trust.weak_key", put(OFF_CURVE, *_first_key(KEY))),
        edited("a key with its private part", "trust.bad_key", put(bytes(32), *_first_key(KEY, -4))),
        edited("a key that is no map", "trust.wrong_type", put(b"x", *_first_key(KEY))),
        edited("a root that is no map", "trust.bad_key", add(b"x", TRUST_ROOTS)),
        edited("unknown algorithm, skipped", good, put(UNKNOWN, *_first_key(KEY)), add(UNKNOWN, TRUST_ROOTS)),
        case("ML-DSA-44 is known", good, published(2, put(cose_key(ML_DSA), *_first_key(KEY)))),
        edited("from at half past", "trust.from_hour", put(START + 1800, *_first_key(FROM))),
        edited("until before from", "trust.window", put(START, *_first_key(UNTIL))),
        # Revocation.
        case("a revoked key stays", good, published(2, COMPROMISED), published(3, COMPROMISED), version=3),
        case("a revoked key comes back", "trust.revoked_returns", published(2, COMPROMISED), third),
        case(
            "a revoked key comes back with another usage",
            "trust.revoked_returns",
            published(2, COMPROMISED),
            published(3, put("status", *_first_key(USAGE))),
        ),
        case(
            "a revoked key comes back as a timestamp key",
            "trust.revoked_returns",
            published(2, COMPROMISED),
            published(3, DROPPED, add(cose_key(CARD_KEY), TIMESTAMP_KEYS)),
        ),
        case(
            "a revoked key vanishes",
            "trust.revoked_vanishes",
            published(2, COMPROMISED),
            published(3, DROPPED),
        ),
        case(
            "a revoked key is hidden by an unknown algorithm",
            "trust.revoked_vanishes",
            published(2, COMPROMISED),
            published(3, put(UNKNOWN, *_first_key(KEY)), COMPROMISED),
        ),
        case("retired, then compromised", good, published(2, RETIRED), published(3, COMPROMISED), version=3),
        case("compromised, then retired", "trust.revocation_milder", published(2, COMPROMISED), published(3, RETIRED)),
        case(
            "retired later",
            "trust.revocation_milder",
            published(2, RETIRED),
            published(3, put({1: START + 2 * DAY, 2: "retired"}, *_first_key(REVOKED))),
        ),
        case(
            "a revoked key goes after six years",
            good,
            published(2, COMPROMISED),
            published(3, DROPPED, *LATE),
            now=START + SIX_YEARS + 3 * DAY,
            version=3,
        ),
        case(
            "a revoked key comes back after six years",
            "trust.revoked_returns",
            published(2, COMPROMISED),
            published(3, DROPPED, *LATE),
            published(4, *LATE),
            now=START + SIX_YEARS + 3 * DAY,
        ),
        case(
            "a revoked key goes a second before six years",
            "trust.revoked_vanishes",
            published(2, COMPROMISED),
            published(3, DROPPED, put(START + DAY + SIX_YEARS - 1, IAT), LATE[1]),
            now=START + SIX_YEARS + 3 * DAY,
        ),
        case(
            "a revoked key goes six years later to the second",
            good,
            published(2, COMPROMISED),
            published(3, DROPPED, put(START + DAY + SIX_YEARS, IAT), LATE[1]),
            now=START + SIX_YEARS + 3 * DAY,
            version=3,
        ),
        edited("revoked for no known reason", "trust.form", put({1: START, 2: "mislaid"}, *_first_key(REVOKED))),
        # Issuers.
        edited("two issuers with one iss", "trust.duplicate_iss", put("cn.310000", ISSUERS, 1, ISS)),
        edited("an iss in capitals", "trust.form", put("CN.440000", ISSUERS, 1, ISS)),
        edited("a region of five digits", "trust.out_of_range", put(["44000"], ISSUERS, 1, REGIONS)),
        edited("a region with a letter", "trust.form", put(["44000a"], ISSUERS, 1, REGIONS)),
        edited("a name that reorders the screen", "trust.form", put("a\u202eb", ISSUERS, 1, NAMES, 1)),
        edited("capacity 0", "trust.out_of_range", put(0, ISSUERS, 1, CAPACITY)),
        edited("a region that is no text", "trust.wrong_type", put([310000], ISSUERS, 1, REGIONS)),
        edited("an issuer that is no map", "trust.wrong_type", put([], ISSUERS, 1)),
        # Status prefixes.
        edited("a prefix that is no text", "trust.wrong_type", put([1], ISSUERS, 1, PREFIXES)),
        edited("a prefix of 129 characters", "trust.out_of_range", _prefix("https://gd.example/" + "x" * 109 + "/")),
        edited("another issuer's prefix", "trust.prefix_overlap", _prefix("https://sh.example/s/")),
        edited("a prefix below another issuer's", "trust.prefix_overlap", _prefix("https://sh.example/s/gd/")),
        edited("a prefix above another issuer's", "trust.prefix_overlap", _prefix("https://sh.example/")),
        edited("look-alike host", good, _prefix("https://sh.example.evil.org/s/")),
        edited("look-alike host without its slash", "uri.final_slash", _prefix("https://sh.example")),
        edited("another port", good, _prefix("https://sh.example:8443/")),
        edited("port 443", "uri.port", _prefix("https://sh.example:443/")),
        edited("dot segments", "uri.dot_segment", _prefix("https://gd.example/../s/")),
        edited("percent escapes", "uri.percent_escape", _prefix("https://gd.example/%2e%2e/s/")),
        edited("upper-case host", "uri.host", _prefix("https://SH.example/s/")),
        edited("upper-case scheme", "uri.scheme", _prefix("HTTPS://sh.example/s/")),
        edited("no https", "uri.scheme", _prefix("http://gd.example/s/")),
        edited("userinfo", "uri.userinfo", _prefix("https://sh.example@gd.example/s/")),
        edited("query", "uri.query", _prefix("https://gd.example/s/?list=/")),
        edited("fragment", "uri.fragment", _prefix("https://gd.example/s/#/")),
    )
