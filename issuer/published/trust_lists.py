"""The domain's trust lists in the database: signed offline by the roots, taken in here to be published.

Promises:

1. A list is taken in by the rules that every verifier follows (:mod:`icard_crypto.lists.trust_chain`); the first one is
   the anchor, whose roots' thumbprints people compare.
2. A list under which no verifier could believe this service is refused: another environment, this issuer not on it, or
   on it with less than the service's regions, status prefix or capacity.
3. The whole chain is kept, and is checked again whenever it is loaded.
4. Taking in a list that is already set changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from icard_crypto.lists import tree
from icard_crypto.lists.trust_chain import TrustState, verify_anchor, verify_chain, verify_successor
from icard_crypto.lists.trust_list import TrustList
from icard_crypto.signing import cose
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.meta import Publisher
from issuer.db.unit_of_work import UnitOfWork
from issuer.production import require_roots

from . import artefacts
from .models import Artefact

__all__ = ["TrustChain", "accepted", "import_trust_lists", "lock_publisher"]


@dataclass(frozen=True, slots=True)
class TrustChain:
    """What was taken in: the signed lists, oldest first, and the state that they lead to."""

    lists: tuple[bytes, ...]
    state: TrustState

    @property
    def current(self) -> TrustList:
        """The list in force."""
        return self.state.current


def accepted(session: Session) -> TrustChain | None:
    """The chain that was taken in; None: none yet.

    Raises:
        DecodeError: a row was changed.
    """
    rows = session.scalars(select(Artefact).where(Artefact.kind == "trust").order_by(Artefact.version)).all()
    if not rows:
        return None
    # A single root was asked for by name when the list was taken in.
    state = verify_anchor(rows[0].content, unsafe_single_root=True)
    for row in rows[1:]:
        state = verify_successor(state, row.content, unsafe_single_root=True)
    return TrustChain(tuple(row.content for row in rows), state)


def import_trust_lists(
    core: Core, lists: Sequence[bytes], actor: str, *, unsafe_single_root: bool = False
) -> TrustChain:
    """Take in the next trust lists, or the whole chain, oldest first: all or none.

    Raises:
        DecodeError: ``cose.*``, ``header.*``, ``trust.*``.
        StateError: ``publication.environment``, ``publication.issuer``, ``production.roots``.
    """

    def work(unit: UnitOfWork) -> TrustChain:
        session, now = unit.session, unit.now
        publisher = lock_publisher(session)
        before = accepted(session)
        first = before.state if before else verify_anchor(lists[0], unsafe_single_root=unsafe_single_root)
        verify_chain(first, lists, now, unsafe_single_root=unsafe_single_root)
        known = {_payload_hash(data) for data in before.lists} if before else set()
        fresh = [data for data in lists if _payload_hash(data) not in known]
        state = first
        publisher.version += bool(fresh)
        for place, data in enumerate(fresh):
            if before or place:
                state = verify_successor(state, data, unsafe_single_root=unsafe_single_root)
            one = state.current
            # Each list is a version of its own path, and the chain is read in the order of these versions.
            publisher.version += bool(place)
            path = tree.trust_path(one.version)
            artefacts.put(session, publisher.version, path, "trust", data, iat=one.iat, expires_at=one.exp)
        if not fresh:
            return TrustChain(before.lists if before else (), state)
        _check(core, state.current)
        last = state.current
        artefacts.put(
            session,
            publisher.version,
            tree.TRUST_LATEST,
            "latest",
            fresh[-1],
            iat=last.iat,
            expires_at=last.exp,
        )
        session.flush()
        details = {"version": last.version, "hash": last.payload_hash.hex(), "threshold": last.threshold}
        unit.audit("trust.import", "trust list", details)
        return TrustChain((*(before.lists if before else ()), *fresh), state)

    return core.transact(Actor(actor), work, settled=lambda session: None)


def lock_publisher(session: Session) -> Publisher:
    """The row that one publisher at a time holds; the first lock of its transaction.

    Raises:
        StateError: ``database.not_initialised``.
    """
    row = session.get(Publisher, 1, with_for_update=True, populate_existing=True)
    if row is None:
        raise StateError("database.not_initialised")
    return row


def _payload_hash(data: bytes) -> bytes:
    return hashlib.sha256(cose.parse_sign(data).payload).digest()


def _check(core: Core, current: TrustList) -> None:
    """Promise 2."""
    settings = core.settings
    if current.environment != settings.environment:
        raise StateError("publication.environment", expected=settings.environment, found=current.environment)
    require_roots(settings, current)
    listed = next((entry for entry in current.issuers if entry.iss == core.issuer.iss), None)
    if listed is None:
        raise StateError("publication.issuer", path="iss", expected=core.issuer.iss, found="not on the trust list")
    if settings.status_prefix not in listed.status_prefixes:
        found = ", ".join(listed.status_prefixes)
        raise StateError("publication.issuer", path="status_prefixes", expected=settings.status_prefix, found=found)
    missing = sorted(region for region in core.issuer.regions if not listed.covers_region(region))
    if missing:
        raise StateError("publication.issuer", path="regions", expected=", ".join(missing), found="not on the list")
    if listed.capacity < settings.list_capacity:
        expected = f"at least {settings.list_capacity}"
        raise StateError("publication.issuer", path="capacity", expected=expected, found=str(listed.capacity))
