"""Drafts of a trust list: begun, changed by named edits, signed by roots that never meet, assembled.

Promises:

1. A draft is the payload itself, as the roots will sign it: deterministic CBOR that every reader takes, after every
   edit. Nothing has to be compiled before it is signed, so what was looked at is what is signed.
2. The next version carries on all that the current one says; a current list with a key or field that this software
   does not understand is not carried on, for it would lose that without a word.
3. A revoked key stays, and is not made milder (:mod:`icard_crypto.lists.trust_chain`, rule 9).
4. Only a root of the current list or of the draft signs it, and only what may follow the current list.
5. What is assembled has the signatures of enough roots of both lists, and would be accepted by every verifier that
   knows the current one.

Times are Unix times and arguments; nothing here reads a clock or a file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

from icard_crypto.errors import DecodeError, KeyFault, StateError
from icard_crypto.lists import trust_chain
from icard_crypto.lists.trust_chain import TrustState
from icard_crypto.lists.trust_list import (
    Environment,
    IssuerEntry,
    KeyEntry,
    Revocation,
    TrustList,
    decode_trust_list,
    encode_trust_list,
)
from icard_crypto.moments import DAY
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey, Thumbprint, VerifyingKey

__all__ = [
    "DAY",
    "add_issuer",
    "add_key",
    "add_root",
    "add_timestamp_key",
    "assemble_draft",
    "begin",
    "change_issuer",
    "drop_root",
    "drop_timestamp_key",
    "find_key",
    "follow",
    "is_signed",
    "open_list",
    "open_signed",
    "revoke_key",
    "set_threshold",
    "sign_draft",
    "signers",
]

_TAG_SIGN: Final = b"\xd8\x62"
_SHORTEST_PREFIX: Final = 8
_THUMBPRINT: Final = 32


def begin(
    roots: Sequence[VerifyingKey],
    timestamp_keys: Sequence[VerifyingKey],
    *,
    environment: Environment,
    threshold: int,
    iat: int,
    exp: int,
    unsafe_single_root: bool = False,
) -> bytes:
    """The first draft of a domain, without issuers.

    Raises:
        DecodeError: ``trust.*``, as :func:`icard_crypto.lists.trust_list.encode_trust_list`.
    """
    return encode_trust_list(
        environment=environment,
        version=1,
        iat=iat,
        exp=exp,
        roots=roots,
        threshold=threshold,
        timestamp_keys=timestamp_keys,
        issuers=[],
        unsafe_single_root=unsafe_single_root,
    )


def follow(signed: bytes, *, now: int, lifetime: int) -> bytes:
    """The draft of the version after a signed list, with the same content.

    Args:
        now: becomes its iat, unless the current list's is later.
        lifetime: seconds until its end.

    Raises:
        DecodeError: the list is not good.
        StateError: ``draft.not_understood`` (promise 2).
    """
    current = open_signed(signed).current
    iat = max(now, current.iat)
    return _encoded(dataclasses.replace(current, version=current.version + 1, iat=iat, exp=iat + lifetime))


def is_signed(data: bytes) -> bool:
    """Whether this is a signed list and not a draft."""
    return data[: len(_TAG_SIGN)] == _TAG_SIGN


def open_signed(data: bytes) -> TrustState:
    """A signed list on its own word, whatever the time; who uses it knows it for his domain's.

    Raises:
        StateError: ``draft.unsigned``.
        DecodeError: the list is not good.
    """
    if not is_signed(data):
        raise StateError("draft.unsigned", expected="a signed list")
    return trust_chain.verify_anchor(data, unsafe_single_root=True)


def open_list(data: bytes) -> TrustList:
    """What a draft or a signed list says. Of a signed one, no signature is looked at: it may not have enough yet.

    Raises:
        DecodeError: the list is not good.
    """
    payload = cose.parse_sign(data).payload if is_signed(data) else data
    return decode_trust_list(payload, unsafe_single_root=True)


def signers(data: bytes, roots: Iterable[VerifyingKey]) -> list[VerifyingKey]:
    """Which of these roots have signed a list, each once; none of a draft's have."""
    if not is_signed(data):
        return []
    message = cose.parse_sign(data)
    waiting = {key.thumbprint: key for key in roots}
    found = []
    for entry in message.signatures:
        try:
            headers = cose.token_headers(entry, kid_length=_THUMBPRINT)
        except DecodeError:
            continue
        key = waiting.get(Thumbprint(headers.kid))
        if key is not None and key.verify(entry.signature, cose.signed_bytes_of_entry(message, entry)):
            found.append(waiting.pop(key.thumbprint))
    return found


