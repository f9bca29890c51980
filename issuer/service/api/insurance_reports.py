"""Social insurance: the books of contributions, statements, compliance reports, benefits.

Promises:

1. Rows of the books are written together or not at all, and never changed: a wrong one is taken back by another.
2. A report for a day, by what was known on a day, is the same whenever it is asked for.
3. What somebody may claim is for that person and for officials.
4. Each answer of the rules names its rows with source and certainty, in English and Chinese.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from issuer.insurance import answering, books, eligibility, overview, recomputation, views, yearly
from issuer.insurance.answering import Answered, FindingStep
from issuer.insurance.chart import draw
from issuer.insurance.findings import Line
from issuer.insurance.money import known_yuan
from issuer.insurance.months import month_text
from issuer.insurance.new_entries import entries_from
from issuer.insurance.parties import refuse_own
from issuer.insurance.recomputation import RecomputationView
from issuer.insurance.region_report import NoSum, bars_of
from issuer.insurance.schemes import scheme_names
from issuer.insurance.views import MonthView
from issuer.insurance.yearly import YearView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once

from .insurance import PERSON, SEES_ONE, AnswerBody, Money, SchemeName, noted

__all__ = ["ClaimBody", "endpoints"]

endpoints = Endpoints("Insurance books and reports")

#: What somebody may claim is no business of an employer.
_CLAIMS_ONE: Final = Access("account", ("insurance.read", "benefit.own"), owned="insured")
_OVERVIEW: Final = Access("account", ("insurance.read", "insurance.register"))
_BOOKS: Final = Access("account", ("insurance.book",))
_MOST_ROWS: Final = 500


class EntryBody(Body):
    """A row for the books; sums in yuan, as text."""

    number: Annotated[str, Field(max_length=40, examples=["DEU000000C01X00T47"])]
    employer_code: Annotated[str, Field(max_length=40, examples=["91310000MA1FL0000N"])]
    kind: Literal["reported", "paid", "refunded"]
    month: Annotated[str, Field(max_length=7, examples=["2026-03"])]
    scheme: SchemeName
    employer_part: Money
    employee_part: Money
    day: Annotated[str, Field(max_length=10, examples=["2026-04-15"])]


class EntriesBody(Body):
    """Rows, written together or not at all."""

    rows: Annotated[list[EntryBody], Field(min_length=1, max_length=_MOST_ROWS)]


class WrittenBody(BaseModel):
    """Rows that were written together."""

    batch_id: str
    rows: int


class CorrectionBody(Body):
    """The row that is taken back."""

    entry_id: HexId


class CorrectedBody(BaseModel):
    """The row that takes back another."""

    entry_id: str


class RegionBody(Body):
    """The region that is computed again, with all below it."""

    region: Annotated[str, Field(pattern="^(CN|[1-9][0-9]{5})$", examples=["310000"])]


class BegunBody(BaseModel):
    """Under which id the progress stands."""

    recomputation_id: str


class MonthLine(BaseModel):
    """A month of an employment: schemes by what they were."""

    month: str
    employer_id: str
    region: str
    reason: str
    due: list[str]
    disputed: list[str]
    exempt: list[str]
    not_eligible: list[str]
    enrolled: list[str]
    paid: list[str]
    missing: list[str]


class ComplianceBody(BaseModel):
    """A compliance report. Sums in yuan, as text; of the findings whose sums are known.

    ``without_sum``: findings whose sum is not known, because limits, rates or the wage are not known here; ``owed``:
    null where it is known of none.
    """

    as_of: str
    known_on: str
    owed: str | None
    without_sum: int
    late_fees: str | None
    findings: list[dict[str, Any]]
    months: list[MonthLine]


class StepBody(Body):
    """A step on a finding: ``key`` as the report gives it, and why."""

    key: Annotated[str, Field(max_length=200, examples=["unpaid:2cb2ca8b2093a2212a2f5d74ee8dfd81:310115:2026-03:"])]
    state: Literal["open", "explained", "contested", "settled", "closed"]
    words: Annotated[str, Field(min_length=1, max_length=2000, examples=["Paid in another region."])]


class StepsBody(BaseModel):
    """Where a finding stands, and every step that led there. Times are Unix times."""

    state: Literal["open", "explained", "contested", "settled", "closed"]
    steps: list[FindingStep]


class OverviewLine(BaseModel):
    """Findings of a kind in a region. Sums in yuan; ``without_sum``: findings whose sum is not known.

    ``owed`` is null where it is known of none, and ``no_sum`` says why: ``no_rule``: limits, rates or the wage are not
    known here; ``no_amount``: findings of this kind owe nothing by themselves.
    """

    region: str
    kind: str
    findings: int
    people: int
    without_sum: int
    owed: str | None
    late_fees: str | None
    no_sum: NoSum | None


class OverviewBody(BaseModel):
    """An employer's findings, counted and summed by region and kind. ``staff``: people looked at."""

    employer_id: str
    as_of: str
    known_on: str
    staff: int
    rows: list[OverviewLine]


