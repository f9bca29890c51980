"""What a person asks about their own data: a correction, a deletion, an explanation (PIPL articles 46 to 48).

Promises:

1. A request has a state and a last day, which is a rule row; one that is late says so to both sides.
2. Who decides is whoever keeps the data: the permit officer for card and permit, the insurance officer for insurance,
   an administrator for the account. An official of an office decides on requests of people of its region, and of those
   whose region is not known. Nobody decides on their own request.
3. A refusal gives reasons and the ways of redress with their last days (article 50). Each step notifies the person and
   is in the audit.
4. A deletion that was granted is carried out by a purge (:mod:`issuer.privacy.purge`), which says what the law keeps.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, cast

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import Session

from icard_crypto.card.characters import is_plain
from icard_crypto.errors import Conflict, Invalid, NotAllowed, NotFound
from issuer.accounts.models import Account, Person
from issuer.accounts.people import read_name
from issuer.accounts.principals import Principal
from issuer.accounts.roles import ROLES
from issuer.cards.parties import notify_person
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.pages import page_of
from issuer.db.unit_of_work import UnitOfWork
from issuer.insurance.models import InsuredPerson
from issuer.notices.outbox import Notice, notify
from issuer.permits.models import Office, OfficeMember, Permit
from issuer.permits.parties import covered, office_region
from issuer.permits.remedies import redress
from issuer.rules.citations import cite
from issuer.rules.days import day_of, days_after
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule
from issuer.rules.store import book_of

from .disputes import Topic, place_of, require_fact
from .floods import refuse_flood
from .models import PrivacyRequest
from .subject_rows import Subject, subject_of

__all__ = [
    "DECIDES",
    "About",
    "Kind",
    "RequestView",
    "Topic",
    "ask",
    "decide",
    "list_requests",
    "request_subject",
    "show_request",
    "waiting_requests",
    "withdraw",
]

Kind = Literal["correction", "deletion", "explanation"]
#: The right by which somebody decides on requests about each topic.
DECIDES: Final[Mapping[Topic, str]] = {
    "account": "account.manage",
    "card": "card.issue",
    "permit": "filing.decide",
    "insurance": "insurance.book",
}
_DEADLINES: Final = "privacy_deadlines"
_LONGEST: Final = 2000
_NOTIFIED: Final = 200


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request. Times are Unix times.

    Args:
        number: by which people name it to each other.
        person_id: whose; for officials.
        fact: which fact of the record it is about (:mod:`issuer.privacy.disputes`); None: no single one.
        answer: the words of who decided; None: nobody has.
        redress: the ways against a refusal, with their last days.
        rule: what sets the last day, with its certainty, in English and Chinese.
    """

    request_id: str
    number: str
    person_id: str
    kind: Kind
    topic: Topic
    fact: str | None
    words: str
    state: Literal["received", "done", "refused", "withdrawn"]
    due_on: str
    overdue: bool
    rule: Mapping[str, str]
    created_at: int
    decided_at: int | None
    answer: str | None
    redress: list[dict[str, Any]]
    revision: int


@dataclass(frozen=True, slots=True)
class About:
    """Whom a request is about, for whoever decides on it: the person's name, and what is kept of them under the topic.

    Args:
        insured: whether the person is on record in social insurance.
    """

    name: str
    cards: tuple[str, ...]
    permits: tuple[str, ...]
    accounts: tuple[str, ...]
    insured: bool


def ask(
    core: Core,
    who: Principal,
    kind: Kind,
    topic: Topic,
    words: str,
    request: Request | None = None,
    *,
    fact: str | None = None,
) -> str:
    """Ask for something about one's own data; the request's id.

    Args:
        words: what is wrong and what would be right, or what is to go.
        fact: which fact of the record it is about; None: no single one.

    Raises:
        NotAllowed, Conflict, Invalid, Unavailable: ``access.*``, ``privacy.words``, ``privacy.fact``,
            ``privacy.too_many``, ``privacy.too_often``.
    """
    who.require("privacy.own")
    _check(words)
    require_fact(topic, fact)

    def work(unit: UnitOfWork) -> str:
        session, now = unit.session, unit.now
        today = day_of(now)
        refuse_flood(session, who.person_id, now)
        row = PrivacyRequest(
            id=secrets.token_hex(16),
            person_id=who.person_id,
            kind=kind,
            topic=topic,
            state="received",
            due_on=days_after(today, int(_rule(session, today).value["days"])).isoformat(),
            created_at=now,
            decided_by=None,
            decided_at=None,
            revision=1,
        )
        _write(core, row, {"words": words} if fact is None else {"words": words, "fact": fact})
        session.add(row)
        session.flush()
        notices = [Notice("privacy.wanted", name, {"request": row.id}) for name in _deciders(session, row)]
        notify(core, session, now, notices)
        unit.audit("privacy.ask", row.id, {"kind": kind, "topic": topic})
        unit.made(row.id)
        return row.id

    return core.transact(who.by(), work, request=request)


