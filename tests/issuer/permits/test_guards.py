"""Each guard of filing and approval: what it refuses, by which rule, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from icard_crypto.errors import StateError
from issuer.permits.guards import EmployerFacts, PaperFacts, PermitFacts, approval_refusals, facts_of, submit_refusals
from issuer.permits.materials import PROCESSES, FilingFacts, Process, checklist, questions
from issuer.permits.records import FilingRecord, record_from
from issuer.permits.refusals import Refusal
from issuer.rules.book import shipped
from tests.kit.permit_office import person_record

BOOK = shipped()
TODAY = date(2026, 3, 2)
EMPLOYER = EmployerFacts("verified", date(2030, 12, 31))
PERMIT = PermitFacts("ACTIVE", TODAY + timedelta(days=60), True, "B", "DEU", "Design engineer")
SOUND: dict[str, Any] = {
    "issued": TODAY - timedelta(days=10),
    "state": "DEU",
    "way": "apostille",
    "authenticated_on": TODAY - timedelta(days=5),
    "translated": True,
    "sealed": True,
}
OLD: dict[str, Any] = {**SOUND, "issued": date(2025, 9, 1)}


def found(
    process: Process = "overseas",
    *,
    record: dict[str, Any] | None = None,
    employer: EmployerFacts | None = EMPLOYER,
    permit: PermitFacts | None = None,
    without: tuple[str, ...] = (),
    papers: dict[str, PaperFacts] | None = None,
    today: date = TODAY,
) -> list[Refusal]:
    """What speaks against an application that is sound but for what is different."""
    base = person_record(TODAY)
    if process == "extension":
        base = {**base, "until": (PERMIT.until + timedelta(days=300)).isoformat()}
        base.pop("first")
    whole = record_from({**base, "changed_on": "2026-03-01", "ended_on": "2026-03-01", "ground": "resigned",
                         "signed": True, **(record or {})})  # fmt: skip
    nothing: dict[str, Any] = dict.fromkeys(without)
    whole = replace(whole, **nothing)
    facts = facts_of(whole, process, "310115", today, agency=False, permit=permit)
    given = {item.code: PaperFacts(item.code, values=SOUND) for item in checklist(BOOK, facts)}
    given = {code: paper for code, paper in {**given, **(papers or {})}.items() if paper is not None}
    return submit_refusals(BOOK, whole, facts, employer, permit, list(given.values()))


def codes(**options: Any) -> list[str]:
    return [one.code for one in found(**options)]


@pytest.mark.parametrize("process", PROCESSES)
def test_sound_application_is_refused_nothing(process: Process) -> None:
    about = process in ("extension", "change", "cancellation", "reissue")
    assert codes(process=process, permit=PERMIT if about else None) == []


#: What is different, the code, and the id of the rule that says so.
REFUSED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"employer": None}, "filing.employer", None),
    ({"employer": EmployerFacts("pending", None)}, "filing.employer", None),
    ({"employer": EmployerFacts("suspended", None)}, "filing.employer", None),
    ({"employer": EmployerFacts("verified", date(2026, 3, 1))}, "filing.licence", None),
    ({"without": ("surname",)}, "filing.incomplete", None),
    ({"without": ("passport",)}, "filing.incomplete", None),
    ({"without": ("post",)}, "filing.incomplete", None),
    ({"record": {"birth": "2008-03-03"}}, "permit.too_young", "age"),
    ({"record": {"surname": "S" * 60, "given": "G" * 60}}, "permit.name_long", None),
    ({"record": {"surname": "---"}}, "permit.name_missing", None),
    ({"permit": PERMIT}, "filing.permit_live", "D09"),
    ({"permit": replace(PERMIT, own=False)}, "filing.other_employer", "D09"),
    ({"record": {"until": "2026-03-01"}}, "filing.order", None),
    ({"record": {"until": "2028-03-02", "contract_until": "2029-01-01"}}, "permit.term_long", "B"),
    ({"record": {"contract_until": "2026-05-01"}}, "permit.term_long", "B"),
    ({"record": {"passport_until": "2026-05-01"}}, "permit.term_long", "B"),
    ({"record": {"passport_until": "2026-03-01"}}, "permit.no_term", "B"),
    ({"papers": {"M07": None}}, "permit.paper_missing", "M07"),
    (
        {"papers": {"M04": PaperFacts("M04", values={**SOUND, "issued": date(2025, 9, 1)})}},
        "permit.paper_expired",
        "M04",
    ),
    ({"papers": {"M03": PaperFacts("M03", values={**SOUND, "state": "IRQ"})}}, "permit.paper_authentication", "other"),
    ({"papers": {"M07": PaperFacts("M07", committed_until=date(2026, 9, 1))}}, "permit.no_commitment", "M07"),
    ({"papers": {"M05": PaperFacts("M05", committed_until=date(2026, 3, 1))}}, "permit.commitment_over", "M05"),
    ({"process": "extension"}, "filing.no_permit", None),
    ({"process": "extension", "permit": replace(PERMIT, own=False)}, "filing.no_permit", None),
    ({"process": "extension", "permit": replace(PERMIT, state="CANCELLED")}, "filing.no_permit", None),
    ({"process": "extension", "permit": replace(PERMIT, until=TODAY + timedelta(days=91))}, "filing.too_early", "D06"),
    ({"process": "extension", "permit": replace(PERMIT, until=TODAY + timedelta(days=29))}, "filing.too_late", "D06"),
    ({"process": "extension", "permit": PERMIT, "record": {"until": "2026-04-01"}}, "filing.not_longer", None),
    ({"process": "change", "permit": PERMIT, "record": {"nationality": "FRA"}}, "filing.new_application", None),
    ({"process": "change", "permit": PERMIT, "record": {"changed_on": "2026-03-03"}}, "filing.future", None),
    ({"process": "cancellation", "permit": PERMIT, "record": {"ended_on": "2026-03-03"}}, "filing.future", None),
    ({"process": "cancellation", "permit": PERMIT, "without": ("signed",)}, "filing.incomplete", None),
]


@pytest.mark.parametrize(("options", "code", "rule"), REFUSED)
def test_application_is_refused_with_its_rule_in_both_languages(
    options: dict[str, Any], code: str, rule: str | None
) -> None:
    refusals = [one for one in found(**options) if one.code == code]
    assert refusals, codes(**options)
    (refusal, *_) = refusals
    assert (refusal.rule.id if refusal.rule else None) == rule
    english, chinese = refusal.sentence("en"), refusal.sentence("zh")
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert not re.search("[\u4e00-\u9fff]", english)
    assert refusal.error().hint("zh")
    if rule is not None:
        assert rule in english
        assert rule in chinese


def test_everything_is_named_at_once() -> None:
    refused = codes(employer=None, without=("surname", "post"), papers={"M07": None, "M08": None})
    assert refused.count("filing.incomplete") == 2
    assert refused.count("permit.paper_missing") == 2
    assert "filing.employer" in refused


def test_unknown_fact_is_asked_for() -> None:
    facts = {name: value for name, value in person_record(TODAY)["facts"].items() if name != "dependants"}
    refusals = found(record={"facts": facts})
    assert [(one.code, one.path) for one in refusals] == [("filing.fact_missing", "M10")]


@pytest.mark.parametrize(
    ("state", "refused"), [("UNCHECKED", True), ("REJECTED", True), ("VERIFIED", False), (None, True)]
)
def test_no_approval_while_a_needed_paper_is_not_verified(state: str | None, refused: bool) -> None:
    record = record_from(person_record(TODAY))
    facts = facts_of(record, "overseas", "310115", TODAY, agency=False, permit=None)
    papers = {
        item.code: PaperFacts(item.code, "VERIFIED") for item in checklist(BOOK, facts) if item.need == "required"
    }
    if state is None:
        papers.pop("M04")
    else:
        papers["M04"] = PaperFacts("M04", state)
    refusals = approval_refusals(BOOK, facts, list(papers.values()))
    assert [one.path for one in refusals] == (["M04"] if refused else [])


def test_paper_that_is_not_needed_but_was_handed_in_is_checked_too() -> None:
    record = record_from(person_record(TODAY))
    facts = facts_of(record, "overseas", "310115", TODAY, agency=False, permit=None)
    papers = [
        PaperFacts(item.code, "VERIFIED" if item.need == "required" else "REJECTED") for item in checklist(BOOK, facts)
    ]
    assert "M10" in [one.path for one in approval_refusals(BOOK, facts, papers)]


def test_age_of_somebody_on_record_is_known_without_being_filled_in() -> None:
    """An extension says nothing of the birth; in Shenzhen those over 60 hand in a guarantee, and the others don't."""
    record = replace(record_from(person_record(TODAY)), birth=None)
    needs = {}
    for years in (45, 63):
        known = replace(PERMIT, birth=TODAY - timedelta(days=years * 365))
        facts = facts_of(record, "extension", "440300", TODAY, agency=False, permit=known)
        needs[years] = next(item.need for item in checklist(BOOK, facts) if item.code == "M18")
    assert needs == {45: "not_needed", 63: "required"}


