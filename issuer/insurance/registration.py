"""Registration: an employer, an agency with its mandate, or an officer registers a person, and ends it.

Promises:

1. Who the person is, :mod:`issuer.insurance.identity` says: found or made, with a number for life.
2. One registration makes its facts (basis, employment, enrolment) in one transaction, with the audit and the notices;
   the person's state is computed in it. An employer registers a person once for as long as the work goes on.
3. Registered for are the schemes that are due there and then, with those that a certificate exempts from now: they are
   due again when it ends. Where nothing is due (above the region's age, disputed without an agreement) the answer says
   so, and that is no lapse.
4. What is reported is checked against the rules before anything is written: a region that there is, days in their
   order, no work after death, names that are the passport's. All that is wrong with it is named at once.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Conflict, Faults, Invalid, NotFound, together
from issuer.accounts.credit_codes import employers_by_code
from issuer.accounts.principals import Principal
from issuer.audit.reads import note_read
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.permits.names import PassportName, compare, name_refusals
from issuer.rules.book import RuleBook
from issuer.rules.days import FIRST_DAY, day_of
from issuer.rules.regions import NATION, is_known
from issuer.rules.store import book_of

from .card_codes import make_codes
from .claim_stops import stop_claims
from .contributions import own_rate
from .coverage import Duties, MonthDuty
from .identity import Identity, check_document, find_or_make, made_once
from .lapses import follow
from .money import parse_yuan
from .months import month_of
from .parties import notify_insured, refuse_own, require_employer, require_insured
from .records import Insured, add_fact, end_fact, load_people
from .schemes import NONE, Scheme, scheme_names
from .successors import end_before_merger

__all__ = ["NewRegistration", "Registered", "end_work", "preview", "register", "register_within"]

_BASES: Final = ("work_permit", "press_card", "permanent_residence")
_ALPHA3: Final = re.compile("[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration(Identity):
    """What is reported about a person and the work.

    Args:
        basis: ``work_permit``, ``press_card`` or ``permanent_residence``, obtained on a day and valid until one.
        employer_id: None: the one of ``employer_code``, else one's own.
        employer_code: the employer's unified social credit code, now or before; counts where there is no id.
        wage: in yuan, such as ``30000.00``; None: not known yet.
        injury_rate: the employer's own rate of work injury insurance.
        sent: sent by a foreign employer; the domestic workplace registers.
        name_at_work: the name in the employer's papers; None: the passport's.
        agreed: the schemes of an agreement, where the region leaves them to one.
    """

    basis: str
    obtained: date
    basis_until: date | None
    region: str
    began: date
    employer_id: str | None = None
    employer_code: str | None = None
    wage: str | None = None
    injury_rate: str | None = None
    sent: bool = False
    name_at_work: tuple[str, str] | None = field(default=None, repr=False)
    agreed: Scheme = NONE


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a registration: the person, and the schemes by what they are from the first month on."""

    person_id: str
    duty: MonthDuty
    enrolled: Scheme


def register(core: Core, who: Principal, new: NewRegistration, request: Request | None = None) -> Registered:
    """Register a person.

    Raises:
        NotAllowed: ``access.*``.
        StateError: ``insurance.*``; never with what was reported in it.
    """
    made = made_once(
        lambda: core.transact(who.by(), lambda unit: register_within(core, unit, who, new), request=request)
    )
    make_codes(core, [made.person_id], who.by())
    return made


def preview(core: Core, who: Principal, new: NewRegistration) -> None:
    """Raise what :func:`register` would; nothing is written.

    Raises:
        StateError: as :func:`register`.
    """

    # Nothing is written, but answers differ by what is on record.
    note_read(core, f"account:{who.account_id}", who.role.name, "insurance.preview")

    def work(unit: UnitOfWork) -> None:
        register_within(core, unit, who, new)
        raise _Undone

    with contextlib.suppress(_Undone):
        core.transact(who.by(), work)


class _Undone(Exception):
    """Takes back a transaction that was a trial."""


