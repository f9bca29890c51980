"""Whoever can write the database, and has neither master key nor passphrase: what they try fails, and is seen."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, and_, create_engine, delete, insert, select, text, update
from sqlalchemy.orm import Session

from icard_crypto.card.card import Profile
from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts import mandates, sessions, tokens
from issuer.accounts.models import Account, ApiToken, Consent, FormerCode, LoginSession, Mandate, MandateHandler
from issuer.approvals import engine
from issuer.approvals.models import Confirmation
from issuer.audit.models import AuditRow
from issuer.audit.verify import verify
from issuer.batches import lists
from issuer.batches.models import Batch, BatchChunk
from issuer.cards import NewCard, deferrals, parties, views
from issuer.cards.models import CardParty, CodeRow
from issuer.core import Core
from issuer.db import idempotency, schema
from issuer.db.base import SEALED, Base
from issuer.db.bound import AlteredRow, bound_tables, content_of, fits
from issuer.db.idempotency import Idempotency, Request
from issuer.db.meta import Meta
from issuer.delivery import webhooks
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
from issuer.permits import feeds, objection_views
from issuer.permits.merger_models import PersonMerger
from issuer.permits.models import (
    Employer,
    Entry,
    Filing,
    FilingEvent,
    Hearing,
    LeavingReport,
    Notification,
    Office,
    OfficeMember,
    Paper,
    Permit,
    PermitEnd,
    PermitTerm,
    PersonDocument,
    Upload,
)
from issuer.permits.remedy_models import Objection, PermitCorrection
from issuer.permits.social_card_models import SocialCard
from issuer.privacy.models import PrivacyRequest
from issuer.recovery.epoch import read_mark, write_mark
from issuer.rules.models import RuleChange
from issuer.service import readiness
from issuer.upgrade import bind, go_back
from tests.issuer.conftest import new_database_url
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, Somebody, make, new_service_under_test, organisation


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with signing keys."""
    made = new_service_under_test(tmp_path, database_url, keys=True)
    yield made
    made.core.close()


def raw(issuing_service: ServiceUnderTest, *statements: Any) -> None:
    """Statements of somebody who has the database and no key; constraints between tables do not stop them."""
    attacker = create_engine(issuing_service.core.database.engine.url)
    with attacker.begin() as connection:
        if not issuing_service.core.database.is_sqlite:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(statement)
    attacker.dispose()


def table_of(model: type[Base]) -> Table:
    """A model's table: statements on it load no objects."""
    return Base.metadata.tables[model.__tablename__]


def refused(act: Any) -> str:
    with pytest.raises(StateError) as caught:
        act()
    return caught.value.code


def lived_in(issuing_service: ServiceUnderTest) -> dict[str, Any]:
    """A service with a row in every bound table."""
    officer = make(issuing_service, "permit_officer", "officer")
    holder = make(issuing_service, "holder", "holder", email="holder@example.org")
    employer = organisation(issuing_service, "employer", 1)
    agency = organisation(issuing_service, "agency", 2)
    boss = make(issuing_service, "employer", "boss", organisation_id=employer)
    (card,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id, employer=employer)], HOST)
    session = officer.enter()
    tokens.make_token(issuing_service.core, session.who, "robot", ["card.issue"], 30)
    now = int(issuing_service.clock.at)
    mandates.give_mandate(issuing_service.core, boss.who(), agency, employer, now, now + 1000)
    handler = make(issuing_service, "agency", "handler", organisation_id=agency)
    issuing_service.core.database.transact(partial(named, now, handler.account_id))
    webhooks.add(issuing_service.core, boss.account_id, "https://hooks.example/x", "host:test")
    issuing_service.later(2)
    engine.ask(issuing_service.core, officer.who(), "card.revoke", {"card_id": card.card_id}, "lost")
    wanted = deferrals.Wanted(holder.person_id, officer.account_id, date(2999, 1, 1), "a law")
    issuing_service.core.database.transact(
        lambda session: deferrals.write_deferral(issuing_service.core, session, now, wanted)
    )
    feeds.make_feed(issuing_service.core, boss.who())
    on_file(issuing_service, officer, holder, employer)
    own_data(issuing_service, officer, holder, card.card_id)
    lists.begin(issuing_service.core, boss.who(), "extension", [{"name": "MUSTER"}])
    return {"officer": officer, "holder": holder, "card": card.card_id, "agency": agency, "employer": employer}


