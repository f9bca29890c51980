"""What the portal shows of people leaves the rows that the API leaves, and refuses what the API refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from issuer.audit.models import Read
from issuer.cards.models import CardParty, CardRow, OnlineLookup
from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.portal.test_guard import of
from tests.kit.issuing_service import person
from tests.kit.portal import Town, town
from verifier.runtime import http


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with people and cards."""
    new = town(tmp_path_factory.mktemp("portal"))
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


def ways(made: Town) -> list[str]:
    rows = made.issuing_service.core.database.read(
        lambda session: session.scalars(select(Read.way).order_by(Read.way)).all()
    )
    return list(rows)


def test_a_search_is_in_the_log_of_whose_card_it_finds(app: FastAPI, made: Town) -> None:
    officer = of(app, made, "permit_officer")
    found = officer.post("search", kind="permit", value=person(1).permit.number or "")
    assert found.status_code == 200
    assert 0 < found.text.index(f"cards/{made.cards[0]}") < found.text.index('id="search"'), (
        "what was found comes first"
    )
    assert "card.search" in ways(made)
    query = select(func.count()).where(OnlineLookup.card_id == made.cards[0], OnlineLookup.way == "search")
    assert made.issuing_service.core.database.read(lambda session: session.scalar(query)) == 1


def test_what_administrators_and_auditors_see_leaves_rows(app: FastAPI, made: Town) -> None:
    admin, account = of(app, made, "administrator"), made.people["holder"].account_id
    before = ways(made)
    for path in ("accounts", f"accounts/{account}", f"accounts/{account}/lock", f"organisations/{made.employer_id}"):
        assert admin.get(path).status_code == 200
    assert admin.post("accounts/search", login="holder-1").status_code == 303
    assert of(app, made, "auditor").get("audit").status_code == 200
    wanted = ["account.list"] * 2 + ["account.search"] + ["account.show"] * 2 + ["audit.entries"]
    assert sorted(ways(made)) == sorted([*before, *wanted])


def test_nobody_in_office_acts_on_his_own_card(app: FastAPI, made: Town, tmp_path: Path) -> None:
    core, officer = made.issuing_service.core, made.people["permit_officer"]

    def hand_over(session: object) -> None:
        row = session.get_one(CardParty, made.cards[1])  # type: ignore[attr-defined]
        row.holder_id = officer.person_id

    core.database.transact(hand_over)
    person_ = of(app, made, "permit_officer")
    revision = core.database.read(lambda session: session.get_one(CardRow, made.cards[1]).revision)
    answer = person_.post(f"cards/{made.cards[1]}/suspend", reason="on leave", version=str(revision))
    assert answer.status_code == 403
    assert core.database.read(lambda session: session.get_one(CardRow, made.cards[1]).status) == "active"


def test_a_reason_shows_all_that_it_says(app: FastAPI, made: Town) -> None:
    core, officer = made.issuing_service.core, of(app, made, "permit_officer")
    revision = core.database.read(lambda session: session.get_one(CardRow, made.cards[0]).revision)
    answer = officer.post(f"cards/{made.cards[0]}/suspend", reason="lost \u202etsol", version=str(revision))
    assert answer.status_code == 422
    assert core.database.read(lambda session: session.get_one(CardRow, made.cards[0]).status) == "active"
