"""What is served at the status prefix, checked against what this database published.

Promises:

1. A status list that is served there and is newer than all that this database published, or of a time at which it
   published nothing, is another's: a copy runs elsewhere, or this database is older than one that ran here before. From
   then on no process signs anything, until ``icard-issuer adopt``.
2. The lists are compared when a server or a worker starts, before it signs, and every five minutes after that.
3. An address that does not answer, or answers with something else, is no difference: ``epoch.not_compared`` says so,
   and the service goes on.
4. What is read here is not believed: it only keeps from signing. Only :func:`read_served` is, which verifies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.errors import IcardError, StateError
from icard_crypto.lists import tree
from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.signing.tokens import peek_unverified
from issuer.acts import SERVICE
from issuer.core import Core
from issuer.db.meta import Meta, PublishedAt, Publisher
from issuer.db.unit_of_work import UnitOfWork
from issuer.status.models import StatusListRow
from verifier.runtime.outbound.addresses import networks
from verifier.runtime.outbound.fetching import Deadline, Fetch, Limits
from verifier.sync.http import HttpFetch

from .published import Published, read_tokens

__all__ = ["EVERY", "Compared", "compare", "compare_at_start", "read_served"]

#: Seconds between two comparisons.
EVERY: Final = 300.0
#: Seconds for all addresses together, and for one.
_TOTAL: Final = 10.0
_EACH: Final = 4.0
#: Lists that are compared: every list is signed again within 72 minutes, so the newest few show another publisher.
_MOST: Final = 3
_IAT: Final = 6
_FOLDER: Final = "status/"
#: The prefix is this service's own setting, and may be in a private network.
_ANYWHERE: Final = networks(("0.0.0.0/0", "::/0"))


@dataclass(frozen=True, slots=True)
class Compared:
    """Addresses of status lists that were compared, and those of them that this database did not publish."""

    lists: tuple[str, ...]
    differing: tuple[str, ...]


def compare(core: Core, fetch: Fetch | None = None) -> Compared:
    """Fetch the newest lists and check them against the database; a difference is written down (promise 1).

    Args:
        fetch: another way than HTTPS.

    Raises:
        StateError: ``epoch.not_compared``: nothing could be fetched, though something was published.
    """
    addresses = core.database.read(_addresses)
    served: dict[str, int] = {}
    fault: StateError | None = None
    with _client(core, fetch) as get:
        deadline = Deadline(_TOTAL)
        for uri in addresses:
            try:
                served[uri] = _iat_at(get, uri, deadline)
            except StateError as found:
                fault = found
    if addresses and not served:
        raise StateError("epoch.not_compared", path="status_prefix", found=fault.code if fault else None)
    # Read after what was fetched: whatever is published meanwhile can only make the database newer.
    differing = core.database.read(lambda session: _unknown(session, served))
    if differing:
        _note(core, differing)
    return Compared(tuple(served), tuple(differing))


def compare_at_start(core: Core) -> None:
    """Compare before anything is signed; what cannot be compared is left to the worker, which reports it.

    Raises:
        StateError: ``epoch.published_differs``.
    """
    try:
        found = compare(core)
    except StateError as fault:
        if fault.code != "epoch.not_compared":
            raise
        return
    if found.differing:
        raise StateError("epoch.published_differs", path=found.differing[0])


def read_served(core: Core, actor: str, fetch: Fetch | None = None) -> Published | None:
    """All lists that are served, and the bundle where there is one, verified; None: nothing answers.

    Raises:
        StateError: ``restore.token``: a list of ours cannot be believed; DecodeError: a trust list is refused.
    """
    bundle, tokens = None, []
    with _client(core, fetch) as get:
        deadline = Deadline(6 * _TOTAL)
        prefix = core.settings.status_prefix
        if prefix.endswith(_FOLDER):
            data = _body_at(get, prefix.removesuffix(_FOLDER) + tree.BUNDLE, limits.BUNDLE_BYTES, deadline)
            bundle = None if data is None else decode_bundle(data)
        for uri in core.database.read(_every_address):
            data = _body_at(get, uri, limits.STATUS_TOKEN_BYTES, deadline)
            tokens += [] if data is None else [data]
    if bundle is None and not tokens:
        return None
    return read_tokens(core, bundle, [*(bundle.status_tokens if bundle else ()), *tokens], actor)


@contextmanager
def _client(core: Core, fetch: Fetch | None) -> Iterator[Fetch]:
    if fetch is not None:
        yield fetch
        return
    made = HttpFetch(Limits(allowed=_ANYWHERE, ca_file=core.settings.status_ca_file))
    try:
        yield made
    finally:
        made.close()


def _iat_at(get: Fetch, uri: str, deadline: Deadline) -> int:
    answer = get(uri, etag=None, most=limits.STATUS_TOKEN_BYTES, deadline=deadline.within(_EACH))
    if answer is None or answer.body is None:
        raise StateError("sync.status", expected="200", found="404")
    try:
        iat = peek_unverified(answer.body, _IAT, max_bytes=limits.STATUS_TOKEN_BYTES)
    except IcardError as fault:
        raise StateError("sync.type", expected="a status list", found=fault.code) from None
    if not isinstance(iat, int):
        raise StateError("sync.type", expected="a status list")
    return iat


def _body_at(get: Fetch, url: str, most: int, deadline: Deadline) -> bytes | None:
    try:
        answer = get(url, etag=None, most=most, deadline=deadline.within(_EACH))
    except StateError:
        return None
    return None if answer is None else answer.body


def _addresses(session: Session) -> list[str]:
    published = select(StatusListRow.uri).where(
        StatusListRow.published_at.is_not(None), StatusListRow.retired_at.is_(None)
    )
    newest_first = StatusListRow.published_iat.desc(), StatusListRow.created_at.desc(), StatusListRow.name
    return list(session.scalars(published.order_by(*newest_first).limit(_MOST)))


def _every_address(session: Session) -> Sequence[str]:
    return session.scalars(
        select(StatusListRow.uri).where(StatusListRow.published_at.is_not(None)).order_by(StatusListRow.name)
    ).all()


def _unknown(session: Session, served: Mapping[str, int]) -> list[str]:
    """The addresses whose lists this database did not publish."""
    newest = session.get_one(Publisher, 1).iat
    oldest = session.scalar(select(func.min(PublishedAt.iat)))
    times = sorted(set(served.values()))
    known = set(session.scalars(select(PublishedAt.iat).where(PublishedAt.iat.in_(times))))
    return [
        uri
        for uri, iat in served.items()
        if iat not in known and (iat > newest or (oldest is not None and iat > oldest))
    ]


def _note(core: Core, differing: Sequence[str]) -> None:
    """Keep every process from signing, and write into the audit why; once."""

    def work(unit: UnitOfWork) -> bool:
        meta = unit.session.get_one(Meta, 1, with_for_update=True, populate_existing=True)
        if meta.differs_at is None:
            meta.differs_at = unit.now
            unit.audit("service.published_differs", core.issuer.iss, {"lists": list(differing)})
        return True

    core.transact(SERVICE, work, settled=lambda session: None)
