"""Physical permits from a file, CSV or JSON Lines: streamed, resumable, each refused row on record.

Promises:

1. A physical permit stays valid as it is: the import makes no card and sends nobody anything. The card comes with the
   next extension or change, or by an electronic reissue. Where its number has a live card of the same person, issued
   before permits were decided about here, that card becomes the permit's and goes on.
2. A batch of rows is one transaction, with one act in the audit that has their hash; after a kill the same file goes on
   where it was, and no permit is written twice.
3. A row that is refused stops nothing and leaves nothing behind. Its number and the error are in the database;
   nothing of its content does.
4. A row is taken only where a card could be made of it: what would stop the next extension is said now.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card
from icard_crypto.errors import Conflict, Faults, Invalid, together
from issuer import cards
from issuer.acts import Actor
from issuer.bulk.imports import Batch, Imported, Progress, import_rows
from issuer.bulk.rows import Columns, Row, Source
from issuer.cards.models import CardParty
from issuer.cards.records import another_person, live_card, read_record
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.models import Permit
from issuer.permits.names import name_refusals
from issuer.permits.people import person_for
from issuer.permits.processes import PERMIT
from issuer.permits.records import FilingRecord
from issuer.permits.terms import NewTerm, card_of, grant
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place

from .writing import employer_of, readable_record, require_given, require_region, texts_of, write_batch

__all__ = ["COLUMNS", "Imported", "import_permits"]

_KIND: Final = "physical permits"
_BATCH: Final = 200
_NUMBER: Final = re.compile("[0-9]{18}")
_RECORD: Final = (
    *("surname", "given", "nationality", "birth", "sex", "passport", "passport_until"),
    *("post", "category", "first", "until"),
)
_REQUIRED: Final = (*(name for name in _RECORD if name != "given"), "number", "employer_code", "region")

COLUMNS: Final = Columns(
    dict.fromkeys((*_RECORD, "number", "employer_code", "employer_name", "region"), "text"), _REQUIRED
)
"""Of a file of physical permits. ``employer_name``: for an employer that is not registered yet."""


def import_permits(
    core: Core,
    source: Source,
    by: Actor,
    progress: Progress = lambda done, refused, read: None,
) -> Imported:
    """Take a file's permits over, or go on with it.

    Args:
        progress: called after every batch: rows taken, rows refused, bytes read.

    Raises:
        Unavailable: ``clock.*``.
        StateError: ``bulk.*``; ``database.*``. Run again to go on.
    """

    def write(run_id: str, batch: Batch) -> tuple[int, int]:
        return write_batch(core, run_id, batch, by, "permit.import", _take)

    return import_rows(core, _KIND, source, COLUMNS, _BATCH, write, progress)


def _take(core: Core, unit: UnitOfWork, row: Row) -> str:
    """Write one permit; its id.

    Raises:
        IcardError: whatever speaks against the row, all that was found.
    """
    session, now = unit.session, unit.now
    values = texts_of(row)
    number = values.pop("number", None)
    employer_code, employer_name = values.pop("employer_code", None), values.pop("employer_name", None)
    region = values.pop("region", None)
    faults = Faults()
    employer_id: str | None = None
    record = readable_record(faults, values)
    _look_whole(faults, record, {"number": number, "employer_code": employer_code, "region": region}, day_of(now))
    if employer_code is not None and region is not None and not faults.on("region"):
        employer_id = faults.of(employer_of, core, session, now, employer_code, employer_name, region)
    if number is not None and not faults.on("number"):
        faults.of(_require_free, core, session, number)
    if employer_id is None or faults.found:
        raise together(faults.found)
    person_id = person_for(core, session, now, record)
    if session.scalar(select(Permit.id).where(Permit.person_id == person_id)) is not None:
        raise Conflict("permit.has_one", path="passport")
    term = NewTerm(
        employer_id,
        str(record.category),
        record.first or date.min,
        record.until or date.min,
        str(region),
        "import",
        str(record.post),
    )
    permit = grant(core, session, now, person_id, str(number), term)
    permit.state = PERMIT.move("carry_over", permit.state, "import").target
    content = {"number": number, "physical_until": permit.until}
    permit.record = core.at_rest.seal(Place("permits", "record", permit.id), json.dumps(content).encode())
    session.flush()
    card = card_of(core, session, permit)
    cards.check_card(core, card)
    _take_card(core, session, permit, card)
    return permit.id


def _take_card(core: Core, session: Session, permit: Permit, card: Card) -> None:
    """Make the live card of a permit's number the permit's.

    Raises:
        Conflict: ``issue.card_exists``: it is another person's.
    """
    held = live_card(core, session, card.permit.number or "")
    if held is None:
        return
    party = session.get(CardParty, held.id)
    known = party.holder_id if party is not None else None
    if known not in (None, permit.person_id) or another_person(read_record(core, held), card):
        raise Conflict("issue.card_exists", path="number")
    permit.card_id = held.id
    if party is None:
        party = CardParty(card_id=held.id)
        session.add(party)
    party.holder_id, party.employer_id = permit.person_id, permit.employer_id
    session.flush()


def _require_free(core: Core, session: Session, number: str) -> None:
    """Refuse a permit's number that is here already."""
    if session.scalar(select(Permit.id).where(Permit.number_key == core.at_rest.digest("permit number", number))):
        raise Conflict("permit.number_taken", path="number")


def _look_whole(faults: Faults, record: FilingRecord, own: Mapping[str, Any], today: date) -> None:
    """Note what a row lacks, and what it says that cannot be.

    Args:
        own: the row's cells beside the record: ``number``, ``employer_code``, ``region``.
    """
    given: Mapping[str, Any] = {**{name: getattr(record, name) for name in _RECORD}, **own}
    require_given(faults, given, _REQUIRED)
    if own["number"] is not None and not _NUMBER.fullmatch(str(own["number"])):
        faults.add(Invalid("filing.field", path="number", expected="18 digits"))
    if own["region"] is not None:
        faults.of(require_region, str(own["region"]))
    if record.surname is not None:
        for refused in name_refusals(record.name):
            faults.add(refused.error())
    if record.first is not None and record.until is not None and record.until < record.first:
        faults.add(Invalid("filing.order", path="until", expected="first or later"))
    if record.until is not None and record.until < today and not faults.on("until"):
        faults.add(Invalid("permit.over", path="until", expected=f"{today.isoformat()} or later"))
    if record.first is not None and record.first > today:
        faults.add(Invalid("filing.future", path="first", expected=f"{today.isoformat()} or earlier"))
