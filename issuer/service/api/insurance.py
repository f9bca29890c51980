"""Social insurance: registration, certificates, and what is on record about a person.

Promises:

1. A person's number, wage or certificate is in bodies alone, never in an address.
2. What an employer or an agency sees is about its own staff; a holder sees their own; what is another's and what is not
   there are one answer.
3. An official who looks at a person leaves a row that the person sees, with or without a card, before the answer.
4. Each answer of the rules names its rows with source and certainty, in English and Chinese.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import Response
from pydantic import BaseModel, Field, ValidationError

from icard_crypto.errors import IcardError, Invalid, StateError, together
from issuer.cards.lookups import note_person_lookup
from issuer.insurance import certificates, identity, registration, views
from issuer.insurance.certificates import NewCertificate
from issuer.insurance.registration import NewRegistration
from issuer.insurance.schemes import schemes_of
from issuer.insurance.views import EmploymentView, InsuranceView
from issuer.service.access import Access
from issuer.service.context import Call, CallOf, etag
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once

__all__ = [
    "PERSON",
    "SEES_ONE",
    "AnswerBody",
    "Money",
    "RegistrationBody",
    "RowBody",
    "SchemeName",
    "endpoints",
    "new_registration",
    "noted",
    "noted_page",
    "register_one",
]

T = TypeVar("T")

endpoints = Endpoints("Insurance")

_SEES: Final = ("insurance.read", "insurance.read_own")
SEES_ONE: Final = Access("account", _SEES, owned="insured")
_REGISTERS_ONE: Final = Access("account", ("insurance.register",), owned="insured")
_MOST_ROWS: Final = 200
PERSON: Final = "/v1/insurance/people/{person_id}"

Alpha3 = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["DEU"])]
ExampleDay = Annotated[Day, Field(examples=["2026-03-01"])]
Region = Annotated[str, Field(pattern="^[0-9]{6}$", examples=["310115"])]
NamePart = Annotated[str, Field(max_length=66, examples=["MUSTERMANN"])]
Money = Annotated[str, Field(max_length=12, examples=["30000.00"])]
SchemeName = Literal["pension", "medical", "unemployment", "work_injury", "maternity"]
Document = Annotated[str, Field(min_length=4, max_length=40, examples=["C01X00T47"])]


class RegistrationBody(Body):
    """Whom to register. ``employer_id`` or ``employer_code`` (unified social credit code): an agency or an officer says
    for whom. ``number``: as it was assigned."""

    surname: NamePart
    given: NamePart = ""
    nationality: Alpha3
    passport_state: Alpha3
    passport: Document
    born: ExampleDay
    sex: Literal["male", "female"]
    basis: Literal["work_permit", "press_card", "permanent_residence"] = "work_permit"
    obtained: Annotated[Day, Field(description="When the basis was obtained.", examples=["2026-01-03"])]
    basis_until: ExampleDay | None = None
    region: Region
    began: Annotated[Day, Field(description="When work began.", examples=["2026-01-28"])]
    employer_id: HexId | None = None
    employer_code: Annotated[str, Field(max_length=30, examples=["91310000MA1FL0000N"])] | None = None
    wage: Money | None = None
    injury_rate: Annotated[str, Field(max_length=8, examples=["0.004"])] | None = None
    sent: bool = False
    name_at_work: Annotated[list[NamePart], Field(min_length=2, max_length=2)] | None = None
    number: Annotated[str, Field(max_length=30)] | None = None
    agreed: Annotated[list[SchemeName], Field(default_factory=list)]


class RegistrationsBody(Body):
    """People to register, each as for one registration. ``preview``: nothing is written, the answer is the same."""

    rows: Annotated[
        list[dict[str, Any]], Field(min_length=1, max_length=_MOST_ROWS, examples=[[{"surname": "MUSTER"}]])
    ]
    preview: bool = False


class RowFault(BaseModel):
    """One thing that is wrong with a row."""

    code: str
    path: str | None
    message: dict[str, str]


class RowBody(BaseModel):
    """What became of a row: the person, or why it was refused; ``also``: what else is wrong. ``row`` counts from 0."""

    row: int
    person_id: str | None
    code: str | None
    path: str | None
    message: dict[str, str] | None
    also: list[RowFault] = Field(default_factory=list)


class RowsBody(BaseModel):
    """What became of all rows."""

    done: int
    refused: int
    rows: list[RowBody]


class RegisteredBody(BaseModel):
    """What became of a registration: the schemes by what they are this month, and why."""

    person_id: str
    schemes: dict[str, str]
    rules: list[dict[str, Any]]


class InsuredPersonBody(BaseModel):
    """An insured person, by id."""

    person_id: str


class InsuranceShown(BaseModel):
    """A person's insurance. ``number``: null for whoever sees its last four characters alone; ``state``: ``good`` or
    ``lapsed``, null for an employer of before."""

    person_id: str
    name: str
    number: str | None
    number_last4: str
    number_regular: bool | None
    region: str
    state: str | None
    lapsed_since: str | None
    schemes: dict[str, str]
    employments: list[EmploymentView]
    rules: list[dict[str, Any]]


class EndBody(Body):
    """When work with an employer ended; ``employer_id`` as for a registration."""

    day: ExampleDay
    employer_id: HexId | None = None


class PassportBody(Body):
    """A new passport; the insurance number stays."""

    state: Alpha3
    number: Document
    until: ExampleDay | None = None


class CertificateBody(Body):
    """A certificate of coverage of the home country, with the name that is in it."""

    country: Alpha3
    group: Annotated[str, Field(pattern="^[a-z_]{1,40}$", examples=["posted"])] = "posted"
    number: Annotated[str, Field(min_length=1, max_length=40, examples=["DEU-2026-000123"])]
    schemes: Annotated[list[SchemeName], Field(min_length=1)]
    first: ExampleDay
    last: Annotated[Day, Field(examples=["2031-02-28"])]
    surname: NamePart
    given: NamePart = ""
    extension: bool = False
    issued_on: ExampleDay | None = None


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
    new = new_registration(body)
    made = once(
        call,
        lambda request: registration.register(call.core, call.who, new, request).person_id,
        lambda person_id: person_id,
    )
    view = views.show_insurance(call.core, call.who, made)
    noted(call, made)
    response.headers["Location"] = f"/v1/insurance/people/{made}"
    return RegisteredBody(person_id=made, schemes=dict(view.schemes), rules=view.rules)


@endpoints.at(
    "POST",
    "/v1/insurance/registrations/batch",
    Access("account", ("insurance.register",)),
    creates=True,
    costly=True,
)
def register_many(call: CallOf, body: RegistrationsBody) -> RowsBody:
    """Register up to 200 people; a row that is refused stops no other. The same request again goes on where it was."""
    rows = [register_row(call, number, row, body.preview) for number, row in enumerate(body.rows)]
    refused = sum(row.code is not None for row in rows)
    return RowsBody(done=len(rows) - refused, refused=refused, rows=rows)


@endpoints.at("GET", "/v1/insurance/people", Access("account", _SEES))
def list_people(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[InsuredPersonBody]:
    """The insured people that one sees: oneself, one's staff, one's clients' staff, or all."""
    call.looked("insurance.list")
    found = views.insured_people(call.core, call.who, after=cursor, limit=limit + 1)
    return page([InsuredPersonBody(person_id=name) for name in found], limit, lambda one: one.person_id)


