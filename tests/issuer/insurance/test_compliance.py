"""Compliance reports: the stories, and equality with a slow, obvious model on random histories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from issuer.insurance.answers import reasons
from issuer.insurance.compliance import Compliance
from issuer.insurance.findings import Finding, Report
from issuer.insurance.history import Agreement, Basis, Employment, Enrolment, Evidence, Person, Recorded
from issuer.insurance.ledger import Entry
from issuer.insurance.months import first_day, last_day, month_of, month_text
from issuer.insurance.schemes import ALL, NONE, Scheme, scheme_names, schemes_of
from issuer.insurance.treaties import Certificate
from issuer.rules.book import RuleBook, shipped
from issuer.rules.days import months_after
from issuer.rules.rows import Rule
from tests.issuer.insurance import slow_model
from tests.issuer.insurance.kit import (
    SHANGHAI,
    certificate,
    enrolled,
    evidence,
    month,
    on,
    paid,
    permit,
    rule,
    with_rows,
    work,
)

BOOK = shipped()
P, M, U, W, Y = Scheme


def report(
    as_of: str, *employments: Employment, known_on: str | None = None, book: RuleBook = BOOK, **person: Any
) -> Report:
    """A report about somebody with a permit since 2009."""
    values: dict[str, Any] = {"bases": (permit("2009-01-01"),), "employments": employments, **person}
    return Compliance(book, on(as_of), on(known_on) if known_on else None).report(Person(**values))


def kinds(found: Report) -> list[tuple[str, str | None]]:
    """Kinds and months of the findings."""
    return [(one.kind, None if one.month is None else month_text(one.month)) for one in found.findings]


def of_kind(found: Report, kind: str) -> list[Finding]:
    return [one for one in found.findings if one.kind == kind]


def test_permit_3_january_work_28_january_registered_10_march() -> None:
    """Both clocks are missed, and January and February are owed whole, as the employer's first payment is March's."""
    person: dict[str, Any] = {
        "bases": (permit("2022-01-03", employer="A"),),
        "enrolments": (enrolled("2022-03-10", "2022-03"),),
    }
    found = report("2022-04-15", work("2022-01-28", wage=1_000_000, injury_rate="0.0016"), **person)
    late = of_kind(found, "late_registration")
    assert [(one.facts["clock"], one.facts["deadline"], one.facts["registered"]) for one in late] == [
        ("permit", "2022-02-02", "2022-03-10"),
        ("work", "2022-02-27", "2022-03-10"),
    ]
    assert [one.rules[0].certainty for one in late] == ["V", "V"]
    assert [late[0].text("en"), late[1].text("zh")] == [
        "Registration was due by 2 February 2022, counted from the work permit; it was made on 10 March 2022.",
        "参保登记应于2022年2月27日前办理（自用工之日起计算），实际于2022年3月10日办理。",
    ]
    missed = of_kind(found, "uncovered")
    assert [one.month for one in missed] == [month("2022-01"), month("2022-02")]
    assert [one.schemes for one in missed] == [ALL, ALL]
    # 10,000 yuan: pension 1,600 + 800, medical 1,050 + 200, unemployment 50 + 50, injury 16.
    assert [one.owed for one in missed] == [376_600, 376_600]
    # Due by icard's own default at the ends of February and March: 46 and 15 days.
    assert [one.late_fee for one in missed] == [
        sum(round(part * 5 * days / 10_000 + 1e-9) for part in (240_000, 125_000, 10_000, 1_600)) for days in (46, 15)
    ]
    fine = missed[0].fine
    assert fine is not None
    assert (fine.low, fine.high, fine.rule.id) == (376_600, 1_129_800, "not_registered")
    assert all(one.uncertain for one in missed)
    march = next(line for line in found.lines if line.month == month("2022-03"))
    assert (march.enrolled, march.missing) == (ALL, NONE)


@pytest.mark.parametrize(("registered", "october_fee_days"), [("2011-12-20", 0), ("2012-01-05", 82)])
def test_grace_of_2011_ends_with_the_year(registered: str, october_fee_days: int) -> None:
    """Who joined on 20 December 2011 pays no late fee for October; on 5 January 2012 it is counted from 15 October."""
    rates = [
        rule("insurance_rates", "pension", "440300", "2011-01-01", {"employer": "0.2", "employee": "0.08"}),
        rule("insurance_limits", "base", "440300", "2011-01-01", {"floor": "1000", "cap": "10000"}),
    ]
    employment = work("2010-01-01", region="440300", wage=1_000_000)
    payments = tuple(paid(of_month, "pension", 280_000, registered) for of_month in ("2011-10", "2011-11"))
    enrolments = (replace(enrolled(registered, "2011-10", schemes=P), region="440300"),)
    found = report("2012-01-05", employment, book=with_rows(*rates), enrolments=enrolments, entries=payments)
    october = [one for one in found.findings if one.month == month("2011-10") and P & one.schemes]
    fees = [one.late_fee for one in october if one.late_fee]
    assert fees == ([280_000 * 5 * october_fee_days // 10_000] if october_fee_days else [])


def test_shanghai_2020_is_disputed_and_2022_is_due_with_and_without_an_agreement() -> None:
    for agreements in ((), (Agreement("A", "join", on("2019-01-01"), schemes=ALL),)):
        found = report("2022-09-01", work("2020-01-01", wage=None), agreements=agreements)
        by_month = {line.month: line for line in found.lines}
        three = schemes_of(["pension", "medical", "work_injury"])
        assert by_month[month("2020-05")].due == (three if agreements else NONE)
        assert by_month[month("2020-05")].disputed == (ALL & ~three if agreements else ALL)
        assert by_month[month("2022-05")].due == ALL
        disputed = next(one for one in found.findings if one.kind == "disputed")
        assert (disputed.owed, disputed.fine, disputed.uncertain) == (None, None, True)
        assert ("uncovered", "2020-05") in kinds(found) if agreements else ("uncovered", "2020-05") not in kinds(found)


def test_agreement_not_to_pay_is_flagged_once_it_is_void() -> None:
    promise = (Agreement("A", "not_to_pay", on("2024-01-01")),)
    assert not of_kind(report("2025-08-31", work("2024-01-01"), agreements=promise), "void_agreement")
    (found,) = of_kind(report("2025-12-01", work("2024-01-01"), agreements=promise), "void_agreement")
    assert (found.month, found.rules[0].kind) == (month("2025-09"), "insurance_agreements")


def test_report_that_is_made_beside_another_names_its_own_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads of a service share what is remembered: somebody else's report, made in the midst, changes nothing."""
    value = BOOK.require("insurance_duty", "duty", SHANGHAI, on("2022-06-01")).value
    book = with_rows(rule("insurance_duty", "duty", SHANGHAI, "2022-06-15", dict(value)))
    goes_on, ended = (
        Person(bases=(permit("2009-01-01"),), employments=(work("2022-05-01", last),)) for last in (None, "2022-06-10")
    )
    alone = Compliance(book, on("2022-09-01")).report(goes_on)
    finding, inside = Compliance._finding, list[Person]()

    def in_the_midst(self: Compliance, *about: Any) -> Finding:
        if not inside:
            inside.append(ended)
            self.report(ended)
            inside.clear()
        return finding(self, *about)

    monkeypatch.setattr(Compliance, "_finding", in_the_midst)
    assert Compliance(book, on("2022-09-01")).report(goes_on) == alone