def test_earlier_permit_with_another_employer_is_known_without_being_filled_in() -> None:
    ended = replace(PERMIT, state="CANCELLED", own=False, until=TODAY - timedelta(days=10))
    record = replace(record_from(person_record(TODAY)), facts={})
    facts = facts_of(record, "in_country", "310115", TODAY, agency=True, permit=ended)
    needs = {item.code: item.need for item in checklist(BOOK, facts)}
    assert (needs["M03"], needs["M04"], needs["M12"], needs["M16"]) == (
        "not_needed",
        "not_needed",
        "required",
        "required",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("surname", "A" * 67),
        ("surname", "A\u202eB"),
        ("surname", " A"),
        ("nationality", "de"),
        ("birth", "1980-02-30"),
        ("birth", "1880-01-01"),
        ("birth", 19800101),
        ("sex", "unknown"),
        ("passport", "AB"),
        ("passport", "护照12345"),
        ("category", "D"),
        ("signed", "yes"),
        ("ground", "bored"),
        ("facts", []),
        ("facts", {"dependants": "no"}),
        ("facts", {"salary": -1}),
        ("facts", {"salary": True}),
        ("facts", {"permit_ended": "soon"}),
        ("facts", {"colour": "red"}),
        ("colour", "red"),
    ],
)
def test_field_of_another_form_is_named(field: str, value: Any) -> None:
    with pytest.raises(StateError) as fault:
        record_from({field: value})
    assert fault.value.code == "filing.field"
    assert (fault.value.path or "").startswith(field)
    assert fault.value.found is None, "what was typed is not repeated"


def test_record_survives_its_json() -> None:
    record = record_from({**person_record(TODAY), "passport": "c01x-00t 47", "facts": {"permit_ended": "2025-01-01"}})
    assert record.passport == "C01X00T47"
    assert record_from(record.to_json()) == record
    assert FilingRecord().to_json() == {}


@pytest.mark.parametrize("process", ["extension", "change"])
def test_what_an_application_changes_is_read_from_its_permit_and_asked_of_nobody(process: Process) -> None:
    """Another post or category than the permit's is a change, whatever was answered; none of the three is asked."""

    def facts(**record: Any) -> FilingFacts:
        return facts_of(record_from(record), process, "310000", TODAY, agency=False, permit=PERMIT)

    denied = {"promotion": False, "position_changes": False, "category_changes": False}
    for same in (facts(), facts(post=PERMIT.post, category="B", facts=denied)):
        assert (same.promotion, same.position_changes, same.category_changes) == (False, False, False)
    other = facts(post="Head of design", category="A", facts=denied)
    assert (other.promotion, other.position_changes, other.category_changes) == (True, True, True)
    assert facts(facts={"promotion": True}).promotion is True
    assert not denied.keys() & set(questions(BOOK, other))
    assert "physical_permit" in questions(BOOK, other)
