"""``icard-issuer demo-data``: a trial authority at work, whose accounts can be used at once."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from issuer.accounts import login
from issuer.accounts.attempts import Origin
from issuer.accounts.models import Organisation
from issuer.cli.commands import app
from issuer.core import Core
from issuer.insurance.models import InsuredPerson
from issuer.insurance.records import load_people
from issuer.permits import due, views
from issuer.permits.models import Entry, Filing, Hearing, Notification, Permit, PermitTerm
from issuer.permits.people import passport_of
from issuer.permits.processes import FILING, PERMIT
from issuer.permits.remedy_models import Objection
from issuer.permits.terms import number_of
from issuer.settings import Settings
from issuer.trial.demo import fill
from issuer.trial.demo.people import credit_code, employer_names, make_people
from issuer.trial.demo.stories import STORIES, assign
from tests.kit.cli import run
from tools import serve_demo

_HOME = Origin("192.0.2.7", "Firefox")


@dataclass
class Demo:
    """What the command made, and what it said."""

    folder: Path
    core: Core
    accounts: dict[str, dict[str, Any]]
    said: dict[str, Any]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """As few people as there may be."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    made = run(app, "demo-data", folder, "--people", str(fill.LEAST), "--json")
    assert made.status == 0, made.err
    accounts = {account["login"]: account for account in json.loads((folder / "accounts.json").read_text("utf-8"))}
    core = Core.open(Settings.load(folder / "issuer"))
    yield Demo(folder, core, accounts, json.loads(made.out))
    core.close()


@pytest.mark.slow
def test_people_are_in_every_state_of_application_and_permit(demo: Demo) -> None:
    """Of entries, hearings, notifications and objections too; some are insured, some have lapsed."""

    def states(column: Any) -> set[str]:
        return set(demo.core.database.read(lambda session: session.scalars(select(column)).all()))

    assert states(Filing.state) == set(FILING.states)
    assert states(Permit.state) == set(PERMIT.states)
    assert states(Notification.state) == {"ISSUED", "USED", "EXPIRED"}
    assert {"DUE", "SHOWN"} <= states(Entry.originals)
    assert {"OPEN", "OVER"} <= states(Hearing.state)
    assert states(Objection.state) & {"LODGED", "ADMITTED"}
    assert states(InsuredPerson.state) == {"good", "lapsed"}
    assert states(Filing.process) == {
        *("overseas", "in_country", "short", "extension", "change", "cancellation", "reissue"),
    }
    assert demo.said["people"] == fill.LEAST


@pytest.mark.slow
def test_some_have_worked_for_several_employers_since_2011_and_all_was_paid(demo: Demo) -> None:
    """Their months are in the books, and their insurance stands."""

    def look(session: Any) -> list[tuple[str, Any]]:
        people = session.scalars(select(InsuredPerson.person_id)).all()
        return [(one.row.state, one.person) for one in load_people(demo.core, session, people).values()]

    long = [
        (state, {one.employer for one in person.employments}, len(person.entries))
        for state, person in demo.core.database.read(look)
        if min(one.began for one in person.employments).year == 2011
    ]
    assert len(long) >= 3
    assert all(len(employers) == 3 and rows > 150 for _, employers, rows in long)
    assert "good" in {state for state, *_ in long}


@pytest.mark.slow
def test_accounts_log_in_and_find_work(demo: Demo) -> None:
    """Each password fits; the employer has something due, and applications in every state that it may leave them in."""
    core = demo.core
    assert stat.S_IMODE((demo.folder / "accounts.json").stat().st_mode) == 0o600
    entered = {
        name: login.login(core, name, demo.accounts[name]["password"], _HOME).who
        for name in ("demo.employer", "demo.holder", "demo.agency")
    }
    assert {account["role"] for account in demo.accounts.values()} == {
        *("administrator", "permit_officer", "office_head", "insurance_officer", "inspector", "auditor"),
        *("employer", "agency", "holder"),
    }
    assert [one.kind for one in due.due_list(core, entered["demo.employer"])] == ["answer", "extension"]
    states = {one.state for one in views.list_filings(core, entered["demo.employer"])}
    assert states == {"DRAFT", "SUBMITTED", "RETURNED", "ACCEPTED", "REFUSED", "APPROVED"}
    assert [one.may_work for one in views.list_permits(core, entered["demo.holder"])] == [True]


