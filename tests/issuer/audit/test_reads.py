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
from tests.kit.people import HOST, House, make, new_house
from tests.kit.people import count as rows_of
from verifier.runtime import http

DAY = 86_400


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    """A service with signing keys."""
    made = new_house(tmp_path, database_url, keys=True)
    yield made
    made.core.close()


@pytest.fixture
def app(house: House) -> FastAPI:
    return make_service(house.core, http.Drain())


def write(house: House, statement: Any) -> None:
    house.core.database.transact(lambda session: session.execute(statement) and None)


def faults(house: House) -> list[str]:
    return [fault.code for fault in verify(house.core).faults]


def test_what_is_looked_at_leaves_a_row_first(house: House, app: FastAPI) -> None:
    """Searches with what they found, accounts, the audit: each by who looked, without the name that was looked for."""
    holder = make(house, "holder", "zhang")
    (issued,) = cards.issue(house.core, [NewCard(person(1), holder=holder.person_id)], HOST)
    officer = by_session(app, make(house, "permit_officer", "officer").enter())
    admin = by_session(app, make(house, "administrator", "admin").enter())
    auditor = by_session(app, make(house, "auditor", "auditor").enter())
    officer("POST", "/v1/cards/search", {"kind": "permit", "value": person(1).permit.number})
    officer("POST", "/v1/cards/search", {"kind": "name", "value": "NOBODY"})
    admin("GET", "/v1/accounts")
    admin("POST", "/v1/accounts/search", {"login": "zhang"})
    admin("GET", f"/v1/accounts/{holder.account_id}")
    auditor("GET", "/v1/audit/entries")
    query = select(Read).order_by(Read.at, Read.way)
    ways = house.core.database.read(lambda session: sorted(row.way for row in session.scalars(query)))
    assert ways == ["account.list", "account.search", "account.show", "audit.entries", "card.search", "card.search"]
    seen = house.core.database.read(lambda session: session.scalars(select(OnlineLookup)).all())
    assert [(row.card_id, row.way) for row in seen] == [(issued.card_id, "search")]


def test_a_day_that_is_over_stands_in_the_chain(house: House) -> None:
    """What is changed or taken away afterwards is found; closing again adds nothing; failed log-ins are counted."""
    core = house.core
    note_read(core, "account:1", "administrator", "account.list")
    note_read(core, "account:1", "administrator", "account.show", "account:2")
    with pytest.raises(StateError):
        login(core, "nobody", "wrong password", Origin("203.0.113.1"))
    assert close_days(core) == []
    house.later(DAY)
    (day,) = close_days(core)
    assert close_days(core) == []
    assert faults(house) == []
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
    write(house, update(Read).where(one).values(actor="0" * 32))
    assert faults(house) == ["audit.reads_changed"]
    write(house, update(Read).where(one).values(actor=rows[0].actor))
    assert faults(house) == []
    write(house, delete(Read).where(one))
    assert faults(house) == ["audit.reads_changed"]


def test_what_is_old_goes_and_the_chain_says_so(house: House) -> None:
    """Reads, counts and requests after their days; what is younger stays, and the audit is whole."""
    core = house.core
    note_read(core, "account:1", "administrator", "account.list")
    count(core, "login.refused")
    row = Idempotency(account="a", route="r", key="0" * 64, body="0" * 64, made="x", created_at=int(house.clock.at))
    core.database.transact(lambda session: session.add(row))
    house.later(20 * DAY)
    prune(core)
    assert [rows_of(core, table) for table in (Read, Tally, Idempotency)] == [1, 1, 1]
    for _ in range(2):
        house.later(20 * DAY)
        prune(core)
    assert [rows_of(core, table) for table in (Read, Tally, Idempotency)] == [1, 1, 0]
    assert prune_reads(core, 30) == 1
    assert [rows_of(core, table) for table in (Read, Tally)] == [0, 0]
    assert faults(house) == []
    actions = core.database.read(lambda session: set(session.scalars(select(AuditRow.action))))
    assert {"reads.day", "reads.prune"} <= actions
