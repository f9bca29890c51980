"""What an employer's findings add up to is kept from one look to the next, and is never older than the record."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.insurance import overview
from issuer.insurance.books import record_within, take_back
from issuer.insurance.certificates import NewCertificate, add_certificate
from issuer.insurance.departure import record_death
from issuer.insurance.kept_sums import KeptSums, Version
from issuer.insurance.lapses import follow_due
from issuer.insurance.models import InsuranceEntry
from issuer.insurance.new_entries import entry_from
from issuer.insurance.overview import Overview, employer_overview
from issuer.insurance.records import Insured, load_people
from issuer.insurance.region_report import Sums
from issuer.insurance.registration import end_work
from issuer.insurance.schemes import Scheme
from issuer.permits.models import Permit
from issuer.permits.processes import PERMIT
from issuer.permits.terms import NewTerm, add_end, grant
from issuer.portal import make_portal
from issuer.rules.book import shipped
from issuer.rules.store import add_rules
from issuer.service.app import make_service
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.kit import rule, with_rows
from tests.issuer.insurance.test_registration import BY, SCHEMES, entry, pay, registered
from tests.issuer.portal.test_guard import Person
from tests.kit.forms import words
from verifier.runtime.http import Drain

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DAY = 86_400
RULE = {
    "region": "310115",
    "valid_from": "2026-01-01",
    "valid_to": None,
    "published_on": "2026-01-01",
    "source": "a test",
    "certainty": "S",
}
RATES: dict[str, dict[str, Any]] = {
    "pension": {"employer": "0.16", "employee": "0.08"},
    "medical": {"employer": "0.105", "employee": "0.02", "includes": ["maternity"]},
    "unemployment": {"employer": "0.005", "employee": "0.005"},
    "work_injury": {"employer_from": "0.0016", "employer_to": "0.0152"},
}
RULES = [
    {**RULE, "kind": "insurance_limits", "id": "base", "value": {"floor": "7000", "cap": "36000"}},
    *({**RULE, "kind": "insurance_rates", "id": name, "value": value} for name, value in RATES.items()),
]


def look(agency: Agency) -> Overview:
    return employer_overview(agency.core, agency.employer.who(), None)


def made_anew(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> Overview:
    """As :func:`look`, with nothing that was kept."""
    with monkeypatch.context() as patched:
        patched.setattr(overview, "kept_sums", lambda _core: KeptSums())
        return look(agency)


def paid(agency: Agency, _person_id: str, number: str) -> None:
    pay(agency, number, "2026-04")


def corrected(agency: Agency, person_id: str, _number: str) -> None:
    query = select(InsuranceEntry.id).order_by(InsuranceEntry.scheme)
    first = agency.core.database.read(lambda session: session.scalars(query).first())
    assert first is not None
    take_back(agency.core, person_id, first, BY)


def imported(agency: Agency, _person_id: str, number: str, month: str = "2026-05") -> None:
    """As a file does: its people are only looked at once it is written."""

    def work(unit: UnitOfWork) -> None:
        rows = [entry_from(entry(agency, number, month, scheme)) for scheme in SCHEMES]
        batch = month.replace("-", "").ljust(32, "0")
        _, refused = record_within(agency.core, unit.session, unit.now, rows, batch, later=True)
        assert refused == []

    agency.core.transact(BY, work)


def imported_again(agency: Agency, person_id: str, number: str) -> None:
    imported(agency, person_id, number, "2026-06")


def another_registered(agency: Agency, _person_id: str, _number: str) -> None:
    registered(agency, 2)


def exempted(agency: Agency, person_id: str, _number: str) -> None:
    schemes = Scheme.PENSION | Scheme.UNEMPLOYMENT
    new = NewCertificate("DEU", "posted", "D-1", schemes, date(2026, 3, 1), date(2031, 2, 28), "Muster", "Erika")
    add_certificate(agency.core, agency.employer.who(), person_id, new)


def work_ended(agency: Agency, person_id: str, _number: str) -> None:
    end_work(agency.core, agency.employer.who(), person_id, None, date(2026, 4, 30))


def died(agency: Agency, person_id: str, _number: str) -> None:
    record_death(agency.core, agency.officer.who(), person_id, date(2026, 4, 20))


def rates_known(agency: Agency, _person_id: str, _number: str) -> None:
    add_rules(agency.core, RULES, BY)


def permit_granted(agency: Agency, person_id: str, _number: str) -> None:
    """What was reported of the permit ends in June; this one goes on."""

    def work(session: Session) -> None:
        term = NewTerm(agency.employer_id, "B", date(2026, 6, 1), date(2028, 2, 29), "310115", "overseas", "Engineer")
        grant(agency.core, session, agency.core.clock.now(session), person_id, None, term).state = "ACTIVE"

    agency.core.database.transact(work)


def permit_ended(agency: Agency, _person_id: str, _number: str) -> None:
    def work(session: Session) -> None:
        permit = session.scalars(select(Permit)).one()
        move = PERMIT.move("revoke", permit.state, "officers")
        add_end(agency.core, session, agency.core.clock.now(session), permit, move, date(2026, 8, 31), {})

    agency.core.database.transact(work)


def a_month_gone_by(agency: Agency, _person_id: str, _number: str) -> None:
    agency.issuing_service.later(40 * DAY)
    follow_due(agency.core, BY)


Change = Callable[[Agency, str, str], None]
#: Each with what comes before it.
CHANGES: list[tuple[Change, list[Change]]] = [
    (paid, []),
    (corrected, []),
    (imported, []),
    (imported_again, [imported]),
    (another_registered, []),
    (exempted, [rates_known]),
    (work_ended, []),
    (died, []),
    (rates_known, []),
    (permit_granted, []),
    (permit_ended, [permit_granted]),
    (a_month_gone_by, []),
]


@SQLITE
@pytest.mark.parametrize(("change", "before"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_overview_after_a_change_is_the_one_that_is_made_anew(
    agency: Agency, monkeypatch: pytest.MonkeyPatch, change: Change, before: list[Change]
) -> None:
    until = date(2026, 6, 30) if change in (permit_granted, permit_ended) else date(2028, 2, 29)
    person_id, number = registered(agency, basis_until=until)
    pay(agency, number, "2026-03")
    for one in before:
        one(agency, person_id, number)
    earlier = look(agency)
    assert earlier == look(agency) == made_anew(agency, monkeypatch)
    change(agency, person_id, number)
    later = look(agency)
    assert later == made_anew(agency, monkeypatch)
    assert later.rows != earlier.rows


@SQLITE
def test_restored_permit_is_a_basis_again(agency: Agency) -> None:
    """A revocation that was set aside takes no month away."""
    person_id, number = registered(agency, basis_until=date(2026, 6, 30))
    permit_granted(agency, person_id, number)
    before = look(agency)
    permit_ended(agency, person_id, number)
    assert look(agency).rows != before.rows

    def restore(session: Session) -> None:
        permit = session.scalars(select(Permit)).one()
        permit.state, permit.restored_by = "ACTIVE", "0" * 32
        permit.revision += 1

    agency.core.database.transact(restore)
    assert look(agency).rows == before.rows


@SQLITE
def test_one_payment_computes_one_person(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [registered(agency, number) for number in (1, 2, 3)]
    look(agency)
    computed: list[str] = []

    def counted(core: Core, session: Session, ids: Sequence[str]) -> dict[str, Insured]:
        computed.extend(ids)
        return load_people(core, session, ids)

    monkeypatch.setattr(overview, "load_people", counted)
    look(agency)
    assert computed == []
    pay(agency, people[1][1], "2026-04")
    look(agency)
    assert computed == [people[1][0]]


@SQLITE
def test_payment_while_a_person_is_computed_is_in_the_next_overview(
    agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before the payment is kept for the state of before it."""
    _, number = registered(agency)
    payments = [lambda: pay(agency, number, "2026-04")]

    def overtaken(core: Core, session: Session, ids: Sequence[str]) -> dict[str, Insured]:
        found = load_people(core, session, ids)
        if payments:
            payments.pop()()
        return found

    monkeypatch.setattr(overview, "load_people", overtaken)
    before = look(agency)
    assert payments == []
    after = look(agency)
    assert after == made_anew(agency, monkeypatch)
    assert after != before