class ClaimBody(Body):
    """What is known about a claim besides the record."""

    category: Annotated[str, Field(pattern="^[A-Z]$")] | None = None
    reason_of_leaving: Annotated[str, Field(pattern="^[a-z_]{1,40}$")] | None = None
    cause: Annotated[str, Field(pattern="^[a-z_]{1,40}$")] | None = None
    facts: Annotated[dict[str, bool], Field(max_length=20, default_factory=dict)]


class ConditionBody(BaseModel):
    """A condition: met, missing or unknown; ``met_on``: when it would be met if things go on."""

    test: str
    state: Literal["met", "missing", "unknown"]
    text: dict[str, str]
    met_on: str | None


class EligibilityBody(BaseModel):
    """Whether a benefit may be claimed, and every condition of it. ``months``: for how long it is paid."""

    answer: AnswerBody
    conditions: list[ConditionBody]
    months: int | None


EmployerId = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="The employer; by default one's own.")]
BenefitName = Annotated[str, Path(pattern="^[A-Za-z0-9_.:-]{1,80}$", description="The id of the benefit's rule row.")]
Year = Annotated[int | None, Query(ge=1970, le=2199, description="A calendar year; by default this one.")]
AsOf = Annotated[Day | None, Query(description="The day whose state is reported; by default today.")]
KnownOn = Annotated[Day | None, Query(description="By what was known on this day; by default the same day.")]


@endpoints.at("GET", f"{PERSON}/statement", SEES_ONE)
def show_statement(call: CallOf, person_id: Id, year: Year = None) -> list[MonthView]:
    """What was reported and paid in a year, by month, employer and scheme."""
    found = views.statement(call.core, call.who, person_id, year)
    noted(call, person_id)
    return found


@endpoints.at("GET", f"{PERSON}/yearly-statement", SEES_ONE, problems=(422,))
def show_year(call: CallOf, person_id: Id, year: Year = None) -> YearView:
    """A year by scheme, months counted once, and the months that two employers share, with what was paid twice."""
    found = yearly.yearly_statement(call.core, call.who, person_id, year)
    noted(call, person_id)
    return found


@endpoints.at("GET", f"{PERSON}/compliance", SEES_ONE)
def show_compliance(call: CallOf, person_id: Id, as_of: AsOf = None, known_on: KnownOn = None) -> ComplianceBody:
    """Who had to cover the person, month by month, and what was missed, by what was known on a day."""
    found, states = views.compliance_of(call.core, call.who, person_id, as_of, known_on)
    noted(call, person_id)
    return ComplianceBody(
        as_of=found.as_of.isoformat(),
        known_on=found.known_on.isoformat(),
        owed=known_yuan(found.known_owed),
        without_sum=found.without_sum,
        late_fees=known_yuan(found.known_fees),
        findings=[{**finding.to_json(), **_standing(states.get(finding.key))} for finding in found.findings],
        months=[_line(line) for line in found.lines],
    )


@endpoints.at("GET", "/v1/insurance/compliance", _OVERVIEW, problems=(404, 409), costly=True)
def show_overview(
    call: CallOf, employer_id: EmployerId = None, as_of: AsOf = None, known_on: KnownOn = None
) -> OverviewBody:
    """An employer's compliance findings by region and kind: one's own, a client's, or for officials any employer's."""
    call.looked("insurance.overview")
    found = overview.employer_overview(call.core, call.who, employer_id, as_of, known_on)
    rows = [OverviewLine.model_validate(row.to_json()) for row in found.rows]
    return OverviewBody(
        employer_id=found.employer_id,
        as_of=found.as_of.isoformat(),
        known_on=found.known_on.isoformat(),
        staff=found.staff,
        rows=rows,
    )


@endpoints.at("GET", "/v1/insurance/compliance.csv", _OVERVIEW, types=("text/csv",), problems=(404, 409), costly=True)
def show_overview_csv(
    call: CallOf, employer_id: EmployerId = None, as_of: AsOf = None, known_on: KnownOn = None
) -> Response:
    """The same as CSV."""
    call.looked("insurance.overview")
    found = overview.employer_overview(call.core, call.who, employer_id, as_of, known_on)
    return Response(overview.as_csv(found), media_type="text/csv", headers={"Cache-Control": "no-store"})


