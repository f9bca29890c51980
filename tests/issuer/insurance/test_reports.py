"""Reports of a region, their chart and CSV; reminders of certificates; officials of an office."""

from __future__ import annotations

import csv
import random
import xml.etree.ElementTree as ElementTree
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.insurance import region_report as reports
from issuer.insurance import views
from issuer.insurance.books import record
from issuer.insurance.certificate_reminders import remind_certificates
from issuer.insurance.certificates import NewCertificate, add_certificate
from issuer.insurance.chart import Bar, draw
from issuer.insurance.findings import Finding, Report
from issuer.insurance.new_entries import entry_from
from issuer.insurance.overview import employer_overview
from issuer.insurance.region_report import bars_of, region_csv, region_report, rows_of, summed
from issuer.insurance.registration import register
from issuer.insurance.schemes import schemes_of
from issuer.notices.inbox import inbox
from issuer.permits.models import Employer
from issuer.permits.offices import create_office, join_office
from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.test_registration import entry, holder_of, pay, registered
from tests.issuer.portal.test_guard import Person
from tests.kit.callers import by_session
from tests.kit.forms import words
from tests.kit.insured import new_registration
from tests.kit.people import make
from verifier.runtime.http import Drain

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SVG = "{http://www.w3.org/2000/svg}"


@SQLITE
def test_report_of_a_region_adds_up_to_those_of_its_employers(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 4):
        _, insured = registered(agency, number)
        pay(agency, insured, "2026-03", "2026-04")
    elsewhere = new_registration(9, region="110105", employer_id=agency.employer_id)
    register(agency.core, agency.officer.who(), elsewhere)
    seen: list[int] = []
    found = region_report(agency.core, "310000", progress=seen.append)
    assert (found.people, seen) == (3, [3])
    one = employer_overview(agency.core, agency.officer.who(), agency.employer_id)
    wanted = [(row.kind, row.findings, row.people, row.without_sum, row.owed) for row in one.rows
              if row.region == "310115"]  # fmt: skip
    assert [(row.kind, row.findings, row.people, row.without_sum, row.owed) for row in found.rows] == wanted
    assert {row.employer_id for row in found.rows} == {agency.employer_id}
    assert region_report(agency.core, "CN").people == 4
    monkeypatch.setattr(reports, "_CHUNK", 1)
    assert region_report(agency.core, "310000", progress=seen.append, processes=2) == found
    assert seen == [3, 1, 2, 3]
    assert region_report(agency.core, "440000").rows == ()
    lines = list(csv.DictReader(region_csv(found).splitlines()))
    assert [line["kind"] for line in lines] == [row.kind for row in found.rows]


@SQLITE
@pytest.mark.parametrize("path", ["as_of", "known_on"])
def test_report_on_a_day_to_come_is_refused(agency: Agency, path: str) -> None:
    person_id, _ = registered(agency)
    days = {"as_of": None, "known_on": None, path: date(2026, 11, 30)}
    who = agency.officer.who()
    with pytest.raises(StateError) as caught:
        views.compliance_of(agency.core, who, person_id, **days)
    assert (caught.value.code, caught.value.path) == ("insurance.day", path)
    with pytest.raises(StateError) as caught:
        employer_overview(agency.core, who, agency.employer_id, days["as_of"], days["known_on"])
    assert (caught.value.code, caught.value.path) == ("insurance.day", path)
    today = {**days, path: date(2026, 11, 29)}
    views.compliance_of(agency.core, who, person_id, **today)
    assert employer_overview(agency.core, who, agency.employer_id, today["as_of"], today["known_on"]).staff == 1


