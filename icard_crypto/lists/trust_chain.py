"""Signed trust lists, and what may follow what: the root rules of The Update Framework (section 5.3), in bytes only.

:func:`verify_successor` checks, in this order, and stops at the first fault; what was accepted before then stays:

1. The frame: a COSE_Sign (tag 98) of at most 8 MiB with 1 to 32 signatures (``cose.*``), whose protected header has typ
   ``application/icard-trust+cbor`` and whose unprotected header is empty (``header.*``).
2. The current list's payload again, whoever signed it this time, changes nothing.
3. A threshold of the *current* list's roots has signed. Nothing of the payload is decoded before.
4. The payload is a good trust list (:mod:`icard_crypto.lists.trust_list`).
5. Its environment is the current one: a test list never becomes a production list, nor the other way round.
6. Its version is the current one and one more: lower is a rollback, higher hides a list, the same with another payload
   is two lists of one version.
7. Its iat is not before the current one's.
8. A threshold of its *own* roots has signed.
9. A revoked key stays listed as revoked for six years, then may go. It never comes back, as no usage of any issuer, and
   its revocation never gets milder. What was revoked is carried along as tombstones.

:func:`verify_chain` follows a list of lists and checks of the last one only:

10. It has not ended at ``now`` and is not from the future. Those in the middle may have ended.

Further:

11. Signatures are counted by the root's full thumbprint, once each. A bad or unknown one beside enough good ones is
    ignored, so that nobody can spoil a list by adding one.
12. :func:`verify_anchor` trusts the first list as it is: people must compare the thumbprints of its roots.
13. To publish: :func:`draft` a payload, each root :func:`sign` its copy offline, :func:`assemble` the copies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.errors import DecodeError, EncodeError
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey, Thumbprint, VerifyingKey

from .list_maps import DAY, check_not_future
from .trust_list import Revocation, TrustList, decode_trust_list
from .trust_list import encode_trust_list as draft

__all__ = [
    "REVOKED_KEPT",
    "TYP",
    "Tombstone",
    "TrustState",
    "assemble",
    "check_successor",
    "draft",
    "good_beginning",
    "sign",
    "verify_anchor",
    "verify_chain",
    "verify_successor",
]

TYP: Final = "application/icard-trust+cbor"
#: Seconds. Six years: longer than any permit (five years) and any code of it lives.
REVOKED_KEPT: Final = 2192 * DAY

_THUMBPRINT_LENGTH: Final = 32
_EMPTY_MAP: Final = b"\xa0"
_TAG_SIGN: Final = b"\xd8\x62"


class Tombstone(NamedTuple):
    """A key that was revoked once, and how: kept permanently."""

    thumbprint: Thumbprint
    revoked: Revocation


@dataclass(frozen=True, slots=True)
class TrustState:
    """The accepted trust list and what is remembered from those before it.

    Args:
        current: the accepted list.
        tombstones: every key ever revoked, sorted by thumbprint; the caller keeps them, for nothing here has a state.
    """

    current: TrustList
    tombstones: tuple[Tombstone, ...]


def verify_anchor(data: bytes, *, tombstones: Iterable[Tombstone] = (), unsafe_single_root: bool = False) -> TrustState:
    """Open a signed trust list without a predecessor (rules 1, 4, 8, 9, 11).

    For the first list that a verifier is given, whose roots people compare; and for the last accepted one when a
    state is loaded again, with the tombstones kept beside it. An ended list is opened: a newer one may follow.

    Raises:
        DecodeError: ``cose.*``, ``header.*``, ``cbor.*``, ``trust.*``, ``uri.*``.
    """
    message = _parse(data)
    # Decoded before its signature holds, as any self-signed thing must be: strictly, and within the list's caps.
    first = decode_trust_list(message.payload, unsafe_single_root=unsafe_single_root)
    _require(message, first.roots, first.threshold, "trust.threshold_own")
    return TrustState(first, _bury(tombstones, first))


def verify_successor(state: TrustState, data: bytes, *, unsafe_single_root: bool = False) -> TrustState:
    """Accept the next trust list after the current one by rules 1 to 9, whatever the time.

    Raises:
        DecodeError: ``cose.*``, ``header.*``, ``cbor.*``, ``trust.*``, ``uri.*``.
    """
    # 1
    message = _parse(data)
    current = state.current
    # 2
    if hashlib.sha256(message.payload).digest() == current.payload_hash:
        return state
    # 3
    _require(message, current.roots, current.threshold, "trust.threshold_current")
    # 4
    following = decode_trust_list(message.payload, unsafe_single_root=unsafe_single_root)
    # 5, 6, 7, 9
    accepted = check_successor(state, following)
    # 8
    _require(message, following.roots, following.threshold, "trust.threshold_own")
    return accepted


def verify_chain(
    state: TrustState, lists: Sequence[bytes], now: int | None, *, unsafe_single_root: bool = False
) -> TrustState:
    """Follow trust lists from the current one to the newest; all of them are good, or none is taken.

    Lists up to the current one, found by its payload, are its own past: nothing of them is decoded or believed. So a
    publisher can hand the whole chain to everyone.

    Args:
        lists: oldest first.
        now: Unix time; None skips rule 10, for callers whose verdicts judge the list's age themselves.

    Raises:
        DecodeError: as :func:`verify_successor`; ``trust.expired``, ``trust.future``.
    """
    if not lists:
        return state
    known = state.current.payload_hash
    past = [place for place, data in enumerate(lists) if hashlib.sha256(_parse(data).payload).digest() == known]
    for data in lists[past[-1] + 1 if past else 0 :]:
        state = verify_successor(state, data, unsafe_single_root=unsafe_single_root)
    # 10
    last = state.current
    if now is not None:
        if last.exp <= now:
            raise DecodeError("trust.expired", path="exp", expected=f"after {now}", found=str(last.exp))
        check_not_future("trust", last.iat, now)
    return state


def good_beginning(
    state: TrustState, lists: Sequence[bytes], now: int | None, *, unsafe_single_root: bool = False
) -> int:
    """How many lists after the current one can be followed, one by one, before one that is bad or from the future.

    Args:
        now: Unix time; None: none is from the future.
    """
    for place, data in enumerate(lists):
        try:
            state = verify_successor(state, data, unsafe_single_root=unsafe_single_root)
            if now is not None:
                check_not_future("trust", state.current.iat, now)
        except DecodeError:
            return place
    return len(lists)


def check_successor(state: TrustState, following: TrustList) -> TrustState:
    """Rules 5, 6, 7 and 9 by themselves: for publishers, before they ask roots to sign.

    Raises:
        DecodeError: ``trust.*``.
    """
    current = state.current
    # 5
    if following.environment != current.environment:
        raise DecodeError(
            "trust.environment", path="environment", expected=current.environment, found=following.environment
        )
    # 6
    wanted = current.version + 1
    if following.version != wanted:
        same, lower = following.version == current.version, following.version < current.version
        code = "trust.two_of_one_version" if same else "trust.rollback" if lower else "trust.version_skipped"
        raise DecodeError(code, path="version", expected=str(wanted), found=str(following.version))
    # 7
    if following.iat < current.iat:
        raise DecodeError("trust.iat_falls", path="iat", expected=f"{current.iat} or later", found=str(following.iat))
    # 9
    return TrustState(following, _bury(state.tombstones, following))


def _bury(tombstones: Iterable[Tombstone], following: TrustList) -> tuple[Tombstone, ...]:
    """Rule 9: check a list against all that was revoked, and add what it revokes."""
    buried = dict(tombstones)
    listed: dict[Thumbprint, Revocation | None] = {
        key.thumbprint: None for key in (*following.roots, *following.timestamp_keys)
    }
    listed |= {key.thumbprint: entry.revoked for _, entry, key in following.issuer_keys()}
    for thumbprint, revoked in buried.items():
        if thumbprint not in listed:
            if following.iat < revoked.at + REVOKED_KEPT:
                raise _rule_9("trust.revoked_vanishes", thumbprint, "listed as revoked, for six years")
            continue
        now_revoked = listed[thumbprint]
        if now_revoked is None:
            raise _rule_9("trust.revoked_returns", thumbprint, "revoked permanently")
        if not _as_strict(revoked, now_revoked):
            raise _rule_9("trust.revocation_milder", thumbprint, f"{revoked.kind} at {revoked.at}, or stricter")
    buried |= {thumbprint: revoked for thumbprint, revoked in listed.items() if revoked is not None}
    return tuple(Tombstone(thumbprint, buried[thumbprint]) for thumbprint in sorted(buried))


def _as_strict(before: Revocation, after: Revocation) -> bool:
    """Whether no revoked key is valid again. What was retired may turn out to be compromised, or retired
    earlier; when a key was compromised is settled, for the six years count from it."""
    return after == before or (before.kind == "retired" and (after.kind == "compromised" or after.at < before.at))


def _rule_9(code: str, thumbprint: Thumbprint, expected: str) -> DecodeError:
    return DecodeError(code, path="issuers", expected=expected, found=f"key {thumbprint.hex()}")


def _parse(data: bytes) -> cose.Sign:
    """Rule 1. The body names no algorithm and no key; each signature has its own."""
    message = cose.parse_sign(data, max_bytes=limits.TRUST_LIST_BYTES)
    if message.unprotected != _EMPTY_MAP:
        raise DecodeError("header.unprotected", expected="an empty map")
    headers = cose.headers_of(message.protected)
    if cose.CRIT in headers:
        raise DecodeError("header.crit", expected="no crit: no extension is understood")
    typ = headers.get(cose.TYP)
    if typ != TYP:
        shown = diagnostic(typ)[:60] if cose.TYP in headers else "no typ"
        raise DecodeError("header.typ", expected=TYP, found=shown)
    return message


def _require(message: cose.Sign, roots: Iterable[VerifyingKey], threshold: int, code: str) -> None:
    """Rule 11: count the roots whose signature holds."""
    waiting = {key.thumbprint: key for key in roots}
    signed = 0
    for entry in message.signatures:
        try:
            headers = cose.token_headers(entry, kid_length=_THUMBPRINT_LENGTH)
        except DecodeError:
            continue
        thumbprint = Thumbprint(headers.kid)
        key = waiting.get(thumbprint)
        if key is None or key.algorithm is not headers.algorithm:
            continue
        if key.verify(entry.signature, cose.signed_bytes_of_entry(message, entry)):
            del waiting[thumbprint]
            signed += 1
    if signed < threshold:
        raise DecodeError(code, path="signatures", expected=f"{threshold} of the roots", found=f"{signed}")


def sign(data: bytes, root: SigningKey) -> bytes:
    """Add a root's signature to a draft, or to a copy that others have signed; a second time replaces the first.

    Raises:
        DecodeError: when it is no trust list that a reader would take.
    """
    if data[: len(_TAG_SIGN)] == _TAG_SIGN:
        message = _parse(data)
    else:
        message = cose.Sign(cbor.encode({cose.TYP: TYP}), _EMPTY_MAP, data, ())
    # Whoever wrote the draft asked for a single root by name, and every reader must again; a signer need not.
    decode_trust_list(message.payload, unsafe_single_root=True)
    *others, mine = cose.sign_entry(message, root).signatures
    kept = [entry for entry in others if entry.protected != mine.protected]
    return cose.encode_sign(message._replace(signatures=(*kept, mine)))


def assemble(copies: Iterable[bytes]) -> bytes:
    """Put the signatures of several signed copies of one draft together. Verify the result before publishing it.

    Raises:
        DecodeError: a copy is no signed trust list.
        EncodeError: ``trust.no_copies``, ``trust.copies_differ``, ``trust.too_many_signatures``.
    """
    messages = [_parse(copy) for copy in copies]
    if not messages:
        raise EncodeError("trust.no_copies", expected="at least one signed copy")
    first = messages[0]
    for place, message in enumerate(messages):
        if (message.protected, message.payload) != (first.protected, first.payload):
            raise EncodeError("trust.copies_differ", path=f"copies[{place}]", expected="the payload of the first copy")
    entries = tuple(dict.fromkeys(entry for message in messages for entry in message.signatures))
    if len(entries) > limits.TRUST_LIST_SIGNATURES:
        expected = f"at most {limits.TRUST_LIST_SIGNATURES}"
        raise EncodeError("trust.too_many_signatures", expected=expected, found=str(len(entries)))
    return cose.encode_sign(first._replace(signatures=entries))
