"""Social insurance: what carries over to another region, what somebody who leaves China may choose, what is noted after
a death.

Promises:

1. What is on the personal account is for that person and for officials.
2. Each choice says what it means, with the rules that it rests on, before it is made.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, cast

from pydantic import BaseModel, Field

from issuer.insurance import carrying, departure, views
from issuer.insurance.carrying import Carried, Place
from issuer.insurance.leaving import Choice
from issuer.insurance.money import in_yuan
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Day, Endpoints, Id
from issuer.service.idempotent import once

from .insurance import PERSON, AnswerBody, SchemeName, noted

__all__ = ["endpoints"]

endpoints = Endpoints("Leaving and death")

_CLAIMS_ONE: Final = Access("account", ("insurance.read", "benefit.own"), owned="insured")


class ChosenBody(Body):
    """A choice; ``signed``: the written request is at hand."""

    choice: Literal["keep", "pay_out", "death"]
    signed: bool


class DeathBody(Body):
    """The day of a death."""

    day: Annotated[Day, Field(examples=["2026-11-02"])]


class ChoiceBody(BaseModel):
    """A choice of who leaves: what it means, what is paid (yuan), how many months still count."""

    choice: Literal["keep", "pay_out", "death"]
    answer: AnswerBody
    paid: str
    months_after: int


class CarriedBody(BaseModel):
    """A scheme when somebody moves, in months: paid anywhere; that count where was paid last; that count after a move.
    Null: no rule is known."""

    scheme: SchemeName
    answer: AnswerBody
    paid: int
    here: int | None
    there: int | None


class MovingBody(BaseModel):
    """What carries over to another region, by scheme; ``places``: where months were paid, the newest work first."""

    schemes: list[CarriedBody]
    places: list[Place]


@endpoints.at("GET", f"{PERSON}/moving", _CLAIMS_ONE)
def show_moving(call: CallOf, person_id: Id) -> MovingBody:
    """What carries over to another region: paid months by scheme, with the rules, and where they were paid."""
    found = carrying.moving_of(call.core, call.who, person_id)
    noted(call, person_id)
    return MovingBody(schemes=[_carried(one) for one in found.schemes], places=found.places)


@endpoints.at("GET", f"{PERSON}/leaving", _CLAIMS_ONE)
def show_choices(call: CallOf, person_id: Id) -> list[ChoiceBody]:
    """What the person may choose when leaving China, and what each choice means."""
    found = views.leaving_of(call.core, call.who, person_id)
    noted(call, person_id)
    return [_choice(choice) for choice in found]


@endpoints.at(
    "POST",
    f"{PERSON}/leaving",
    Access("account", ("insurance.book", "benefit.own"), owned="insured"),
    status=204,
    creates=True,
    problems=(403,),
)
def choose(call: CallOf, person_id: Id, body: ChosenBody) -> None:
    """Choose to keep the personal account or have it paid out; after a death an officer pays the heirs."""
    once(
        call,
        lambda request: (
            departure.choose(call.core, call.who, person_id, body.choice, signed=body.signed, request=request).name
        ),
        lambda _person: body.choice,
    )


@endpoints.at("POST", f"{PERSON}/death", Access("account", ("insurance.book",), owned="insured"), status=204)
def record_death(call: CallOf, person_id: Id, body: DeathBody) -> None:
    """Note a death: work and enrolment end with its day."""
    departure.record_death(call.core, call.who, person_id, body.day)


def _choice(choice: Choice) -> ChoiceBody:
    return ChoiceBody(
        choice=choice.name,
        answer=AnswerBody(**choice.answer.to_json()),
        paid=in_yuan(choice.paid),
        months_after=choice.months_after,
    )


def _carried(one: Carried) -> CarriedBody:
    return CarriedBody(
        scheme=cast("SchemeName", one.scheme),
        answer=AnswerBody(**one.answer.to_json()),
        paid=one.paid,
        here=one.here,
        there=one.there,
    )