def withdraw(core: Core, who: Principal, request_id: str) -> None:
    """Withdraw one's own request; repeating is no error.

    Raises:
        NotAllowed, NotFound, Conflict: ``access.*``, ``privacy.none``, ``privacy.decided``.
    """
    who.require("privacy.own")

    def work(unit: UnitOfWork) -> bool:
        session, now = unit.session, unit.now
        row = session.get(PrivacyRequest, request_id, with_for_update=True)
        if row is None or row.person_id != who.person_id:
            raise NotFound("privacy.none")
        if row.state == "withdrawn":
            return True
        _step(row, now, "withdrawn", None)
        session.flush()
        unit.audit("privacy.withdraw", row.id)
        return True

    core.transact(who.by(), work, settled=lambda session: None)


def decide(core: Core, who: Principal, request_id: str, outcome: Literal["done", "refused"], words: str) -> None:
    """Say that a request was met, or refuse it with reasons.

    Args:
        words: what was done, or why not.

    Raises:
        NotAllowed, NotFound, Conflict, Invalid: ``access.*``, ``privacy.none``, ``privacy.decided``, ``privacy.words``,
            ``account.self``.
    """
    _check(words)

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        row = session.scalar(
            select(PrivacyRequest).where(PrivacyRequest.id == request_id, _seen(session, who)).with_for_update()
        )
        if row is None:
            raise NotFound("privacy.none")
        who.require(DECIDES[cast("Topic", row.topic)])
        if who.is_self(row.person_id):
            raise NotAllowed("account.self")
        _step(row, now, outcome, who.account_id)
        content = {**_read(core, row), "answer": words}
        if outcome == "refused":
            content["redress"] = redress(book_of(session), NATION, day_of(now))
        _write(core, row, content)
        session.flush()
        notify_person(core, session, now, f"privacy.{outcome}", row.person_id)
        details = {"outcome": outcome, "words": words}
        unit.audit("privacy.decide", row.id, details)

    core.transact(who.by(), work)


