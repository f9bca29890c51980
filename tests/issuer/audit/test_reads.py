"""Who was shown personal data: rows that the chain vouches for, day by day. On both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select, update

from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts.attempts import Origin
from issuer.accounts.login import login
from issuer.audit.models import AuditRow, Read, Tally
from issuer.audit.reads import close_days, count, note_read, prune_reads
from issuer.audit.retention import prune
from issuer.audit.verify import open_details, pages, verify
from issuer.cards import NewCard
from issuer.cards.models import OnlineLookup
from issuer.db.idempotency import Idempotency
from issuer.service.app import make_service
from tests.kit.callers import by_session
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, make, new_service_under_test
from tests.kit.people import count as rows_of
from verifier.runtime import http

DAY = 86_400


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with signing keys."""
    made = new_service_under_test(tmp_path, database_url, keys=True)
    yield made
    made.core.close()


@pytest.fixture
def app(issuing_service: ServiceUnderTest) -> FastAPI:
    return make_service(issuing_service.core, http.Drain())


def write(issuing_service: ServiceUnderTest, statement: Any) -> None:
    issuing_service.core.database.transact(lambda session: session.execute(statement) and None)


def faults(issuing_service: ServiceUnderTest) -> list[str]:
    return [fault.code for fault in verify(issuing_service.core).faults]


def test_what_is_looked_at_leaves_a_row_first(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """Searches with what they found, accounts, the audit: each by who looked, without the name that was looked for."""
    holder = make(issuing_service, "holder", "zhang")
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id)], HOST)
    officer = by_session(app, make(issuing_service, "permit_officer", "officer").enter())
    admin = by_session(app, make(issuing_service, "administrator", "admin").enter())
    auditor = by_session(app, make(issuing_service, "auditor", "auditor").enter())
    officer("POST", "/v1/cards/search", {"kind": "permit", "value": person(1).permit.number})
    officer("POST", "/v1/cards/search", {"kind": "name", "value": "NOBODY"})
    admin("GET", "/v1/accounts")
    admin("POST", "/v1/accounts/search", {"login": "zhang"})
    admin("GET", f"/v1/accounts/{holder.account_id}")
    auditor("GET", "/v1/audit/entries")
    query = select(Read).order_by(Read.at, Read.way)
    ways = issuing_service.core.database.read(lambda session: sorted(row.way for row in session.scalars(query)))
    assert ways == ["account.list", "account.search", "account.show", "audit.entries", "card.search", "card.search"]
    seen = issuing_service.core.database.read(lambda session: session.scalars(select(OnlineLookup)).all())
    assert [(row.card_id, row.way) for row in seen] == [(issued.card_id, "search")]


def test_a_day_that_is_over_stands_in_the_chain(issuing_service: ServiceUnderTest) -> None:
    """What is changed or taken away afterwards is found; closing again adds nothing; failed log-ins are counted."""
    core = issuing_service.core
    note_read(core, "account:1", "administrator", "account.list")
    note_read(core, "account:1", "administrator", "account.show", "account:2")
    with pytest.raises(StateError):
        login(core, "nobody", "wrong password", Origin("203.0.113.1"))
    assert close_days(core) == []
    issuing_service.later(DAY)
    (day,) = close_days(core)
    assert close_days(core) == []
    assert faults(issuing_service) == []
    closed = [
        (row, detail)
        for row, detail in pages(core, verify(core).rows)
        if row.action == "reads.day" and detail is not None
    ]
    said = open_details(core, *closed[0]) if closed[0][1] else None
    assert said is not None
    assert (said["day"], said["rows"], said["counts"]) == (day, 2, {"login.refused": 1})
    rows = core.database.read(lambda session: session.scalars(select(Read)).all())
    one = Read.id == rows[0].id
    write(issuing_service, update(Read).where(one).values(actor="0" * 32))
    assert faults(issuing_service) == ["audit.reads_changed"]
    write(issuing_service, update(Read).where(one).values(actor=rows[0].actor))
    assert faults(issuing_service) == []
    write(issuing_service, delete(Read).where(one))
    assert faults(issuing_service) == ["audit.reads_changed"]


def test_what_is_old_goes_and_the_chain_says_so(issuing_service: ServiceUnderTest) -> None:
    """Reads, counts and requests after their days; what is younger stays, and the audit is whole."""
    core = issuing_service.core
    note_read(core, "account:1", "administrator", "account.list")
    count(core, "login.refused")
    row = Idempotency(
        account="a", route="r", key="0" * 64, body="0" * 64, made="x", created_at=int(issuing_service.clock.at)
    )
    core.database.transact(lambda session: session.add(row))
    issuing_service.later(20 * DAY)
    prune(core)
    assert [rows_of(core, table) for table in (Read, Tally, Idempotency)] == [1, 1, 1]
    for _ in range(2):
        issuing_service.later(20 * DAY)
        prune(core)
    assert [rows_of(core, table) for table in (Read, Tally, Idempotency)] == [1, 1, 0]
    assert prune_reads(core, 30) == 1
    assert [rows_of(core, table) for table in (Read, Tally)] == [0, 0]
    assert faults(issuing_service) == []
    actions = core.database.read(lambda session: set(session.scalars(select(AuditRow.action))))
    assert {"reads.day", "reads.prune"} <= actions
