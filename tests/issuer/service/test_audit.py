"""The audit over HTTP: for auditors alone, under pseudonyms, and checked on request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from issuer import cards
from issuer.acts import Actor
from issuer.audit.models import AuditRow
from issuer.cards import NewCard
from issuer.core import Core
from issuer.publication import checkpoints
from issuer.service import audit_walk
from issuer.service.app import make_app
from tests.kit.callers import Caller, by_session, problem
from tests.kit.http_clients import ask
from tests.kit.issuing_service import FakeClock, person
from tests.kit.people import CHEAP, ServiceUnderTest, acts, make
from tests.kit.signed_domain import published_core
from verifier.runtime import http

pytestmark = pytest.mark.slow

_MARKED = "a MARKED reason"


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with a trust list and an audit."""
    clock = FakeClock()
    made = ServiceUnderTest(published_core(tmp_path, database_url, clock, **CHEAP), clock)
    cards.issue(made.core, [NewCard(person(1))], Actor("officer:marked", _MARKED))
    yield made
    made.core.close()


def _auditor(issuing_service: ServiceUnderTest) -> Caller:
    return by_session(make_app(issuing_service.core, http.Drain()), make(issuing_service, "auditor", "shen.ji").enter())


def _all(asks: Caller, path: str) -> list[dict[str, object]]:
    found, cursor = [], ""
    while cursor is not None:
        answer = asks("GET", f"{path}limit=7&cursor={cursor}").json()
        found += answer["items"]
        cursor = answer["next"]
    return found


def test_an_auditor_reads_pseudonyms(issuing_service: ServiceUnderTest) -> None:
    """All acts, newest first, page by page, and those of one actor or about one subject; never who acted and why."""
    asks = _auditor(issuing_service)
    entries = _all(asks, "/v1/audit/entries?")
    assert [(one["action"], one["actor"], one["subject"]) for one in reversed(entries)] == acts(issuing_service.core)
    issued = next(one for one in entries if one["action"] == "card.issue")
    for name in ("actor", "subject"):
        same = _all(asks, f"/v1/audit/entries?{name}={issued[name]}&")
        assert same == [one for one in entries if one[name] == issued[name]]
    assert (_MARKED in str(entries), "marked" in str(entries)) == (False, False)
    assert problem(asks("GET", "/v1/audit/entries?cursor=x")) == (422, "http.invalid")


def test_the_chain_is_checked_on_request(issuing_service: ServiceUnderTest) -> None:
    """A whole chain with a checkpoint inside and outside is whole; a changed row is named, in the language of the
    request. A second walk at the same time is sent away."""
    checkpoints.make(issuing_service.core, checkpoints.default_folder(issuing_service.core))
    asks = _auditor(issuing_service)
    whole = asks("POST", "/v1/audit/verification").json()
    assert (whole["whole"], whole["rows"], whole["checkpoints"]) == (True, len(acts(issuing_service.core)), 2)
    (point,) = asks("GET", "/v1/audit/checkpoints").json()["items"]
    assert ask(asks.app, "GET", f"/audit/{point['seq']}.cbor").status_code == 200
    _change_a_row(issuing_service.core)
    asks.headers["Accept-Language"] = "zh"
    broken = asks("POST", "/v1/audit/verification").json()
    first = broken["faults"][0]
    assert (broken["whole"], first["code"], first["where"]) == (False, "audit.row_changed", "row 2")
    assert not first["what"].isascii()
    with audit_walk._walking:
        busy = asks("POST", "/v1/audit/verification")
    assert (problem(busy), busy.headers["retry-after"]) == ((503, "http.overloaded"), "30")


def test_nobody_else_reads_the_audit(issuing_service: ServiceUnderTest) -> None:
    """Neither an administrator nor an officer."""
    asks = _auditor(issuing_service)
    for role in ("administrator", "permit_officer"):
        other = by_session(asks.app, make(issuing_service, role, role).enter())
        for method, path in (("GET", "entries"), ("GET", "checkpoints"), ("POST", "verification")):
            assert problem(other(method, f"/v1/audit/{path}")) == (403, "access.not_allowed")


def _change_a_row(core: Core) -> None:
    core.database.transact(
        lambda session: (
            session.execute(update(AuditRow).where(AuditRow.seq == 2).values(action="card.suspend")) and None
        )
    )
