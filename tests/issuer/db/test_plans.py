"""What is asked for every card is found by an index, however many cards there are: on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, Reissue, codes
from issuer.core import Core
from tests.kit.issuing_service import new_core, person


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url)


def test_no_statement_of_an_issue_walks_a_large_table(core: Core) -> None:
    """Issue, find, show, change, recover: no plan reads all of cards, codes, look-ups or audit."""
    seen: dict[str, Any] = {}

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        many = isinstance(parameters, list)
        seen.setdefault(statement, parameters[0] if many else parameters)

    event.listen(core.database.engine, "before_cursor_execute", note)
    (issued,) = cards.issue(core, [NewCard(person(1))], Actor("a"))
    cards.find_cards(core, "permit", "R1")
    cards.show(core, issued.card_id)
    cards.replace(core, Reissue(issued.card_id, person(2)), Actor("a", "why", break_glass=True))
    cards.revoke(core, issued.card_id, Actor("a"))
    codes.recover(core)
    event.remove(core.database.engine, "before_cursor_execute", note)
    reads = {sql: values for sql, values in seen.items() if sql.startswith(("SELECT", "UPDATE", "DELETE"))}
    assert len(reads) > 12
    walked = {sql: plan for sql, values in reads.items() if _walks(plan := _plan(core, sql, values))}
    assert walked == {}


def _plan(core: Core, sql: str, values: Any) -> str:
    with core.database.engine.connect() as connection:
        if not core.database.is_sqlite:
            # A table of ten rows is always walked; what counts is whether an index could serve.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        prefix = "EXPLAIN QUERY PLAN " if core.database.is_sqlite else "EXPLAIN "
        return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(prefix + sql, values))


def _walks(plan: str) -> bool:
    large = "(cards|codes|card_lookups|audit|audit_details|idempotency)"
    return re.search(rf"(SCAN {large}\b(?!.* USING)|Seq Scan on {large}\b)", plan) is not None
