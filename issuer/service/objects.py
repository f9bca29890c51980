"""Loaders of the objects in paths: each returns what the caller may see or act on, or refuses.

Promises:

1. The guard loads the object that a path names before the endpoint runs, of the API and of the portal: no endpoint can
   forget to ask whose it is. An endpoint whose path has an id and that declares no kind stops the start.
2. What is another's and what is not there are one answer, word for word.
3. Nobody in office changes the card of their own person, whichever way it is asked for.

What a caller sees of an object's fields is declared where its view is made: :mod:`issuer.cards.visibility` for cards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from icard_crypto.errors import NotAllowed
from issuer.accounts import consents, directory, mandates, organisations, sessions, tokens
from issuer.accounts.consents import ConsentView
from issuer.accounts.directory import AccountView
from issuer.accounts.mandates import MandateView
from issuer.accounts.organisations import OrganisationView
from issuer.accounts.principals import Principal
from issuer.accounts.sessions import SessionView
from issuer.accounts.tokens import TokenView
from issuer.approvals import engine
from issuer.approvals.engine import ConfirmationView
from issuer.batches import lists
from issuer.batches.lists import BatchView
from issuer.cards import deferrals, parties
from issuer.cards.parties import SeenCard
from issuer.core import Core
from issuer.delivery import outbox_admin, webhooks
from issuer.delivery.outbox_admin import OutboxView
from issuer.delivery.webhooks import WebhookView
from issuer.insurance import claim_records, service_grants
from issuer.insurance.claim_records import ClaimView
from issuer.insurance.parties import require_insured
from issuer.insurance.service_grants import GrantView, ReportView
from issuer.permits import feeds, hearings, offices, slots, uploads
from issuer.permits.entries import load_entry
from issuer.permits.models import Entry, Filing, Permit
from issuer.permits.objections import load_objection
from issuer.permits.offices import OfficeView
from issuer.permits.parties import load_filing, load_permit
from issuer.permits.remedy_models import Objection
from issuer.permits.slots import SlotView
from issuer.permits.social_card_models import SocialCard
from issuer.permits.social_cards import load_social_card
from issuer.permits.uploads import FileView
from issuer.privacy import requests
from issuer.privacy.requests import RequestView

__all__ = [
    "ACCOUNT",
    "API_TOKEN",
    "BATCH",
    "CARD",
    "CLAIM",
    "CONFIRMATION",
    "CONSENT",
    "DEFERRAL",
    "EMPLOYER",
    "ENTRY",
    "FEED",
    "FILE",
    "FILING",
    "GRANT",
    "HEARING",
    "INSURED",
    "KINDS",
    "LETTER",
    "MANDATE",
    "OBJECTION",
    "OFFICE",
    "ORGANISATION",
    "PERMIT",
    "PRIVACY_REQUEST",
    "REFUSAL",
    "SESSION",
    "SLOT",
    "SOCIAL_CARD",
    "WEBHOOK",
    "Kind",
    "Owned",
    "load",
]

T = TypeVar("T")

Owned = Literal[
    "card",
    "insured",
    "confirmation",
    "session",
    "api_token",
    "webhook",
    "letter",
    "mandate",
    "organisation",
    "account",
    "file",
    "filing",
    "permit",
    "office",
    "employer",
    "deferral",
    "hearing",
    "entry",
    "feed",
    "objection",
    "slot",
    "social_card",
    "claim",
    "consent",
    "grant",
    "privacy_request",
    "refusal",
    "batch",
]

_ID: Final = re.compile(r"[0-9a-f]{32}")


def _nothing_more(_who: Principal, _found: Any) -> None:
    """For kinds that whoever may load them may change."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of object.

    Args:
        parameter: its name in paths.
        load: the object with an id, as the caller may see it; raises where it is another's, or not there.
        change: raises where the caller may see it and not change it.
        version: the version of one as it was loaded; of kinds whose changes name none, None.
    """

    parameter: str
    load: Callable[[Core, Principal, str], T]
    change: Callable[[Principal, T], None] = _nothing_more
    version: Callable[[T], int] | None = None


def load(core: Core, who: Principal, owned: Owned, path: Mapping[str, Any], *, changes: bool) -> Any:
    """The object that a path names; None where its id has not the form of one, which the path's own check refuses.

    Args:
        changes: whether the request changes something.

    Raises:
        NotAllowed: ``access.*``; ``account.self``, and the kind's own ``*.none``.
    """
    kind = KINDS[owned]
    name = str(path[kind.parameter])
    if not _ID.fullmatch(name):
        return None
    found = kind.load(core, who, name)
    if changes:
        kind.change(who, found)
    return found


def _not_ones_own(who: Principal, card: SeenCard) -> None:
    if who.role.official and who.is_self(card.holder_id):
        raise NotAllowed("account.self")


def _filing(core: Core, who: Principal, name: str) -> Filing:
    return core.database.read(lambda session: load_filing(core, session, who, name))


def _permit(core: Core, who: Principal, name: str) -> Permit:
    return core.database.read(lambda session: load_permit(core, session, who, name))


def _entry(core: Core, who: Principal, name: str) -> Entry:
    return core.database.read(lambda session: load_entry(core, session, who, name))


def _objection(core: Core, who: Principal, name: str) -> Objection:
    return core.database.read(lambda session: load_objection(core, session, who, name))


def _social_card(core: Core, who: Principal, name: str) -> SocialCard:
    return core.database.read(lambda session: load_social_card(core, session, who, name))


def _insured(core: Core, who: Principal, name: str) -> str:
    core.database.read(lambda session: require_insured(core, session, who, name))
    return name


def _webhook(core: Core, who: Principal, name: str) -> WebhookView:
    return webhooks.show(core, who.account_id, name)


def _letter(core: Core, _who: Principal, name: str) -> OutboxView:
    return outbox_admin.show(core, name)


ACCOUNT: Final[Kind[AccountView]] = Kind("account_id", directory.show_account, version=lambda found: found.version)
API_TOKEN: Final[Kind[TokenView]] = Kind("token_id", tokens.show_token)
BATCH: Final[Kind[BatchView]] = Kind("batch_id", lists.show)
CLAIM: Final[Kind[ClaimView]] = Kind("claim_id", claim_records.show_claim)
CONSENT: Final[Kind[ConsentView]] = Kind("consent_id", consents.show_consent)
GRANT: Final[Kind[GrantView]] = Kind("grant_id", service_grants.show_grant)
PRIVACY_REQUEST: Final[Kind[RequestView]] = Kind("request_id", requests.show_request)
REFUSAL: Final[Kind[ReportView]] = Kind("report_id", service_grants.show_report)
CARD: Final[Kind[SeenCard]] = Kind("card_id", parties.seen_card, _not_ones_own, version=lambda found: found.revision)
CONFIRMATION: Final[Kind[ConfirmationView]] = Kind("confirmation_id", engine.show_confirmation)
DEFERRAL: Final[Kind[str]] = Kind("deferral_id", deferrals.seen_deferral)
EMPLOYER: Final[Kind[str]] = Kind("organisation_id", offices.known_employer)
ENTRY: Final[Kind[Entry]] = Kind("entry_id", _entry, version=lambda found: found.revision)
FEED: Final[Kind[str]] = Kind("feed_id", feeds.own_feed)
FILE: Final[Kind[FileView]] = Kind("file_id", uploads.show_file)
FILING: Final[Kind[Filing]] = Kind("filing_id", _filing, version=lambda found: found.revision)
HEARING: Final[Kind[str]] = Kind("hearing_id", hearings.seen_hearing)
INSURED: Final[Kind[str]] = Kind("person_id", _insured)
LETTER: Final[Kind[OutboxView]] = Kind("letter_id", _letter)
MANDATE: Final[Kind[MandateView]] = Kind("mandate_id", mandates.show_mandate)
OBJECTION: Final[Kind[Objection]] = Kind("objection_id", _objection, version=lambda found: found.revision)
OFFICE: Final[Kind[OfficeView]] = Kind("office_id", offices.show_office)
ORGANISATION: Final[Kind[OrganisationView]] = Kind(
    "organisation_id", organisations.show_organisation, version=lambda found: found.version
)
PERMIT: Final[Kind[Permit]] = Kind("permit_id", _permit, version=lambda found: found.revision)
SESSION: Final[Kind[SessionView]] = Kind("session_id", sessions.own_session)
SLOT: Final[Kind[SlotView]] = Kind("slot_id", slots.show_slot)
SOCIAL_CARD: Final[Kind[SocialCard]] = Kind("social_card_id", _social_card, version=lambda found: found.revision)
WEBHOOK: Final[Kind[WebhookView]] = Kind("webhook_id", _webhook, version=lambda found: found.version)

#: Every kind, by the name that an :class:`~issuer.service.access.Access` gives it.
KINDS: Final[Mapping[Owned, Kind[Any]]] = {
    "card": CARD,
    "insured": INSURED,
    "confirmation": CONFIRMATION,
    "session": SESSION,
    "api_token": API_TOKEN,
    "webhook": WEBHOOK,
    "letter": LETTER,
    "mandate": MANDATE,
    "organisation": ORGANISATION,
    "account": ACCOUNT,
    "file": FILE,
    "filing": FILING,
    "permit": PERMIT,
    "office": OFFICE,
    "employer": EMPLOYER,
    "deferral": DEFERRAL,
    "hearing": HEARING,
    "entry": ENTRY,
    "feed": FEED,
    "objection": OBJECTION,
    "slot": SLOT,
    "social_card": SOCIAL_CARD,
    "claim": CLAIM,
    "consent": CONSENT,
    "grant": GRANT,
    "privacy_request": PRIVACY_REQUEST,
    "refusal": REFUSAL,
    "batch": BATCH,
}
