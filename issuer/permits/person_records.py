"""A record of a person as officials see it: compared with another one before the two become one, or named in a list.

Promises:

1. A record is found by what somebody has on paper: the number of a permit, or a passport. Nothing is listed, and one
   that is not there is refused in the same words as any other.
2. Each look leaves a row (:mod:`issuer.audit.reads`), which the person never sees: it may be about an inquiry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, NotFound
from issuer.accounts.models import Person
from issuer.accounts.people import passport_digest, read_name
from issuer.accounts.principals import Principal
from issuer.audit.reads import note_read
from issuer.core import Core

from .models import Permit, PersonDocument
from .names import PassportName
from .parties import permits_of
from .people import document_of
from .person_mergers import person_named
from .terms import number_of

__all__ = ["PersonView", "find_person", "name_person", "show_person"]


@dataclass(frozen=True, slots=True)
class PersonView:
    """A record, by its newest passport and its permit; empty: not on record. ``birth``: YYYY-MM-DD."""

    person_id: str
    name: str
    birth: str
    nationality: str
    passport: str
    number: str


def find_person(
    core: Core, who: Principal, *, number: str = "", nationality: str = "", passport: str = ""
) -> PersonView:
    """The record with a permit number, or with a passport.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``person.none``.
        Invalid: ``person.which``: neither is given, both are, or a part of the passport is missing.
    """
    by_number, by_passport = bool(number.strip()), bool(nationality.strip() or passport.strip())
    if by_number == by_passport or (by_passport and not (nationality.strip() and passport.strip())):
        raise Invalid("person.which", path="number", expected="a permit number, or nationality and passport")

    def find(session: Session) -> str:
        if by_number:
            key = core.at_rest.digest("permit number", number.strip())
            found = session.scalar(select(Permit.person_id).where(Permit.number_key == key))
        else:
            digest = passport_digest(core, nationality.strip().upper(), passport)
            found = session.scalar(select(PersonDocument.person_id).where(PersonDocument.digest == digest))
        if found is None:
            raise NotFound("person.none", path="number" if by_number else "passport")
        return found

    return _look(core, who, find)


def show_person(core: Core, who: Principal, name: str, value: str) -> PersonView:
    """The record that a request to merge names.

    Args:
        name: ``permit_id``, or one of the ways in which :func:`issuer.permits.person_mergers.prepare_person_merger`
            names the other record; value: the id.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``, ``filing.none``, ``person.none``.
    """
    return _look(core, who, lambda session: person_named(session, name, value))


def name_person(core: Core, who: Principal, person_id: str) -> PersonView:
    """Whose record it is that look-ups are deferred about, or who may see a record as a relative: for officials who ask
    for the one or give the other. Whoever opens no cards (a head) sees those alone whose permit is of their region.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``person.none``.
    """
    who.require("insurance.book" if who.may("insurance.book") else "lookup.defer")

    def look(session: Session) -> PersonView:
        known = session.get(Person, person_id) is not None
        if known and not who.may("card.read"):
            seen = select(Permit.id).where(Permit.person_id == person_id, permits_of(core, session, who))
            known = session.scalar(seen) is not None
        if not known:
            raise NotFound("person.none")
        return _view(core, session, person_id)

    return _noted(core, who, core.database.read(look))


def _look(core: Core, who: Principal, find: Callable[[Session], str]) -> PersonView:
    who.require("permit.end")
    return _noted(core, who, core.database.read(lambda session: _view(core, session, find(session))))


def _noted(core: Core, who: Principal, found: PersonView) -> PersonView:
    """The record, once there is a row that it is about to be shown (promise 2)."""
    note_read(core, f"account:{who.account_id}", who.role.name, "person.read", f"person:{found.person_id}")
    return found


def _view(core: Core, session: Session, person_id: str) -> PersonView:
    permit = session.scalar(select(Permit).where(Permit.person_id == person_id))
    document = {name: str(value) for name, value in document_of(core, session, person_id).items() if value is not None}
    name = PassportName(document.get("surname", ""), document.get("given", "")).shown
    return PersonView(
        person_id,
        name or read_name(core, session.get_one(Person, person_id)),
        document.get("birth", ""),
        document.get("nationality", ""),
        document.get("number", ""),
        "" if permit is None else number_of(core, permit),
    )