def register_within(core: Core, unit: UnitOfWork, who: Principal, new: NewRegistration) -> Registered:
    """As :func:`register`, within a transaction that ends with it.

    Raises:
        StateError: as :func:`register`.
    """
    who.require("insurance.register")
    session, now = unit.session, unit.now
    today = day_of(now)
    book, faults = book_of(session), Faults()
    faults.of(_check, book, new, today)
    employer_id = faults.of(_employer_of, core, session, who, new)
    if employer_id is None or faults.found:
        raise together(faults.found)
    insured = find_or_make(core, session, now, book, new, new.region, confirmed=who.role.official)
    person_id = insured.row.person_id
    refuse_own(who, person_id)
    current = insured.person.as_known(today)
    if any(one.employer == employer_id and one.ended is None for one in current.employments):
        raise Conflict("insurance.registered", path="employer_id")
    if insured.record.died is not None and new.began > insured.record.died:
        raise Invalid("insurance.day", path="began", expected="a day before the person's death")
    _write_facts(core, session, now, insured, employer_id, new)
    session.flush()
    duty, enrolled = _enrol(core, session, now, book, person_id, employer_id, new)
    insured.row.region = new.region
    insured.row.revision += 1
    insured.row.changed_at = now
    notify_insured(core, session, now, "insurance.registered", [person_id], [employer_id])
    session.flush()
    _, acts = follow(core, session, now, [person_id], who.by(), codes=True)
    acts += stop_claims(core, session, now, person_id, "employed", new.began, who.by())
    details = {"employer": employer_id, "region": new.region, "schemes": list(scheme_names(enrolled))}
    unit.audit("insurance.register", person_id, details)
    unit.audit_acts(acts)
    unit.made(person_id)
    return Registered(person_id, duty, enrolled)


def _employer_of(core: Core, session: Session, who: Principal, new: NewRegistration) -> str:
    """The employer that a registration is for; a code that nobody has reads as one that one may not act for.

    Raises:
        Conflict: ``insurance.employer_ended``.
        NotFound: ``insurance.employer``.
    """
    if new.employer_id is not None or new.employer_code is None:
        return require_employer(core, session, who, new.employer_id)
    code = new.employer_code.strip().upper()
    named = employers_by_code(core, session, [code]).get(code)
    try:
        if named is not None:
            return require_employer(core, session, who, named)
    except NotFound:
        pass
    raise NotFound("insurance.employer", path="employer_code", expected="an employer that you may act for")


def end_work(core: Core, who: Principal, person_id: str, employer_id: str | None, day: date) -> None:
    """Note that a person's work with an employer has ended; contributions end with its month. Repeating is no error.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``insurance.none``, ``insurance.employer``.
        Invalid: ``insurance.day``.
    """
    who.require("insurance.register")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        require_insured(core, session, who, person_id)
        refuse_own(who, person_id)
        employer = require_employer(core, session, who, employer_id)
        insured = load_people(core, session, [person_id], lock=True)[person_id]
        facts = [fact for fact in insured.facts if fact.recorded.is_known(day_of(now))]
        known = [fact for fact in facts if fact.employer_id == employer]
        running = [fact for fact in known if fact.kind == "employment" and fact.body["ended"] is None]
        if not running:
            if any(fact.kind == "employment" for fact in known):
                return True
            raise NotFound("insurance.none")
        for fact in running:
            if day >= date.fromisoformat(fact.body["began"]):
                end_fact(core, session, now, fact, day)
            elif not end_before_merger(core, session, now, facts, fact, day):
                raise Invalid("insurance.day", path="day", expected="a day on or after the start of work")
        for fact in known:
            if fact.kind == "enrolment" and fact.body["last_month"] is None:
                end_fact(core, session, now, fact, day)
        insured.row.revision += 1
        insured.row.changed_at = now
        notify_insured(core, session, now, "insurance.ended", [person_id], [employer])
        session.flush()
        _, acts = follow(core, session, now, [person_id], who.by(), codes=True)
        details = {"employer": employer, "day": day.isoformat()}
        unit.audit("insurance.end", person_id, details)
        unit.audit_acts(acts)
        return True

    core.transact(who.by(), work, settled=lambda session: None)
    make_codes(core, [person_id], who.by())