def find_key(trust_list: TrustList, prefix: str) -> VerifyingKey:
    """A key of the list by the first digits of its thumbprint, at least 8.

    Raises:
        KeyFault: ``draft.no_such_key``, ``draft.ambiguous_key``.
    """
    digits = prefix.lower()
    keys = [*trust_list.roots, *trust_list.timestamp_keys, *(key for _, _, key in trust_list.issuer_keys())]
    found = [key for key in keys if key.thumbprint.hex().startswith(digits)]
    if len(digits) < _SHORTEST_PREFIX or not found:
        raise KeyFault("draft.no_such_key", expected=f"at least {_SHORTEST_PREFIX} digits of a key of the list")
    if len(found) > 1:
        raise KeyFault("draft.ambiguous_key", found=f"{len(found)} keys")
    return found[0]


def add_root(draft: bytes, key: VerifyingKey) -> bytes:
    """Let one more root sign this list and the next.

    Raises:
        DecodeError: ``trust.duplicate_kid``, ``trust.two_usages``; as for every edit, what a reader would refuse.
        StateError: ``draft.signed``, ``draft.not_understood``; so do all edits.
    """
    listed = _editable(draft)
    return _encoded(dataclasses.replace(listed, roots=(*listed.roots, key)))


def drop_root(draft: bytes, key: VerifyingKey) -> bytes:
    """Let a root sign nothing after this list.

    Raises:
        KeyFault: ``draft.no_such_key``.
        DecodeError: ``trust.threshold_range``: too few would be left.
    """
    listed = _editable(draft)
    return _encoded(dataclasses.replace(listed, roots=_without(listed.roots, key, "a root")))


def set_threshold(draft: bytes, threshold: int, *, unsafe_single_root: bool = False) -> bytes:
    """How many roots must sign.

    Raises:
        DecodeError: ``trust.threshold_range``, ``trust.single_root``.
    """
    listed = _editable(draft)
    allowed = unsafe_single_root or listed.threshold == 1
    return _encoded(dataclasses.replace(listed, threshold=threshold), single_root=allowed)


def add_timestamp_key(draft: bytes, key: VerifyingKey) -> bytes:
    """Let one more key sign timestamps."""
    listed = _editable(draft)
    return _encoded(dataclasses.replace(listed, timestamp_keys=(*listed.timestamp_keys, key)))


def drop_timestamp_key(draft: bytes, key: VerifyingKey) -> bytes:
    """Let a key sign no timestamp any more.

    Raises:
        KeyFault: ``draft.no_such_key``.
        DecodeError: ``trust.out_of_range``: it was the only one.
    """
    listed = _editable(draft)
    keys = _without(listed.timestamp_keys, key, "a timestamp key")
    return _encoded(dataclasses.replace(listed, timestamp_keys=keys))


def add_issuer(draft: bytes, issuer: IssuerEntry) -> bytes:
    """Let one more authority issue.

    Raises:
        DecodeError: ``trust.duplicate_iss``, ``trust.prefix_overlap``, ``trust.form``, ``uri.*``.
    """
    listed = _editable(draft)
    return _encoded(dataclasses.replace(listed, issuers=(*listed.issuers, issuer)))


def change_issuer(
    draft: bytes,
    iss: str,
    *,
    name_en: str | None = None,
    name_zh: str | None = None,
    regions: frozenset[str] | None = None,
    status_prefixes: tuple[str, ...] | None = None,
    capacity: int | None = None,
    keys: tuple[KeyEntry, ...] | None = None,
) -> bytes:
    """Replace fields of an issuer (:class:`icard_crypto.lists.trust_list.IssuerEntry`); None leaves one as it is.

    Raises:
        StateError: ``draft.no_such_issuer``.
    """
    listed = _editable(draft)
    old = _issuer(listed, iss)
    new = dataclasses.replace(
        old,
        name_en=old.name_en if name_en is None else name_en,
        name_zh=old.name_zh if name_zh is None else name_zh,
        regions=old.regions if regions is None else regions,
        status_prefixes=old.status_prefixes if status_prefixes is None else status_prefixes,
        capacity=old.capacity if capacity is None else capacity,
        keys=old.keys if keys is None else keys,
    )
    issuers = tuple(new if issuer is old else issuer for issuer in listed.issuers)
    return _encoded(dataclasses.replace(listed, issuers=issuers))


def add_key(draft: bytes, iss: str, entry: KeyEntry) -> bytes:
    """Let an issuer sign with one more key.

    Raises:
        StateError: ``draft.no_such_issuer``.
        DecodeError: ``trust.duplicate_kid``, ``trust.two_usages``, ``trust.from_hour``, ``trust.window``.
    """
    return change_issuer(draft, iss, keys=(*_issuer(_editable(draft), iss).keys, entry))


