"""A unit of work: what it names is in the audit, and what it makes for a request is made once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from issuer.acts import Act, Actor
from issuer.audit.models import AuditRow
from issuer.audit.verify import verify
from issuer.core import Core
from issuer.db.idempotency import AlreadyTaken, Idempotency, Request
from issuer.db.unit_of_work import UnitOfWork
from tests.kit.issuing_service import new_core

BY = Actor("officer:1", "a test")
REQUEST = Request("account", "POST /v1/things", "a-key-of-this-test-1", b"{}")


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url, keys=False)


def acts(core: Core) -> list[tuple[str, str, str]]:
    """The acts of the audit behind the first: action, and pseudonyms of actor and subject."""
    rows = core.database.read(lambda session: session.scalars(select(AuditRow).order_by(AuditRow.seq)).all())
    return [(row.action, row.actor, row.subject) for row in rows[1:]]


def named(core: Core, action: str, actor: str, subject: str) -> tuple[str, str, str]:
    return action, core.at_rest.pseudonym("actor", actor), core.at_rest.pseudonym("subject", subject)


def test_every_act_of_a_unit_is_in_the_audit_in_order(core: Core) -> None:
    """Two functions that each name an act, one of them in another's name: both are kept, and the chain is whole."""

    def first(unit: UnitOfWork) -> None:
        unit.audit("thing.make", "thing 1", {"colour": "red"})

    def second(unit: UnitOfWork) -> None:
        unit.audit_acts([Act("officer:2", "thing.confirm", "thing 1")])

    def work(unit: UnitOfWork) -> None:
        first(unit)
        second(unit)

    core.transact(BY, work)
    wanted = [("thing.make", "officer:1", "thing 1"), ("thing.confirm", "officer:2", "thing 1")]
    assert acts(core) == [named(core, *one) for one in wanted]
    assert verify(core).whole


def test_two_units_of_one_call_are_both_kept(core: Core) -> None:
    """What a call does for its request and what it does besides, in a transaction of its own, both stand: the second
    takes nothing from the first, and the request is answered with what the first made."""

    def call(request: Request) -> None:
        def make(unit: UnitOfWork) -> None:
            unit.audit("thing.make", "thing 1")
            unit.made("thing 1")

        core.transact(BY, make, request=request)
        core.transact(BY, lambda unit: unit.audit("thing.paint", "thing 2"))

    call(REQUEST)
    assert [action for action, _, _ in acts(core)] == ["thing.make", "thing.paint"]
    assert core.database.read(lambda session: session.scalars(select(Idempotency.made)).all()) == ["thing 1"]


def test_a_repeated_request_makes_nothing_and_says_what_was_made(core: Core) -> None:
    """The second unit for a request is undone, act and all; with another body it is refused."""

    def making(name: str, request: Request) -> None:
        def make(unit: UnitOfWork) -> None:
            unit.audit("thing.make", name)
            unit.made(name)

        core.transact(BY, make, request=request)

    making("thing 1", REQUEST)
    with pytest.raises(AlreadyTaken) as caught:
        making("thing 2", REQUEST)
    assert caught.value.made == "thing 1"
    other = Request(REQUEST.account, REQUEST.route, REQUEST.key, b"[]")
    with pytest.raises(StateError) as refused:
        making("thing 2", other)
    assert (refused.value.code, refused.value.message()) == ("idempotency.other_body", refused.value.message("en"))
    assert acts(core) == [named(core, "thing.make", "officer:1", "thing 1")]


def test_a_unit_that_does_not_say_what_it_made_for_a_request_is_undone(core: Core) -> None:
    """It would be made again by the next repetition: nothing of it is committed."""
    with pytest.raises(RuntimeError, match="does not say what it made"):
        core.transact(BY, lambda unit: unit.audit("thing.make", "thing 1"), request=REQUEST)
    assert acts(core) == []
    assert core.database.read(lambda session: session.scalars(select(Idempotency)).all()) == []


def test_what_fails_leaves_neither_act_nor_request(core: Core) -> None:
    """An act is in the transaction that it is about; so is the note of a request, by its hash alone."""

    def failing(unit: UnitOfWork) -> None:
        unit.audit("thing.make", "thing 1")
        unit.made("thing 1")
        raise LookupError

    with pytest.raises(LookupError):
        core.transact(BY, failing, request=REQUEST)
    assert acts(core) == []
    core.transact(BY, lambda unit: unit.made("thing 1"), request=REQUEST)
    row = core.database.read(lambda session: session.scalars(select(Idempotency)).one())
    assert (row.key, row.body) == tuple(hashlib.sha256(one).hexdigest() for one in (b"a-key-of-this-test-1", b"{}"))