@SQLITE
def test_overview_in_parts_ends_with_the_whole(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        registered(agency, number)
    parts = [employer_overview(agency.core, agency.employer.who(), None, at_most=1) for _ in range(3)]
    assert [(part.staff, part.waiting) for part in parts] == [(3, 2), (3, 1), (3, 0)]
    assert [max(row.people for row in part.rows) for part in parts] == [1, 2, 3]
    assert parts[-1] == made_anew(agency, monkeypatch)


def own(owed: int) -> Sums:
    return {("A", "310115", "unpaid"): (1, 1, 0, owed, 0)}


BOOK = shipped()
TODAY = date(2026, 11, 29)
OTHER: Any = with_rows(rule("insurance_rates", "pension", "310115", "2026-01-01", {"employer": "0.1", "employee": "0"}))


@pytest.mark.parametrize(
    ("book", "day", "version"),
    [
        (BOOK, TODAY, Version(2, 7)),
        (BOOK, TODAY, Version(1, 8)),
        (BOOK, TODAY, Version(1, None)),
        (BOOK, date(2026, 11, 30), Version(1, 7)),
        (OTHER, TODAY, Version(1, 7)),
    ],
    ids=["changed", "another-term", "no-permit", "another-day", "another-rule"],
)
def test_sums_of_another_state_are_not_found(book: Any, day: date, version: Version) -> None:
    kept = KeptSums()
    kept.keep(BOOK, TODAY, {"a": Version(1, 7)}, {"a": own(5)})
    assert kept.find(BOOK, TODAY, {"a": Version(1, 7), "b": Version(0, None)}) == {"a": own(5)}
    assert kept.find(book, day, {"a": version}) == {}
    assert len(kept) == 0


def test_no_more_people_are_kept_than_that() -> None:
    """Whoever was not asked for longest makes room."""
    kept = KeptSums(2)
    people = {name: Version(1, None) for name in "abc"}
    kept.keep(BOOK, TODAY, people, {"a": own(1), "b": own(2)})
    kept.find(BOOK, TODAY, {"a": people["a"]})
    kept.keep(BOOK, TODAY, people, {"c": own(3)})
    assert kept.find(BOOK, TODAY, people) == {"a": own(1), "c": own(3)}
    assert len(kept) == 2


@SQLITE
@pytest.mark.parametrize(("most", "steps"), [(20_000, ["1", "2"]), (2, ["1"])], ids=["in-parts", "more-than-are-kept"])
def test_page_says_how_far_it_is_and_goes_on(
    agency: Agency, monkeypatch: pytest.MonkeyPatch, most: int, steps: list[str]
) -> None:
    """The list of people is there at once; what they owe follows, and is there at once from then on."""
    monkeypatch.setattr("issuer.portal.subjects.insurance.AT_FIRST", 1)
    monkeypatch.setattr("issuer.portal.subjects.insurance._LOOKS", {"on": 1, "all": None})
    monkeypatch.setattr("issuer.portal.subjects.insurance.MOST", most)
    for number in (1, 2, 3):
        registered(agency, number)
    app = make_service(agency.core, Drain(), [make_portal(agency.core)])
    person = Person(app, agency.employer.enter())
    page, said = person.get("insurance?lang=en").text, []
    while onward := re.search(r'href="/portal/(insurance\?[^"]+)" data-continue', page):
        assert words(page).count("Muster Erika") == 3
        said.append(re.search(r"(\d) of 3 people checked", words(page)).group(1))  # type: ignore[union-attr]
        assert "Owed" not in words(page)
        page = person.get(onward.group(1).replace("&amp;", "&") + "&lang=en").text
    assert said == steps
    assert "Staff on record 3" in words(page)
    assert "Staff on record 3" in words(person.get("insurance?lang=en").text)