@endpoints.at("GET", PERSON, SEES_ONE)
def show(call: CallOf, person_id: Id, response: Response) -> InsuranceShown:
    """A person's insurance, scheme by scheme."""
    view = views.show_insurance(call.core, call.who, person_id)
    noted(call, person_id)
    response.headers["ETag"] = etag(view.revision)
    return _shown(view)


@endpoints.at("POST", f"{PERSON}/end", _REGISTERS_ONE, status=204)
def end_work(call: CallOf, person_id: Id, body: EndBody) -> None:
    """Note that work with an employer has ended."""
    registration.end_work(call.core, call.who, person_id, body.employer_id, body.day)


@endpoints.at("POST", f"{PERSON}/passports", _REGISTERS_ONE, status=204, problems=(409,))
def record_passport(call: CallOf, person_id: Id, body: PassportBody) -> None:
    """Record a new passport beside the insurance number, which stays."""
    identity.record_passport(call.core, call.who, person_id, body.state, body.number, body.until)


@endpoints.at("POST", f"{PERSON}/certificates", _REGISTERS_ONE, status=201, creates=True)
def add_certificate(call: CallOf, person_id: Id, body: CertificateBody, response: Response) -> CertificateAnswer:
    """Hand in a certificate of coverage; it is judged at once, and kept accepted or refused."""
    new = NewCertificate(**{**body.model_dump(), "schemes": schemes_of(body.schemes)})
    made = once(
        call,
        lambda request: certificates.add_certificate(call.core, call.who, person_id, new, request)[0],
        lambda certificate_id: certificate_id,
    )
    answer = views.certificate_answer(call.core, call.who, person_id, made)
    noted(call, person_id)
    response.headers["Location"] = f"/v1/insurance/people/{person_id}"
    return CertificateAnswer(certificate_id=made, **answer.to_json())