def test_inspection_marks_what_ended_more_than_two_years_ago() -> None:
    """A run of missing months that goes on is taken up whole; one that ended in 2022 no longer is in 2025."""
    ended = report("2025-03-01", work("2021-10-01", "2022-12-31"))
    assert {one.inspected for one in of_kind(ended, "uncovered")} == {False}
    running = report("2025-03-01", work("2021-10-01"))
    assert {one.inspected for one in of_kind(running, "uncovered")} == {True}
    edge = report("2024-12-31", work("2021-10-01", "2022-12-31"))
    assert {one.inspected for one in of_kind(edge, "uncovered")} == {True}


def test_limit_announced_late_is_owed_from_the_month_after_it_was_announced() -> None:
    """Who paid by the old limits in time owes the difference and nothing else, and no late fee before it fell due."""
    rows = [
        rule("insurance_rates", "pension", "440300", "2020-01-01", {"employer": "0.1", "employee": "0.05"}),
        rule(
            "insurance_limits",
            "base",
            "440300",
            "2020-01-01",
            {"floor": "5000", "cap": "25000"},
            valid_to="2024-06-30",
            ended_on="2024-09-20",
        ),
        rule(
            "insurance_limits",
            "base",
            "440300",
            "2024-07-01",
            {"floor": "6000", "cap": "30000"},
            published_on="2024-09-20",
        ),
    ]
    everything: dict[str, Any] = {
        "enrolments": (enrolled("2024-07-01", "2024-07", schemes=P),),
        "entries": (paid("2024-07", "pension", 375_000, "2024-08-20"),),
        "book": with_rows(*rows),
    }
    employment = work("2024-07-01", "2024-07-31", region="440300", wage=2_800_000)
    for as_of, owed in (("2024-09-19", []), ("2024-10-31", []), ("2024-11-01", [45_000])):
        pension = [one for one in report(as_of, employment, **everything).findings if one.schemes == P]
        assert [one.owed for one in pension] == owed
    # 11 November: 11 days after it fell due on 31 October.
    found = report("2024-11-11", employment, **everything)
    assert [one.late_fee for one in found.findings if one.schemes == P] == [248]


