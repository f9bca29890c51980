"""Publication: status tokens, the timestamp and the bundle, signed and written in one transaction.

Promises:

1. One publisher at a time: it holds the publisher's row from its first statement to its commit. A second one waits and
   then finds nothing left to do.
2. What is published is rows, written in the transaction that signed it: a kill anywhere leaves the publication before,
   or this one, whole.
3. The version rises by one or more each time. iat rises by at least a second each time and never falls: not over
   restarts and not when the clock is set back, for the last one stands in the database; and it is at most two seconds
   ahead of the clock, else the publication waits.
4. The timestamp names the trust list in force, every key that was compromised, and for each list the iat of its newest
   token. What a timestamp denies needs no trust list: a stolen key is denied with the next publication.
5. Where status tokens cannot be signed so that verifiers take them (no active key, one that the trust list in force
   does not name for this moment), the timestamp is published all the same, and the other way round; what was held back
   is reported.
6. A list whose codes have all ended goes, from bundle and timestamp at once (:mod:`issuer.publication.retirement`).
7. Without a trust list there are status tokens only: what a domain of several issuers takes from each of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.errors import DecodeError, IcardError, KeyFault, StateError
from icard_crypto.lists import tree
from icard_crypto.lists.bundle import Bundle, encode_bundle
from icard_crypto.lists.timestamp import LONGEST_LIFE, TYP, Timestamp, encode_timestamp, read_timestamp
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Kid, Thumbprint, VerifyingKey
from issuer.core import Core
from issuer.keys.clock import signed_at
from issuer.keys.models import KeyRow
from issuer.keys.signer import SignerBusy, TimestampMessage
from issuer.keys.states import active_key, require_active
from issuer.published import artefacts
from issuer.published.listing import Listing, listing_of
from issuer.published.trust_lists import TrustChain, accepted, lock_publisher
from issuer.status.models import StatusListRow

from .retirement import drop_gone, gone
from .tokens import AHEAD, REFRESH, any_due, publish_lists, refuse_unread, signed_by

__all__ = ["Publication", "check_signers", "due", "publish"]

#: Seconds between looks at the clock, while a publication waits for it.
_PAUSE: Final = 0.2


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


class _TooSoon(Exception):
    """The clock has not passed the last publication yet."""


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
        force: sign everything anew, due or not.
        stop: asked while it waits: whether to leave it.

    Raises:
        StateError: ``clock.*``, ``database.*``; SignerBusy: nothing was written.
    """
    while True:
        try:
            return core.database.transact(lambda session: _work(core, session, force), settled=lambda session: None)
        except _TooSoon:
            if stop():
                return Publication(0, 0)
            time.sleep(_PAUSE)


def check_signers(core: Core) -> None:
    """Open the keys that publish, before a transaction waits for them.

    Raises:
        KeyFault: the keystore's, such as ``keystore.passphrase``; SignerBusy. A key that is not there is no fault here.
    """

    def keys(session: Session) -> list[KeyRow]:
        found = (active_key(session, "status"), active_key(session, "timestamp"))
        return [key for key in found if key is not None]

    for key in core.database.read(keys):
        core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [])


def _work(core: Core, session: Session, force: bool) -> Publication:
    # 1
    publisher = lock_publisher(session)
    now = core.clock.now(session)
    chain = accepted(session)
    if not (force or any_due(session, now) or (chain and _timestamp_due(session, chain, now))):
        return Publication(0, 0)
    # 3
    iat = max(core.clock.signing_time(session), publisher.iat + 1)
    if iat > now + AHEAD:
        raise _TooSoon
    version = publisher.version + 1
    held_back: list[IcardError] = []
    listing = listing_of(core, session)
    # 5
    lists: list[str] = []
    try:
        trust_list = chain.current if chain else None
        with session.begin_nested():
            lists = publish_lists(core, session, trust_list, listing, version, now, iat, force=force)
    except (KeyFault, StateError) as fault:
        held_back.append(_held(fault))
    timestamped = False
    try:
        # 7
        if chain is not None and (force or lists or _timestamp_due(session, chain, now)):
            _publish_timestamp(core, session, chain, listing, version, iat, now)
            timestamped = True
    except (KeyFault, StateError) as fault:
        held_back.append(_held(fault))
    if not lists and not timestamped:
        return Publication(0, 0, held_back=tuple(held_back))
    # 6
    drop_gone(session, now)
    if chain is not None:
        _write_bundle(session, chain, version, iat)
    publisher.version, publisher.iat = version, iat
    signed_at(session, iat)
    return Publication(version, iat, tuple(lists), timestamped, tuple(held_back))


def _held(fault: KeyFault | StateError) -> IcardError:
    """The fault, where it holds back one part only; a signer that is away holds back all."""
    if isinstance(fault, SignerBusy) or not (isinstance(fault, KeyFault) or fault.layer in ("listing", "publication")):
        raise fault
    return fault


def _said(session: Session, chain: TrustChain, iat: int, now: int) -> Timestamp:
    """4: what the timestamp says now."""
    compromised = select(KeyRow.thumbprint).where(KeyRow.revoked_kind == "compromised")
    published = select(StatusListRow.uri, StatusListRow.published_iat).where(
        StatusListRow.published_iat.is_not(None), ~gone(now)
    )
    return Timestamp(
        chain.current.version,
        chain.current.payload_hash,
        iat,
        iat + LONGEST_LIFE,
        frozenset(Thumbprint(bytes.fromhex(name)) for name in session.scalars(compromised)),
        {uri: lowest or 0 for uri, lowest in session.execute(published)},
    )


def _timestamp_due(session: Session, chain: TrustChain, now: int) -> bool:
    last = artefacts.newest_at(session, tree.TIMESTAMP)
    if last is None or last.iat <= now - REFRESH:
        return True
    key = active_key(session, "timestamp")
    if key is not None and not signed_by(last.content, limits.TIMESTAMP_BYTES, TYP, key):
        return True
    said = cose.parse_sign1(last.content, max_bytes=limits.TIMESTAMP_BYTES).payload
    return said != encode_timestamp(_said(session, chain, last.iat, now))


def _publish_timestamp(
    core: Core, session: Session, chain: TrustChain, listing: Listing | None, version: int, iat: int, now: int
) -> None:
    key = require_active(session, "timestamp")
    if listing is not None:
        listing.require(key, iat)
    said = _said(session, chain, iat, now)
    message = TimestampMessage(encode_timestamp(said))
    (token,) = core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [message])
    try:
        read_timestamp(token, find_key=_finder(chain.current.timestamp_keys))
    except DecodeError as fault:
        raise refuse_unread(fault, tree.TIMESTAMP) from fault
    artefacts.put(session, version, tree.TIMESTAMP, "timestamp", token, iat=iat, expires_at=said.exp)


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
