"""All-in-one services of a person's card: granted, withdrawn, and reports of places that refused the card.

Promises:

1. A service is granted where the registry offers it in the person's region that day, for electronic cards, to somebody
   with a card that is not ended. Where its item says so the person has agreed first (:mod:`issuer.accounts.consents`).
2. What is granted is in the card: new codes say it, the earlier ones run to their own end. What is withdrawn does
   not: the earlier codes read replaced at once. A policy that requires the service reads the code.
3. The person withdraws a service themselves, or by withdrawing the consent that it rests on; an officer does so with a
   reason.
4. A place that must take the card there and refused it is reported by the person, and an officer answers.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal, cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card, Service
from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Conflict, Invalid, NotAllowed, NotFound
from issuer import cards
from issuer.accounts.consents import consent_for
from issuer.accounts.principals import Principal
from issuer.acts import Act
from issuer.cards import Decision, Reissue
from issuer.cards.models import CardParty, CardRow
from issuer.cards.records import read_record
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.rules.days import day_of
from issuer.rules.store import book_of
from issuer.vault.at_rest import Place

from .models import InsuredPerson, RefusalReport, ServiceGrant
from .parties import notify_insured, refuse_own, require_insured, seen_by
from .service_items import Item, require_item

__all__ = [
    "GrantView",
    "ReportView",
    "answer_report",
    "end_grants_within",
    "grant_service",
    "list_grants",
    "list_reports",
    "report_refusal",
    "show_grant",
    "show_report",
    "withdraw_service",
]

_LONGEST: Final = 1000
_ELECTRONIC: Final = "electronic"


@dataclass(frozen=True, slots=True)
class GrantView:
    """A service that was granted. Times are Unix times; ``withdrawn_at`` None: it is in the card's codes."""

    grant_id: str
    person_id: str
    service: str
    region: str
    granted_at: int
    withdrawn_at: int | None


@dataclass(frozen=True, slots=True)
class ReportView:
    """A place that refused the card. ``answer``: the officer's words."""

    report_id: str
    person_id: str
    service: str
    region: str
    day: str
    place: str
    words: str
    state: Literal["open", "upheld", "dismissed"]
    answer: str | None
    source: str


def grant_service(core: Core, who: Principal, person_id: str, service: str) -> GrantView:
    """Grant a service: the person's card gets new codes that say so.

    Raises:
        NotAllowed, NotFound, Conflict, Invalid: ``access.*``, ``account.self``, ``issue.*``, ``grant.*``.
        CardError: ``card.*``.
    """
    who.require("insurance.book")
    refuse_own(who, person_id)
    card_id, _ = core.database.read(lambda session: _card_of(core, session, who, person_id))
    grant_id = secrets.token_hex(16)

    def make(unit: UnitOfWork) -> Card:
        session = unit.session
        found, row = _card_of(core, session, who, person_id)
        if found != card_id:
            raise Conflict("issue.changed")
        item = _item(session, person_id, service, day_of(unit.now))
        consent = consent_for(session, person_id, "service", service, unit.now)
        if item.rule.value.get("consent") and consent is None:
            raise Conflict("grant.consent", path="service", expected="the person's consent to this service")
        held = read_record(core, row)
        if item.number in held.services:
            raise Conflict("grant.exists", path="service")
        session.add(
            ServiceGrant(
                id=grant_id,
                person_id=person_id,
                card_id=card_id,
                service=service,
                region=item.rule.region,
                consent_id=None if consent is None else consent.id,
                granted_by=who.account_id,
                granted_at=unit.now,
                withdrawn_at=None,
            )
        )
        services = tuple(Service(number) for number in sorted({*map(int, held.services), item.number}))
        return replace(held, services=services)

    def then(unit: UnitOfWork, _card_id: str) -> None:
        notify_insured(core, unit.session, unit.now, "service.granted", [person_id])
        unit.audit("service.grant", grant_id, {"service": service})

    cards.reissue_decided(core, card_id, Decision(make, then), who.by(), old_end=False)
    return core.database.read(lambda session: _grant_view(session.get_one(ServiceGrant, grant_id)))


