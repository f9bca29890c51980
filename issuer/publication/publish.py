"""Publication: status tokens, the timestamp and the bundle, signed outside any transaction and written in one.

Promises:

1. What is due is read without a lock, signed while no transaction is open, and written in one transaction: nobody else
   waits for the signer, however long it takes.
2. What was signed is written only if nothing came between: no other publication, trust list or checkpoint, no end of
   the key that signed, nothing else that the timestamp would have to say. Otherwise it is dropped and all is read
   again. Of several publishers one writes; the others then find nothing left to do.
3. What is published is rows, written in one transaction: a kill anywhere leaves the publication before, or this one,
   whole.
4. The version rises by one or more each time. iat rises by at least a second each time and never falls: not over
   restarts and not when the clock is set back, for the last one is in the database; and it is at most two seconds
   ahead of the clock, else the publication waits.
5. The timestamp names the trust list in force, every key that was compromised, and for each list the iat of its newest
   token. What a timestamp denies needs no trust list: a stolen key is denied with the next publication.
6. Where status tokens cannot be signed so that verifiers take them (no active key, one that the trust list in force
   does not name for this moment), the timestamp is published all the same, and the other way round; what was held back
   is reported.
7. A list whose codes have all ended goes, from bundle and timestamp at once (:mod:`issuer.publication.retirement`).
8. Without a trust list there are status tokens only: what a domain of several issuers takes from each of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.errors import DecodeError, IcardError, KeyFault, StateError
from icard_crypto.lists import tree
from icard_crypto.lists.bundle import Bundle, encode_bundle
from icard_crypto.lists.list_maps import DAY
from icard_crypto.lists.timestamp import LONGEST_LIFE, TYP, Timestamp, encode_timestamp, read_timestamp
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Kid, Thumbprint, VerifyingKey
from issuer.core import Core
from issuer.db.meta import PublishedAt, Publisher
from issuer.keys.clock import signed_at
from issuer.keys.models import KeyRow
from issuer.keys.signer import SignerBusy, TimestampMessage
from issuer.keys.states import active_key, require_active, still_active
from issuer.published import artefacts
from issuer.published.listing import listing_of
from issuer.published.trust_lists import TrustChain, accepted, lock_publisher
from issuer.status.models import StatusListRow
from verifier.knowledge.trust import Usage

from .retirement import drop_gone, gone
from .tokens import AHEAD, REFRESH, DueList, any_due, read_due, record_tokens, refuse_unread, sign_lists, signed_by

__all__ = ["Publication", "check_signers", "due", "publish"]

#: Seconds between looks at the clock, while a publication waits for it.
_PAUSE: Final = 0.2
#: Seconds for which the times of publications are known; what is served is far younger.
_KNOWN: Final = 3 * DAY


@dataclass(frozen=True, slots=True)
class Publication:
    """What one turn of the publisher did.

    Args:
        version, iat: of what was written; 0 and 0 when nothing was.
        lists: names of the status lists that were signed.
        timestamp: whether a timestamp, and so a bundle, was signed.
        held_back: what could not be signed, and why.
    """

    version: int
    iat: int
    lists: tuple[str, ...] = ()
    timestamp: bool = False
    held_back: tuple[IcardError, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is due, as it was read.

    Args:
        after: version and iat of the publication before.
        now, iat: the database's time and that of the tokens, Unix times.
        status_key, timestamp_key: that are active and that verifiers take; where there is none, why not.
        wanted: whether a timestamp is due though no list is.
        lists: the iat of each list's newest token, by uri.
    """

    after: tuple[int, int]
    now: int
    iat: int
    chain: TrustChain | None
    status_key: KeyRow | IcardError
    timestamp_key: KeyRow | IcardError
    due: tuple[DueList, ...]
    wanted: bool
    denied: frozenset[Thumbprint]
    lists: Mapping[str, int]


@dataclass(slots=True)
class _Signed:
    """What was signed of a plan, and what was held back."""

    tokens: tuple[bytes, ...] = ()
    said: Timestamp | None = None
    timestamp: bytes = b""
    held_back: list[IcardError] = field(default_factory=list)


class _TooSoon(Exception):
    """The clock has not passed the last publication yet."""


class _Overtaken(Exception):
    """Something came between reading and writing: what was signed is dropped."""


