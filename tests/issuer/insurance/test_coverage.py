"""Who had to be covered: every row of the duty, and the people of the stories."""

from __future__ import annotations

from typing import Any

import pytest

from issuer.insurance.coverage import Duties, MonthDuty
from issuer.insurance.history import Agreement, Basis, Employment, Person
from issuer.insurance.schemes import ALL, NONE, Scheme, scheme_names, scheme_texts, schemes_of
from issuer.rules.book import shipped
from tests.issuer.insurance.kit import SHANGHAI, certificate, enrolled, evidence, month, on, permit, work

DUTIES = Duties(shipped())
THREE = schemes_of(["pension", "medical", "work_injury"])


def duty(of_month: str, employment: Employment | None = None, **person: Any) -> MonthDuty:
    """The duty of a month of somebody with a permit since 2009."""
    values = {"bases": (permit("2009-01-01"),), **person}
    return DUTIES.month(Person(**values), employment or work("2009-01-01"), month(of_month))


@pytest.mark.parametrize(
    ("region", "of_month", "due", "disputed", "reason"),
    [
        ("110105", "2011-09", NONE, NONE, "no_rule"),
        ("110105", "2011-10", ALL, NONE, "due"),
        ("110105", "2026-01", ALL, NONE, "due"),
        ("320505", "2011-10", ALL, NONE, "due"),
        ("440300", "2011-09", NONE, NONE, "no_rule"),
        ("440300", "2011-10", ALL, NONE, "due"),
        (SHANGHAI, "2009-09", NONE, NONE, "no_rule"),
        (SHANGHAI, "2009-10", NONE, NONE, "by_agreement"),
        (SHANGHAI, "2011-09", NONE, NONE, "by_agreement"),
        (SHANGHAI, "2011-10", NONE, ALL, "disputed"),
        (SHANGHAI, "2020-06", NONE, ALL, "disputed"),
        (SHANGHAI, "2021-07", NONE, ALL, "disputed"),
        (SHANGHAI, "2021-08", ALL, NONE, "due"),
        (SHANGHAI, "2022-06", ALL, NONE, "due"),
    ],
)
def test_duty_by_region_and_month(region: str, of_month: str, due: Scheme, disputed: Scheme, reason: str) -> None:
    found = duty(of_month, work("2009-01-01", region=region))
    assert (found.due, found.disputed, found.reason) == (due, disputed, reason)
    assert bool(found.rules) == (reason != "no_rule")


def test_each_row_of_the_duty_names_its_region_source_and_certainty() -> None:
    found = duty("2020-06")
    assert found.rules[0].name == "insurance_duty/duty/310000/2011-10-15"
    assert (found.rules[0].certainty, found.rules[0].uncertain) == ("S", True)
    assert duty("2026-01", work("2009-01-01", region="320505")).rules[0].value["added_to_three"]["from"] == "2011-10"


@pytest.mark.parametrize(
    ("of_month", "due", "disputed"),
    [("2010-06", THREE, NONE), ("2020-06", THREE, ALL & ~THREE), ("2022-06", ALL, NONE)],
)
def test_agreement_makes_its_schemes_due_in_shanghai(of_month: str, due: Scheme, disputed: Scheme) -> None:
    join = Agreement("A", "join", on("2009-11-01"), schemes=ALL)
    found = duty(of_month, agreements=(join,))
    assert (found.due, found.disputed) == (due, disputed)
    other = Agreement("B", "join", on("2009-11-01"), schemes=ALL)
    assert duty("2020-06", agreements=(other,)).disputed == ALL
    over = Agreement("A", "join", on("2009-11-01"), on("2020-06-29"), ALL)
    assert duty("2020-06", agreements=(over,)).due == NONE


def test_month_is_judged_on_the_last_day_that_was_worked_in_it() -> None:
    """Who left Shanghai on 15 August 2021 was never under the national rule there."""
    assert duty("2021-08", work("2021-01-01", "2021-08-15")).reason == "disputed"
    assert duty("2021-08", work("2021-01-01", "2021-08-16")).reason == "due"
    assert duty("2021-08", bases=(permit("2009-01-01", "2021-08-15"),)).reason == "disputed"