def test_report_for_an_old_day_says_what_was_known_then() -> None:
    late_payment = replace(paid("2022-01", "pension", 720_000, "2022-02-20"), recorded_on=on("2022-06-01"))
    values: dict[str, Any] = {"enrolments": (enrolled("2022-01-05", "2022-01"),), "entries": (late_payment,)}
    old = report("2022-04-01", work("2022-01-01"), **values)
    january = next(line for line in old.lines if line.month == month("2022-01"))
    assert january.missing & P
    again = report("2022-04-01", work("2022-01-01"), known_on="2022-06-01", **values)
    january = next(line for line in again.lines if line.month == month("2022-01"))
    assert not january.missing & P


def test_last_month_of_an_enrolment_is_unpaid_and_the_next_one_uncovered() -> None:
    enrolments = (enrolled("2022-01-05", "2022-01", last_month="2022-03"),)
    found = report("2022-07-01", work("2022-01-01", "2022-04-30"), enrolments=enrolments)
    months = {one.month: one.kind for one in found.findings if one.kind in ("unpaid", "uncovered")}
    assert months == {month(f"2022-0{place}"): "unpaid" for place in (1, 2, 3)} | {month("2022-04"): "uncovered"}


def test_german_owes_only_what_is_not_exempt() -> None:
    found = report("2022-12-01", work("2022-01-01"), evidence=evidence(certificate("DEU", "2022-01-01", "2022-06-30")))
    by_month = {line.month: line for line in found.lines}
    assert by_month[month("2022-06")].missing == M | W | Y
    assert by_month[month("2022-07")].missing == ALL


def test_findings_about_the_employment_itself() -> None:
    person: dict[str, Any] = {"bases": (permit("2022-03-01", employer="B"),)}
    found = report("2022-08-01", work("2022-01-15", employer="A", same_name=False), **person)
    by_kind = {one.kind: one for one in found.findings}
    assert by_kind["work_before_permit"].facts == {"from": "2022-01-15", "until": "2022-02-28"}
    assert by_kind["second_workplace"].facts == {"from": "2022-03-31", "until": "2022-08-31"}
    assert "unequal_name" in by_kind
    fine = report("2022-08-01", work("2022-03-01", employer="B"), **person)
    assert not {"work_before_permit", "second_workplace", "unequal_name"} & {one.kind for one in fine.findings}