def register_row(call: Call, number: int, row: dict[str, Any], preview: bool) -> RowBody:
    """Register a row of a batch, once: each is a request of its own, known by the batch's key and its number."""
    if call.request is None:
        raise TypeError("an endpoint that makes something once is declared with creates=True")
    own = replace(call, request=replace(call.request, key=f"{call.request.key}:{number}"))
    try:
        made = register_one(own, row, preview)
    except StateError as fault:
        if fault.layer not in ("insurance", "rules", "idempotency"):
            raise
        also = [RowFault(code=one.code, path=one.path, message=_words(one)) for one in fault.also]
        return RowBody(row=number, person_id=None, code=fault.code, path=fault.path, message=_words(fault), also=also)
    return RowBody(row=number, person_id=made, code=None, path=None, message=None)


def _words(fault: IcardError) -> dict[str, str]:
    return {"en": fault.message("en"), "zh": fault.message("zh")}


def register_one(call: Call, row: Mapping[str, Any], preview: bool) -> str | None:
    """Register the person of a row, once for the call's request; their id.

    Args:
        preview: only look whether it could be done; None.

    Raises:
        NotAllowed: ``access.*``.
        Invalid: ``rules.*``, ``idempotency.*``.
        StateError: ``insurance.*``.
    """
    new = new_registration(_row_body(row))
    if preview:
        registration.preview(call.core, call.who, new)
        return None
    made = once(
        call,
        lambda request: registration.register(call.core, call.who, new, request).person_id,
        lambda name: name,
    )
    noted(call, made)
    return made


def _row_body(row: Mapping[str, Any]) -> RegistrationBody:
    """A row as a body.

    Raises:
        Invalid: ``insurance.row``, with the field, and one for each other field; never with its value.
    """
    try:
        return RegistrationBody.model_validate(row)
    except ValidationError as fault:
        places = [one["loc"] for one in fault.errors(include_input=False, include_url=False)]
    known = [next((str(part) for part in place if part in RegistrationBody.model_fields), "row") for place in places]
    raise together([Invalid("insurance.row", path=path) for path in dict.fromkeys(known)])


def new_registration(body: RegistrationBody) -> NewRegistration:
    """What a body says, for the service."""
    return NewRegistration(
        **{
            **body.model_dump(exclude={"agreed", "name_at_work"}),
            "agreed": schemes_of(body.agreed),
            "name_at_work": None if body.name_at_work is None else (body.name_at_work[0], body.name_at_work[1]),
        }
    )


def noted(call: Call, person_id: str, purpose: str | None = None) -> None:
    """Leave a row for the person where an official looks (promise 3)."""
    if call.who.role.official:
        note_person_lookup(call.core, call.who, person_id, "insurance", purpose)


def noted_page(call: Call, shown: Page[T], person_of: Callable[[T], str]) -> Page[T]:
    """The page, once there is a row for each person in it."""
    for person_id in sorted({person_of(one) for one in shown.items}):
        noted(call, person_id)
    return shown


def _shown(view: InsuranceView) -> InsuranceShown:
    return InsuranceShown(
        person_id=view.person_id,
        name=view.name,
        number=view.number,
        number_last4=view.number_last4,
        number_regular=view.number_regular,
        region=view.region,
        state=view.state,
        lapsed_since=view.lapsed_since,
        schemes=dict(view.schemes),
        employments=view.employments,
        rules=view.rules,
    )