def named(now: int, account_id: str, session: Session) -> None:
    """Name a handler of the one mandate."""
    mandate = session.scalars(select(Mandate.id)).one()
    session.add(MandateHandler(id=secrets.token_hex(16), mandate_id=mandate, account_id=account_id, named_at=now))


def _about_permits(issuing_service: ServiceUnderTest, officer: Somebody, holder: Somebody) -> list[Base]:
    """An objection to the decision on the application, a correction of the permit, and a request that was taken."""
    now, day = int(issuing_service.clock.at), "2026-03-02"
    ids = issuing_service.core.database.read(
        lambda session: (session.scalar(select(Filing.id).limit(1)), session.scalar(select(Permit.id).limit(1)))
    )
    return [
        Objection(id=secrets.token_hex(16), number="1", state="LODGED", region="310115", filing_id=ids[0],
                  account_id=holder.account_id, person_id=holder.person_id, lodged_on=day, examined_due=day,
                  prolonged=0, simple=False, stayed=False, record=b"sealed", revision=1, created_at=now,
                  changed_at=now),
        PermitCorrection(id=secrets.token_hex(16), permit_id=ids[1], field="name", record=b"sealed",
                         account_id=officer.account_id, at=now),
        Idempotency(account=officer.account_id, route="a route", key=secrets.token_hex(32), body=secrets.token_hex(32),
                    made=secrets.token_hex(16), created_at=now),
    ]  # fmt: skip


def own_data(issuing_service: ServiceUnderTest, officer: Somebody, holder: Somebody, card_id: str) -> None:
    """A row in each table of consents, requests, heirs, benefits and services."""
    now = int(issuing_service.clock.at)
    day, person = "2026-03-02", {"person_id": holder.person_id}
    place = {**person, "service": "transit", "region": "110000"}
    claim_id = secrets.token_hex(16)

    def new() -> dict[str, Any]:
        return {"id": secrets.token_hex(16)}

    rows: list[Base] = [
        Batch(**new(), account_id=officer.account_id, kind="extension", state="done", total=1, position=0, ready=1,
              done=1, refused=0, created_at=now, changed_at=now),
        Consent(**new(), **person, purpose="statistics", subject="", record=b"sealed", given_at=now, ends_at=now + 1),
        PrivacyRequest(**new(), **person, kind="correction", topic="card", body=b"sealed", state="received",
                       due_on=day, created_at=now, revision=1),
        HeirAccess(**new(), **person, heir_person_id=officer.person_id, relation="child", given_at=now, ends_at=now),
        BenefitClaim(id=claim_id, **person, benefit="pension", state="granted", body=b"sealed", filed_on=day,
                     monthly=1, first_month=1, last_month=2, revision=1, created_at=now),
        BenefitOrder(**new(), claim_id=claim_id, month=1, amount=1, state="ordered", created_at=now),
        ServiceGrant(**new(), **place, card_id=card_id, granted_by=officer.account_id, granted_at=now),
        RefusalReport(**new(), **place, day=day, state="open", record=b"sealed", created_at=now),
        *_about_permits(issuing_service, officer, holder),
    ]  # fmt: skip
    issuing_service.core.database.transact(lambda session: session.add_all(rows))