def test_permanent_resident_without_permit_is_covered_by_the_clock_of_work_alone() -> None:
    bases = (Basis("permanent_residence", on("2015-01-01"), on("2015-01-01")),)
    found = report("2022-12-01", work("2022-01-10"), bases=bases)
    assert [one.facts["clock"] for one in of_kind(found, "late_registration")] == ["work"]
    assert not of_kind(found, "second_workplace")


def test_region_without_limits_has_findings_without_sums() -> None:
    found = report("2024-06-15", work("2024-01-01", "2024-02-29", region="440300"))
    assert [one.owed for one in of_kind(found, "uncovered")] == [None, None]
    (unknown,) = of_kind(found, "no_rule_known")
    assert unknown.facts == {"from": "2024-01", "until": "2024-02", "count": "2"}
    assert "limits, rates or the wage are not known" in unknown.text("en")


def test_every_finding_has_words_in_both_languages() -> None:
    employment = work("2022-01-15", same_name=False, injury_rate="0.0016")
    found = report(
        "2026-01-15",
        replace(employment, began=on("2020-01-15")),
        work("2024-01-01", employer="B", region="440300"),
        bases=(permit("2020-02-01", employer="A"),),
        agreements=(Agreement("A", "not_to_pay", on("2020-01-15")),),
        enrolments=(enrolled("2022-01-20", "2022-01"),),
        entries=(
            paid("2022-01", "pension", 720_000, "2022-05-01"),
            paid("2022-02", "pension", 100_000, "2022-03-01"),
        ),
    )
    assert {one.kind for one in found.findings} == {
        "uncovered",
        "unpaid",
        "underpaid",
        "paid_late",
        "late_registration",
        "disputed",
        "void_agreement",
        "no_rule_known",
        "work_before_permit",
        "second_workplace",
        "unequal_name",
    }
    for one in found.findings:
        texts = one.to_json()["text"]
        assert texts["en"].endswith(".")
        assert texts["zh"].endswith("。")
        assert "{" not in texts["en"] + texts["zh"]
    assert len({one.key for one in found.findings}) == len(found.findings)


def test_all_reasons_have_sentences_in_both_languages() -> None:
    for name, texts in reasons().items():
        # The row's own sentence, headings of the chart, and words that stand within sentences.
        if name == "leaving" or name.startswith(("kind_", "says_", "clock_")):
            continue
        assert texts["en"].endswith("."), name
        assert texts["zh"].endswith("。"), name


# Random histories. From a seed, so that what matters comes together often enough: payments at the due day, of the sum.

REGIONS = ("310115", "440300", "110105")
FIRST = date(2021, 5, 1)


def day_in(random: Random, last: int = 420) -> date:
    """A day; often the first or the last of a month, where the rules change."""
    day = FIRST + timedelta(days=random.randrange(last))
    if random.random() < 0.5:
        return day
    return random.choice((first_day, last_day))(month_of(day))


def record(random: Random) -> Recorded:
    """Mostly on record from the first; sometimes later, sometimes replaced."""
    first = date.min if random.random() < 0.8 else day_in(random)
    return Recorded(first, day_in(random, 600) if random.random() < 0.1 else None)


def until(random: Random, first: date, most: int = 300) -> date | None:
    """An end, or none."""
    return None if random.random() < 0.5 else first + timedelta(days=random.randrange(most))


