"""Two officers who decide about one application at the same moment: one decision stands, on both databases."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from issuer.cards.models import CardRow
from issuer.permits import decisions, parties
from issuer.permits.models import Permit
from tests.kit.callers import problem
from tests.kit.http_clients import ask_at_once
from tests.kit.people import Somebody, count
from tests.kit.permit_office import Answer, PermitOffice, person_record

pytestmark = pytest.mark.slow

BODIES: dict[str, dict[str, Any]] = {
    "approve": {"category": "B"},
    "refuse": {"reasons": [{"path": "M06", "text": "No such post."}]},
}


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[PermitOffice]:
    """Shanghai's office on either database."""
    made = PermitOffice.begin(tmp_path, database_url)
    yield made
    made.core.close()


def decided(
    office: PermitOffice, monkeypatch: pytest.MonkeyPatch, filing_id: str, *moves: tuple[Somebody, str]
) -> list[Answer]:
    """The answers to two decisions that meet within their transactions, before either has looked at the application.

    SQLite lets one transaction write at a time: there the second begins when the first is done.
    """
    revision = office.ok(office.officer, "GET", f"/v1/filings/{filing_id}")["revision"]
    requests = [
        office.by(who).prepared("POST", f"/v1/filings/{filing_id}/{move}", BODIES[move], version=f'"{revision}"')
        for who, move in moves
    ]
    both, looks, load = threading.Barrier(2), itertools.count(), parties.load_filing
    patience = 0.2 if office.core.database.is_sqlite else 3.0

    def meet(*given: Any, **options: Any) -> Any:
        if next(looks) < 2:
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(patience)
        return load(*given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "load_filing", meet)
        return ask_at_once(office.app, requests)


@pytest.mark.parametrize("moves", [("approve", "approve"), ("approve", "refuse"), ("refuse", "refuse")])
def test_one_of_two_decisions_at_once_stands_and_the_other_is_refused_by_name(
    office: PermitOffice, monkeypatch: pytest.MonkeyPatch, moves: tuple[str, str]
) -> None:
    """Whoever comes second hears that the application has changed; on the newest revision the problem names its state.
    There is one permit with one card, or none."""
    filing_id = office.accepted("in_country", person_record(office.today))
    officers = (office.officer, office.second)
    answers = decided(office, monkeypatch, filing_id, *zip(officers, moves, strict=True))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    lost = [answer.status_code for answer in answers].index(412)
    assert problem(answers[lost]) == (412, "filing.changed")

    seen = office.ok(office.officer, "GET", f"/v1/filings/{filing_id}")
    won = moves[1 - lost]
    assert [one["move"] for one in seen["events"]][-2:] == ["accept", won]
    assert seen["state"] == {"approve": "APPROVED", "refuse": "REFUSED"}[won]
    made = 1 if won == "approve" else 0
    assert (count(office.core, Permit), count(office.core, CardRow)) == (made, made)
    again = office.move(officers[lost], filing_id, moves[lost], BODIES[moves[lost]])
    assert problem(again) == (409, "process.move")
    assert f"from {seen['state']}: " in again.text
