"""Social insurance: registration, certificates, the books, compliance, benefits, leaving.

Promises:

1. A person's number, wage or certificate stands in bodies alone, never in an address.
2. What an employer or an agency sees is about its own staff; a holder sees their own; what is another's and what is not
   there are one answer.
3. An official who looks at a person with a card leaves a row that its holder sees, before the answer.
4. Each answer of the rules names its rows with source and certainty, in English and Chinese.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from issuer.cards.lookups import note_lookup
from issuer.insurance import books, certificates, lapses, registration, views
from issuer.insurance.books import entry_from
from issuer.insurance.certificates import NewCertificate
from issuer.insurance.findings import Line
from issuer.insurance.money import in_yuan
from issuer.insurance.months import month_text
from issuer.insurance.registration import NewRegistration
from issuer.insurance.schemes import scheme_names, schemes_of
from issuer.insurance.views import EmploymentView, InsuranceView, MonthView
from issuer.service.access import Access
from issuer.service.context import Call, CallOf, etag
from issuer.service.endpoints import Body, Cursor, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once

__all__ = ["endpoints"]

endpoints = Endpoints("Insurance")

_SEES: Final = ("insurance.read", "insurance.read_own")
_SEES_ONE: Final = Access("account", _SEES, owned="insured")
#: What somebody may claim, and what is on the personal account, is no business of an employer.
_CLAIMS_ONE: Final = Access("account", ("insurance.read", "benefit.own"), owned="insured")
_REGISTERS_ONE: Final = Access("account", ("insurance.register",), owned="insured")
_PERSON: Final = "/v1/insurance/people/{person_id}"
_MOST_ROWS: Final = 500

Alpha3 = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["DEU"])]
Day = Annotated[date, Field(examples=["2026-03-01"])]
Region = Annotated[str, Field(pattern="^[0-9]{6}$", examples=["310115"])]
NamePart = Annotated[str, Field(max_length=66, examples=["MUSTERMANN"])]
Money = Annotated[str, Field(max_length=12, examples=["30000.00"])]
SchemeName = Literal["pension", "medical", "unemployment", "work_injury", "maternity"]
Document = Annotated[str, Field(min_length=4, max_length=40, examples=["C01X00T47"])]


class RegistrationBody(Body):
    """Whom to register. ``employer_id``: an agency or an officer says for whom. ``number``: as it was assigned."""

    surname: NamePart
    given: NamePart = ""
    nationality: Alpha3
    passport_state: Alpha3
    passport: Document
    born: Day
    sex: Literal["male", "female"]
    basis: Literal["work_permit", "press_card", "permanent_residence"] = "work_permit"
    obtained: Annotated[date, Field(description="When the basis was obtained.", examples=["2026-01-03"])]
    basis_until: Day | None = None
    region: Region
    began: Annotated[date, Field(description="When work began.", examples=["2026-01-28"])]
    employer_id: HexId | None = None
    wage: Money | None = None
    injury_rate: Annotated[str, Field(max_length=8, examples=["0.004"])] | None = None
    sent: bool = False
    name_at_work: Annotated[list[NamePart], Field(min_length=2, max_length=2)] | None = None
    number: Annotated[str, Field(max_length=30)] | None = None
    agreed: Annotated[list[SchemeName], Field(default_factory=list)]


class RegisteredBody(BaseModel):
    """What became of a registration: the schemes by what they are this month, and why."""

    person_id: str
    schemes: dict[str, str]
    rules: list[dict[str, Any]]


class InsuredPersonBody(BaseModel):
    """An insured person, by id."""

    person_id: str


class InsuranceShown(BaseModel):
    """A person's insurance. ``number``: null for whoever sees its last four characters alone."""

    person_id: str
    name: str
    number: str | None
    number_last4: str
    number_regular: bool | None
    region: str
    state: Literal["good", "lapsed"]
    lapsed_since: str | None
    schemes: dict[str, str]
    employments: list[EmploymentView]
    rules: list[dict[str, Any]]


class EndBody(Body):
    """When work with an employer ended; ``employer_id`` as for a registration."""

    day: Day
    employer_id: HexId | None = None


class PassportBody(Body):
    """A new passport; the insurance number stays."""

    state: Alpha3
    number: Document
    until: Day | None = None


class CertificateBody(Body):
    """A certificate of coverage of the home country, with the name that is in it."""

    country: Alpha3
    group: Annotated[str, Field(pattern="^[a-z_]{1,40}$", examples=["posted"])] = "posted"
    number: Annotated[str, Field(min_length=1, max_length=40, examples=["DEU-2026-000123"])]
    schemes: Annotated[list[SchemeName], Field(min_length=1)]
    first: Day
    last: Annotated[date, Field(examples=["2031-02-28"])]
    surname: NamePart
    given: NamePart = ""
    extension: bool = False
    issued_on: Day | None = None


