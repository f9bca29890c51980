"""Appending to the audit: on both databases."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from issuer import cards
from issuer.at_rest import Place
from issuer.audit import Act, details_hash
from issuer.cards import By, NewCard
from issuer.core import Core
from issuer.db.models import AuditDetail, AuditRow
from tests.issuer.kills import check_chain
from tests.issuer.service import new_core, person


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url)


def last(core: Core) -> AuditRow:
    query = select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)
    return core.database.read(lambda session: session.scalars(query).one())


def test_an_act_holds_pseudonyms_and_a_hash(core: Core) -> None:
    """Who and what stand in the details alone, which open and give the hash in the row."""
    (issued,) = cards.issue(core, [NewCard(person(1))], By("officer:Li", "applied on Monday"))
    row = last(core)
    assert (row.action, row.actor) == ("card.issue", core.at_rest.pseudonym("actor", "officer:Li"))
    assert row.subject == core.at_rest.pseudonym("subject", issued.card_id)
    body = core.database.read(lambda session: session.get_one(AuditDetail, row.seq).body)
    salted = core.at_rest.open(Place("audit_details", "body", str(row.seq)), body)
    assert json.loads(salted[16:])["reason"] == "applied on Monday"
    assert details_hash(salted[:16], salted[16:]) == row.details_hash


def test_equal_details_have_different_hashes(core: Core) -> None:
    """A salt each: nobody finds out by trying what a purged row said."""
    for number in (1, 2):
        cards.issue(core, [NewCard(person(number))], By("officer:Li", "same"))
    hashes = core.database.read(lambda session: list(session.scalars(select(AuditRow.details_hash))))
    assert len(hashes) == len(set(hashes))


def test_the_chain_is_whole_without_its_details(core: Core) -> None:
    """Details may be deleted; rows stay and their hashes hold."""
    cards.issue(core, [NewCard(person(1))], By("officer:Li"))
    before = check_chain(core)
    core.database.transact(lambda session: session.execute(delete(AuditDetail)))
    assert check_chain(core) == before


def test_an_act_is_undone_with_its_change(core: Core) -> None:
    """No row tells of what was rolled back, and the head stays."""
    before = check_chain(core)

    def work(session: Session) -> None:
        core.audit(session, 1, [Act("a", "card.issue", "x")])
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        core.database.transact(work)
    assert check_chain(core) == before


def test_many_at_once_make_one_chain(core: Core) -> None:
    """Eight threads that append make no gap, no fork, no deadlock."""
    before = check_chain(core)

    def many() -> None:
        for _ in range(10):
            core.database.transact(lambda session: core.audit(session, 1, [Act("a", "x", "y"), Act("a", "x", "z")]))

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check_chain(core) == before + 160