def on_file(issuing_service: ServiceUnderTest, officer: Somebody, holder: Somebody, employer: str) -> None:
    """A row in each table of permits, rules and insurance."""
    now = int(issuing_service.clock.at)
    day, times = "2026-03-02", {"created_at": now}
    change = {**times, "changed_at": now, "revision": 1}
    ids = {name: secrets.token_hex(16) for name in ("office", "filing", "permit", "entry")}
    filed = {"filing_id": ids["filing"], "record": b"sealed"}
    person, firm = {"person_id": holder.person_id}, {"employer_id": employer}

    def new() -> dict[str, Any]:
        return {"id": secrets.token_hex(16), **times}

    def digest() -> str:
        return secrets.token_hex(32)

    rows: list[Base] = [
        Employer(organisation_id=employer, state="verified", region="310115", revision=1, changed_at=now),
        FormerCode(code_key=digest(), organisation_id=employer, replaced_at=now),
        Office(id=ids["office"], region="310000", name_en="S", name_zh="S", **times),
        OfficeMember(account_id=officer.account_id, office_id=ids["office"]),
        PersonDocument(**new(), **person, kind="passport", digest=digest(), record=b"sealed"),
        Filing(id=ids["filing"], process="overseas", state="DRAFT", region="310115", **firm, **change, prolonged=0,
               returns=0, filer="employer", record=b"sealed"),
        FilingEvent(id=digest()[:32], **filed, number=1, move="submit", source="DRAFT", target="SUBMITTED",
                    party="applicant", at=now),
        Paper(**new(), **filed, code="M01", state="UNCHECKED"),
        FileMessage(id=digest()[:32], filing_id=ids["filing"], side="holder", number=1, kind="asked",
                    account_id=holder.account_id, text=b"sealed", at=now),
        Upload(**new(), filing_id=ids["filing"], code="M01", digest=digest(), media_type="pdf", size=1, pages=1,
               key=b"sealed", account_id=officer.account_id),
        Permit(id=ids["permit"], **person, **firm, **change, number_key=digest(), record=b"sealed", state="GRANTED",
               region="310115", until=day),
        PermitTerm(**new(), permit_id=ids["permit"], **firm, number=1, category="B", first=day, until=day,
                   region="310115", ground="overseas", record=b"sealed"),
        Hearing(**new(), permit_id=ids["permit"], end="revoked", state="OPEN", until=day, record=b"sealed"),
        LeavingReport(**new(), permit_id=ids["permit"], day=day, account_id=holder.account_id),
        SocialCard(**new(), permit_id=ids["permit"], state="ORDERED", ordered_on=day, record=b"sealed", revision=1,
                   changed_at=now),
        PersonMerger(id=digest()[:32], kept_id=holder.person_id, absorbed_id=officer.person_id, state="merged",
                     record=b"sealed", merged_at=now),
        PermitEnd(id=digest()[:32], permit_id=ids["permit"], number=1, kind="expired", day=day, record=b"sealed",
                  at=now),
        Notification(**new(), permit_id=ids["permit"], filing_id=ids["filing"], token_hash=digest(), token=b"sealed",
                     state="ISSUED", until=day),
        Entry(**new(), changed_at=now, revision=1, permit_id=ids["permit"], filing_id=ids["filing"], entered_on=day,
              originals="DUE", originals_due=day, residence="not_applied", residence_due=day, record=b"sealed"),
        RuleChange(act="add", name_key=digest(), body="{}", **new()),
        InsuredPerson(**person, **change, number_key=digest(), record=b"sealed", region="310115", state="good"),
        InsuranceFact(**new(), **person, **firm, kind="employment", body=b"sealed", recorded_on=day),
        InsuranceEntry(id=ids["entry"], **times, **person, **firm, kind="paid", month=674, scheme=1, employer_part=1,
                       employee_part=1, day=day, recorded_on=day),
        FindingState(id=digest()[:32], **person, **firm, finding_key=digest(), month=674, state="open", body=b"sealed",
                     revision=1, changed_at=now),
    ]  # fmt: skip

    def work(session: Session) -> None:
        for row in rows:
            session.add(row)
            session.flush()

    issuing_service.core.database.transact(work)


def test_each_column_that_grants_something_is_bound(issuing_service: ServiceUnderTest) -> None:
    """Whatever is written into one of them: the row is refused until it stands as before."""
    lived_in(issuing_service)
    # Checks of the table of objections stop a change of one column alone.
    untried = {table.name for table, _ in bound_tables()} - {"invitations", "objections", "outbox"}
    for mapper in Base.registry.mappers:
        table, model = mapper.local_table, mapper.class_
        if not isinstance(table, Table) or table.name not in untried:
            continue
        keys = list(table.primary_key.columns)
        row = issuing_service.core.database.read(partial(first, table))
        for name in (*model.bound, "mac"):
            if table.c[name].info.get(SEALED) and not table.c[name].nullable:
                # Always there, and its content is bound to its place by the seal.
                continue
            own = and_(*(key == row[key.name] for key in keys))
            raw(issuing_service, update(table).where(own).values({name: another(table, name, row[name])}))
            with pytest.raises(AlteredRow) as caught:
                issuing_service.core.database.read(partial(loaded, model, own))
            assert (caught.value.table, caught.value.row) == (
                table.name,
                ":".join(str(row[key.name]) for key in keys),
            ), name
            raw(issuing_service, update(table).where(own).values({name: row[name]}))
            assert issuing_service.core.database.read(partial(loaded, model, own))
        untried.discard(table.name)
    assert untried == set()