class AnswerBody(BaseModel):
    """An answer of the rules, with its reason in words and the rows that it rests on."""

    outcome: str
    reason: str
    text: dict[str, str]
    uncertain: bool
    rules: list[dict[str, Any]]


class CertificateAnswer(AnswerBody):
    """What was decided on a certificate."""

    certificate_id: str


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
    """A compliance report. Sums in yuan, as text; of the findings whose sums are known."""

    as_of: str
    known_on: str
    owed: str
    late_fees: str
    findings: list[dict[str, Any]]
    months: list[MonthLine]


class ClaimBody(Body):
    """What is known of a claim besides the record."""

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


class ChoiceBody(BaseModel):
    """A choice of who leaves: what it means, what is paid (yuan), how many months still count."""

    choice: Literal["keep", "pay_out", "death"]
    answer: AnswerBody
    paid: str
    months_after: int


BenefitName = Annotated[str, Path(pattern="^[A-Za-z0-9_.:-]{1,80}$", description="The id of the benefit's rule row.")]
Year = Annotated[int | None, Query(ge=1970, le=2199, description="A calendar year; by default this one.")]
AsOf = Annotated[date | None, Query(description="The day whose state is reported; by default today.")]
KnownOn = Annotated[date | None, Query(description="By what was known on this day; by default the same day.")]


@endpoints.at(
    "POST",
    "/v1/insurance/registrations",
    Access("account", ("insurance.register",)),
    status=201,
    creates=True,
    problems=(404, 409),
)
def register(call: CallOf, body: RegistrationBody, response: Response) -> RegisteredBody:
    """Register a person for social insurance."""
    new = NewRegistration(
        **{
            **body.model_dump(exclude={"agreed", "name_at_work"}),
            "agreed": schemes_of(body.agreed),
            "name_at_work": None if body.name_at_work is None else (body.name_at_work[0], body.name_at_work[1]),
        }
    )
    made = once(
        call,
        lambda: registration.register(call.core, call.who, new).person_id,
        lambda person_id: person_id,
    )
    view = views.show_insurance(call.core, call.who, made)
    response.headers["Location"] = f"/v1/insurance/people/{made}"
    return RegisteredBody(person_id=made, schemes=dict(view.schemes), rules=view.rules)