@pytest.mark.slow
def test_code_of_a_demo_account_is_the_one_that_its_app_shows(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """It follows from the secret in the list; an account that is not there, or that has no app, has none."""
    monkeypatch.setattr(serve_demo, "_ACCOUNTS", demo.folder / "accounts.json")
    totp = pyotp.TOTP(demo.accounts["demo.officer"]["secret"])
    assert totp.verify(serve_demo.code_of("demo.officer"), valid_window=1)
    for name in ("nobody", "demo.holder"):
        with pytest.raises(SystemExit):
            serve_demo.code_of(name)


@pytest.mark.slow
def test_a_second_one_in_the_same_place_is_refused(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its folder, on its database, and where the environment says production; nothing is written."""
    again = run(app, "demo-data", demo.folder, "--json")
    assert (again.status, again.error["code"]) == (11, "demo.used")
    url = f"sqlite:///{demo.folder}/issuer/issuer.db"
    there = run(app, "demo-data", tmp_path / "new", "--database-url", url, "--json")
    assert (there.status, there.error["code"]) == (11, "demo.used")
    monkeypatch.setenv("ICARD_ISSUER_ENVIRONMENT", "production")
    production = run(app, "demo-data", tmp_path / "new", "--json")
    assert (production.status, production.error["code"]) == (12, "demo.production")
    assert list(tmp_path.iterdir()) == []


def test_wrong_size_and_a_day_to_come_are_refused(tmp_path: Path) -> None:
    few = run(app, "demo-data", tmp_path / "new", "--people", "3", "--json")
    assert (few.status, few.error["code"]) == (1, "demo.size")
    tomorrow = date.today() + timedelta(days=3)
    late = run(app, "demo-data", tmp_path / "new", "--day", tomorrow.isoformat(), "--json")
    assert (late.status, late.error["code"]) == (1, "demo.day")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = run(app, "demo-data", tmp_path, "--json")
    assert (done.status, done.error["code"]) == (64, "file.exists")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_people_and_stories_follow_from_the_seed() -> None:
    """Another seed gives others; each story occurs once, however few people there are."""
    day = date(2026, 11, 30)
    drawn = [make_people(Random(seed), day, [None] * 100) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    told = [assign(Random(seed), 100) for seed in (1, 1, 2)]
    assert told[0] == told[1] != told[2]
    assert {story.name for story in assign(Random(3), fill.LEAST)} == {story.name for story in STORIES}
    assert len({person.passport for person in drawn[0]}) == len({person.number for person in drawn[0]}) == 100
    assert len(set(employer_names(40))) == 40
    assert len({credit_code("310115", number) for number in range(40)}) == 40


def visible(folder: Path) -> list[Any]:
    """What a demonstration shows of people, employers, terms, applications and books."""
    core = Core.open(Settings.load(folder / "issuer"))

    def look(session: Any) -> list[Any]:
        permits = [
            (number_of(core, row), row.state, row.until, sorted(passport_of(core, session, row.person_id).items()))
            for row in session.scalars(select(Permit))
        ]
        terms = [
            (row.category, row.first, row.until, row.region, row.ground) for row in session.scalars(select(PermitTerm))
        ]
        filings = [
            (row.process, row.state, row.submitted_on, row.decided_on) for row in session.scalars(select(Filing))
        ]
        people = load_people(core, session, session.scalars(select(InsuredPerson.person_id)).all()).values()
        books = [
            (one.record.number, sorted((entry.month, entry.employer_part) for entry in one.person.entries))
            for one in people
        ]
        firms = len(session.scalars(select(Organisation.id)).all())
        return [sorted(permits), sorted(terms), sorted(map(str, filings)), sorted(books), firms]

    try:
        return core.database.read(look)
    finally:
        core.close()


@pytest.mark.soak
def test_the_same_seed_and_day_give_the_same_data(tmp_path: Path) -> None:
    """Names, numbers, days, states and sums; another seed gives others."""
    day = date.today() - timedelta(days=4)
    shown = []
    for place, seed in enumerate((7, 7, 8)):
        fill.make_demo(tmp_path / str(place), people=fill.LEAST, seed=seed, day=day)
        shown.append(visible(tmp_path / str(place)))
    assert shown[0] == shown[1]
    assert shown[0] != shown[2]
