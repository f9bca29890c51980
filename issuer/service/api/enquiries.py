"""Messages to the office about an application; both sides see since when one waits and until when it is answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from issuer.enquiries import threads
from issuer.enquiries.threads import ThreadView, WaitingView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Body, Endpoints, Id
from issuer.service.idempotent import once

__all__ = ["endpoints"]

endpoints = Endpoints("Messages about applications")

_SEEN = Access("account", ("filing.read", "filing.read_own"), owned="filing")
_PATH = "/v1/filings/{filing_id}/messages"
Text = Annotated[str, Field(min_length=1, max_length=2000, examples=["Which translation is missing?"])]


class MessageBody(Body):
    """A message to the office."""

    text: Text


class AnswerBody(Body):
    """What the office says. ``side``: whose thread; ``kind``: passed_on names in its text who answers instead."""

    side: Literal["applicant", "holder"]
    kind: Literal["answered", "passed_on"]
    text: Text


class SentBody(BaseModel):
    """The message that was sent."""

    message_id: str


class WaitingBody(BaseModel):
    """A thread that waits for the office: since when (Unix time), and until when it is answered."""

    filing_id: str
    side: Literal["applicant", "holder"]
    name: str
    since: int
    due: date


@endpoints.at("GET", _PATH, _SEEN)
def list_threads(call: CallOf, filing_id: Id) -> list[ThreadView]:
    """One's own thread about an application; the office sees the applicant's and the holder's."""
    return threads.list_threads(call.core, call.who, filing_id)


@endpoints.at(
    "POST", _PATH, Access("person", ("filing.file", "filing.read_own"), owned="filing"), status=201, creates=True
)
def send_message(call: CallOf, filing_id: Id, body: MessageBody) -> SentBody:
    """Ask the office about an application."""
    return once(
        call,
        lambda request: SentBody(message_id=threads.send_message(call.core, call.who, filing_id, body.text, request)),
        lambda made: SentBody(message_id=made),
    )


@endpoints.at(
    "POST",
    "/v1/filings/{filing_id}/answers",
    Access("person", ("filing.decide",), owned="filing"),
    status=201,
    creates=True,
)
def answer_message(call: CallOf, filing_id: Id, body: AnswerBody) -> SentBody:
    """Answer what waits in a thread, or pass it on."""
    return once(
        call,
        lambda request: SentBody(
            message_id=threads.answer_message(call.core, call.who, filing_id, body.side, body.kind, body.text, request)
        ),
        lambda made: SentBody(message_id=made),
    )


@endpoints.at("GET", "/v1/enquiries", Access("account", ("filing.decide",)))
def list_waiting(call: CallOf) -> list[WaitingBody]:
    """Threads that wait for one's office, the longest first."""
    return [_waiting(one) for one in threads.list_waiting(call.core, call.who)]


def _waiting(one: WaitingView) -> WaitingBody:
    return WaitingBody(filing_id=one.filing_id, side=one.side, name=one.name, since=one.since, due=one.due)