def first(table: Table, session: Session) -> Any:
    return session.execute(select(table).limit(1)).mappings().one()


def loaded(model: Any, own: Any, session: Session) -> Any:
    return session.scalars(select(model).where(own)).one()


#: What checks of the tables allow in some columns.
WORDS = {
    ("accounts", "state"): ("active", "locked"),
    ("organisations", "state"): ("active", "closed"),
    ("organisations", "kind"): ("employer", "agency"),
    ("confirmations", "state"): ("refused", "done"),
    ("entries", "originals"): ("OVERDUE", "SHOWN"),
    ("keys", "state"): ("retired", "revoked"),
    ("keys", "usage"): ("timestamp",),
    ("login_sessions", "step"): ("full", "password"),
    ("employers", "state"): ("suspended",),
    ("filings", "state"): ("APPROVED",),
    ("papers", "state"): ("VERIFIED",),
    ("permits", "state"): ("ACTIVE",),
    ("permit_ends", "kind"): ("cancelled",),
    ("notifications", "state"): ("USED",),
    ("insured_persons", "state"): ("lapsed",),
    ("hearings", "state"): ("OVER",),
    ("insurance_facts", "kind"): ("payout",),
    ("insurance_entries", "kind"): ("refunded",),
    ("insurance_findings", "state"): ("settled",),
    ("objections", "state"): ("ADMITTED",),
    ("benefit_claims", "state"): ("stopped",),
    ("benefit_orders", "state"): ("paid",),
    ("privacy_requests", "kind"): ("deletion",),
    ("privacy_requests", "topic"): ("permit",),
    ("privacy_requests", "state"): ("done",),
    ("refusal_reports", "state"): ("upheld",),
    ("person_mergers", "state"): ("split",),
    ("social_cards", "state"): ("NORMAL",),
    ("file_messages", "side"): ("applicant",),
    ("file_messages", "kind"): ("answered",),
}


def another(table: Table, name: str, before: Any) -> Any:
    """Some other value that the column takes."""
    column = table.c[name]
    if (table.name, name) in WORDS:
        return next(word for word in WORDS[table.name, name] if word != before)
    kind = column.type.python_type
    if kind is bytes:
        return (None if before is not None else b"x") if column.info else b"\0" * 32
    if kind is bool:
        return not before
    return (before or 0) + 1 if kind is int else f"{before or ''}"[::-1][1:31] + "0"


def test_a_token_that_was_inserted_signs_nothing(issuing_service: ServiceUnderTest) -> None:
    """The hash of one's own secret, under an officer's account: refused, audited once, and a part that is not ready."""
    there = lived_in(issuing_service)
    own = secrets.token_urlsafe(32)
    row = issuing_service.core.database.read(
        lambda session: session.execute(select(table_of(ApiToken))).mappings().one()
    )
    for digest in (hashlib.sha256(own.encode()).hexdigest(), row["secret_hash"]):
        values = {**row, "id": secrets.token_hex(16), "prefix": secrets.token_hex(6), "secret_hash": digest}
        raw(issuing_service, insert(table_of(ApiToken)).values(values))
        assert (
            refused(lambda p=values["prefix"]: tokens.authenticate_token(issuing_service.core, f"icard_{p}_{own}"))
            == "at_rest.altered"
        )
    raw(
        issuing_service,
        update(table_of(ApiToken)).where(ApiToken.id == row["id"]).values(scopes="card.issue card.read"),
    )
    assert readiness.parts(issuing_service.core)["records"] == "at_rest.altered"
    report = verify(issuing_service.core)
    assert sorted(fault.path or "" for fault in report.altered)[0].startswith("api_tokens")
    assert len(report.altered) == 3
    altered = select(AuditRow).where(AuditRow.action == "record.altered")
    assert len(issuing_service.core.database.read(lambda session: session.scalars(altered).all())) == 2
    raw(issuing_service, delete(table_of(ApiToken)).where(ApiToken.account_id == there["officer"].account_id))
    assert readiness.parts(issuing_service.core)["records"] == "ok"


