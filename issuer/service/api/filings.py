"""Applications: filed by employers and agencies, decided by the office of the region.

A holder files nothing but the cancellation of their own permit, where the employer is gone.

Each answer says which moves are possible for the viewer. A refusal names every point in ``errors``, with its rule.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from issuer.db.idempotency import Request
from issuer.documents import sheets
from issuer.permits import activation, applications, case_moves, decisions, granting, papers, views
from issuer.permits.application_form import FORM_FILE, draw_form
from issuer.permits.applications import NewFiling, filing_facts
from issuer.permits.decisions import Defect
from issuer.permits.granting import Approval
from issuer.permits.papers import NewPaper
from issuer.permits.views import FilingSummary, FilingView
from issuer.service.access import Access
from issuer.service.context import CallOf, etag
from issuer.service.endpoints import Body, Cursor, Day, Endpoints, HexId, Id, Limit, Page, page
from issuer.service.idempotent import once

from .offices import RegionCode
from .refusals import shown_refusals

__all__ = ["endpoints"]

endpoints = Endpoints("Applications")

_SEEN: Final = Access("account", ("filing.read", "filing.read_own"), owned="filing")
_FILES: Final = Access("account", ("filing.file", "permit.own"), owned="filing")
_NOTIFIED: Final = Access("account", ("filing.file",), owned="filing")
_DECIDES: Final = Access("person", ("filing.decide",), owned="filing")
Code = Annotated[
    str, Path(pattern="^[A-Za-z0-9]{1,40}$", description="The code of a material, as the checklist has it: M04.")
]
Record = Annotated[dict[str, Any], Field(max_length=40, examples=[{"surname": "VOGEL", "given": "HANNELORE"}])]
Open = Annotated[bool, Query(description="Only drafts, and those that are not decided.")]
State = Annotated[str | None, Field(pattern="^[A-Z]{3}$", examples=["DEU"])]


class NewFilingBody(Body):
    """A draft. ``employer_id``: for agencies, whom it files for; ``permit_id``: the permit that it is about.

    ``record`` may lack any field: it is saved in parts.
    """

    process: Literal["overseas", "in_country", "short", "extension", "change", "cancellation", "reissue"]
    employer_id: HexId | None = None
    permit_id: HexId | None = None
    record: Record = Field(default_factory=dict)


class RecordBody(Body):
    """All that the application says now."""

    record: Record


class PaperBody(Body):
    """A paper as it is handed in, or ``committed_until``: the day by which it is promised.

    ``issuing_state``: ISO 3166-1 alpha-3; ``sealed``: the translation bears the employer's seal.
    """

    issued: Day | None = None
    issuing_state: State = None
    way: Literal["apostille", "legalisation", "local_notary"] | None = None
    authenticated_on: Day | None = None
    translated: bool = False
    sealed: bool = False
    committed_until: Day | None = None


class CheckBody(Body):
    """How a paper was checked, and a note."""

    how: Literal["seen_original", "apostille", "legalisation", "issuing_office", "register", "scan", "commitment"]
    note: Annotated[str, Field(max_length=500)] = ""


class RejectBody(Body):
    """Why a paper was rejected."""

    note: Annotated[str, Field(min_length=1, max_length=500, examples=["The report's number is not in the register."])]


class DefectBody(Body):
    """A point. ``path``: a field or the code of a material."""

    path: Annotated[str, Field(min_length=1, max_length=80, examples=["M04"])]
    text: Annotated[str, Field(min_length=1, max_length=1000, examples=["The certificate is not legible."])]


class DefectsBody(Body):
    """Every defect, at once."""

    defects: Annotated[list[DefectBody], Field(min_length=1, max_length=100)]


class ReasonsBody(Body):
    """Why an application is refused."""

    reasons: Annotated[list[DefectBody], Field(min_length=1, max_length=20)]


class ProlongBody(Body):
    """By how many working days, and why: the applicant gets the reason."""

    days: Annotated[int, Field(ge=1, le=100, examples=[10])]
    reason: Annotated[str, Field(min_length=1, max_length=1000, examples=["An expert review is needed."])]


class PauseBody(Body):
    """``ground``: of the rules of kind `pauses`; the applicant gets the reason."""

    ground: Annotated[str, Field(max_length=40, examples=["expert_review"])]
    reason: Annotated[str, Field(min_length=1, max_length=1000, examples=["Three experts review the degree."])]


class TransferBody(Body):
    """``region``: whose office has the application from now on."""

    region: RegionCode
    reason: Annotated[str, Field(min_length=1, max_length=1000, examples=["The place of work is in Suzhou."])]


class DeliveryBody(Body):
    """How a decision was delivered. An officer gives the day and what proves it; whoever received it here, neither."""

    way: Literal["electronic", "window", "post", "public_notice"] = "electronic"
    day: Day | None = None
    evidence: Annotated[str | None, Field(max_length=1000, examples=["Registered letter XA12345678CN"])] = None


class ApprovalBody(Body):
    """``category``: confirmed; ``until``: the last day, where it is earlier than applied for; ``number``: the permit
    number that the authority assigned, where there is one.
    """

    category: Literal["A", "B", "C"] | None = None
    until: Day | None = None
    number: Annotated[str | None, Field(pattern="^[0-9]{18}$")] = None


class NotificationBody(BaseModel):
    """What the notification of a first entry has. ``token``: works once; ``account_code``: with the slip from the
    window it opens the holder's account, who shows it to nobody there."""

    token: str
    account_code: str
    number: str
    until: Day