def revoke_key(draft: bytes, key: VerifyingKey, revoked: Revocation) -> bytes:
    """Mark an issuer's key as revoked; it stays listed.

    Raises:
        KeyFault: ``draft.not_an_issuers_key``: roots and timestamp keys are dropped instead.
        StateError: ``draft.milder``: it is revoked already, and not more mildly.
    """
    listed = _editable(draft)
    for issuer, entry, own in listed.issuer_keys():
        if own == key:
            _check_stricter(entry.revoked, revoked)
            changed = dataclasses.replace(entry, revoked=revoked)
            return change_issuer(
                draft, issuer.iss, keys=tuple(changed if other is entry else other for other in issuer.keys)
            )
    raise KeyFault("draft.not_an_issuers_key", found=f"kid {key.kid.hex()}")


def sign_draft(data: bytes, root: SigningKey, current: bytes | None) -> bytes:
    """A root's signed copy of a draft, or of a copy that others have signed.

    Args:
        current: the signed list before it; None for the first list of a domain only.

    Raises:
        StateError: ``draft.current_needed``.
        KeyFault: ``draft.not_a_root``.
        DecodeError: ``trust.*``: it must not follow the current list.
    """
    following = open_list(data)
    roots = list(following.roots)
    if current is not None:
        before = open_signed(current)
        trust_chain.check_successor(before, following)
        roots += before.current.roots
    elif following.version > 1:
        raise StateError("draft.current_needed", expected=f"the signed list of version {following.version - 1}")
    if root.verifying_key not in roots:
        raise KeyFault("draft.not_a_root", found=f"kid {root.verifying_key.kid.hex()}")
    return trust_chain.sign(data, root)


def assemble_draft(copies: Iterable[bytes], current: bytes | None) -> bytes:
    """The signed copies as one list that verifiers accept.

    Args:
        current: the signed list before it; None for the first list of a domain only.

    Raises:
        EncodeError: ``trust.no_copies``, ``trust.copies_differ``, ``trust.too_many_signatures``.
        DecodeError: ``trust.threshold_own``, ``trust.threshold_current`` and what a verifier would refuse.
        StateError: ``draft.current_needed``, ``draft.unsigned``.
    """
    gathered = list(copies)
    if not all(map(is_signed, gathered)):
        raise StateError("draft.unsigned", expected="copies that roots have signed")
    assembled = trust_chain.assemble(gathered)
    following = open_signed(assembled).current
    if current is not None:
        trust_chain.verify_successor(open_signed(current), assembled, unsafe_single_root=True)
    elif following.version > 1:
        raise StateError("draft.current_needed", expected=f"the signed list of version {following.version - 1}")
    return assembled


def _editable(draft: bytes) -> TrustList:
    if is_signed(draft):
        raise StateError("draft.signed", expected="a draft")
    return open_list(draft)


def _encoded(listed: TrustList, *, single_root: bool | None = None) -> bytes:
    """A list as a payload again.

    Args:
        single_root: whether one root may be enough; None: where the list has it so, which was asked for by name then.
    """
    lost = (*listed.skipped, *listed.unknown)
    if lost:
        raise StateError("draft.not_understood", path=lost[0], found=f"{len(lost)} of them")
    return encode_trust_list(
        environment=listed.environment,
        version=listed.version,
        iat=listed.iat,
        exp=listed.exp,
        roots=listed.roots,
        threshold=listed.threshold,
        timestamp_keys=listed.timestamp_keys,
        issuers=listed.issuers,
        unsafe_single_root=listed.threshold == 1 if single_root is None else single_root,
    )


def _without(keys: tuple[VerifyingKey, ...], key: VerifyingKey, kind: str) -> tuple[VerifyingKey, ...]:
    if key not in keys:
        raise KeyFault("draft.no_such_key", expected=f"{kind} of the list", found=f"kid {key.kid.hex()}")
    return tuple(other for other in keys if other != key)


def _issuer(listed: TrustList, iss: str) -> IssuerEntry:
    for issuer in listed.issuers:
        if issuer.iss == iss:
            return issuer
    raise StateError("draft.no_such_issuer", found=iss)


def _check_stricter(before: Revocation | None, after: Revocation) -> None:
    if before is None or before == after:
        return
    if before.kind == "compromised" or (after.kind == "retired" and after.at >= before.at):
        raise StateError(
            "draft.milder", expected=f"{before.kind} at {before.at}, or stricter", found=f"{after.kind} at {after.at}"
        )
