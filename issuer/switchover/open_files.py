"""Applications that are open at the switch, and notifications that are not used yet, from a file: carried over as they
stand, with the days that they have.

Promises:

1. What was filed stays filed: the clocks run from the days on which it was filed and accepted, by the rules of the day
   of filing. What is overdue by then follows by law, as for any other application.
2. Nothing counts as checked that was checked elsewhere: each paper is UNCHECKED until an officer here has said how it
   was checked, so that no approval comes without it.
3. A batch of rows is one transaction with one act in the audit; after a kill the same file goes on where it was, and a
   person has one open application of a kind, however often they are imported. A refused row leaves nothing behind.
4. The applicant gets one notice of it, and answers a return here.
5. A first entry that was approved is carried over with its notification (:mod:`issuer.switchover.notified`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Faults, Invalid, together
from issuer.acts import Actor
from issuer.bulk.imports import Batch, Imported, Progress, import_rows
from issuer.bulk.rows import Columns, Row, Source
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.clocks import deadline, set_days
from issuer.permits.hearings import begin_hearing
from issuer.permits.machines import UNDECIDED
from issuer.permits.materials import PROCESSES
from issuer.permits.models import Filing, Permit
from issuer.permits.moves import move
from issuer.permits.names import name_refusals
from issuer.permits.papers import NewPaper, carry_paper, require_material
from issuer.permits.people import person_for
from issuer.permits.records import FilingRecord, record_from, wants_hearing, write_filing
from issuer.rules.days import day_of, parse_day
from issuer.rules.store import book_of

from .notified import REQUIRED, carry_notification, require_usable
from .writing import employer_of, readable_record, require_given, require_region, texts_of, write_batch

__all__ = ["COLUMNS", "Imported", "import_open_files"]

_KIND: Final = "open applications"
_BATCH: Final = 100
#: Processes for somebody who may have no permit yet.
_NEW: Final = ("overseas", "in_country", "short")
_PERSON: Final = ("surname", "nationality", "birth", "sex", "passport", "passport_until")
_RECORD: Final = (
    *(*_PERSON, "given", "post", "category", "first", "until", "contract_until"),
    *("changed_on", "ended_on", "ground", "signed"),
)
_OWN: Final = (
    *("process", "state", "submitted_on", "accepted_on", "returned_on", "defects", "old_number", "number"),
    *("employer_code", "employer_name", "region", "papers", "holds", "holds_not"),
    *("decided_on", "usable_until"),
)
_REQUIRED: Final = ("process", "state", "submitted_on", "employer_code", "region")

COLUMNS: Final = Columns(dict.fromkeys((*_OWN, *_RECORD), "text"), _REQUIRED)
"""Of a file of open applications.