@endpoints.at(
    "GET", "/v1/insurance/compliance.svg", _OVERVIEW, types=("image/svg+xml",), problems=(404, 409), costly=True
)
def show_overview_chart(
    call: CallOf, employer_id: EmployerId = None, as_of: AsOf = None, known_on: KnownOn = None
) -> Response:
    """The same as a chart (SVG), in the language of the request."""
    call.looked("insurance.overview")
    found = overview.employer_overview(call.core, call.who, employer_id, as_of, known_on)
    bars = bars_of((row.kind, row.findings, row.owed, row.without_sum) for row in found.rows)
    picture = draw(bars, found.as_of.isoformat(), call.language)
    return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


@endpoints.at(
    "POST",
    f"{PERSON}/findings",
    Access("account", ("insurance.register", "insurance.book"), owned="insured"),
    creates=True,
)
def answer_finding(call: CallOf, person_id: Id, body: StepBody) -> StepsBody:
    """Take a step on a finding: an employer explains or contests it, an officer settles, closes or opens it again."""
    once(
        call,
        lambda request: (
            answering.answer_finding(call.core, call.who, person_id, body.key, body.state, body.words, request).state
        ),
        lambda _person: body.state,
    )
    found = views.steps_of(call.core, call.who, person_id, body.key)
    noted(call, person_id)
    return StepsBody(state=found.state, steps=list(found.steps))


@endpoints.at("POST", f"{PERSON}/benefits/{{benefit}}", _CLAIMS_ONE)
def check_benefit(call: CallOf, person_id: Id, benefit: BenefitName, body: ClaimBody) -> EligibilityBody:
    """Whether a benefit or a subsidy may be claimed, condition by condition; nothing is decided by asking."""
    found = eligibility.benefit_of(call.core, call.who, person_id, benefit, body.model_dump())
    noted(call, person_id)
    conditions = [
        ConditionBody(
            test=check.test,
            state=check.state,
            text={"en": check.text("en"), "zh": check.text("zh")},
            met_on=None if check.met_on is None else check.met_on.isoformat(),
        )
        for check in found.checks
    ]
    return EligibilityBody(answer=AnswerBody(**found.answer.to_json()), conditions=conditions, months=found.months)


@endpoints.at(
    "POST",
    "/v1/insurance/contributions",
    _BOOKS,
    status=201,
    creates=True,
    problems=(404, 409),
    costly=True,
)
def write_contributions(call: CallOf, body: EntriesBody) -> WrittenBody:
    """Write rows into the books, all or none; the people's cards follow at once. A refusal names every wrong row,
    with its place, up to 200 faults."""
    rows = entries_from(row.model_dump() for row in body.rows)
    if call.request is None:
        raise TypeError("an endpoint that makes something once is declared with creates=True")
    name = f"{call.request.account}:{call.request.route}:{call.request.key}"
    batch = hashlib.sha256(name.encode()).hexdigest()[:32]
    once(
        call,
        lambda request: books.record(call.core, rows, call.who.by(), batch, request, call.who),
        lambda _batch: len(rows),
    )
    return WrittenBody(batch_id=batch, rows=len(rows))


@endpoints.at(
    "POST",
    f"{PERSON}/corrections",
    Access("account", ("insurance.book",), owned="insured"),
    status=201,
    creates=True,
)
def correct(call: CallOf, person_id: Id, body: CorrectionBody) -> CorrectedBody:
    """Take back a row of the books that was wrong, once and whole."""
    refuse_own(call.who, person_id)
    made = once(
        call,
        lambda request: books.take_back(call.core, person_id, body.entry_id, call.who.by(), request),
        lambda entry_id: entry_id,
    )
    return CorrectedBody(entry_id=made)


@endpoints.at("POST", "/v1/insurance/recomputations", _BOOKS, status=202, creates=True)
def begin_recomputation(call: CallOf, body: RegionBody) -> BegunBody:
    """Have a region's contributions and lapses computed again by the worker; a change of a rule does so by itself."""
    made = once(
        call,
        lambda request: recomputation.begin(call.core, body.region, call.who.by(), request, call.who),
        lambda name: name,
    )
    return BegunBody(recomputation_id=made)


@endpoints.at("GET", "/v1/insurance/recomputations", _BOOKS)
def list_recomputations(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[RecomputationView]:
    """What is or was computed again: how many people are done, lapsed, restored, and what it changed."""
    found = recomputation.list_recomputations(call.core, after=cursor, limit=limit + 1)
    return page(found, limit, lambda one: one.recomputation_id)


def _standing(found: Answered | None) -> dict[str, Any]:
    """Where a finding stands, beside what the report says about it."""
    if found is None:
        return {"state": "open", "steps": []}
    return {"state": found.state, "steps": [asdict(step) for step in found.steps]}


def _line(line: Line) -> MonthLine:
    masks = ("due", "disputed", "exempt", "not_eligible", "enrolled", "paid", "missing")
    return MonthLine(
        month=month_text(line.month),
        employer_id=line.employer,
        region=line.region,
        reason=line.reason,
        **{name: list(scheme_names(getattr(line, name))) for name in masks},
    )
