"""What the service holds about a person, table by table: what an export shows of it, and what a purge does to it.

Promises:

1. Every table that names a person, an account, a card, a permit or an application, or has a sealed column, is in
   :data:`HOLDINGS` or in :data:`APART` with the reason; a test checks the list against the database's tables.
2. An export and a purge walk the same list: what can be shown can be erased, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, or_, select

from issuer.accounts.models import (
    Account,
    ApiToken,
    CalendarFeed,
    Consent,
    Invitation,
    KnownPlace,
    LoginSession,
    RecoveryCode,
)
from issuer.cards.models import CardLookup, CardParty, CardRow, CodeRow
from issuer.enquiries.models import FileMessage
from issuer.insurance.models import (
    BenefitClaim,
    BenefitOrder,
    FindingState,
    HeirAccess,
    InsuranceEntry,
    InsuranceFact,
    InsuredPerson,
    RefusalReport,
    ServiceGrant,
)
from issuer.notices.models import NoticeMute, NoticeRow, Outbox, Webhook
from issuer.permits.merger_models import PersonMerger
from issuer.permits.models import (
    Booking,
    Entry,
    Filing,
    FilingEvent,
    FilingTaken,
    Hearing,
    LeavingReport,
    Notification,
    Paper,
    Permit,
    PermitEnd,
    PermitTerm,
    PersonDocument,
    Upload,
)
from issuer.permits.remedy_models import Objection, PermitCorrection
from issuer.permits.social_card_models import SocialCard

from .models import PrivacyRequest
from .subject_rows import Holding, Subject

__all__ = ["APART", "HOLDINGS"]


def _accounts(model: Any) -> Callable[[Subject], ColumnElement[bool]]:
    return lambda subject: model.account_id.in_(subject.accounts)


def _cards(model: Any) -> Callable[[Subject], ColumnElement[bool]]:
    return lambda subject: model.card_id.in_(subject.cards)


def _permits(model: Any) -> Callable[[Subject], ColumnElement[bool]]:
    return lambda subject: model.permit_id.in_(subject.permits)


def _filings(model: Any) -> Callable[[Subject], ColumnElement[bool]]:
    return lambda subject: model.filing_id.in_(subject.applications)


def _messages(side: str) -> Callable[[Subject], ColumnElement[bool]]:
    return lambda subject: and_(FileMessage.filing_id.in_(subject.applications), FileMessage.side == side)


def _person(model: Any) -> Callable[[Subject], ColumnElement[bool]]:
    return lambda subject: model.person_id == subject.person_id


_JSON: Final[Mapping[str, Literal["json", "text"]]] = {"record": "json"}
_BODY: Final[Mapping[str, Literal["json", "text"]]] = {"body": "json"}

#: In the order in which an export shows them; a purge deletes in the opposite order, so that references hold.
HOLDINGS: Final[tuple[Holding, ...]] = (
    Holding(
        PersonDocument,
        ("permit", "insurance"),
        _person(PersonDocument),
        "documents",
        ("kind", "until", "created_at"),
        _JSON,
    ),
    Holding(
        Account,
        ("account",),
        lambda subject: Account.id.in_(subject.accounts),
        "accounts",
        ("role", "state", "created_at", "changed_at"),
        _JSON,
        "blank",
        ("login_key", "password", "totp_secret"),
    ),
    Holding(
        LoginSession,
        ("account",),
        _accounts(LoginSession),
        "sessions",
        ("created_at", "seen_at", "ends_at"),
        {"place": "json"},
    ),
    Holding(KnownPlace, ("account",), _accounts(KnownPlace), "known_places", ("kind", "seen_at")),
    Holding(
        ApiToken,
        ("account",),
        _accounts(ApiToken),
        "programs",
        ("scopes", "created_at", "expires_at", "revoked_at"),
        {"label": "text"},
    ),
    Holding(CalendarFeed, ("account",), _accounts(CalendarFeed)),
    Holding(RecoveryCode, ("account",), _accounts(RecoveryCode)),
    Holding(Invitation, ("account",), _accounts(Invitation)),
    Holding(NoticeMute, ("account",), _accounts(NoticeMute), "muted_notices", ("kind", "channel")),
    Holding(
        NoticeRow, ("notices",), _accounts(NoticeRow), "notices", ("kind", "created_at", "read_at"), {"facts": "json"}
    ),
    Holding(Webhook, ("notices",), _accounts(Webhook), "webhooks", ("state", "created_at"), {"url": "text"}),
    Holding(Outbox, ("notices",), _accounts(Outbox), "sent_notices", ("kind", "channel", "state", "created_at")),
    Holding(
        Consent,
        ("consents",),
        _person(Consent),
        "consents",
        ("purpose", "subject", "given_at", "ends_at", "withdrawn_at"),
        _JSON,
    ),
    Holding(
        PrivacyRequest,
        ("requests",),
        _person(PrivacyRequest),
        "requests",
        ("kind", "topic", "state", "due_on", "created_at", "decided_at"),
        _BODY,
    ),
    Holding(
        CardRow,
        ("card",),
        lambda subject: CardRow.id.in_(subject.cards),
        "cards",
        ("id", "standing", "permit", "insurance", "created_at", "changed_at"),
        _JSON,
        "blank",
        ("permit_key",),
    ),
    Holding(CardParty, ("card",), _cards(CardParty), "card_parties", ("card_id", "employer_id")),
    Holding(CardLookup, ("card",), _cards(CardLookup)),
    Holding(
        CodeRow,
        ("card",),
        _cards(CodeRow),
        "codes",
        ("card_id", "profile", "state", "issued_at", "expires_at"),
        purge="blank",
    ),
    Holding(
        Permit,
        ("permit",),
        lambda subject: Permit.id.in_(subject.permits),
        "permits",
        ("id", "state", "employer_id", "region", "until", "created_at"),
        _JSON,
    ),
    Holding(
        Filing,
        ("permit",),
        lambda subject: Filing.id.in_(subject.applications),
        "applications",
        ("id", "process", "state", "region", "employer_id", "submitted_on", "accepted_on", "decided_on"),
        _JSON,
    ),
    Holding(
        FilingEvent,
        ("permit",),
        _filings(FilingEvent),
        "application_steps",
        ("filing_id", "move", "target", "party", "at"),
        _JSON,
    ),
    Holding(Paper, ("permit",), _filings(Paper), "papers", ("filing_id", "code", "state", "created_at"), _JSON),
    Holding(
        PermitTerm,
        ("permit",),
        _permits(PermitTerm),
        "permit_terms",
        ("permit_id", "employer_id", "category", "first", "until", "region", "ground"),
        _JSON,
    ),
    Holding(Upload, ("permit",), _filings(Upload), "files", ("filing_id", "code", "media_type", "size", "created_at")),
    Holding(
        Entry,
        ("permit",),
        _permits(Entry),
        "entries",
        ("permit_id", "entered_on", "originals", "originals_due", "residence", "residence_due", "created_at"),
        _JSON,
    ),
    Holding(
        Booking,
        ("permit",),
        lambda subject: Booking.entry_id.in_(select(Entry.id).where(Entry.permit_id.in_(subject.permits))),
        "appointments",
        ("state", "created_at"),
    ),
    Holding(
        Hearing, ("permit",), _permits(Hearing), "hearings", ("permit_id", "end", "state", "until", "created_at"), _JSON
    ),
    Holding(LeavingReport, ("permit",), _permits(LeavingReport), "leaving_reports", ("permit_id", "day", "created_at")),
    Holding(
        PermitCorrection,
        ("permit",),
        _permits(PermitCorrection),
        "permit_corrections",
        ("permit_id", "field", "at"),
        _JSON,
    ),
    Holding(
        SocialCard,
        ("permit",),
        _permits(SocialCard),
        "social_cards",
        ("permit_id", "state", "ordered_on", "created_at"),
        _JSON,
    ),
    Holding(
        PersonMerger,
        ("permit",),
        lambda subject: or_(PersonMerger.kept_id == subject.person_id, PersonMerger.absorbed_id == subject.person_id),
        "mergers",
        ("state", "merged_at", "split_at"),
    ),
    Holding(FilingTaken, ("permit",), _filings(FilingTaken)),
    # What an employer and an office write to each other is no one's to read but theirs.
    Holding(FileMessage, ("permit",), _messages("applicant")),
    Holding(
        FileMessage,
        ("permit",),
        _messages("holder"),
        "messages",
        ("filing_id", "side", "kind", "at"),
        {"text": "text"},
    ),
    Holding(PermitEnd, ("permit",), _permits(PermitEnd), "permit_ends", ("permit_id", "kind", "day"), _JSON),
    Holding(Notification, ("permit",), _permits(Notification), "notifications", ("state", "until", "used_at")),
    Holding(
        Objection,
        ("permit",),
        lambda subject: or_(
            Objection.person_id == subject.person_id,
            Objection.permit_id.in_(subject.permits),
            Objection.filing_id.in_(subject.applications),
        ),
        "objections",
        ("id", "state", "region", "lodged_on", "admitted_on", "decided_due"),
        _JSON,
    ),
    Holding(
        InsuredPerson,
        ("insurance", "consents"),
        _person(InsuredPerson),
        "insurance",
        ("region", "state", "lapsed_since", "created_at"),
        _JSON,
    ),
    Holding(
        InsuranceFact,
        ("insurance",),
        _person(InsuranceFact),
        "insurance_record",
        ("kind", "employer_id", "recorded_on", "replaced_on"),
        _BODY,
    ),
    Holding(
        InsuranceEntry,
        ("insurance",),
        _person(InsuranceEntry),
        "contributions",
        ("kind", "employer_id", "month", "scheme", "employer_part", "employee_part", "day", "recorded_on"),
    ),
    Holding(
        FindingState,
        ("insurance",),
        _person(FindingState),
        "findings",
        ("employer_id", "month", "state", "changed_at"),
        {"body": "json"},
    ),
    Holding(
        ServiceGrant,
        ("consents",),
        _person(ServiceGrant),
        "services",
        ("service", "region", "granted_at", "withdrawn_at"),
    ),
    Holding(
        RefusalReport,
        ("insurance",),
        _person(RefusalReport),
        "refusals",
        ("service", "region", "day", "state", "created_at"),
        _JSON,
    ),
    Holding(
        BenefitClaim,
        ("insurance",),
        _person(BenefitClaim),
        "claims",
        ("id", "benefit", "state", "filed_on", "due_on", "monthly", "first_month", "last_month", "stopped_on"),
        _BODY,
    ),
    Holding(
        BenefitOrder,
        ("insurance",),
        lambda subject: BenefitOrder.claim_id.in_(
            select(BenefitClaim.id).where(BenefitClaim.person_id == subject.person_id)
        ),
        "pay_orders",
        ("claim_id", "month", "amount", "state", "paid_on"),
    ),
    Holding(
        HeirAccess,
        ("insurance",),
        lambda subject: or_(HeirAccess.person_id == subject.person_id, HeirAccess.heir_person_id == subject.person_id),
        "heirs",
        ("relation", "given_at", "ends_at"),
    ),
)

#: Tables with such columns that are not a person's own data, or are handled elsewhere; and why.
APART: Final[Mapping[str, str]] = {
    "persons": "name and keyed hash go with the last category that needs them",
    "audit_details": "evidence of acts; details go by age, and with a purge (issuer.audit.purge)",
    "batch_chunks": "rows of an upload about many people, sealed; deleted with their list",
    "batches": "how far an upload has come; deleted 30 days after its last change",
    "confirmations": "names nobody once decided, and is deleted after 90 days",
    "employers": "an organisation",
    "former_codes": "an organisation",
    "idempotency": "ids of requests, deleted after idempotency_days",
    "keys": "the service's own",
    "lists": "the service's own",
    "lookup_deferrals": "what an inquiry keeps back until its day; deleted with the look-ups",
    "mandate_handlers": "ids alone: who acts for an organisation",
    "mandates": "between organisations",
    "meta": "the service's own",
    "office_members": "officials",
    "online_lookups": "ids alone; shown by issuer.cards.lookups, deleted after lookup_days",
    "organisations": "an organisation",
    "reads": "pseudonyms alone",
}


def sections() -> Iterator[Holding]:
    """The holdings that an export shows."""
    return (holding for holding in HOLDINGS if holding.section is not None)
