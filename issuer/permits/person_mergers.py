"""Merge two records of one human being, and split them again: by two officers, on record.

Promises:

1. Nothing merges records by itself. What a merger moved is kept row by row; a split puts back what is still there, and
   what came since stays with the record that it came to.
2. Every table that names a person is covered: the rows are found by their foreign key, so that none can be forgotten.
3. One record stays: the one that is insured, else the one whose permit the officers named. It has one permit. An ended
   permit of the other record stays where it is; one in force, or revoked, withdrawn or ended as a penalty, refuses the
   merger, and so do two insurance numbers, two dates of birth, and accounts of officials.
4. The offices of the two officers together serve the regions of both records (:mod:`issuer.approvals.regions`).
5. No card changes by it: the codes say what they said, until the next change is decided. Beside a permit that stays,
   passports of the other record are reported ones: they name the person, and are on no card until an officer or an
   approved application confirms them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer.accounts.models import Account, Person
from issuer.accounts.principals import Principal
from issuer.accounts.roles import role_named
from issuer.core import Core
from issuer.db.base import Base
from issuer.notices.outbox import Notice, notify
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place

from .ending import GRAVE
from .machines import LIVE, UNDECIDED
from .merger_models import PersonMerger
from .models import Filing, Permit, PersonDocument
from .parties import load_permit
from .people import REPORTED, document_of
from .person_identities import exchange_identities, identity_to_move, return_identity

__all__ = [
    "OTHER_RECORD",
    "MergerView",
    "Pair",
    "list_mergers",
    "merge_persons",
    "merged_regions",
    "person_named",
    "prepare_person_merger",
    "prepare_split",
    "show_merger",
    "split_persons",
]

#: The arguments by which the other record of a merger is named.
OTHER_RECORD: Final = ("other_permit_id", "filing_id", "person_id")
#: Evidence of what was looked at, which nobody changes.
_FIXED: Final = frozenset({"online_lookups", "person_mergers"})


@dataclass(frozen=True, slots=True)
class Pair:
    """The person whose record stays, and the one whose record goes into it."""

    kept: str
    absorbed: str


@dataclass(frozen=True, slots=True)
class MergerView:
    """A merger. ``moved``: how many rows of each table it moved; days are those of Beijing."""

    merger_id: str
    state: str
    merged_on: str
    split_on: str | None
    moved: dict[str, int]


def prepare_person_merger(core: Core, session: Session, permit_id: str, other: Mapping[str, str | None]) -> Pair:
    """Two records that may become one, their persons locked.

    Args:
        permit_id: of one of them.
        other: ``other_permit_id``, ``filing_id`` or ``person_id`` of the other one.

    Raises:
        NotFound: ``permit.none``, ``filing.none``, ``person.none``.
        Invalid: ``person.which``: the other record is named by none of these, or by several.
        Conflict: ``person.*``.
    """
    permit = session.get(Permit, permit_id)
    if permit is None:
        raise NotFound("permit.none", path="permit_id")
    named = [name for name, value in other.items() if value is not None]
    if len(named) != 1:
        raise Invalid("person.which", path="person_id", expected=", ".join(other))
    found = person_named(session, named[0], str(other[named[0]]))
    if found == permit.person_id:
        raise Conflict("person.same", path=named[0])
    persons = [session.get_one(Person, one, with_for_update=True) for one in sorted((permit.person_id, found))]
    _require_no_officials(session, persons)
    _require_one_birth(core, session, persons)
    insured = [one.id for one in persons if _has_own(session, one.id)]
    if len(insured) == 2:
        raise Conflict("person.both_insured", path=named[0])
    kept = insured[0] if insured else permit.person_id
    pair = Pair(kept, found if kept == permit.person_id else permit.person_id)
    _require_one_permit(session, pair)
    _require_no_double(session, pair)
    return pair


def merge_persons(
    core: Core,
    session: Session,
    now: int,
    pair: Pair,
    regions: Collection[str],
    asked_by: str | None,
    confirmed_by: str | None,
) -> str:
    """Merge two records, as :func:`prepare_person_merger` allowed; the merger's id. The caller writes the audit.

    Args:
        regions: where the two records lie; they are kept for a split.
    """
    moved: list[tuple[str, str, str]] = []
    keeps_permit = _permit_of(session, pair.kept) is not None
    reported = _let_report(session, pair.absorbed) if keeps_permit else []
    identity = identity_to_move(session, pair.kept, pair.absorbed)
    for attribute in _references():
        model = attribute.class_
        if model is Permit and keeps_permit:
            continue
        rows = session.scalars(select(model).where(attribute == pair.absorbed).with_for_update()).all()
        for row in rows:
            _give(core, row, attribute, pair.kept)
            moved.append((model.__tablename__, str(inspect(row).identity[0]), attribute.key))
        session.flush()
    if identity is not None:
        exchange_identities(session, pair.kept, pair.absorbed)
        moved.append(("persons", pair.absorbed, "identity_key"))
    merger = PersonMerger(
        id=secrets.token_hex(16),
        kept_id=pair.kept,
        absorbed_id=pair.absorbed,
        state="merged",
        asked_by=asked_by,
        confirmed_by=confirmed_by,
        merged_at=now,
        split_at=None,
    )
    content = {"moved": moved, "reported": reported, "regions": sorted(regions), "identity": identity}
    _write(core, merger, content)
    session.add(merger)
    session.flush()
    _notify(core, session, now, "person.merged", pair.kept, pair.absorbed)
    return merger.id


def prepare_split(session: Session, merger_id: str) -> PersonMerger:
    """A merger that may be taken back, its persons locked.

    Raises:
        NotFound: ``person.no_merger``.
        Conflict: ``person.split``: it was taken back already; ``person.merged_on``: what it moved has gone on with
            another merger, and a split would find none of it.
    """
    merger = _merger(session, merger_id, lock=True)
    for person_id in sorted((merger.kept_id, merger.absorbed_id)):
        session.get_one(Person, person_id, with_for_update=True)
    if merger.state != "merged":
        raise Conflict("person.split", path="merger_id", found=merger.state)
    later = select(PersonMerger.id).where(PersonMerger.absorbed_id == merger.kept_id, PersonMerger.state == "merged")
    if session.scalar(later.limit(1)) is not None:
        raise Conflict("person.merged_on", path="merger_id")
    return merger


def split_persons(core: Core, session: Session, now: int, merger_id: str) -> None:
    """Take a merger back: what it moved and is still there goes back. The caller writes the audit."""
    merger = session.get_one(PersonMerger, merger_id)
    known = {(one.class_.__tablename__, one.key): one for one in _references()}
    content = _read(core, merger)
    for table, key, column in content["moved"]:
        if table == "persons":
            return_identity(session, merger, content.get("identity"))
            continue
        attribute = known[table, column]
        model: Any = attribute.class_
        row = session.get(model, key, with_for_update=True)
        if row is not None and getattr(row, column) == merger.kept_id:
            _give(core, row, attribute, merger.absorbed_id)
    for name in content.get("reported", ()):
        document = session.get(PersonDocument, name, with_for_update=True)
        if document is not None and document.person_id == merger.absorbed_id:
            document.kind = "passport"
    merger.state, merger.split_at = "split", now
    session.flush()
    _notify(core, session, now, "person.split", merger.kept_id, merger.absorbed_id)


def list_mergers(core: Core, who: Principal, permit_id: str) -> list[MergerView]:
    """The mergers of the record that a permit belongs to, newest first.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``permit.none``.
    """
    if not who.may("filing.decide"):
        who.require("permit.own")

    def look(session: Session) -> list[MergerView]:
        person_id = load_permit(core, session, who, permit_id).person_id
        about = or_(PersonMerger.kept_id == person_id, PersonMerger.absorbed_id == person_id)
        query = select(PersonMerger).where(about).order_by(PersonMerger.merged_at.desc(), PersonMerger.id)
        return [_view(core, row) for row in session.scalars(query)]

    return core.database.read(look)


def merged_regions(core: Core, session: Session, merger_id: str) -> frozenset[str]:
    """Where the two records of a merger lay; empty for one of an earlier version.

    Raises:
        NotFound: ``person.no_merger``.
    """
    return frozenset(_read(core, _merger(session, merger_id)).get("regions", ()))


def show_merger(core: Core, who: Principal, merger_id: str) -> MergerView:
    """A merger, for an officer who is asked to take it back.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``person.no_merger``.
    """
    who.require("permit.end")
    return core.database.read(lambda session: _view(core, _merger(session, merger_id)))


def _merger(session: Session, merger_id: str, *, lock: bool = False) -> PersonMerger:
    merger = session.get(PersonMerger, merger_id, with_for_update=lock or None)
    if merger is None:
        raise NotFound("person.no_merger", path="merger_id")
    return merger


def _references() -> Iterator[InstrumentedAttribute[Any]]:
    """Every column that names a person and may name another one later."""
    for mapper in sorted(Base.registry.mappers, key=lambda one: one.local_table.name):  # type: ignore[attr-defined]
        for column in mapper.local_table.columns:
            names = any(key.target_fullname == "persons.id" for key in column.foreign_keys)
            if names and not column.primary_key and mapper.local_table.name not in _FIXED:  # type: ignore[attr-defined]
                yield getattr(mapper.class_, mapper.get_property_by_column(column).key)


def _has_own(session: Session, person_id: str) -> bool:
    """Whether a person has a record of a kind that a person has once, under their own id: insurance."""
    for mapper in Base.registry.mappers:
        keys = list(mapper.local_table.primary_key)
        own = len(keys) == 1 and any(key.target_fullname == "persons.id" for key in keys[0].foreign_keys)
        if own and session.get(mapper.class_, person_id) is not None:
            return True
    return False


def person_named(session: Session, name: str, value: str) -> str:
    """Whose a permit, an application or a record of insurance is.

    Args:
        name: permit_id, other_permit_id, filing_id or person_id.

    Raises:
        NotFound: ``permit.none``, ``filing.none``, ``person.none``.
    """
    if name in ("permit_id", "other_permit_id"):
        permit = session.get(Permit, value)
        if permit is None:
            raise NotFound("permit.none", path=name)
        return permit.person_id
    if name == "filing_id":
        filing = session.get(Filing, value)
        if filing is None or filing.person_id is None or filing.state == "DRAFT":
            raise NotFound("filing.none", path=name)
        return filing.person_id
    if session.get(Person, value) is None:
        raise NotFound("person.none", path=name)
    return value


def _require_no_officials(session: Session, persons: list[Person]) -> None:
    """Accounts of officials are the administrators' business, and a person has one holder's account."""
    query = select(Account).where(Account.person_id.in_([one.id for one in persons]), Account.state != "closed")
    accounts = session.scalars(query.order_by(Account.id)).all()
    roles = [role_named(account.role) for account in accounts]
    if any(role.official for role in roles):
        raise Conflict("person.official", path="person_id")
    alone = [role.name for role in roles if role.alone]
    if len(alone) != len(set(alone)):
        raise Conflict("person.accounts", path="person_id")
    in_use = {account.person_id for account in accounts}
    if all(one.identity_key is not None and one.id in in_use for one in persons):
        raise Conflict("person.accounts", path="person_id")


def _require_one_birth(core: Core, session: Session, persons: list[Person]) -> None:
    births = {_birth(core, session, one.id) for one in persons} - {None}
    if len(births) > 1:
        raise Conflict("person.birth", path="person_id")


def _birth(core: Core, session: Session, person_id: str) -> str | None:
    found = document_of(core, session, person_id).get("birth")
    return None if found is None else str(found)


def _permit_of(session: Session, person_id: str) -> Permit | None:
    return session.scalar(select(Permit).where(Permit.person_id == person_id).with_for_update())


def _require_one_permit(session: Session, pair: Pair) -> None:
    kept, absorbed = _permit_of(session, pair.kept), _permit_of(session, pair.absorbed)
    if kept is None or absorbed is None:
        return
    if absorbed.state in LIVE:
        raise Conflict("person.permit_live", path="permit_id", found=absorbed.state)
    if absorbed.state in GRAVE and kept.state not in GRAVE:
        raise Conflict("person.permit_grave", path="permit_id", found=absorbed.state)


def _require_no_double(session: Session, pair: Pair) -> None:
    """A person has one open application of a kind."""
    query = select(Filing.process).where(Filing.state.in_(UNDECIDED))
    one, other = (set(session.scalars(query.where(Filing.person_id == each))) for each in (pair.kept, pair.absorbed))
    if one & other:
        raise Conflict("filing.open", path="permit_id", found=", ".join(sorted(one & other)))


def _let_report(session: Session, person_id: str) -> list[str]:
    """Let the passports of a record that goes into another one be reported ones (promise 5); their ids."""
    query = select(PersonDocument).where(PersonDocument.person_id == person_id, PersonDocument.kind == "passport")
    found = session.scalars(query.order_by(PersonDocument.id).with_for_update()).all()
    for document in found:
        document.kind = REPORTED
    return [document.id for document in found]


def _give(core: Core, row: Any, attribute: InstrumentedAttribute[Any], person_id: str) -> None:
    """Let a row be another person's; an open application is then found by that person."""
    setattr(row, attribute.key, person_id)
    if isinstance(row, Filing) and row.open_key is not None:
        row.open_key = core.at_rest.digest("open filing", f"{person_id}:{row.process}")


def _notify(core: Core, session: Session, now: int, kind: str, *person_ids: str) -> None:
    """Notify the holders of both records."""
    people = Account.person_id.in_(person_ids), Account.role == "holder"
    query = select(Account.id).where(*people, Account.in_use()).order_by(Account.id)
    notify(core, session, now, [Notice(kind, account, {}) for account in session.scalars(query)])


def _view(core: Core, row: PersonMerger) -> MergerView:
    moved: dict[str, int] = {}
    for table, _key, _column in _read(core, row)["moved"]:
        moved[table] = moved.get(table, 0) + 1
    split = None if row.split_at is None else day_of(row.split_at).isoformat()
    return MergerView(row.id, row.state, day_of(row.merged_at).isoformat(), split, moved)


def _write(core: Core, row: PersonMerger, content: Mapping[str, Any]) -> None:
    row.record = core.at_rest.seal(Place("person_mergers", "record", row.id), json.dumps(dict(content)).encode())


def _read(core: Core, row: PersonMerger) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("person_mergers", "record", row.id), row.record))
    return content