@pytest.mark.parametrize("kind", ["work_permit", "press_card", "permanent_residence"])
def test_each_basis_makes_the_month_due(kind: str) -> None:
    assert duty("2022-06", bases=(Basis(kind, on("2020-01-01"), on("2020-01-01")),)).due == ALL


def test_no_basis_is_no_duty() -> None:
    assert duty("2022-06", bases=()).reason == "no_basis"
    assert duty("2022-06", bases=(permit("2022-07-01"),)).reason == "no_basis"
    assert duty("2022-06", bases=(permit("2009-01-01", "2022-05-31"),)).reason == "no_basis"
    assert duty("2022-06", bases=(Basis("student", on("2020-01-01"), on("2020-01-01")),)).reason == "no_basis"


def test_contributions_begin_with_the_month_in_which_work_begins() -> None:
    """Permit on 3 January, work from 28 January: January is due."""
    employment = work("2022-01-28")
    assert duty("2022-01", employment, bases=(permit("2022-01-03"),)).due == ALL
    assert duty("2021-12", employment, bases=(permit("2021-12-03"),)).reason == "no_basis"


def test_nothing_is_due_after_death() -> None:
    assert duty("2022-06", died=on("2022-06-03")).judged_on == on("2022-06-03")
    assert duty("2022-07", died=on("2022-06-30")).reason == "no_basis"


def test_month_is_exempt_where_the_certificate_covers_its_first_day() -> None:
    paper = evidence(certificate("DEU", "2022-03-02", "2024-06-01"))
    pu = Scheme.PENSION | Scheme.UNEMPLOYMENT
    for of_month, exempt in (("2022-03", NONE), ("2022-04", pu), ("2024-06", pu), ("2024-07", NONE)):
        found = duty(of_month, evidence=paper)
        assert (found.exempt, found.due) == (exempt, ALL & ~exempt)
        assert any(rule.kind == "insurance_treaties" for rule in found.rules) == bool(exempt)


def test_man_of_61_is_not_eligible_in_shanghai_unless_he_was_registered_before() -> None:
    born: dict[str, Any] = {"born": on("1961-05-01"), "sex": "male"}
    assert duty("2022-06", **born).not_eligible == ALL
    assert duty("2022-06", **born).reason == "not_eligible"
    assert duty("2021-04", **born).not_eligible == NONE
    assert duty("2022-06", enrolments=(enrolled("2021-04-30", "2021-04"),), **born).due == ALL
    assert duty("2022-06", enrolments=(enrolled("2021-05-01", "2021-05"),), **born).not_eligible == ALL
    assert duty("2022-06", work("2009-01-01", region="110105"), **born).due == ALL
    woman: dict[str, Any] = {"born": on("1967-07-01"), "sex": "female"}
    assert duty("2022-07", **woman).not_eligible == ALL
    assert duty("2022-06", **woman).not_eligible == NONE


def test_agreement_not_to_pay_is_void_from_september_2025() -> None:
    promise = (Agreement("A", "not_to_pay", on("2024-01-01")),)
    assert duty("2025-08", agreements=promise).void_agreement is None
    found = duty("2025-09", agreements=promise)
    assert found.due == ALL
    assert found.void_agreement is not None
    assert found.void_agreement.value["effect"] == "void"


def test_what_was_published_later_is_not_known_before() -> None:
    """The national measures were published on 6 September 2011, the Suzhou notice on 18 January 2012."""
    person, employment = Person(bases=(permit("2009-01-01"),)), work("2009-01-01", region="320505")
    for known_on, region in (
        ("2011-09-05", None),
        ("2011-09-06", "CN"),
        ("2012-01-17", "CN"),
        ("2012-01-18", "320500"),
    ):
        found = Duties(shipped(), on(known_on)).month(person, employment, month("2011-12"))
        assert [rule.region for rule in found.rules] == ([region] if region else [])


def test_names_of_schemes_are_those_of_the_cards_format() -> None:
    assert scheme_names(31) == ("pension", "medical", "unemployment", "work_injury", "maternity")
    assert scheme_texts(Scheme.PENSION | Scheme.MATERNITY, "zh") == "基本养老保险、生育保险"
    assert scheme_texts(Scheme.PENSION | Scheme.MATERNITY, "en") == "pension, maternity"
    from icard_crypto.card.fields import FIELDS

    assert FIELDS["insurance"]["schemes"].values == {name: schemes_of([name]).value for name in scheme_names(31)}
