"""Expiry dates: trust list, keys, published files, certificates, invitations, mandates.

Promises:

1. An ending is reported long before it: each has a time of its own from which on it is a warning.
2. Times are the service's; what has ended already is an ending too, with a time in the past.
3. Nothing of a person: invitations and mandates are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from icard_crypto.moments import DAY
from issuer.accounts.models import Invitation, Mandate
from issuer.core import Core
from issuer.keys.states import active_key
from issuer.processes.heartbeat import living
from issuer.publication.retirement import gone
from issuer.published import artefacts
from issuer.published.kinds import FileKind
from issuer.published.listing import listing_of
from issuer.status.models import StatusListRow
from verifier.knowledge.trust import Usage

__all__ = ["Counts", "Ending", "counts", "endings"]

_USAGES: Final[tuple[Usage, ...]] = ("card", "status", "timestamp")
#: Seconds before the end from which on it is a warning. A ceremony of the roots takes weeks to arrange.
_CEREMONY: Final = 60 * DAY
_CERTIFICATE: Final = 21 * DAY
#: Tokens are signed again every 72 minutes and hold for a week: at half of it the worker has failed for days.
_TOKEN: Final = 3 * DAY


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends.

    Args:
        name: ``trust_list``, ``card_key``, ``status_key``, ``timestamp_key``, ``timestamp``, ``status_lists``,
            ``certificate``.
        ends_at: Unix time; 0: verifiers do not take it at all.
        code: of the warning.
        warn_at: Unix time from which on it is a warning.
    """

    name: str
    ends_at: int
    code: str
    warn_at: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Invitations that are open, those of them that end within a day, and mandates that end within 30 days."""

    invitations: int
    invitations_ending: int
    mandates_ending: int


def endings(core: Core, session: Session, now: int) -> list[Ending]:
    """Everything that ends, the trust list first. ``now`` is a Unix time."""
    found: list[Ending] = []
    listing = listing_of(core, session)
    if listing is not None:
        found.append(_ending("trust_list", listing.exp, "listing.list_ends", _CEREMONY))
        for usage in _USAGES:
            key = active_key(session, usage)
            if key is not None:
                found.append(_ending(f"{usage}_key", listing.ends_at(key), "listing.key_ends", _CEREMONY))
    dropped = {f"status/{name}" for name in session.scalars(select(StatusListRow.name).where(gone(now)))}
    kinds: tuple[tuple[str, FileKind], ...] = (("timestamp", "timestamp"), ("status_lists", "status"))
    for name, kind in kinds:
        ends = [
            each.expires_at
            for each in artefacts.outlines(session, kind)
            if each.expires_at is not None and each.path not in dropped
        ]
        if ends:
            found.append(_ending(name, min(ends), "publication.ends", _TOKEN))
    certificates = [each.certificate_ends_at for each in living(session, now)]
    ends = [end for end in certificates if end is not None]
    if ends:
        found.append(_ending("certificate", min(ends), "serve.certificate_ends", _CERTIFICATE))
    return found


def counts(session: Session, now: int) -> Counts:
    """What ends of people's doing. ``now`` is a Unix time."""
    still = Invitation.used_at.is_(None), Invitation.expires_at > now
    invitations = select(func.count()).select_from(Invitation).where(*still)
    mandates = select(func.count()).select_from(Mandate).where(*Mandate.in_force(now), Mandate.ends_at < now + 30 * DAY)
    return Counts(
        session.scalar(invitations) or 0,
        session.scalar(invitations.where(Invitation.expires_at < now + DAY)) or 0,
        session.scalar(mandates) or 0,
    )


def _ending(name: str, ends_at: int, code: str, before: int) -> Ending:
    return Ending(name, ends_at, code, ends_at - before)