@SQLITE
def test_chart_over_http_says_what_the_table_says(agency: Agency) -> None:
    _, insured = registered(agency)
    pay(agency, insured, "2026-03")
    app = make_service(agency.core, Drain())
    answer = by_session(app, agency.employer.enter())("GET", "/v1/insurance/compliance.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(answer.text)  # noqa: S314  made by the service
    texts = [node.text or "" for node in root.iter(f"{SVG}text")]
    assert "Registered late" in texts
    assert len(list(root.iter(f"{SVG}rect"))) == len(texts[1:]) // 2


@SQLITE
def test_sum_that_is_not_known_is_null_with_its_reason_and_never_zero(agency: Agency) -> None:
    """No rates of Shanghai are known in 2026: report, overview and page say so where a sum would stand."""
    person_id, _ = registered(agency)
    app = make_service(agency.core, Drain(), [make_portal(agency.core)])
    ask = by_session(app, agency.employer.enter())
    rows = {row["kind"]: row for row in ask("GET", "/v1/insurance/compliance").json()["rows"]}
    told = {kind: (row["owed"], row["late_fees"], row["no_sum"]) for kind, row in rows.items()}
    assert told == {
        "unpaid": (None, None, "no_rule"),
        "late_registration": (None, None, "no_amount"),
        "no_rule_known": (None, None, "no_amount"),
    }
    report = ask("GET", f"/v1/insurance/people/{person_id}/compliance").json()
    assert (report["owed"], report["late_fees"], report["without_sum"]) == (None, None, rows["unpaid"]["findings"])
    for path in ("insurance", f"insurance/{person_id}"):
        page = words(Person(app, agency.employer.enter()).get(f"{path}?lang=en").text)
        assert "Owed, CNY Not known: no rule for this region and month" in page
        assert " 0.00" not in page


def test_sum_that_is_known_in_part_says_how_many_findings_are_not_in_it() -> None:
    findings = [Finding("unpaid", "A", "310000", 600, owed=owed) for owed in (500, None)]
    (row,) = rows_of(summed([findings]))
    assert (row.known_owed, row.without_sum, row.no_sum) == (500, 1, None)
    report = Report(date(2026, 1, 1), date(2026, 1, 1), (), tuple(findings))
    assert (report.known_owed, report.without_sum) == (500, 1)
    assert Report(date(2026, 1, 1), date(2026, 1, 1), (), ()).known_owed == 0


def test_chart_escapes_sums_and_names_kinds_in_both_languages() -> None:
    bars = bars_of([("unpaid", 2, 150_000, 0), ("disputed", 5, 0, 5), ("unpaid", 1, 50_000, 1)])
    assert bars == [Bar("disputed", 5, 0, 5), Bar("unpaid", 3, 200_000, 1)]
    english, chinese = (draw(bars, "2026-11-29", language) for language in ("en", "zh"))
    assert "3 findings, owed 2000.00 yuan" in english
    assert "未缴纳" in chinese
    assert "欠缴2000.00元" in chinese
    assert ("29 November 2026" in english, "截至2026年11月29日" in chinese, "；未缴纳：3项" in chinese) == (
        True,
        True,
        True,
    )
    for picture in (english, chinese, draw([], "2026-11-29", "en")):
        root = ElementTree.fromstring(picture)  # noqa: S314  made here
        assert root.find(f"{SVG}title") is not None
        assert "script" not in picture


_FINDINGS = st.lists(
    st.lists(
        st.builds(
            Finding,
            kind=st.sampled_from(["unpaid", "underpaid", "disputed"]),
            employer=st.sampled_from(["A", "B"]),
            region=st.sampled_from(["310115", "110105"]),
            month=st.integers(600, 690),
            owed=st.none() | st.integers(0, 10**9),
            late_fee=st.none() | st.integers(0, 10**7),
        ),
        max_size=6,
    ),
    max_size=8,
)


@given(_FINDINGS, st.randoms())
def test_sums_are_equal_to_the_cent_whatever_the_order(people: list[list[Finding]], chance: random.Random) -> None:
    wanted = rows_of(summed(people))
    shuffled = [chance.sample(findings, len(findings)) for findings in chance.sample(people, len(people))]
    assert rows_of(summed(shuffled)) == wanted
    every = [one for findings in people for one in findings]
    assert sum(row.owed for row in wanted) == sum(one.owed or 0 for one in every)
    assert sum(row.findings for row in wanted) == len(every)


@SQLITE
def test_certificate_that_ends_is_a_reminder_once_for_each_day(agency: Agency) -> None:
    """At 90 and 30 days before its end; an extension moves them; nothing after the end."""
    person_id, _ = registered(agency)
    holder = holder_of(agency, person_id)
    told: dict[str, Any] = {
        "country": "DEU",
        "group": "posted",
        "number": "1",
        "schemes": schemes_of(["pension"]),
        "first": date(2026, 3, 1),
        "last": date(2027, 2, 20),
        "surname": "Muster",
        "given": "Erika",
    }
    _, answer = add_certificate(agency.core, agency.employer.who(), person_id, NewCertificate(**told))
    assert answer.outcome == "accepted"

    def reminded() -> int:
        return [one.kind for one in inbox(agency.core, holder.account_id)].count("insurance.certificate_ends")

    # 83 days before: the reminder of 90 days is due, once.
    assert [remind_certificates(agency.core), remind_certificates(agency.core)] == [1, 0]
    assert reminded() == 1
    assert [one.kind for one in inbox(agency.core, agency.employer.account_id)].count("insurance.certificate_ends") == 1
    agency.issuing_service.later(60 * 86_400)
    assert [remind_certificates(agency.core), remind_certificates(agency.core)] == [1, 0]
    longer = {**told, "number": "2", "first": date(2027, 2, 21), "last": date(2028, 2, 20), "extension": True}
    _, answer = add_certificate(agency.core, agency.employer.who(), person_id, NewCertificate(**longer))
    assert answer.outcome == "accepted"
    agency.issuing_service.later(22 * 86_400)
    assert remind_certificates(agency.core) == 0
    assert reminded() == 2


@SQLITE
def test_official_of_an_office_sees_the_people_of_its_region_alone(agency: Agency) -> None:
    here, _ = registered(agency)
    elsewhere = new_registration(9, region="110105", employer_id=agency.employer_id)
    there = register(agency.core, agency.officer.who(), elsewhere).person_id
    admin = make(agency.issuing_service, "administrator", "admin")
    office = create_office(agency.core, admin.who(), "310000", "Shanghai", "上海")
    join_office(agency.core, admin.who(), office.office_id, agency.officer.account_id)
    assert views.insured_people(agency.core, agency.officer.who()) == [here]
    with pytest.raises(StateError) as caught:
        views.show_insurance(agency.core, agency.officer.who(), there)
    assert caught.value.code == "insurance.none"
    assert sorted(views.insured_people(agency.core, agency.inspector.who())) == sorted([here, there])


@SQLITE
def test_official_of_an_office_writes_and_acts_for_its_region_alone(agency: Agency) -> None:
    registered(agency)
    elsewhere = new_registration(9, region="110105", employer_id=agency.employer_id)
    there = register(agency.core, agency.officer.who(), elsewhere).person_id
    number = views.show_insurance(agency.core, agency.officer.who(), there).number
    assert number is not None
    admin = make(agency.issuing_service, "administrator", "admin")
    office = create_office(agency.core, admin.who(), "310000", "Shanghai", "上海")
    join_office(agency.core, admin.who(), office.office_id, agency.officer.account_id)
    who = agency.officer.who()
    own, other = (entry_from(entry(agency, one, "2026-04")) for one in ("DEU000000C00000001", number))
    with pytest.raises(StateError) as caught:
        record(agency.core, [own, other], who.by(), "0" * 32, who=who)
    assert caught.value.code == "insurance.none"
    assert record(agency.core, [own], who.by(), "0" * 32, who=who) == 1
    assert employer_overview(agency.core, who, agency.employer_id).staff == 2

    def place(region: str) -> None:
        def work(session: Session) -> None:
            row = session.get(Employer, agency.employer_id) or Employer(organisation_id=agency.employer_id, revision=0)
            row.state, row.region, row.merged_into, row.changed_at = "verified", region, None, 0
            session.add(row)

        agency.core.database.transact(work)

    place("310115")
    assert employer_overview(agency.core, who, agency.employer_id).staff == 2
    place("110105")
    with pytest.raises(StateError) as caught:
        employer_overview(agency.core, who, agency.employer_id)
    assert (caught.value.code, caught.value.path) == ("insurance.employer", "employer_id")