def list_requests(core: Core, who: Principal, *, after: str = "", limit: int = 50) -> list[RequestView]:
    """A page of one's own requests, or of those that an official may decide on, in the order of their ids.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[RequestView]:
        query = page_of(select(PrivacyRequest).where(_seen(session, who)), PrivacyRequest.id, after, limit)
        return [_view(core, session, row) for row in session.scalars(query)]

    return core.database.read(look)


def waiting_requests(core: Core, who: Principal, *, limit: int = 50) -> list[RequestView]:
    """Requests that somebody sees and nobody has decided, those with the nearest last day first.

    Raises:
        NotAllowed: ``access.*``.
    """

    def look(session: Session) -> list[RequestView]:
        query = select(PrivacyRequest).where(_seen(session, who), PrivacyRequest.state == "received")
        ordered = query.order_by(PrivacyRequest.due_on, PrivacyRequest.id).limit(limit)
        return [_view(core, session, row) for row in session.scalars(ordered)]

    return core.database.read(look)


def request_subject(core: Core, who: Principal, request_id: str) -> About:
    """Whom a request is about, for whoever may decide on it.

    Raises:
        NotAllowed, NotFound: ``access.*``, ``privacy.none``.
    """

    def look(session: Session) -> About:
        row = session.scalar(select(PrivacyRequest).where(PrivacyRequest.id == request_id, _seen(session, who)))
        if row is None:
            raise NotFound("privacy.none")
        who.require(DECIDES[cast("Topic", row.topic)])
        name = read_name(core, session.get_one(Person, row.person_id))
        found = subject_of(session, row.person_id)
        insured = row.topic == "insurance" and session.get(InsuredPerson, row.person_id) is not None
        return _about(row.topic, name, found, insured=insured)

    return core.database.read(look)


def _about(topic: str, name: str, found: Subject, *, insured: bool) -> About:
    cards, permits = (found.cards, found.permits) if topic in ("card", "permit") else ((), ())
    return About(name, cards, permits, found.accounts if topic == "account" else (), insured)


def show_request(core: Core, who: Principal, request_id: str) -> RequestView:
    """A request: one's own, or one that an official may decide on.

    Raises:
        NotAllowed, NotFound: ``access.*``, ``privacy.none``.
    """

    def look(session: Session) -> RequestView:
        row = session.scalar(select(PrivacyRequest).where(PrivacyRequest.id == request_id, _seen(session, who)))
        if row is None:
            raise NotFound("privacy.none")
        return _view(core, session, row)

    return core.database.read(look)


def _seen(session: Session, who: Principal) -> ColumnElement[bool]:
    """The requests that somebody sees (promise 2)."""
    topics = [topic for topic, right in DECIDES.items() if who.may(right)]
    if topics:
        region = office_region(session, who)
        seen = PrivacyRequest.topic.in_(topics)
        return seen if region is None else and_(seen, not_(_outside(region)))
    who.require("privacy.own")
    return PrivacyRequest.person_id == who.person_id


def _outside(region: str) -> ColumnElement[bool]:
    """The requests about what another region keeps."""
    insured = select(InsuredPerson.person_id).where(
        InsuredPerson.person_id == PrivacyRequest.person_id, not_(covered(InsuredPerson.region.expression, region))
    )
    permits = select(Permit.id).where(
        Permit.person_id == PrivacyRequest.person_id, not_(covered(Permit.region.expression, region))
    )
    return or_(
        and_(PrivacyRequest.topic == "insurance", insured.exists()),
        and_(PrivacyRequest.topic.in_(("card", "permit")), permits.exists()),
    )


def _step(row: PrivacyRequest, now: int, state: str, account_id: str | None) -> None:
    if row.state != "received":
        raise Conflict("privacy.decided", found=row.state)
    row.state, row.decided_at, row.decided_by = state, now, account_id
    row.revision += 1


def _deciders(session: Session, row: PrivacyRequest) -> list[str]:
    right = DECIDES[cast("Topic", row.topic)]
    roles = [role.name for role in ROLES.values() if right in role.rights]
    query = (
        select(Account.id, Office.region)
        .outerjoin(OfficeMember, OfficeMember.account_id == Account.id)
        .outerjoin(Office, Office.id == OfficeMember.office_id)
        .where(Account.role.in_(roles), Account.state == "active", Account.person_id != row.person_id)
    )
    found = session.execute(query.order_by(Account.id)).all()
    this = select(PrivacyRequest.id).where(PrivacyRequest.id == row.id)
    regions = {region for _, region in found if region is not None}
    elsewhere = {region for region in regions if session.scalar(this.where(_outside(region))) is not None}
    return [account for account, region in found if region not in elsewhere][:_NOTIFIED]


def _rule(session: Session, on: date) -> Rule:
    return book_of(session).require(_DEADLINES, "request", NATION, on)


def _view(core: Core, session: Session, row: PrivacyRequest) -> RequestView:
    content = _read(core, row)
    rule = _rule(session, day_of(row.created_at))
    late = row.state == "received" and day_of(core.clock.now(session)).isoformat() > row.due_on
    return RequestView(
        row.id,
        f"{row.id[:4]}-{row.id[4:8]}".upper(),
        row.person_id,
        cast("Kind", row.kind),
        cast("Topic", row.topic),
        content.get("fact"),
        content.get("words", ""),
        cast("Any", row.state),
        row.due_on,
        late,
        {"en": cite(rule, "en"), "zh": cite(rule, "zh")},
        row.created_at,
        row.decided_at,
        content.get("answer"),
        content.get("redress", []),
        row.revision,
    )


def _check(words: str) -> None:
    if not 0 < len(words) <= _LONGEST or not is_plain(words):
        raise Invalid("privacy.words", path="words", expected=f"1 to {_LONGEST} printable characters")


def _write(core: Core, row: PrivacyRequest, content: Mapping[str, Any]) -> None:
    row.body = core.at_rest.seal(place_of(row), json.dumps(content, ensure_ascii=False).encode())


def _read(core: Core, row: PrivacyRequest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(core.at_rest.open(place_of(row), row.body))
    return content
