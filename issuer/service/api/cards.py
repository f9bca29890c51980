"""Cards: issue, find, show, replace, renew, suspend, resume, and the states of permit and insurance.

Promises:

1. Answers are rendered from the record: a repeated request gets what the first one made, as it is.
2. An official who looks at a card leaves a row that its holder sees, before he sees the card.
3. What is looked for is in a body, never in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Response
from pydantic import AfterValidator, BaseModel, Field

from icard_crypto.card.card import Card
from icard_crypto.errors import CardError
from issuer import cards
from issuer.cards import IssuedCard, NewCard, Reissue, parties
from issuer.cards.codes import IssuedCode
from issuer.cards.parties import own_cards, refuse_own
from issuer.cards.views import CardView
from issuer.service import card_reading
from issuer.service.access import Access
from issuer.service.card_reading import PurposeWord, read_card
from issuer.service.context import Call, CallOf, etag
from issuer.service.endpoints import Body, Cursor, EndpointOptions, Endpoints, Id, Limit, Page, page
from verifier.runtime import http

__all__ = ["CardBody", "Reason", "card_body", "endpoints"]

endpoints = Endpoints("Cards")

_EXAMPLE: Final[dict[str, Any]] = {
    "holder": {"name": "MUSTERMANN ERIKA", "year_of_birth": 1988, "nationality": "DEU"},
    "permit": {
        "number": "R310115202600000001",
        "number_last4": "0001",
        "category": "B",
        "employer": "Example Shanghai Co., Ltd.",
        "region": "310115",
        "from": "2026-01-01",
        "until": "2027-12-31",
    },
}
_CODE: Final = {
    "profile": "public",
    "cti": "df5a3eb441395ee1",
    "status_uri": "https://icard.example/status/Kf5r",
    "status_index": 8288,
    "issued_at": 1_795_600_800,
    "expires_at": 1_830_160_800,
}
_ISSUED: Final = {"card_id": "2cb2ca8b2093a2212a2f5d74ee8dfd81", "generation": 1, "codes": [_CODE]}
_SHOWN: Final = {**_ISSUED, "standing": "active", "permit": "good", "insurance": "good", "card": _EXAMPLE}
CardRecord = Annotated[dict[str, Any], Field(examples=[_EXAMPLE], description="A card's record, as in docs/format.md.")]


def _printable(text: str) -> str:
    """What is shown to auditors and officers reorders and hides nothing."""
    if not text.isprintable():
        raise ValueError("printable characters")
    return text


Reason = Annotated[
    str,
    Field(min_length=1, max_length=500, description="Why; kept in the audit.", examples=["lost"]),
    AfterValidator(_printable),
]
PersonId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class NewCardBody(Body):
    """A card to issue, and whose it is where the service knows holder and employer."""

    card: CardRecord
    photo: bool = True
    holder_id: PersonId | None = None
    employer_id: PersonId | None = None


class ReissueBody(Body):
    """New codes. ``card``: what the record says from now on; none: as before. A field that the record has and ``card``
    lacks is refused, unless ``remove`` names it."""

    card: CardRecord | None = None
    remove: Annotated[
        tuple[Annotated[str, Field(max_length=60)], ...],
        Field(max_length=40, examples=[["insurance"]], description="Paths of fields that the record loses."),
    ] = ()
    reason: Reason

    def record(self) -> Card | None:
        """The new record.

        Raises:
            Problem: ``card.*``.
        """
        return None if self.card is None else _card(self.card)


class PartiesBody(Body):
    """Whose a card is: the holder, a person, and the employer, an organisation; null: nobody's here."""

    holder_id: Annotated[PersonId | None, Field(examples=["2cb2ca8b2093a2212a2f5d74ee8dfd81"])]
    employer_id: Annotated[PersonId | None, Field(examples=["9f3a51c07d2e4b8896aa0fd1c4e7b352"])]


class ReasonBody(Body):
    """Why it is done."""

    reason: Reason


class PermitBody(Body):
    """The state of the permit."""

    state: Literal["good", "suspended"]
    reason: Reason


class InsuranceBody(Body):
    """The state of the insurance; public codes never show it."""

    state: Literal["good", "lapsed"]
    reason: Reason


