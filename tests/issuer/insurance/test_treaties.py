"""Treaties: every row, every reason of refusal, and the stories of the people whom they concern."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.insurance.schemes import NONE, Scheme, scheme_names
from issuer.insurance.treaties import Certificate, exempt_on, judge_certificate
from issuer.rules.book import shipped
from tests.issuer.insurance.kit import certificate, on, rule, with_rows

BOOK = shipped()
PU = Scheme.PENSION | Scheme.UNEMPLOYMENT
#: Facts, section 10: signed, in force, schemes, first months, all months of a posting (0: unknown or by consent).
ROWS = {
    "DEU": ("2001-07-12", "2002-04-04", PU, 60, 96),
    "KOR": ("2012-10-29", "2013-01-16", PU, 60, 156),
    "DNK": ("2013-12-09", "2014-05-14", Scheme.PENSION, 36, 0),
    "CAN": ("2015-04-02", "2017-01-01", Scheme.PENSION, 72, 0),
    "FIN": ("2014-09-22", "2017-02-01", PU, 60, 0),
    "CHE": ("2015-09-30", "2017-06-19", PU, 72, 0),
    "NLD": ("2016-09-12", "2017-09-01", PU, 60, 0),
    "ESP": ("2017-05-19", "2018-03-20", PU, 72, 0),
    "LUX": ("2017-11-27", "2019-05-01", Scheme.PENSION, 60, 0),
    "JPN": ("2018-05-09", "2019-09-01", Scheme.PENSION, 60, 120),
    "SRB": ("2018-06-08", "2021-02-01", PU, 60, 84),
    "KGZ": ("2025-02-05", "2025-10-14", Scheme.PENSION, 0, 0),
}


@pytest.mark.parametrize("country", ROWS)
def test_treaty_exempts_from_its_schemes_from_its_first_day(country: str) -> None:
    signed, in_force, schemes, months, total = ROWS[country]
    (row,) = BOOK.all("insurance_treaties", country)
    group = row.value["groups"]["posted"]
    assert (row.value["signed"], row.valid_from.isoformat(), row.valid_to) == (signed, in_force, None)
    assert (group["months"] or [0])[0] == months
    assert (sum(group["months"]) if group["then"] == "none" or total else 0) == total
    everything = certificate(country, in_force, "2027-06-30", schemes=Scheme(31))
    day_before = on(in_force) - timedelta(days=1)
    assert exempt_on(BOOK, [everything], on(in_force)).schemes == schemes
    earlier = certificate(country, "2000-01-01", "2027-06-30", schemes=Scheme(31))
    assert exempt_on(BOOK, [earlier], day_before).schemes == NONE


def test_13_treaties_are_signed_and_france_exempts_from_nothing() -> None:
    rows = BOOK.all("insurance_treaties")
    assert {row.id for row in rows} == {*ROWS, "FRA"}
    french = certificate("FRA", "2024-01-01", "2025-12-31")
    answer = judge_certificate(BOOK, french)
    assert (answer.outcome, answer.reason, answer.uncertain) == ("refused", "treaty_not_in_force", True)
    assert "not known to be in force" in answer.text("en")
    assert "尚未确认生效" in answer.text("zh")
    assert exempt_on(BOOK, [french], on("2024-06-01")).schemes == NONE


def test_german_is_exempt_60_months_then_to_96_and_refused_beyond() -> None:
    first = certificate("DEU", "2018-03-01", "2023-02-28")
    assert judge_certificate(BOOK, first).outcome == "accepted"
    assert exempt_on(BOOK, [first], on("2023-02-01")).schemes == PU
    assert exempt_on(BOOK, [first], on("2023-03-01")).schemes == NONE
    more = certificate("DEU", "2023-03-01", "2026-02-28", extension=True)
    assert judge_certificate(BOOK, more, [first]).outcome == "accepted"
    assert exempt_on(BOOK, [first, more], on("2026-02-01")).schemes == PU
    beyond = certificate("DEU", "2026-03-01", "2026-03-31", extension=True)
    answer = judge_certificate(BOOK, beyond, [first, more])
    assert (answer.outcome, answer.reason, answer.facts["until"]) == ("refused", "certificate_too_long", "2026-02-28")
    assert exempt_on(BOOK, [first, more, beyond], on("2026-03-01")).schemes == NONE


def test_another_first_certificate_on_the_next_day_does_not_begin_the_period_anew() -> None:
    first = certificate("DEU", "2018-03-01", "2023-02-28")
    again = certificate("DEU", "2023-03-01", "2028-02-29")
    assert judge_certificate(BOOK, again, [first]).reason == "certificate_too_long"


def test_first_certificate_of_61_months_is_refused_with_the_last_day_possible() -> None:
    answer = judge_certificate(BOOK, certificate("DEU", "2018-03-01", "2023-03-31"))
    assert (answer.reason, answer.facts["until"]) == ("certificate_too_long", "2023-02-28")


def test_korean_local_hire_has_60_months_and_no_extension() -> None:
    first = certificate("KOR", "2020-01-01", "2024-12-31", "local_hire")
    assert judge_certificate(BOOK, first).outcome == "accepted"
    more = certificate("KOR", "2025-01-01", "2025-12-31", "local_hire", extension=True)
    assert judge_certificate(BOOK, more, [first]).reason == "certificate_too_long"


def test_korean_posting_has_60_60_and_36_months() -> None:
    one = certificate("KOR", "2013-02-01", "2018-01-31")
    two = certificate("KOR", "2018-02-01", "2023-01-31", extension=True)
    three = certificate("KOR", "2023-02-01", "2026-01-31", extension=True)
    assert judge_certificate(BOOK, two, [one]).outcome == "accepted"
    assert judge_certificate(BOOK, three, [one, two]).outcome == "accepted"
    longer = certificate("KOR", "2023-02-01", "2026-02-01", extension=True)
    assert judge_certificate(BOOK, longer, [one, two]).reason == "certificate_too_long"


def test_japanese_is_exempt_from_pension_only_and_beyond_120_months_by_consent() -> None:
    one = certificate("JPN", "2019-09-01", "2024-08-31")
    assert exempt_on(BOOK, [one], on("2020-01-01")).schemes == Scheme.PENSION
    two = certificate("JPN", "2024-09-01", "2029-08-31", extension=True)
    assert judge_certificate(BOOK, two, [one]).reason == "certificate_accepted"
    three = certificate("JPN", "2029-09-01", "2030-08-31", extension=True)
    assert judge_certificate(BOOK, three, [one, two]).reason == "certificate_consent"
    assert judge_certificate(BOOK, certificate("JPN", "2019-09-01", "2020-08-31", "self_employed")).reason == (
        "certificate_group"
    )
    crew = certificate("JPN", "2019-09-01", "2049-08-31", "crew")
    assert judge_certificate(BOOK, crew).reason == "certificate_accepted"


def test_kyrgyz_before_and_after_14_october_2025() -> None:
    before = judge_certificate(BOOK, certificate("KGZ", "2025-01-01", "2025-10-13"))
    assert (before.reason, before.facts["from"]) == ("treaty_later", "2025-10-14")
    both = certificate("KGZ", "2025-01-01", "2026-12-31")
    answer = judge_certificate(BOOK, both)
    assert (answer.outcome, answer.reason, answer.uncertain) == ("accepted", "certificate_uncertain", True)
    assert answer.facts["from"] == "2025-10-14"
    assert exempt_on(BOOK, [both], on("2025-10-01")).schemes == NONE
    assert exempt_on(BOOK, [both], on("2025-11-01")).schemes == Scheme.PENSION


def test_danish_certificate_beyond_the_uncertain_36_months_counts_to_its_own_end() -> None:
    answer = judge_certificate(BOOK, certificate("DNK", "2020-01-01", "2024-12-31"))
    assert (answer.outcome, answer.reason, answer.uncertain) == ("accepted", "certificate_uncertain", True)


def test_luxembourg_counts_running_postings_from_the_treatys_day() -> None:
    running = certificate("LUX", "2017-01-01", "2024-04-30")
    assert judge_certificate(BOOK, running).reason == "certificate_from_treaty"
    assert judge_certificate(BOOK, certificate("LUX", "2017-01-01", "2024-05-01")).reason == "certificate_too_long"


def test_dutch_certificate_has_to_be_issued_within_six_months() -> None:
    late = certificate("NLD", "2020-01-01", "2021-12-31", issued_on=on("2020-07-02"))
    assert judge_certificate(BOOK, late).reason == "certificate_late"
    in_time = certificate("NLD", "2020-01-01", "2021-12-31", issued_on=on("2020-07-01"))
    assert judge_certificate(BOOK, in_time).outcome == "accepted"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (certificate("USA", "2020-01-01", "2021-12-31"), "no_rule"),
        (certificate("DEU", "2020-01-01", "2021-12-31", "friend"), "certificate_group"),
        (certificate("DEU", "2020-01-01", "2021-12-31", same_name=False), "certificate_name"),
        (certificate("DEU", "2021-01-01", "2020-12-31"), "certificate_period"),
        (certificate("DEU", "2019-06-30", "2020-12-31"), "certificate_overlaps"),
        (certificate("DEU", "2019-07-02", "2020-12-31", extension=True), "certificate_extends_nothing"),
        (certificate("DEU", "2020-01-01", "2021-12-31", schemes=Scheme.MEDICAL), "certificate_schemes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_certificate_is_refused_with_the_reason(wrong: Certificate, reason: str) -> None:
    answer = judge_certificate(BOOK, wrong, [certificate("DEU", "2018-07-01", "2019-06-30")])
    assert (answer.outcome, answer.reason) == ("refused", reason)
    assert answer.text("en") != answer.text("zh")
    assert answer.to_json()["rules"] == [] if reason == "no_rule" else answer.to_json()["rules"]


def test_treaty_that_ended_exempts_no_longer() -> None:
    book = with_rows(
        rule(
            "insurance_treaties",
            "XXX",
            "CN",
            "2020-01-01",
            dict(BOOK.all("insurance_treaties", "DEU")[0].value),
            valid_to="2022-06-30",
            ended_on="2022-03-01",
        ),
    )
    paper = certificate("XXX", "2021-01-01", "2023-12-31")
    assert exempt_on(book, [paper], on("2022-06-01")).schemes == PU
    assert exempt_on(book, [paper], on("2022-07-01")).schemes == NONE
    assert exempt_on(book, [paper], on("2022-07-01"), known_on=on("2022-02-28")).schemes == PU


@given(
    st.sampled_from(sorted({*ROWS, "FRA", "USA"})),
    st.integers(0, 31),
    st.dates(date(2001, 1, 1), date(2030, 1, 1)),
    st.integers(0, 4000),
    st.dates(date(2001, 1, 1), date(2035, 1, 1)),
)
def test_no_certificate_exempts_from_medical_injury_or_maternity(
    country: str, schemes: int, first: date, days: int, day: date
) -> None:
    paper = Certificate(country, "posted", Scheme(schemes), first, first + timedelta(days=days))
    found = exempt_on(BOOK, [paper], day)
    assert not found.schemes & ~PU, scheme_names(found.schemes)
    assert not found.schemes & ~Scheme(schemes)
    if found.schemes:
        assert found.rule is not None
        assert found.rule.holds(day)
        assert paper.first <= day <= paper.last