@endpoints.at(
    "POST", "/v1/filings", Access("account", ("filing.file", "permit.own")), status=201, creates=True, problems=(404,)
)
def create_filing(call: CallOf, body: NewFilingBody, response: Response) -> FilingView:
    """Begin a draft."""
    new = NewFiling(body.process, body.employer_id, body.permit_id, body.record)

    def make(request: Request) -> str:
        with shown_refusals():
            return applications.create_filing(call.core, call.who, new, request)

    filing_id = once(call, make, lambda made: made)
    response.headers["Location"] = f"/v1/filings/{filing_id}"
    return _shown(call, filing_id, response)


@endpoints.at("GET", "/v1/filings", Access("account", ("filing.read", "filing.read_own")))
def list_filings(call: CallOf, cursor: Cursor = "", limit: Limit = 50, open: Open = False) -> Page[FilingSummary]:
    """One's own applications, or those of the office's region, in the order of their ids."""
    found = views.list_filings(call.core, call.who, after=cursor, limit=limit + 1, open_only=open)
    return page(found, limit, lambda each: each.filing_id)


@endpoints.at("GET", "/v1/filings/{filing_id}", _SEEN)
def show_filing(call: CallOf, filing_id: Id, response: Response) -> FilingView:
    """An application: its state, clocks, checklist, papers and moves."""
    return _shown(call, filing_id, response)