class SearchBody(Body):
    """What to look for: exactly one permit number or one full name."""

    kind: Literal["permit", "name"]
    value: Annotated[str, Field(min_length=1, max_length=200, examples=["R310115202600000001"])]
    purpose: PurposeWord | None = None


class CodeBody(BaseModel):
    """A code, without its text. Times are Unix times."""

    profile: Literal["public", "work", "authority"]
    cti: str
    status_uri: str
    status_index: int
    issued_at: int
    expires_at: int


class IssuedBody(BaseModel, json_schema_extra={"examples": [_ISSUED]}):
    """A card, and the codes that were made together."""

    card_id: str
    generation: int
    codes: list[CodeBody]


class CardBody(BaseModel, json_schema_extra={"examples": [_SHOWN]}):
    """A card in its current state, with its newest codes."""

    card_id: str
    generation: int
    standing: Literal["active", "suspended", "revoked"]
    permit: Literal["good", "suspended"]
    insurance: Literal["good", "lapsed"]
    card: dict[str, Any]
    codes: list[CodeBody]


class FoundBody(BaseModel):
    """A card that was found."""

    card_id: str
    standing: str


class OwnCard(BaseModel):
    """One of one's own cards."""

    card_id: str


Purpose = Annotated[
    str | None,
    Query(pattern="^[a-z0-9_.:-]{1,80}$", description="For what an official looks; by default the role's usual one."),
]
_READ: Final = Access("account", ("card.read", "card.read_own"), owned="card")
_CODES: Final[EndpointOptions] = {"status": 201, "creates": True, "changes": True}
_STATE: Final[EndpointOptions] = {"status": 204, "changes": True, "problems": (409,)}


def _on_card(right: str) -> Access:
    return Access("account", (right,), owned="card")


@endpoints.at("POST", "/v1/cards", Access("account", ("card.issue",)), status=201, creates=True, problems=(404,))
def issue_card(call: CallOf, body: NewCardBody, response: Response) -> IssuedBody:
    """Issue a card, with one signed code for each profile."""
    refuse_own(call.who, body.holder_id)
    new = NewCard(_card(body.card), body.photo, call.request, body.holder_id, body.employer_id)
    return _issued(call, cards.issue(call.core, [new], call.who.by())[0], response)


@endpoints.at("GET", "/v1/cards", Access("account", ("card.read_own",)))
def list_own_cards(call: CallOf, cursor: Cursor = "", limit: Limit = 50) -> Page[OwnCard]:
    """One's own cards, one's staff's, or one's clients'."""
    found = own_cards(call.core, call.who, after=cursor, limit=limit + 1)
    return page([OwnCard(card_id=name) for name in found], limit, lambda card: card.card_id)


@endpoints.at("POST", "/v1/cards/search", Access("account", ("card.find",)))
def find_cards(call: CallOf, body: SearchBody) -> list[FoundBody]:
    """The cards with a permit number or a name."""
    found = card_reading.find_cards(call, body.kind, body.value, body.purpose)
    return [FoundBody(card_id=name, standing=standing) for name, standing in sorted(found.items())]


@endpoints.at("GET", "/v1/cards/{card_id}", _READ)
def show_card(call: CallOf, card_id: Id, response: Response, purpose: Purpose = None) -> CardBody:
    """A card in its current state. Its holder sees that an official looked; employers and agencies see what work
    codes say."""
    view = read_card(call, card_id, purpose)
    response.headers["ETag"] = etag(view.revision)
    return card_body(view)


@endpoints.at("POST", "/v1/cards/{card_id}/replace", _on_card("card.replace"), **_CODES)
def replace_card(call: CallOf, card_id: Id, body: ReissueBody, response: Response) -> IssuedBody:
    """New codes because something changed or a code was lost; the old ones read replaced at once."""
    return _reissued(call, card_id, body, response, cards.replace)


@endpoints.at("POST", "/v1/cards/{card_id}/renew", _on_card("card.renew"), **_CODES)
def renew_card(call: CallOf, card_id: Id, body: ReissueBody, response: Response) -> IssuedBody:
    """New codes before the old ones end; those run to their own end."""
    return _reissued(call, card_id, body, response, cards.renew)