def due(core: Core, session: Session) -> bool:
    """Whether anything is to be published now; cheap, and without locks."""
    now = core.clock.now(session)
    if any_due(session, now):
        return True
    chain = accepted(session)
    return chain is not None and _timestamp_due(session, chain, now)


def publish(core: Core, *, force: bool = False, stop: Callable[[], bool] = lambda: False) -> Publication:
    """Publish what is due, and wait where the clock has to pass the last publication first.

    Args:
        force: sign everything again, due or not.
        stop: asked while it waits, and before it starts again: whether to leave it.

    Raises:
        Unavailable: ``clock.*``.
        StateError: ``database.*``; SignerBusy: nothing was written.
    """
    while True:
        try:
            plan = core.database.read(partial(_read, core, force))
            if plan is None:
                return Publication(0, 0)
            signed = _sign(core, plan)
            if not signed.tokens and not signed.timestamp:
                return Publication(0, 0, held_back=tuple(signed.held_back))
            return core.database.transact(partial(_write, plan, signed), settled=lambda session: None)
        except _TooSoon:
            if stop():
                return Publication(0, 0)
            time.sleep(_PAUSE)
        except _Overtaken:
            if stop():
                return Publication(0, 0)


def check_signers(core: Core) -> None:
    """Open the keys that publish, so that a wrong passphrase shows at the start.

    Raises:
        KeyFault: the keystore's, such as ``key.passphrase_wrong``. A key that is not there is no fault here.
        SignerBusy: the signer does not answer.
    """

    def keys(session: Session) -> list[KeyRow]:
        found = (active_key(session, "status"), active_key(session, "timestamp"))
        return [key for key in found if key is not None]

    for key in core.database.read(keys):
        core.signer.sign(_thumbprint(key), [])


def _read(core: Core, force: bool, session: Session) -> _Plan | None:
    """What is due, and all that has to be known to sign it; None: nothing is."""
    # First: whatever is committed after this look makes the plan one that is overtaken.
    publisher = session.get(Publisher, 1)
    if publisher is None:
        raise StateError("database.not_initialised")
    now = core.clock.now(session)
    chain = accepted(session)
    wanted = chain is not None and (force or _timestamp_due(session, chain, now))
    if not (force or wanted or any_due(session, now)):
        return None
    # 4
    iat = max(core.clock.signing_time(session), publisher.iat + 1)
    if iat > now + AHEAD:
        raise _TooSoon
    status_key = _key(core, session, "status", iat)
    due = () if isinstance(status_key, IcardError) else read_due(session, now, iat, status_key, force=force)
    denied, lists = _known(session, now)
    after = publisher.version, publisher.iat
    return _Plan(after, now, iat, chain, status_key, _key(core, session, "timestamp", iat), due, wanted, denied, lists)


def _key(core: Core, session: Session, usage: Usage, iat: int) -> KeyRow | IcardError:
    listing = listing_of(core, session)
    try:
        key = require_active(session, usage, share=False)
        if listing is not None:
            listing.require(key, iat)
        return key
    except (KeyFault, StateError) as fault:
        return fault


def _there(key: KeyRow | IcardError) -> KeyRow:
    if isinstance(key, IcardError):
        raise key
    return key


def _sign(core: Core, plan: _Plan) -> _Signed:
    """6: sign what can be signed, and note what cannot.

    Raises:
        SignerBusy, StateError: what holds back the whole publication.
    """
    signed = _Signed()
    trust_list = plan.chain.current if plan.chain else None
    try:
        signed.tokens = sign_lists(core, trust_list, _there(plan.status_key), plan.due)
    except (KeyFault, StateError) as fault:
        signed.held_back.append(_held(fault))
    # 8
    if plan.chain is None or not (plan.wanted or signed.tokens):
        return signed
    fresh = dict.fromkeys((one.uri for one in plan.due), plan.iat) if signed.tokens else {}
    said = _said(plan.chain, plan.iat, plan.denied, {**plan.lists, **fresh})
    try:
        signed.timestamp = _sign_timestamp(core, plan.chain, _there(plan.timestamp_key), said)
        signed.said = said
    except (KeyFault, StateError) as fault:
        signed.held_back.append(_held(fault))
    return signed


def _held(fault: KeyFault | StateError) -> IcardError:
    """The fault, where it holds back one part only; a signer that is away holds back all."""
    if isinstance(fault, SignerBusy) or not (isinstance(fault, KeyFault) or fault.layer in ("listing", "publication")):
        raise fault
    return fault