def test_two_sessions_that_were_inserted_confirm_nothing(issuing_service: ServiceUnderTest) -> None:
    """Sessions of two officers, full and with a fresh code, made in the database: neither is one."""
    lived_in(issuing_service)
    row = issuing_service.core.database.read(
        lambda session: session.execute(select(table_of(LoginSession))).mappings().all()
    )[0]
    own = secrets.token_urlsafe(32)
    values = {
        **row,
        "id": secrets.token_hex(16),
        "token_hash": hashlib.sha256(own.encode()).hexdigest(),
        "step": "full",
    }
    raw(issuing_service, insert(table_of(LoginSession)).values(values))
    assert refused(lambda: sessions.authenticate(issuing_service.core, own)) == "session.unknown"
    raw(
        issuing_service,
        update(table_of(LoginSession)).where(LoginSession.id == row["id"]).values(totp_at=row["created_at"] + 9),
    )
    with pytest.raises(AlteredRow):
        issuing_service.core.database.read(lambda session: session.get(LoginSession, row["id"]))


def test_nobody_makes_himself_an_officer(issuing_service: ServiceUnderTest) -> None:
    """A holder's account with an official role in its row: its session is refused from then on."""
    there = lived_in(issuing_service)
    entered = there["holder"].enter()
    raw(
        issuing_service,
        update(table_of(Account)).where(Account.id == there["holder"].account_id).values(role="permit_officer"),
    )
    assert refused(lambda: sessions.authenticate(issuing_service.core, entered.token)) == "at_rest.altered"


def test_requester_parties_and_mandates_cannot_be_changed(issuing_service: ServiceUnderTest) -> None:
    """A request under another name, a card under another holder, an agency for another employer."""
    there = lived_in(issuing_service)
    officer, holder = there["officer"], there["holder"]
    other = make(issuing_service, "permit_officer", "other")
    issuing_service.later(60)
    asked = issuing_service.core.database.read(lambda session: session.scalars(select(Confirmation)).one())
    raw(issuing_service, update(table_of(Confirmation)).values(asked_by=other.account_id))
    assert refused(lambda: engine.confirm(issuing_service.core, officer.who(), asked.id)) == "at_rest.altered"
    raw(issuing_service, update(table_of(CardParty)).values(holder_id=officer.person_id))
    assert refused(lambda: parties.require_card(issuing_service.core, holder.who(), there["card"])) == "issue.no_card"
    raw(issuing_service, update(table_of(CardParty)).values(holder_id=holder.person_id, employer_id=None))
    assert refused(lambda: parties.require_card(issuing_service.core, holder.who(), there["card"])) == "at_rest.altered"
    agent = make(issuing_service, "agency", "agent", organisation_id=there["agency"])
    raw(issuing_service, update(table_of(Mandate)).values(ends_at=int(issuing_service.clock.at) + 10**8))
    assert refused(lambda: parties.own_cards(issuing_service.core, agent.who())) == "at_rest.altered"


def test_nobody_is_handed_anothers_code(issuing_service: ServiceUnderTest) -> None:
    """A code that was put under the card of somebody else, or under another profile, is not handed out."""
    there = lived_in(issuing_service)
    core, codes = issuing_service.core, table_of(CodeRow)
    (other,) = cards.issue(core, [NewCard(person(2))], HOST)
    raw(issuing_service, delete(codes).where(codes.c.card_id == there["card"], codes.c.profile == 1))
    mine = {"card_id": there["card"], "generation": 1}
    raw(issuing_service, update(codes).where(codes.c.card_id == other.card_id, codes.c.profile == 1).values(mine))
    assert refused(lambda: views.newest_code(core, there["card"], Profile.PUBLIC)) == "at_rest.altered"
    more = {"profile": 2}
    raw(issuing_service, update(codes).where(codes.c.card_id == other.card_id, codes.c.profile == 3).values(more))
    assert refused(lambda: views.newest_code(core, other.card_id, Profile.WORK)) == "at_rest.altered"