@endpoints.at("PUT", "/v1/cards/{card_id}/parties", _on_card("card.issue"), status=204, problems=(404,))
def set_parties(call: CallOf, card_id: Id, body: PartiesBody) -> None:
    """Say whose the card is: from now on they see it, and those before see it no more. All of them are notified."""
    refuse_own(call.who, body.holder_id)
    parties.set_parties(call.core, call.who, card_id, body.holder_id, body.employer_id)


@endpoints.at("POST", "/v1/cards/{card_id}/suspend", _on_card("card.suspend"), **_STATE)
def suspend_card(call: CallOf, card_id: Id, body: ReasonBody, response: Response) -> None:
    """Suspend a card until it is resumed."""
    revision = cards.suspend(call.core, card_id, call.who.by(body.reason), call.version)
    response.headers["ETag"] = etag(revision)


@endpoints.at("POST", "/v1/cards/{card_id}/resume", _on_card("card.resume"), **_STATE)
def resume_card(call: CallOf, card_id: Id, body: ReasonBody, response: Response) -> None:
    """End a suspension."""
    revision = cards.resume(call.core, card_id, call.who.by(body.reason), call.version)
    response.headers["ETag"] = etag(revision)


@endpoints.at("PUT", "/v1/cards/{card_id}/permit", _on_card("permit.set"), **_STATE)
def set_permit(call: CallOf, card_id: Id, body: PermitBody, response: Response) -> None:
    """Set the state of the permit behind a card."""
    revision = cards.set_permit(call.core, card_id, body.state, call.who.by(body.reason), call.version)
    response.headers["ETag"] = etag(revision)


@endpoints.at("PUT", "/v1/cards/{card_id}/insurance", _on_card("insurance.set"), **_STATE)
def set_insurance(call: CallOf, card_id: Id, body: InsuranceBody, response: Response) -> None:
    """Set the state of the insurance behind a card."""
    revision = cards.set_insurance(call.core, card_id, body.state, call.who.by(body.reason), call.version)
    response.headers["ETag"] = etag(revision)


def _card(record: dict[str, Any]) -> Card:
    """The card of a body; a problem names each of its faults by where it is there."""
    try:
        return Card.from_json(record)
    except CardError as fault:
        raise _problem(fault) from None


def _problem(fault: CardError) -> http.Problem:
    errors = [http.FieldFault(_pointer(one), one.code, one.expected) for one in (fault, *fault.also)]
    return http.Problem(fault.code, status=422, errors=errors, path=_place(fault), expected=fault.expected)


def _place(fault: CardError) -> str:
    """Where it is, in names that the format has: an unknown field's own is the client's, and may be a person's."""
    path = fault.path or ""
    return path.rpartition(".")[0] if fault.code == "card.unknown_field" else path


def _pointer(fault: CardError) -> str:
    parts = _place(fault).replace("[", ".").replace("]", "").split(".")
    return "/".join(("/body/card", *filter(None, parts)))


def _reissued(
    call: Call, card_id: str, body: ReissueBody, response: Response, reissue: Callable[..., IssuedCard]
) -> IssuedBody:
    asked = Reissue(card_id, body.record(), call.request, call.version, frozenset(body.remove))
    try:
        made = reissue(call.core, asked, call.who.by(body.reason))
    except CardError as fault:
        raise _problem(fault) if fault.code == "card.lost_field" else fault from None
    return _issued(call, made, response)


def card_body(view: CardView) -> CardBody:
    """A card as it is shown."""
    return CardBody.model_validate(
        {
            "card_id": view.card_id,
            "generation": view.version,
            "standing": view.status,
            "permit": view.permit,
            "insurance": view.insurance,
            "card": view.card.to_json(),
            "codes": [_code(code) for code in view.codes],
        }
    )


def _issued(call: Call, made: IssuedCard, response: Response) -> IssuedBody:
    response.headers["Location"] = f"/v1/cards/{made.card_id}"
    response.headers["ETag"] = etag(cards.revision_of(call.core, made.card_id))
    codes = [CodeBody.model_validate(_code(code)) for code in made.codes]
    return IssuedBody(card_id=made.card_id, generation=made.generation, codes=codes)


def _code(code: IssuedCode) -> dict[str, Any]:
    return {
        "profile": code.profile.name.lower(),
        "cti": code.cti,
        "status_uri": code.uri,
        "status_index": code.index,
        "issued_at": code.issued_at,
        "expires_at": code.expires_at,
    }
