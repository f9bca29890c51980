"""Erasing what is no longer kept about a person, from tables and from the database's files.

Promises:

1. What a rule row still keeps stays, and the answer names it with its last day and the law; all other categories go:
   rows, sealed bytes, files of papers, keyed hashes by which the person could be found, inbox and outbox, and the
   details of acts that are older than ``audit_details_days``. Once nothing is kept the person's name and document hash
   go as well.
2. The audit's chain stays whole: its rows, pseudonyms and hashes stay; an act names the rows whose details went.
   Indexes of status lists are never given again: a code's row stays, without its content.
3. What was deleted is gone from the database's files too, once :func:`issuer.audit.purge.scrub` has written them again.
   Backups are copies of their own: they have the data until they are deleted, by whoever keeps them.
4. Repeating it changes nothing more; a kill before the files were written again is repaired by doing it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from icard_crypto.errors import NotFound
from icard_crypto.moments import DAY
from issuer.accounts.models import Person
from issuer.accounts.people import write_name
from issuer.acts import Actor
from issuer.audit.purge import purge_details, scrub
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.models import Upload
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place
from issuer.vault.files import SealedFiles

from .holdings import HOLDINGS
from .retention import Kept, due_categories
from .subject_rows import Category, Holding, Subject, rows_of, subject_of

__all__ = ["ERASED", "Purged", "purge_due", "purge_person"]

_PAGE: Final = 200
#: What is where content was: valid JSON, so that whoever reads the row finds it empty.
ERASED: Final = b"{}"


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did about one person.

    Args:
        rows: erased, by table; a table of which nothing was left is not in it.
        details: acts whose details went.
        kept: what stays, until when, and why.
        person: whether the name went as well.
        files: of papers, whose rows and keys went; they are removed after the commit.
    """

    rows: dict[str, int]
    details: int
    kept: tuple[Kept, ...]
    person: bool
    files: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether it changed anything."""
        return bool(self.rows or self.details or self.person)


def purge_person(core: Core, person_id: str, by: Actor) -> Purged:
    """Erase what is due about a person, and write the files again.

    Raises:
        NotFound: ``privacy.none``.
        StateError: ``audit.not_scrubbed``: deleted, but still in the files; do it again.
    """
    done = core.transact(by, partial(_purge_one, core, person_id))
    _remove_files(core, done)
    scrub(core.database)
    return done


def purge_due(
    core: Core, by: Actor, progress: Callable[[int, int], None] = lambda people, changed: None
) -> tuple[int, int]:
    """Erase what is due about everybody, and write the files again.

    Args:
        progress: called after every page: people looked at, people about whom something went.

    Raises:
        StateError: ``audit.not_scrubbed``.
    """
    people = changed = 0
    for page in _pages(core):
        for person_id in page:
            done = core.transact(by, partial(_purge_one, core, person_id))
            _remove_files(core, done)
            people += 1
            changed += done.anything
        progress(people, changed)
    scrub(core.database)
    return people, changed


def _pages(core: Core) -> Iterator[list[str]]:
    after = ""
    while True:
        query = select(Person.id).where(Person.id > after).order_by(Person.id).limit(_PAGE)
        page = core.database.read(partial(_ids, query))
        if not page:
            return
        yield page
        after = page[-1]


def _ids(query: Select[str], session: Session) -> list[str]:
    return list(session.scalars(query))


def _purge_one(core: Core, person_id: str, unit: UnitOfWork) -> Purged:
    session, now = unit.session, unit.now
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound("privacy.none", path="person_id")
    subject = subject_of(session, person_id)
    due, kept = due_categories(core, session, subject, day_of(now))
    rows: dict[str, int] = {}
    files = tuple(session.scalars(select(Upload.id).where(Upload.filing_id.in_(subject.applications))))
    for holding in reversed(HOLDINGS):
        if set(holding.categories) <= set(due):
            count = _erase(core, session, holding, subject)
            if count:
                name = holding.model.__tablename__
                rows[name] = rows.get(name, 0) + count
    before = now - core.settings.audit_details_days * DAY
    details = purge_details(core, session, _names(subject, due), before)
    nameless = not kept and _unnamed(core, session, person)
    done = Purged(rows, len(details), tuple(kept), nameless, files if "uploads" in rows else ())
    if done.anything:
        said = {
            **unit.actor.details(),
            "rows": rows,
            "details": details,
            "kept": [one.to_json() for one in kept],
            "person": nameless,
        }
        unit.audit("privacy.purge", person_id, said)
    return done


def _remove_files(core: Core, done: Purged) -> None:
    """Remove the files of papers; one that a kill leaves has no key any more, and the hourly sweep takes it."""
    files = SealedFiles(core.settings.uploads_path)
    for name in done.files:
        files.remove(name)


def _names(subject: Subject, due: list[Category]) -> list[str]:
    """The ids that acts about what is due are about."""
    found = [subject.person_id] if "insurance" in due else []
    found += [*(subject.accounts if "account" in due else ()), *(subject.cards if "card" in due else ())]
    return [*found, *((*subject.permits, *subject.applications) if "permit" in due else ())]


def _erase(core: Core, session: Session, holding: Holding, subject: Subject) -> int:
    """Erase a table's rows about a person; how many."""
    rows = rows_of(session, holding, subject)
    if holding.purge == "delete":
        # As a statement: a row that references itself, such as a correction, goes with the row that it corrects.
        gone = delete(holding.model).where(holding.where(subject))
        session.execute(gone, execution_options={"synchronize_session": "fetch"})
        session.flush()
        return len(rows)
    return sum(_blank(core, holding, row) for row in rows)


def _blank(core: Core, holding: Holding, row: Any) -> bool:
    """Take the content out of a row that stays; whether there was any."""
    changed = False
    for name in holding.sealed:
        content = getattr(row, name)
        if content is None:
            continue
        if name in holding.emptied or row.__table__.columns[name].nullable:
            setattr(row, name, None)
            changed = True
            continue
        place = Place(row.__tablename__, name, str(getattr(row, holding.key)))
        if core.at_rest.open(place, content) != ERASED:
            setattr(row, name, core.at_rest.seal(place, ERASED))
            changed = True
    for name in holding.emptied:
        if getattr(row, name) is not None:
            setattr(row, name, None)
            changed = True
    return changed


def _unnamed(core: Core, session: Session, person: Person) -> bool:
    """Take name and document hash out of a person about whom nothing is kept; whether there were any."""
    place = Place("persons", "record", person.id)
    named = b'"name":""' not in core.at_rest.open(place, person.record)
    if not named and person.identity_key is None:
        return False
    write_name(core, person, "")
    person.identity_key = None
    session.flush()
    return True