def test_nobody_reads_or_begins_anothers_list(issuing_service: ServiceUnderTest) -> None:
    """Rows that were put into another account's list are neither shown nor done; a list that its account has not begun
    is not done because the database says so."""
    core = issuing_service.core
    one, two = (make(issuing_service, "employer", name, organisation_id=organisation(issuing_service, "employer", n))
                for n, name in enumerate(("one", "two"), 1))  # fmt: skip
    mine, theirs = (lists.begin(core, who.who(), "extension", [{"name": who.login}]) for who in (one, two))
    chunks, batches = table_of(BatchChunk), table_of(Batch)
    raw(issuing_service, update(chunks).where(chunks.c.batch_id == theirs).values(batch_id=mine, number=1))
    assert refused(lambda: lists.rows_of(core, one.who(), mine)) == "at_rest.altered"
    raw(issuing_service, update(chunks).where(chunks.c.number == 1).values(batch_id=theirs, number=0))
    done: list[str] = []

    def go_on() -> lists.BatchView:
        def do(key: str, _row: object) -> lists.Outcome:
            done.append(key)
            return lists.Outcome(made="0" * 32)

        return lists.advance(core, two.who(), theirs, lambda _row: lists.Outcome(), do, 0)

    assert go_on().state == "ready"
    raw(issuing_service, update(batches).where(batches.c.id == theirs).values(state="running"))
    assert refused(go_on) == "at_rest.damaged"
    raw(issuing_service, update(batches).where(batches.c.id == theirs).values(started=b"1" * 200))
    assert refused(go_on) == "at_rest.damaged"
    assert done == []
    raw(issuing_service, update(batches).where(batches.c.id == theirs).values(state="ready", started=None))
    lists.start(core, two.who(), theirs)
    assert go_on().state == "done"
    assert len(done) == 1


def test_nobody_puts_anothers_objection_before_their_own_eyes(issuing_service: ServiceUnderTest) -> None:
    """Under one's own person or organisation it is refused: who lodged it is part of what is bound."""
    core, table = issuing_service.core, table_of(Objection)
    stranger = make(issuing_service, "holder", "stranger")
    other = organisation(issuing_service, "employer", 7)
    handler = make(issuing_service, "employer", "another", organisation_id=other)
    there = lived_in(issuing_service)
    for who, mine in ((stranger, {"person_id": stranger.person_id}), (handler, {"organisation_id": other})):
        assert objection_views.list_objections(core, who.who()) == []
        raw(issuing_service, update(table).values(mine))
        assert refused(lambda who=who: objection_views.list_objections(core, who.who())) == "at_rest.altered"
        raw(issuing_service, update(table).values(person_id=there["holder"].person_id, organisation_id=None))


def test_nobody_is_answered_with_what_anothers_request_made(issuing_service: ServiceUnderTest) -> None:
    """A repetition of one's own request, whose note was pointed at another's object: refused, read or written."""
    core = issuing_service.core
    one, two = (make(issuing_service, "employer", name, organisation_id=organisation(issuing_service, "employer", n))
                for n, name in enumerate(("one", "two"), 1))  # fmt: skip
    requests = [Request(who.account_id, "POST /v1/lists", f"key of {who.login}", b"{}") for who in (one, two)]
    for who, request in zip((one, two), requests, strict=True):
        lists.begin(core, who.who(), "extension", [{"name": who.login}], request)
    table = table_of(Idempotency)
    theirs = core.database.read(lambda session: idempotency.made_by(session, requests[1]))
    raw(issuing_service, update(table).where(table.c.account == one.account_id).values(made=theirs))
    assert refused(lambda: core.database.read(lambda session: idempotency.made_by(session, requests[0]))) == (
        "at_rest.altered"
    )
    again = lambda: lists.begin(core, one.who(), "extension", [{"name": "one"}], requests[0])  # noqa: E731
    assert refused(again) == "at_rest.altered"