``number``: of the permit that it is about, or that a notification has; ``old_number``: of the application in the old
system.
``papers``: what was handed in, ``M01 M04=2026-01-10/DEU/apostille/2026-01-20/translated/sealed``: issued, by which
state, how and when it was authenticated. ``defects``: of what was returned, ``M04: not legible; M03: no seal``.
``holds``, ``holds_not``: names of the facts of its checklist.
``decided_on``, and ``usable_until``, the last day: of a notification, whose ``state`` is APPROVED.
"""

_NOTIFIED: Final = "APPROVED"
_PAPER: Final = re.compile("(M[0-9]{2})(?:=(.+))?")
_DEFECT: Final = re.compile(r"\s*([A-Za-z0-9_.]{1,40}):\s*(\S.{0,499})")


@dataclass(frozen=True, slots=True)
class _Open:
    """A row as it was read."""

    process: str
    state: str
    submitted: date
    accepted: date | None
    returned: date | None
    decided: date | None
    usable_until: date | None
    defects: list[dict[str, str]]
    papers: dict[str, NewPaper]
    record: FilingRecord
    old_number: str | None
    number: str | None
    employer: tuple[str, str | None]
    region: str


def import_open_files(
    core: Core,
    source: Source,
    by: Actor,
    progress: Progress = lambda done, refused, read: None,
) -> Imported:
    """Carry a file's applications over, or go on with it.

    Args:
        progress: called after every batch: rows taken, rows refused, bytes read.

    Raises:
        Unavailable: ``clock.*``.
        StateError: ``bulk.*``; ``database.*``. Run again to go on.
    """

    def write(run_id: str, batch: Batch) -> tuple[int, int]:
        return write_batch(core, run_id, batch, by, "filing.import", _take)

    return import_rows(core, _KIND, source, COLUMNS, _BATCH, write, progress)


def _take(core: Core, unit: UnitOfWork, row: Row) -> str:
    """Carry one application over; its id.

    Raises:
        IcardError: whatever speaks against the row; of what it says, all that was found.
    """
    session, now = unit.session, unit.now
    one = _read(texts_of(row), day_of(now))
    filing = _filing(core, session, now, one)
    open_key = filing.open_key
    if session.scalar(select(Filing.id).where(Filing.open_key == open_key, Filing.state.in_(UNDECIDED))) is not None:
        raise Conflict("filing.open", path="process")
    write_filing(core, filing, one.record)
    session.add(filing)
    session.flush()
    for code, paper in one.papers.items():
        require_material(core, session, filing, code)
        carry_paper(core, session, now, filing.id, code, paper)
    if one.usable_until is not None:
        event = {"submitted_on": filing.submitted_on, "decided_on": filing.decided_on, "old_number": one.old_number}
        carry_notification(core, session, now, filing, one.record, str(one.number), one.usable_until, event)
        return filing.id
    _move(core, session, now, filing, one)
    set_days(book_of(session), filing, one.record.category)
    _hear(core, session, now, filing, one.record)
    session.flush()
    return filing.id


def _filing(core: Core, session: Session, now: int, one: _Open) -> Filing:
    """The application as a draft that its employer would have filed on that day."""
    employer_id = employer_of(core, session, now, one.employer[0], one.employer[1], one.region)
    permit = None if one.process in _NEW else _permit(core, session, one, employer_id)
    person_id = permit.person_id if permit is not None else person_for(core, session, now, one.record)
    return Filing(
        id=secrets.token_hex(16),
        process=one.process,
        state="DRAFT",
        region=one.region if permit is None else permit.region,
        filer="employer",
        employer_id=employer_id,
        agency_id=None,
        person_id=person_id,
        permit_id=None if permit is None else permit.id,
        open_key=core.at_rest.digest("open filing", f"{person_id}:{one.process}"),
        rules_on=one.submitted.isoformat(),
        submitted_on=one.submitted.isoformat(),
        accepted_on=None if one.accepted is None else one.accepted.isoformat(),
        decided_on=None if one.decided is None else one.decided.isoformat(),
        prolonged=0,
        returns=0,
        revision=1,
        created_at=now,
        changed_at=now,
    )


def _permit(core: Core, session: Session, one: _Open, employer_id: str) -> Permit:
    """The permit that an application is about, which has to be here already.

    Raises:
        Invalid: ``filing.no_permit``.
    """
    key = core.at_rest.digest("permit number", one.number or "")
    permit = session.scalar(select(Permit).where(Permit.number_key == key))
    live = permit is not None and permit.state in ("ACTIVE", "EXTENDED_BY_LAW")
    if permit is None or not live or permit.employer_id != employer_id:
        raise Invalid("filing.no_permit", path="number", expected="a permit of this employer, imported before")
    return permit


def _move(core: Core, session: Session, now: int, filing: Filing, one: _Open) -> None:
    """Bring it to where it stood, by the moves of the machine; the applicant gets one notice."""
    days = {"submitted_on": one.submitted.isoformat(), "old_number": one.old_number}
    move(core, session, now, filing, "carry_over", "import", None, days)
    if one.state == "RETURNED" and one.returned is not None:
        content = {"defects": one.defects, "record": one.record.to_json()}
        move(core, session, now, filing, "return", "import", None, content, quiet=True)
        answer = deadline(book_of(session), "returned", filing, one.returned)
        filing.returns, filing.answer_due = 1, None if answer is None else answer.day.isoformat()
    if one.state in ("PRE_REVIEWED", "ACCEPTED"):
        move(core, session, now, filing, "pre_review", "import", None, {}, quiet=True)
    if one.state == "ACCEPTED":
        move(core, session, now, filing, "accept", "import", None, {}, quiet=True)


def _hear(core: Core, session: Session, now: int, filing: Filing, record: FilingRecord) -> None:
    """The person is heard about a cancellation that they did not sign: here, whatever was done before."""
    if filing.process == "cancellation" and filing.permit_id is not None and wants_hearing(record):
        permit = session.get_one(Permit, filing.permit_id)
        begin_hearing(core, session, now, permit, f"cancelled.{record.ground}", None, filing_id=filing.id)


def _read(texts: Mapping[str, str], today: date) -> _Open:
    """What a row says.

    Raises:
        Invalid: ``filing.*``, ``permit.*``, all that was found.
    """
    faults = Faults()
    values: dict[str, Any] = dict(texts)
    own = {name: values.pop(name, None) for name in _OWN}
    signed = values.pop("signed", None)
    facts = {**_facts(own["holds"], holds=True), **_facts(own["holds_not"], holds=False)}
    answer = {} if signed is None else {"signed": faults.of(_flag, signed)}
    record = readable_record(faults, {**values, **answer, "facts": facts})
    given = {**own, **{name: getattr(record, name) for name in _RECORD}}
    require_given(faults, given, _REQUIRED)
    states = (*UNDECIDED, _NOTIFIED) if own["process"] == "overseas" else UNDECIDED
    for name, known in (("process", PROCESSES), ("state", states)):
        if own[name] is not None and own[name] not in known:
            faults.add(Invalid("filing.field", path=name, expected=", ".join(known)))
    if not faults.on("process"):
        require_given(faults, given, _PERSON if own["process"] in _NEW else ("number",))
        require_given(faults, given, ("ground", "ended_on") if own["process"] == "cancellation" else ())
    if own["state"] == _NOTIFIED and not faults.on("state"):
        require_given(faults, given, REQUIRED)
    if own["region"] is not None:
        faults.of(require_region, str(own["region"]))
    if own["process"] in _NEW and record.surname is not None:
        for refused in name_refusals(record.name):
            faults.add(refused.error())
    unknown = any(faults.on(name) for name in ("state", "submitted_on", "decided_on"))
    days = None if unknown else faults.of(_days, own, today)
    defects = faults.of(_defects, own["defects"]) if own["state"] == "RETURNED" else []
    papers = faults.of(_papers, own["papers"] or "")
    if days is None or defects is None or papers is None or faults.found:
        raise together(faults.found)
    submitted, accepted, returned, decided = days
    usable_until = _usable_until(own, record, decided, today)
    return _Open(
        own["process"],
        own["state"],
        submitted,
        accepted,
        returned,
        decided,
        usable_until,
        defects,
        papers,
        record,
        own["old_number"],
        own["number"],
        (str(own["employer_code"]), own["employer_name"]),
        str(own["region"]),
    )


def _days(own: Mapping[str, Any], today: date) -> tuple[date, date | None, date | None, date | None]:
    """The days of filing, acceptance, return and decision, in their order and none to come; what the state needs."""
    faults = Faults()
    names = ("submitted_on", "accepted_on", "returned_on", "decided_on")
    found = {name: faults.of(_day, name, own[name]) for name in names}
    submitted = found["submitted_on"]
    if not faults.on("submitted_on") and (submitted is None or submitted > today):
        faults.add(Invalid("filing.future", path="submitted_on", expected=f"{today.isoformat()} or earlier"))
    for name, state in (("accepted_on", "ACCEPTED"), ("returned_on", "RETURNED"), ("decided_on", _NOTIFIED)):
        day = found[name]
        if faults.on(name):
            continue
        optional = name == "accepted_on" and own["state"] == _NOTIFIED
        last = today if name == "decided_on" else min(today, found["decided_on"] or today)
        if (day is not None) != (own["state"] == state) and not optional:
            expected = f"a day where it is {state}, and nothing otherwise"
            faults.add(Invalid("filing.order", path=name, expected=expected))
        elif day is not None and submitted is not None and not submitted <= day <= last:
            expected = f"{submitted.isoformat()} to {last.isoformat()}"
            faults.add(Invalid("filing.order", path=name, expected=expected))
    if submitted is None or faults.found:
        raise together(faults.found)
    return submitted, found["accepted_on"], found["returned_on"], found["decided_on"]


def _usable_until(own: Mapping[str, Any], record: FilingRecord, decided: date | None, today: date) -> date | None:
    """The last day of a notification; None: the row is of an application."""
    usable_until = _day("usable_until", own["usable_until"])
    if decided is not None and usable_until is not None:
        require_usable(str(own["number"]), decided, usable_until, record, today)
    elif usable_until is not None:
        raise Invalid("filing.order", path="usable_until", expected=f"nothing where it is not {_NOTIFIED}")
    return usable_until


def _day(name: str, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return parse_day(value)
    except ValueError:
        raise Invalid("filing.field", path=name, expected="a day as YYYY-MM-DD, 1900 to 2199") from None


def _flag(value: str) -> bool:
    if value not in ("yes", "no"):
        raise Invalid("filing.field", path="signed", expected="yes or no")
    return value == "yes"


def _facts(names: str | None, *, holds: bool) -> dict[str, bool]:
    return dict.fromkeys((names or "").split(), holds)


def _defects(text: str | None) -> list[dict[str, str]]:
    found = [_DEFECT.fullmatch(part) for part in (text or "").split(";") if part.strip()]
    if not found or None in found:
        raise Invalid("filing.field", path="defects", expected="M04: not legible; M03: no seal")
    return [{"path": one[1], "text": one[2]} for one in found if one is not None]


def _papers(text: str) -> dict[str, NewPaper]:
    found = {}
    for part in text.split():
        one = _PAPER.fullmatch(part)
        if one is None or one[1] in found:
            raise Invalid("filing.field", path="papers", expected="each material once, such as M01 M04=2026-01-10/DEU")
        found[one[1]] = _paper((one[2] or "").split("/"))
    return found


def _paper(parts: list[str]) -> NewPaper:
    issued, state, way, when, *marks = [*parts, *([""] * 4)][: max(4, len(parts))]
    if set(marks) - {"translated", "sealed"} or (way and way not in ("apostille", "legalisation", "local_notary")):
        raise Invalid("filing.field", path="papers", expected="issued/state/way/day/translated/sealed")
    return NewPaper(
        issued=_day("papers", issued or None),
        state=record_from({"nationality": state}).nationality if state else None,
        way=way or None,
        authenticated_on=_day("papers", when or None),
        translated="translated" in marks,
        sealed="sealed" in marks,
    )