def withdraw_service(core: Core, who: Principal, grant_id: str, reason: str | None = None) -> None:
    """Withdraw a service; repeating is no error.

    Args:
        reason: an officer's; the person needs none.

    Raises:
        NotAllowed, NotFound, Invalid: ``access.*``, ``grant.none``, ``grant.reason``, ``account.self``; signing errors.
    """
    who.require("insurance.book" if who.role.official else "privacy.own")
    if who.role.official and not (reason and len(reason) <= _LONGEST and is_plain(reason)):
        raise Invalid("grant.reason", path="reason", expected=f"1 to {_LONGEST} printable characters")

    def work(unit: UnitOfWork) -> str | None:
        row = unit.session.get(ServiceGrant, grant_id, with_for_update=True)
        if row is None or not (who.role.official or row.person_id == who.person_id):
            raise NotFound("grant.none")
        refuse_own(who, row.person_id)
        if row.withdrawn_at is not None:
            return None
        unit.audit_acts(_end(core, unit.session, unit.now, [row], who, {"reason": reason}))
        return row.card_id

    card_id = core.transact(who.by(), work)
    if card_id is not None:
        cards.finish_card(core, card_id)


def end_grants_within(
    core: Core, session: Session, now: int, who: Principal, consent_id: str
) -> tuple[list[str], list[Act]]:
    """Withdraw what rests on a consent, within the transaction that withdraws it.

    Returns:
        The cards whose new codes are to be signed afterwards, and the acts for the audit.
    """
    query = select(ServiceGrant).where(ServiceGrant.consent_id == consent_id, ServiceGrant.withdrawn_at.is_(None))
    rows = list(session.scalars(query.order_by(ServiceGrant.id).with_for_update()))
    acts = _end(core, session, now, rows, who, {"consent": consent_id}) if rows else []
    return sorted({row.card_id for row in rows}), acts


def list_grants(core: Core, who: Principal, person_id: str) -> list[GrantView]:
    """The services of a person, withdrawn ones too, newest first. They are no business of an employer.

    Raises:
        NotAllowed, NotFound: ``access.*``, ``insurance.none``.
    """

    _require_no_employer(who)

    def look(session: Session) -> list[GrantView]:
        require_insured(core, session, who, person_id)
        query = select(ServiceGrant).where(ServiceGrant.person_id == person_id)
        rows = session.scalars(query.order_by(ServiceGrant.granted_at.desc(), ServiceGrant.id))
        return [_grant_view(row) for row in rows]

    return core.database.read(look)


def show_grant(core: Core, who: Principal, grant_id: str) -> GrantView:
    """A service of oneself, or for officials of anybody.

    Raises:
        NotAllowed, NotFound: ``access.*``, ``grant.none``.
    """

    _require_no_employer(who)

    def look(session: Session) -> GrantView:
        row = session.get(ServiceGrant, grant_id)
        people = select(InsuredPerson.person_id).where(seen_by(core, session, who))
        if row is None or session.scalar(people.where(InsuredPerson.person_id == row.person_id)) is None:
            raise NotFound("grant.none")
        return _grant_view(row)

    return core.database.read(look)


def report_refusal(
    core: Core, who: Principal, service: str, day: date, place: str, words: str, request: Request | None = None
) -> str:
    """Report a place that must take the card and refused it; the report's id.

    Raises:
        NotAllowed, NotFound, Conflict, Invalid: ``access.*``, ``insurance.none``, ``insurance.service``, ``grant.*``.
    """
    who.require("benefit.own")
    for name, text in (("place", place), ("words", words)):
        if not 0 < len(text) <= _LONGEST or not is_plain(text):
            raise Invalid("grant.report", path=name, expected=f"1 to {_LONGEST} printable characters")

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        require_insured(core, session, who, who.person_id)
        if day > day_of(now):
            raise Invalid("grant.report", path="day", expected="a day that has come")
        item = _item(session, who.person_id, service, day)
        if not item.must_take:
            raise Conflict("grant.may_refuse", path="service")
        row = RefusalReport(
            id=secrets.token_hex(16),
            person_id=who.person_id,
            service=service,
            region=item.rule.region,
            day=day.isoformat(),
            state="open",
            decided_by=None,
            decided_at=None,
            created_at=now,
        )
        _seal(core, row, {"place": place, "words": words, "source": item.rule.source})
        session.add(row)
        session.flush()
        unit.audit("service.report", row.id, {"service": service})
        unit.made(row.id)
        return row.id

    return core.transact(who.by(), work, request=request)