def _write(plan: _Plan, signed: _Signed, session: Session) -> Publication:
    """Write what was signed (promise 3).

    Raises:
        _Overtaken: promise 2.
    """
    publisher = lock_publisher(session)
    used = [plan.status_key] * bool(signed.tokens) + [plan.timestamp_key] * bool(signed.timestamp)
    keys = sorted((_there(key) for key in used), key=lambda key: key.thumbprint)
    if (publisher.version, publisher.iat) != plan.after or not all(still_active(session, key) for key in keys):
        raise _Overtaken
    version = publisher.version + 1
    if signed.tokens:
        record_tokens(session, version, plan.now, plan.iat, plan.due, signed.tokens)
    if plan.chain is not None and signed.said is not None:
        if _said(plan.chain, plan.iat, *_known(session, plan.now)) != signed.said:
            raise _Overtaken
        exp = signed.said.exp
        artefacts.put(session, version, tree.TIMESTAMP, "timestamp", signed.timestamp, iat=plan.iat, expires_at=exp)
    # 7
    drop_gone(session, plan.now)
    if plan.chain is not None:
        _write_bundle(session, plan.chain, version, plan.iat)
    publisher.version, publisher.iat = version, plan.iat
    session.execute(delete(PublishedAt).where(PublishedAt.iat < plan.iat - _KNOWN))
    session.add(PublishedAt(iat=plan.iat))
    signed_at(session, plan.iat)
    lists = tuple(one.name for one in plan.due) if signed.tokens else ()
    return Publication(version, plan.iat, lists, signed.said is not None, tuple(signed.held_back))


def _known(session: Session, now: int) -> tuple[frozenset[Thumbprint], dict[str, int]]:
    """5: the keys that were compromised, and the iat of each list's newest token, by uri."""
    compromised = select(KeyRow.thumbprint).where(KeyRow.revoked_kind == "compromised")
    published = select(StatusListRow.uri, StatusListRow.published_iat).where(
        StatusListRow.published_iat.is_not(None), ~gone(now)
    )
    return (
        frozenset(Thumbprint(bytes.fromhex(name)) for name in session.scalars(compromised)),
        {uri: lowest or 0 for uri, lowest in session.execute(published)},
    )


def _said(chain: TrustChain, iat: int, denied: frozenset[Thumbprint], lists: Mapping[str, int]) -> Timestamp:
    current = chain.current
    return Timestamp(current.version, current.payload_hash, iat, iat + LONGEST_LIFE, denied, lists)


def _timestamp_due(session: Session, chain: TrustChain, now: int) -> bool:
    last = artefacts.newest_at(session, tree.TIMESTAMP)
    if last is None or last.iat <= now - REFRESH:
        return True
    key = active_key(session, "timestamp")
    if key is not None and not signed_by(last.content, limits.TIMESTAMP_BYTES, TYP, key):
        return True
    said = cose.parse_sign1(last.content, max_bytes=limits.TIMESTAMP_BYTES).payload
    return said != encode_timestamp(_said(chain, last.iat, *_known(session, now)))


def _sign_timestamp(core: Core, chain: TrustChain, key: KeyRow, said: Timestamp) -> bytes:
    (token,) = core.signer.sign(_thumbprint(key), [TimestampMessage(encode_timestamp(said))])
    try:
        read_timestamp(token, find_key=_finder(chain.current.timestamp_keys))
    except DecodeError as fault:
        raise refuse_unread(fault, tree.TIMESTAMP) from fault
    return token


def _write_bundle(session: Session, chain: TrustChain, version: int, iat: int) -> None:
    session.flush()
    timestamp = artefacts.newest_at(session, tree.TIMESTAMP)
    if timestamp is None:
        return
    tokens = tuple(token.content for token in artefacts.newest(session, "status"))
    content = encode_bundle(Bundle(chain.lists, tokens, timestamp.content))
    artefacts.put(session, version, tree.BUNDLE, "bundle", content, iat=iat, expires_at=timestamp.expires_at)


def _finder(keys: list[VerifyingKey] | tuple[VerifyingKey, ...]) -> Callable[[Kid], VerifyingKey | None]:
    return lambda kid: next((key for key in keys if key.kid == kid), None)


def _thumbprint(key: KeyRow) -> Thumbprint:
    return Thumbprint(bytes.fromhex(key.thumbprint))