@endpoints.at("GET", "/v1/insurance/people", Access("account", _SEES))
def list_people(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[InsuredPersonBody]:
    """The insured people that one sees: oneself, one's staff, one's clients' staff, or all."""
    found = views.insured_people(call.core, call.who, after=cursor, limit=limit + 1)
    return page([InsuredPersonBody(person_id=name) for name in found], limit, lambda one: one.person_id)


@endpoints.at("GET", _PERSON, _SEES_ONE)
def show(call: CallOf, person_id: Id, response: Response) -> InsuranceShown:
    """A person's insurance, scheme by scheme."""
    view = views.show_insurance(call.core, call.who, person_id)
    _noted(call, person_id)
    response.headers["ETag"] = etag(view.revision)
    return _shown(view)


@endpoints.at("POST", f"{_PERSON}/end", _REGISTERS_ONE, status=204)
def end_work(call: CallOf, person_id: Id, body: EndBody) -> None:
    """Note that work with an employer has ended."""
    registration.end_work(call.core, call.who, person_id, body.employer_id, body.day)


@endpoints.at("POST", f"{_PERSON}/passports", _REGISTERS_ONE, status=204, problems=(409,))
def record_passport(call: CallOf, person_id: Id, body: PassportBody) -> None:
    """Record a new passport beside the insurance number, which stays."""
    registration.record_passport(call.core, call.who, person_id, body.state, body.number, body.until)


@endpoints.at("POST", f"{_PERSON}/certificates", _REGISTERS_ONE, status=201, creates=True)
def add_certificate(call: CallOf, person_id: Id, body: CertificateBody, response: Response) -> CertificateAnswer:
    """Hand in a certificate of coverage; it is judged at once, and kept accepted or refused."""
    new = NewCertificate(**{**body.model_dump(), "schemes": schemes_of(body.schemes)})
    made = once(
        call,
        lambda: certificates.add_certificate(call.core, call.who, person_id, new)[0],
        lambda certificate_id: certificate_id,
    )
    answer = views.certificate_answer(call.core, call.who, person_id, made)
    response.headers["Location"] = f"/v1/insurance/people/{person_id}"
    return CertificateAnswer(certificate_id=made, **answer.to_json())


@endpoints.at("GET", f"{_PERSON}/statement", _SEES_ONE)
def show_statement(call: CallOf, person_id: Id, year: Year = None) -> list[MonthView]:
    """What was reported and paid in a year, by month, employer and scheme."""
    found = views.statement(call.core, call.who, person_id, year)
    _noted(call, person_id)
    return found


@endpoints.at("GET", f"{_PERSON}/compliance", _SEES_ONE)
def show_compliance(call: CallOf, person_id: Id, as_of: AsOf = None, known_on: KnownOn = None) -> ComplianceBody:
    """Who had to cover the person, month by month, and what was missed, by what was known on a day."""
    found = views.compliance_of(call.core, call.who, person_id, as_of, known_on)
    _noted(call, person_id)
    return ComplianceBody(
        as_of=found.as_of.isoformat(),
        known_on=found.known_on.isoformat(),
        owed=in_yuan(found.owed),
        late_fees=in_yuan(found.late_fees),
        findings=[finding.to_json() for finding in found.findings],
        months=[_line(line) for line in found.lines],
    )


@endpoints.at("POST", f"{_PERSON}/benefits/{{benefit}}", _CLAIMS_ONE)
def check_benefit(call: CallOf, person_id: Id, benefit: BenefitName, body: ClaimBody) -> EligibilityBody:
    """Whether a benefit or a subsidy may be claimed, condition by condition; nothing is decided by asking."""
    found = views.benefit_of(call.core, call.who, person_id, benefit, body.model_dump())
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


@endpoints.at("GET", f"{_PERSON}/leaving", _CLAIMS_ONE)
def show_choices(call: CallOf, person_id: Id) -> list[ChoiceBody]:
    """What the person may choose when leaving China, and what each choice means."""
    return [
        ChoiceBody(
            choice=choice.name,
            answer=AnswerBody(**choice.answer.to_json()),
            paid=in_yuan(choice.paid),
            months_after=choice.months_after,
        )
        for choice in views.leaving_of(call.core, call.who, person_id)
    ]


@endpoints.at(
    "POST",
    "/v1/insurance/contributions",
    Access("account", ("insurance.book",)),
    status=201,
    creates=True,
    problems=(404, 409),
)
def write_contributions(call: CallOf, body: EntriesBody) -> WrittenBody:
    """Write rows into the books, all or none; the people's cards follow at once."""
    rows = [entry_from(row.model_dump()) for row in body.rows]
    if call.request is None:
        raise TypeError("an endpoint that makes something once is declared with creates=True")
    name = f"{call.request.account}:{call.request.route}:{call.request.key}"
    batch = hashlib.sha256(name.encode()).hexdigest()[:32]
    once(call, lambda: books.record(call.core, rows, call.who.by(), batch), lambda _batch: len(rows))
    return WrittenBody(batch_id=batch, rows=len(rows))


@endpoints.at(
    "POST",
    f"{_PERSON}/corrections",
    Access("account", ("insurance.book",), owned="insured"),
    status=201,
    creates=True,
)
def correct(call: CallOf, person_id: Id, body: CorrectionBody) -> CorrectedBody:
    """Take back a row of the books that was wrong, once and whole."""
    made = once(
        call,
        lambda: books.take_back(call.core, person_id, body.entry_id, call.who.by()),
        lambda entry_id: entry_id,
    )
    return CorrectedBody(entry_id=made)


def _noted(call: Call, person_id: str) -> None:
    """Leave a row for the holder where an official looks (promise 3)."""
    if call.who.role.official:
        for card_id in call.core.database.read(lambda session: lapses.cards_of(session, [person_id])):
            note_lookup(call.core, call.who, card_id, "card")


def _shown(view: InsuranceView) -> InsuranceShown:
    return InsuranceShown(
        person_id=view.person_id,
        name=view.name,
        number=view.number,
        number_last4=view.number_last4,
        number_regular=view.number_regular,
        region=view.region,
        state="lapsed" if view.state == "lapsed" else "good",
        lapsed_since=view.lapsed_since,
        schemes=dict(view.schemes),
        employments=view.employments,
        rules=view.rules,
    )


def _line(line: Line) -> MonthLine:
    masks = ("due", "disputed", "exempt", "not_eligible", "enrolled", "paid", "missing")
    return MonthLine(
        month=month_text(line.month),
        employer_id=line.employer,
        region=line.region,
        reason=line.reason,
        **{name: list(scheme_names(getattr(line, name))) for name in masks},
    )