def answer_report(
    core: Core, who: Principal, report_id: str, outcome: Literal["upheld", "dismissed"], answer: str
) -> None:
    """Answer a report: the place has to put it right, or it was no refusal.

    Raises:
        NotAllowed, NotFound, Conflict, Invalid: ``access.*``, ``account.self``, ``grant.*``.
    """
    who.require("insurance.book")

    def work(unit: UnitOfWork) -> None:
        session = unit.session
        row = session.get(RefusalReport, report_id, with_for_update=True)
        if row is None:
            raise NotFound("grant.no_report")
        if who.is_self(row.person_id):
            raise NotAllowed("account.self")
        if row.state != "open":
            raise Conflict("grant.answered", found=row.state)
        if not 0 < len(answer) <= _LONGEST or not is_plain(answer):
            raise Invalid("grant.report", path="answer", expected=f"1 to {_LONGEST} printable characters")
        row.state, row.decided_by, row.decided_at = outcome, who.account_id, unit.now
        _seal(core, row, {**_opened(core, row), "answer": answer})
        session.flush()
        notify_insured(core, session, unit.now, "service.answered", [row.person_id])
        unit.audit("service.answer", row.id, {"outcome": outcome, "answer": answer})

    core.transact(who.by(), work)


def list_reports(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[ReportView]:
    """A page of one's own reports, or of all for officials, in the order of their ids.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[ReportView]:
        query = page_of(select(RefusalReport).where(_seen(core, session, who)), RefusalReport.id, after, limit)
        return [_report_view(core, row) for row in session.scalars(query)]

    return core.database.read(look)


def show_report(core: Core, who: Principal, report_id: str) -> ReportView:
    """A report of a refusal: one's own, or for officials anybody's.

    Raises:
        NotAllowed, NotFound: ``access.*``, ``grant.no_report``.
    """

    def look(session: Session) -> ReportView:
        row = session.scalar(select(RefusalReport).where(RefusalReport.id == report_id, _seen(core, session, who)))
        if row is None:
            raise NotFound("grant.no_report")
        return _report_view(core, row)

    return core.database.read(look)


def _require_no_employer(who: Principal) -> None:
    if not who.role.official:
        who.require("benefit.own")


def _seen(core: Core, session: Session, who: Principal) -> ColumnElement[bool]:
    _require_no_employer(who)
    return RefusalReport.person_id.in_(select(InsuredPerson.person_id).where(seen_by(core, session, who)))


def _card_of(core: Core, session: Session, who: Principal, person_id: str) -> tuple[str, CardRow]:
    """The person's card that is not ended.

    Raises:
        NotFound, Conflict: ``insurance.none``, ``grant.no_card``.
    """
    require_insured(core, session, who, person_id)
    query = select(CardRow).join(CardParty).where(CardParty.holder_id == person_id, CardRow.status != "revoked")
    row = session.scalars(query.order_by(CardRow.created_at.desc(), CardRow.id)).first()
    if row is None:
        raise Conflict("grant.no_card", path="person_id")
    return row.id, row


def _item(session: Session, person_id: str, service: str, on: date) -> Item:
    region = session.get_one(InsuredPerson, person_id).region
    return require_item(book_of(session), service, region, on, _ELECTRONIC)


def _end(
    core: Core, session: Session, now: int, rows: list[ServiceGrant], who: Principal, details: dict[str, Any]
) -> list[Act]:
    """Take services out of cards; the acts for the audit."""
    acts = []
    for row in rows:
        row.withdrawn_at = now
        card = session.get_one(CardRow, row.card_id, with_for_update=True)
        acts.append(Act(who.actor, "service.withdraw", row.id, {"service": row.service, **details}))
        if card.status == "revoked":
            continue
        held = read_record(core, card)
        left = tuple(one for one in held.services if one != Service[row.service.upper()])
        if left != held.services:
            changed = replace(held, services=left)
            cards.replace_within(core, session, Reissue(card.id, changed, remove=frozenset({"services"})))
            acts.append(Act(who.actor, "card.replace", card.id, {"service": row.service}))
        notify_insured(core, session, now, "service.withdrawn", [row.person_id])
    session.flush()
    return acts


def _grant_view(row: ServiceGrant) -> GrantView:
    return GrantView(row.id, row.person_id, row.service, row.region, row.granted_at, row.withdrawn_at)


def _report_view(core: Core, row: RefusalReport) -> ReportView:
    content = _opened(core, row)
    return ReportView(
        row.id,
        row.person_id,
        row.service,
        row.region,
        row.day,
        content["place"],
        content["words"],
        cast("Any", row.state),
        content.get("answer"),
        content["source"],
    )


def _seal(core: Core, row: RefusalReport, content: dict[str, Any]) -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    row.record = core.at_rest.seal(Place("refusal_reports", "record", row.id), body)


def _opened(core: Core, row: RefusalReport) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("refusal_reports", "record", row.id), row.record))
    return content