def _check(book: RuleBook, new: NewRegistration, today: date) -> None:
    """Check what is reported against the rules, all of it (promise 4)."""
    faults = Faults()
    faults.of(check_document, new.passport_state, new.passport)
    if not _ALPHA3.fullmatch(new.nationality):
        expected = "three capital letters of ISO 3166-1"
        faults.add(Invalid("insurance.document", path="nationality", expected=expected))
    if name_refusals(new.name) or not new.surname or not is_plain(new.surname + new.given):
        faults.add(Invalid("insurance.name", path="surname", expected="the name as in the passport"))
    known = is_known(new.region) and new.region != NATION
    if not known:
        faults.add(Invalid("insurance.region", path="region", expected="a region of GB/T 2260"))
    if new.basis not in _BASES:
        faults.add(Invalid("insurance.basis", path="basis", expected=", ".join(_BASES)))
    days = {"born": new.born, "obtained": new.obtained, "began": new.began}
    for path, day in days.items():
        if day > today:
            faults.add(Invalid("insurance.future", path=path, expected=f"a day up to {today.isoformat()}"))
        elif day < FIRST_DAY:
            faults.add(Invalid("insurance.day", path=path, expected=f"a day from {FIRST_DAY.isoformat()} on"))
    if not faults.on("born") and new.born >= min(new.began, new.obtained):
        faults.add(Invalid("insurance.day", path="born", expected="a day before work and permit"))
    if new.basis_until is not None and new.basis_until < new.obtained:
        faults.add(Invalid("insurance.day", path="basis_until", expected="a day after it was obtained"))
    if new.wage is not None and faults.of(parse_yuan, new.wage, "wage") == 0:
        faults.add(Invalid("insurance.amount", path="wage", expected="more than nothing"))
    if new.injury_rate is not None and known:
        faults.of(own_rate, book, new.region, new.began, new.injury_rate)
    faults.settle()


def _write_facts(
    core: Core, session: Session, now: int, insured: Insured, employer_id: str, new: NewRegistration
) -> None:
    person_id = insured.row.person_id
    last = new.basis_until.isoformat() if new.basis_until else None
    basis = {"kind": new.basis, "obtained": new.obtained.isoformat(), "first": new.obtained.isoformat(), "last": last}
    bound = employer_id if new.basis == "work_permit" else None
    there = any(
        one.kind == new.basis
        and one.first <= new.obtained
        and (one.last is None or one.last >= new.obtained)
        and one.employer in (None, bound)
        for one in insured.person.bases
    )
    if not there:
        add_fact(core, session, now, person_id, "basis", basis, bound)
    at_work = new.name_at_work
    same_name = at_work is None or compare(PassportName(new.surname, new.given), PassportName(*at_work)) is None
    employment: dict[str, Any] = {
        "region": new.region,
        "began": new.began.isoformat(),
        "ended": None,
        "wage": None if new.wage is None else parse_yuan(new.wage, "wage"),
        "injury_rate": new.injury_rate,
        "sent": new.sent,
        "same_name": same_name,
    }
    add_fact(core, session, now, person_id, "employment", employment, employer_id)
    if new.agreed:
        agreement = {
            "kind": "join",
            "first": new.began.isoformat(),
            "last": None,
            "schemes": list(scheme_names(new.agreed)),
        }
        add_fact(core, session, now, person_id, "agreement", agreement, employer_id)


def _enrol(
    core: Core, session: Session, now: int, book: RuleBook, person_id: str, employer_id: str, new: NewRegistration
) -> tuple[MonthDuty, Scheme]:
    """Enrol the person (promise 3)."""
    person = load_people(core, session, [person_id])[person_id].person.as_known(day_of(now))
    duties = Duties(book)
    employment = next(one for one in person.employments if one.employer == employer_id and one.ended is None)
    duty = duties.month(person, employment, month_of(day_of(now)))
    enrolled = duty.due | duty.exempt
    if enrolled:
        body = {
            "region": new.region,
            "schemes": list(scheme_names(enrolled)),
            "registered": day_of(now).isoformat(),
            "first_month": month_of(new.began),
            "last_month": None,
        }
        add_fact(core, session, now, person_id, "enrolment", body, employer_id)
    return duty, enrolled