@endpoints.at("PUT", "/v1/filings/{filing_id}", _FILES, changes=True, problems=(409,))
def save_filing(call: CallOf, filing_id: Id, body: RecordBody, response: Response) -> FilingView:
    """Save what a draft, or a returned application, says."""
    applications.save_filing(call.core, call.who, filing_id, body.record, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("PUT", "/v1/filings/{filing_id}/papers/{code}", _FILES, problems=(409,))
def hand_in(call: CallOf, filing_id: Id, code: Code, body: PaperBody, response: Response) -> FilingView:
    """Hand in a paper, or promise it where the rules allow that."""
    paper = NewPaper(
        body.issued,
        body.issuing_state,
        body.way,
        body.authenticated_on,
        body.translated,
        body.sealed,
        body.committed_until,
    )
    papers.hand_in(call.core, call.who, filing_id, code, paper)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/submit", _FILES, changes=True, problems=(409, 422))
def submit_filing(call: CallOf, filing_id: Id, response: Response) -> FilingView:
    """File a draft, or answer a return. Everything that speaks against it is named at once."""
    with shown_refusals():
        applications.submit_filing(call.core, call.who, filing_id, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/withdraw", _FILES, changes=True, problems=(409,))
def withdraw_filing(call: CallOf, filing_id: Id, response: Response) -> FilingView:
    """Withdraw an application that is not decided."""
    applications.withdraw_filing(call.core, call.who, filing_id, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("GET", "/v1/filings/{filing_id}/notification", _NOTIFIED)
def show_notification(call: CallOf, filing_id: Id, response: Response) -> NotificationBody:
    """The notification of a first entry, while it is not used: for the applicant alone."""
    response.headers["Cache-Control"] = "no-store"
    found = activation.notification_of(call.core, call.who, filing_id)
    return NotificationBody.model_validate(found)


@endpoints.at("GET", "/v1/filings/{filing_id}/form.pdf", _SEEN, types=("application/pdf",), costly=True)
def form_pdf(call: CallOf, filing_id: Id) -> Response:
    """The application form as PDF, with what is saved now, to be signed, sealed and handed in."""
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{FORM_FILE}"'}
    return Response(draw_form(call.core, call.who, filing_id), media_type="application/pdf", headers=headers)


@endpoints.at("GET", "/v1/filings/{filing_id}/notification.pdf", _NOTIFIED, types=("application/pdf",), costly=True)
def notification_pdf(call: CallOf, filing_id: Id) -> Response:
    """The notification as PDF; its code activates the permit after entry, once."""
    data = sheets.draw_pdf(*activation.notification_sheet(call.core, call.who, filing_id))
    headers = {"Cache-Control": "no-store", "Content-Disposition": "inline"}
    return Response(data, media_type="application/pdf", headers=headers)


@endpoints.at("POST", "/v1/filings/{filing_id}/papers/{code}/verify", _DECIDES, problems=(409,))
def verify_paper(call: CallOf, filing_id: Id, code: Code, body: CheckBody, response: Response) -> FilingView:
    """Say that a paper is genuine, and how it was checked. What the rules refuse is not verified."""
    return _check(call, filing_id, code, "verify", body.how, body.note, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/papers/{code}/reject", _DECIDES, problems=(409,))
def reject_paper(call: CallOf, filing_id: Id, code: Code, body: RejectBody, response: Response) -> FilingView:
    """Reject a paper, and say why."""
    return _check(call, filing_id, code, "reject", "", body.note, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/papers/{code}/forged", _DECIDES, problems=(409,))
def forge_paper(call: CallOf, filing_id: Id, code: Code, body: RejectBody, response: Response) -> FilingView:
    """Record that a paper is forged: the application can be refused only, with a warning; after its approval a hearing
    begins before the permit is revoked for fraud.
    """
    papers.forge_paper(call.core, call.who, filing_id, code, body.note)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/pre-review", _DECIDES, changes=True, problems=(409,))
def pre_review_filing(call: CallOf, filing_id: Id, response: Response) -> FilingView:
    """Say that an application passed the pre-review."""
    decisions.pre_review_filing(call.core, call.who, filing_id, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/accept", _DECIDES, changes=True, problems=(409,))
def accept_filing(call: CallOf, filing_id: Id, response: Response) -> FilingView:
    """Accept an application: the time for the decision begins."""
    decisions.accept_filing(call.core, call.who, filing_id, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/return", _DECIDES, changes=True, problems=(409,))
def return_filing(call: CallOf, filing_id: Id, body: DefectsBody, response: Response) -> FilingView:
    """Return an application with every defect, in time; again only for what changed since."""
    with shown_refusals():
        decisions.return_filing(call.core, call.who, filing_id, _points(body.defects), call.version)
    return _shown(call, filing_id, response)


@endpoints.at(
    "POST",
    "/v1/filings/{filing_id}/prolong",
    Access("person", ("filing.lead",), owned="filing"),
    changes=True,
    problems=(409,),
)
def prolong_filing(call: CallOf, filing_id: Id, body: ProlongBody, response: Response) -> FilingView:
    """Prolong a decision, once, as a head of the office; the applicant gets the reason."""
    decisions.prolong_filing(call.core, call.who, filing_id, body.days, body.reason, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/pause", _DECIDES, changes=True, problems=(409,))
def pause_filing(call: CallOf, filing_id: Id, body: PauseBody, response: Response) -> FilingView:
    """Stop the time for a decision on a ground of the law; the applicant gets notice."""
    case_moves.pause_filing(call.core, call.who, filing_id, body.ground, body.reason, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/resume", _DECIDES, changes=True, problems=(409,))
def resume_filing(call: CallOf, filing_id: Id, response: Response) -> FilingView:
    """Let the time for a decision go on."""
    case_moves.resume_filing(call.core, call.who, filing_id, call.version)
    return _shown(call, filing_id, response)


@endpoints.at(
    "POST",
    "/v1/filings/{filing_id}/transfer",
    Access("person", ("filing.lead",), owned="filing"),
    status=204,
    changes=True,
    problems=(409,),
)
def transfer_filing(call: CallOf, filing_id: Id, body: TransferBody) -> None:
    """Hand an application to the office of another region, as a head of the office that has it."""
    case_moves.transfer_filing(call.core, call.who, filing_id, body.region, body.reason, call.version)


@endpoints.at(
    "POST",
    "/v1/filings/{filing_id}/delivery",
    Access("person", ("filing.decide", "filing.file", "permit.own"), owned="filing"),
    changes=True,
    problems=(409,),
)
def record_delivery(call: CallOf, filing_id: Id, body: DeliveryBody, response: Response) -> FilingView:
    """Record that a decision was delivered: an officer with a proof, or whoever received it here."""
    case_moves.record_delivery(call.core, call.who, filing_id, body.way, body.day, body.evidence, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/approve", _DECIDES, changes=True, problems=(409,))
def approve_filing(call: CallOf, filing_id: Id, body: ApprovalBody, response: Response) -> FilingView:
    """Approve an application whose needed papers are all verified; permit and card follow."""
    approval = Approval(body.category, body.until, body.number)
    with shown_refusals():
        granting.approve_filing(call.core, call.who, filing_id, approval, call.version)
    return _shown(call, filing_id, response)


@endpoints.at("POST", "/v1/filings/{filing_id}/refuse", _DECIDES, changes=True, problems=(409,))
def refuse_filing(call: CallOf, filing_id: Id, body: ReasonsBody, response: Response) -> FilingView:
    """Refuse an application, with reasons; the ways of redress and their last days go with them."""
    decisions.refuse_filing(call.core, call.who, filing_id, _points(body.reasons), call.version)
    return _shown(call, filing_id, response)


def _check(call: CallOf, filing_id: str, code: str, move: str, how: str, note: str, response: Response) -> FilingView:
    with shown_refusals():
        papers.check_paper(call.core, call.who, filing_id, code, move, how, note, filing_facts)
    return _shown(call, filing_id, response)


def _points(points: list[DefectBody]) -> list[Defect]:
    return [Defect(one.path, one.text) for one in points]


def _shown(call: CallOf, filing_id: str, response: Response) -> FilingView:
    found = views.show_filing(call.core, call.who, filing_id)
    response.headers["ETag"] = etag(found.revision)
    return found
