"""The clock guard: on both databases, with clocks moved by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from icard_crypto.moments import moment_text
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.keys.clock import LONGEST_GAP, Clock
from tests.kit.issuing_service import FakeClock, new_core, person

BY = Actor("a")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, database_url: str, clock: FakeClock) -> Core:
    return new_core(tmp_path, database_url, clock=clock.clock())


def issue(core: Core, number: int) -> None:
    cards.issue(core, [NewCard(person(number))], BY)


def refused(core: Core, number: int) -> StateError:
    with pytest.raises(StateError) as caught:
        issue(core, number)
    assert cards.find_cards(core, "permit", person(number).permit.number or "") == []
    return caught.value


def newest(core: Core) -> int:
    return core.database.read(lambda session: session.scalars(select(Meta.newest_iat)).one())


def test_a_clock_that_went_back_signs_nothing(core: Core, clock: FakeClock) -> None:
    """Behind what was signed: refused, nothing written; right again: signed."""
    clock.at += 3600
    issue(core, 1)
    clock.at -= 3600
    fault = refused(core, 2)
    assert (fault.code, fault.expected) == ("clock.behind", f"{moment_text(newest(core))} or later")
    assert fault.message() == "The clock is behind what has been signed already."
    clock.at += 3601
    issue(core, 2)


def test_times_never_fall(core: Core, clock: FakeClock) -> None:
    """Within the tolerance the newest time is used, not the older clock's."""
    issue(core, 1)
    before = newest(core)
    clock.at -= 4
    issue(core, 2)
    assert newest(core) == before
    created = core.database.read(lambda session: set(session.scalars(select(CodeRow.created_at))))
    assert created == {before}


def test_a_clock_far_ahead_signs_nothing_until_it_is_accepted(core: Core, clock: FakeClock) -> None:
    """Thirty days and a second: refused; after a person accepted it: signed."""
    clock.at = newest(core) + LONGEST_GAP
    core.database.transact(core.clock.signing_time)
    clock.at += 1
    assert refused(core, 1).code == "clock.far_ahead"
    core.database.transact(core.clock.accept)
    issue(core, 1)


def test_a_clock_that_is_behind_is_never_accepted(core: Core, clock: FakeClock) -> None:
    """Nobody can talk the guard into signing with older times."""
    clock.at -= 86400
    with pytest.raises(StateError) as caught:
        core.database.transact(core.clock.accept)
    assert caught.value.code == "clock.behind"


@pytest.mark.parametrize("apart", [6, -6])
def test_two_clocks_that_disagree_sign_nothing(core: Core, clock: FakeClock, apart: int) -> None:
    """This machine's and the database's, more than 5 s apart either way."""
    clock.apart = apart
    fault = refused(core, 1)
    assert (fault.code, fault.found) == ("clock.apart", "6 s")


def test_the_databases_clock_is_read(core: Core) -> None:
    """Both databases tell Unix time with a fraction."""
    real = Clock.of(core.database)
    assert abs(core.database.read(real.database) - real.local()) < 5