def test_more_columns_of_a_row_are_bound_only_where_it_fits(tmp_path: Path) -> None:
    """Back to the version before, which can read its objections; and up again, where one was altered meanwhile."""
    issuing_service = new_service_under_test(tmp_path, new_database_url("sqlite", tmp_path), keys=True)
    lived_in(issuing_service)
    core, table = issuing_service.core, table_of(Objection)
    row = core.database.read(partial(first, table))
    values = {name: row[name] for name in table.c.keys() if name != "mac"}  # noqa: SIM118
    core.database.transact(
        lambda session: session.add(Objection(**{**values, "id": secrets.token_hex(16), "number": "2"}))
    )
    go_back(core, HOST, "0035", schema.losses(core.database, "0035"))
    earlier = Objection.bound_earlier["0011"]
    rows = core.database.read(lambda session: session.execute(select(table)).mappings().all())
    assert [fits(core.at_rest.mac, table, earlier, dict(each)) for each in rows] == [True, True]
    raw(issuing_service, update(table).where(table.c.number == "2").values(number="3"))
    schema.migrate(core.database)
    assert bind(core, HOST) > 0
    good = core.database.read(lambda session: session.scalars(select(Objection).where(table.c.number == "1")).one())
    assert good.mac == core.at_rest.mac(content_of(table, Objection.bound, {**row, "mac": ""}))
    with pytest.raises(AlteredRow):
        core.database.read(lambda session: session.scalars(select(Objection).where(table.c.number == "3")).all())
    core.close()


def test_an_older_database_is_bound_once(issuing_service: ServiceUnderTest) -> None:
    """Its tokens go on; a database that was bound and says that it was not is bound again only with a reason."""
    officer = make(issuing_service, "permit_officer", "officer")
    made = tokens.make_token(issuing_service.core, officer.who(), "robot", ["card.issue"], 30)
    secret = made.text.split("_", 2)[2]
    raw(
        issuing_service,
        update(table_of(ApiToken)).values(secret_hash=hashlib.sha256(secret.encode()).hexdigest(), mac=""),
    )
    raw(issuing_service, update(table_of(Account)).values(mac=""))
    raw(issuing_service, update(table_of(Meta)).values(bound_at=None))
    assert refused(lambda: type(issuing_service.core).open(issuing_service.core.settings)) == "database.not_bound"
    assert refused(lambda: bind(issuing_service.core, type(HOST)("host:x"))) == "database.bound_before"
    assert bind(issuing_service.core, HOST) > 5
    assert bind(issuing_service.core, HOST) == 0
    assert tokens.authenticate_token(issuing_service.core, made.text).account_id == officer.account_id
    mark = read_mark(issuing_service.core.settings.epoch_path)
    assert mark is not None
    assert mark.bound
    report = verify(issuing_service.core)
    assert (report.faults, report.altered) == ([], [])


def test_an_update_binds_the_rows_of_more_tables_and_no_others(tmp_path: Path) -> None:
    """From the tables before: rows of permits and insurance are bound once, also where the update was cut off between;
    a record that was altered before stays refused."""
    issuing_service = new_service_under_test(tmp_path, new_database_url("sqlite", tmp_path), keys=True)
    there, core = lived_in(issuing_service), issuing_service.core
    schema.migrate(core.database, "0011")
    raw(
        issuing_service,
        update(table_of(Account)).where(Account.id == there["holder"].account_id).values(role="permit_officer"),
    )
    mark = read_mark(core.settings.epoch_path)
    assert mark is not None
    core.settings.epoch_path.unlink()
    write_mark(core.settings.epoch_path, replace(mark, bound=True))
    schema.migrate(core.database)
    # Cut off here: nothing is opened, and the next run finishes.
    assert refused(lambda: Core.open(core.settings)) == "database.not_bound"
    assert bind(core, replace(HOST, reason=None)) == 20
    assert core.database.read(lambda session: session.scalars(select(Filing)).one()).state == "DRAFT"
    assert bind(core, HOST) == 0
    raw(issuing_service, update(table_of(Meta)).values(bound_to="0011"))
    assert refused(lambda: bind(core, replace(HOST, reason=None))) == "database.bound_before"
    raw(issuing_service, update(table_of(Meta)).values(bound_to="0017"))
    with pytest.raises(AlteredRow):
        core.database.read(lambda session: session.get(Account, there["holder"].account_id))
    core.close()