def payments(random: Random, employment: Employment, rows: list[Rule]) -> Iterator[Entry]:
    """What the employer paid: mostly the sum, in time; sometimes less, more, late, twice, or taken back."""
    for of_month in range(month_of(employment.began), month_of(FIRST) + 14):
        for scheme in Scheme:
            name = scheme_names(scheme)[0]
            due = last_day(of_month + 1)
            known_on = due + timedelta(days=random.choice((0, 0, 120)))
            sum_ = slow_model.amount(rows, employment, of_month, name, known_on) or 50_000
            if random.random() < 0.25:
                continue
            day = due + timedelta(days=random.choice((-10, -1, 0, 0, 0, 1, 20, 100)))
            whole = random.choice((sum_, sum_, sum_, sum_ - 1, sum_ + 500, sum_ // 2))
            part = random.choice((0, whole // 3))
            recorded_on = day + timedelta(days=random.choice((0, 0, 0, 60)))
            place = (employment.employer, of_month, scheme)
            yield Entry(f"{place}-1", "paid", *place, whole - part, part, day, recorded_on)
            if random.random() < 0.1:
                kind: Any = random.choice(("refunded", "paid", "reported"))
                again = day + timedelta(days=random.randrange(60))
                yield Entry(f"{place}-2", kind, *place, sum_ // 2, 0, again, again)


def someone(random: Random, rows: list[Rule]) -> Person:
    """A person with one to three employments."""
    employments: list[Employment] = []
    entries: list[Entry] = []
    for place in range(random.randint(1, 3)):
        began = day_in(random, 200)
        employment = Employment(
            "ABC"[place],
            random.choice(REGIONS),
            began,
            until(random, began),
            random.choice((None, 100_000, 1_234_567, 5_000_000)) if random.random() < 0.9 else None,
            random.choice((None, "0.0052")),
            recorded=record(random),
        )
        employments.append(employment)
        entries += payments(random, employment, rows)
    started = random.choice((date(2020, 1, 1), day_in(random, 100)))
    bases = [Basis("work_permit", started, started, until(random, started, 700), recorded=record(random))]
    if random.random() < 0.3:
        second = day_in(random)
        bases.append(Basis("permanent_residence", second, second))
    papers = []
    if random.random() < 0.4:
        first = day_in(random, 200)
        last = first + timedelta(days=random.randrange(30, 400))
        schemes = Scheme(random.choice((31, 5, 1)))
        papers.append(
            Evidence(Certificate(random.choice(("DEU", "JPN")), "posted", schemes, first, last), record(random))
        )
    enrolments = []
    born = day_in(random).replace(year=1961) - timedelta(days=31) if random.random() < 0.3 else None
    sixty = None if born is None else months_after(born, 720)
    for employment in employments:
        filed = employment.began + timedelta(days=random.choice((0, 20, 31, 90)))
        if sixty is not None and random.random() < 0.5:
            filed = sixty + timedelta(days=random.choice((-1, 0, 1)))
        if random.random() < 0.8:
            first_month = month_of(filed) - random.randint(0, 1)
            last_month = None if random.random() < 0.6 else first_month + random.randint(0, 8)
            schemes = random.choice((ALL, ALL, Scheme(random.randrange(32))))
            enrolments.append(
                Enrolment(
                    employment.employer, employment.region, schemes, filed, first_month, last_month, record(random)
                )
            )
    agreements = []
    if random.random() < 0.4:
        agreed = day_in(random)
        agreements.append(Agreement("A", "join", agreed, until(random, agreed), Scheme(random.randrange(32))))
    return Person(
        born,
        random.choice(("male", "female")) if born else None,
        day_in(random) if random.random() < 0.15 else None,
        tuple(bases),
        tuple(employments),
        tuple(agreements),
        tuple(papers),
        tuple(enrolments),
        tuple(entries),
    )


def own_rows(random: Random) -> list[Rule]:
    """An authority's rows for a region without any: rates, and limits that are announced late."""
    rows = [
        rule("insurance_rates", name, "440300", "2021-01-01", {"employer": "0.1", "employee": "0.05"})
        for name in slow_model.NAMES
        if random.random() < 0.8
    ]
    change = first_day(month_of(day_in(random, 300)))
    announced = (change + timedelta(days=random.choice((0, 30, 60, 90, 100)))).isoformat()
    before = (change - timedelta(days=1)).isoformat()
    old, new = {"floor": "3000", "cap": "20000"}, {"floor": "4000", "cap": "25000"}
    return [
        *rows,
        rule("insurance_limits", "base", "440300", "2021-01-01", old, valid_to=before, ended_on=announced),
        rule("insurance_limits", "base", "440300", change.isoformat(), new, published_on=announced),
    ]


def check(found: Report, model: dict[tuple[int, int, str], slow_model.Cell], person: Person) -> None:
    """Compare a report with the model, cell by cell."""
    places = iter(model)
    lines: dict[tuple[int, int], Any] = {}
    position = {(line.employer, line.region, line.month) for line in found.lines}
    assert len(found.lines) == len({(place, of_month) for place, of_month, _ in model}), position
    numbers = sorted({(place, of_month) for place, of_month, _ in places})
    for key, line in zip(numbers, found.lines, strict=True):
        lines[key] = line
    sums: dict[tuple[str, str, str, int], list[Any]] = {}
    for (place, of_month, name), cell in model.items():
        line, scheme = lines[place, of_month], schemes_of([name])
        state = next(
            (word for word in ("due", "disputed", "exempt", "not_eligible") if getattr(line, word) & scheme), "nothing"
        )
        assert state == cell.state, (place, of_month, name)
        assert bool(line.missing & scheme) == (cell.wrong in ("uncovered", "unpaid", "underpaid")), (
            place,
            of_month,
            name,
            cell,
        )
        if cell.wrong:
            group = sums.setdefault((cell.wrong, line.employer, line.region, of_month), [set(), 0, 0])
            group[0].add(name)
            alone = name != "maternity" or model[place, of_month, "medical"].state != "due"
            if alone:
                group[1] = None if cell.owed is None or group[1] is None else group[1] + cell.owed
                group[2] = None if cell.fee is None or group[2] is None else group[2] + cell.fee
    if len({(one.employer, one.region) for one in person.employments}) == len(person.employments):
        judged = [one for one in found.findings if one.kind in ("uncovered", "unpaid", "underpaid", "paid_late")]
        assert {(one.kind, one.employer, one.region, one.month) for one in judged} == set(sums)
        for one in judged:
            names, owed, fee = sums[one.kind, one.employer, one.region, one.month or 0]
            assert set(scheme_names(one.schemes)) == names
            assert one.late_fee == fee
            assert one.owed == (None if one.kind == "paid_late" else owed)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 0, 1, 30, 90]))
def test_report_equals_the_slow_model(seed: int, later: int) -> None:
    random = Random(seed)
    rows = own_rows(random)
    book = with_rows(*rows)
    relevant = [row for row in book.all() if row.kind.startswith("insurance_")]
    person = someone(random, relevant)
    as_of = day_in(random) + timedelta(days=random.choice((0, 0, 1)))
    known_on = as_of + timedelta(days=later)
    found = Compliance(book, as_of, known_on).report(person)
    check(found, slow_model.cells(relevant, person, as_of, known_on), person.as_known(known_on))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_report_for_an_old_day_never_changes_and_never_depends_on_order(seed: int) -> None:
    random = Random(seed)
    rows = own_rows(random)
    person, more, as_of = someone(random, rows), someone(random, rows), day_in(random)
    found = Compliance(with_rows(*rows), as_of).report(person)
    after = as_of + timedelta(days=1)
    limits = {"floor": "1", "cap": "2"}
    later = rule("insurance_limits", "base", "440300", "2022-07-01", limits, published_on=after.isoformat())
    entries = [*person.entries, *(replace(one, recorded_on=max(one.recorded_on, after)) for one in more.entries)]
    random.shuffle(entries)
    grown = replace(
        person,
        entries=tuple(entries),
        enrolments=(*person.enrolments, *(replace(one, recorded=Recorded(after)) for one in more.enrolments)),
        evidence=(*person.evidence, *(replace(one, recorded=Recorded(after)) for one in more.evidence)),
    )
    assert Compliance(with_rows(*rows, later), as_of).report(grown) == found
