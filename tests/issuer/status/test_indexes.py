"""Indexes: the permutation, and lists that fill up; on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from icard_crypto.errors import StateError
from issuer.core import Core
from issuer.status.indexes import Slot, limit
from issuer.status.models import StatusListRow
from issuer.status.permutation import Permutation
from tests.kit.issuing_service import new_core


@given(st.binary(min_size=32, max_size=32), st.integers(1, 3000))
def test_the_permutation_gives_every_number_once(key: bytes, capacity: int) -> None:
    """Onto 0 .. n-1, for capacities that are and are not powers of two."""
    permute = Permutation(key, capacity)
    assert sorted(permute(number) for number in range(capacity)) == list(range(capacity))


def test_the_permutation_depends_on_its_key() -> None:
    """Two keys agree on few numbers, and neighbours do not stay neighbours."""
    one, two = Permutation(bytes(32), 65536), Permutation(bytes([1]) * 32, 65536)
    assert sum(one(number) == two(number) for number in range(1000)) < 5
    assert sum(abs(one(number) - one(number + 1)) < 100 for number in range(1000)) < 20


@pytest.mark.parametrize("number", [-1, 100])
def test_the_permutation_refuses_what_is_outside(number: int) -> None:
    """A counter beyond the capacity is a fault of the program."""
    with pytest.raises(ValueError, match="below the capacity"):
        Permutation(bytes(32), 100)(number)


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url, keys=False, list_capacity=100)


def take(core: Core, count: int) -> list[Slot]:
    return core.database.transact(lambda session: core.lists.take(session, count, 1))


def publish(core: Core) -> None:
    """What the publisher does, as far as indexes are concerned."""
    core.database.transact(lambda session: session.execute(update(StatusListRow).values(published_at=1)))


def lists(core: Core) -> list[tuple[str, int]]:
    return core.database.read(
        lambda session: sorted((row.state, row.used) for row in session.scalars(select(StatusListRow)))
    )


def test_a_list_is_full_at_ninety_percent(core: Core) -> None:
    """The ninety-first index of a hundred comes from the next list."""
    publish(core)
    slots = take(core, 91)
    assert limit(100) == 90
    assert Counter(Counter(slot.name for slot in slots).values()) == {90: 1, 1: 1}
    assert lists(core) == [("full", 90), ("open", 1)]


def test_the_next_list_is_made_when_half_is_used(core: Core) -> None:
    """Long before its first index is given; one at a time."""
    publish(core)
    take(core, 91)
    assert lists(core) == [("full", 90), ("open", 1)]
    take(core, 44)
    assert lists(core) == [("full", 90), ("open", 45), ("standby", 0)]
    take(core, 10)
    assert lists(core) == [("full", 90), ("open", 55), ("standby", 0)]


def test_a_list_that_was_not_published_is_not_used(core: Core) -> None:
    """Its codes would be unknown to every verifier: issuing stops, and nothing is spent."""
    take(core, 90)
    with pytest.raises(StateError) as caught:
        take(core, 1)
    assert caught.value.code == "list.not_published"
    assert "not been published" in caught.value.message()
    publish(core)
    assert len(take(core, 1)) == 1


def test_lists_for_a_bulk_run_are_made_ahead(core: Core) -> None:
    """Room for 250 more indexes: the open one has 90, two of 90 follow, one of them is there."""
    made = core.database.transact(lambda session: core.lists.ahead(session, 250, 1))
    assert made == 1
    assert lists(core) == [("open", 0), ("standby", 0), ("standby", 0)]


def test_threads_are_never_given_the_same_index(core: Core) -> None:
    """Eight threads take 30 each across three lists: 240 different places."""
    core.database.transact(lambda session: core.lists.ahead(session, 400, 1))
    publish(core)
    slots: list[Slot] = []

    def many() -> None:
        for _ in range(10):
            slots.extend(take(core, 3))

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slots) == len({(slot.name, slot.index) for slot in slots}) == 240
    assert max(slot.index for slot in slots) < 100


def test_a_rollback_gives_the_index_back(core: Core) -> None:
    """What was not committed was not given; its payload was never signed either."""
    given: list[Slot] = []

    def work(session: object) -> None:
        given.extend(core.lists.take(session, 1, 1))  # type: ignore[arg-type]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        core.database.transact(work)
    assert take(core, 1) == given


def test_names_are_new_and_uris_have_the_prefix(core: Core) -> None:
    """Four characters that a uri may have, behind the issuer's prefix."""
    uris = core.database.read(lambda session: list(session.scalars(select(StatusListRow.uri))))
    assert len(set(uris)) == 2
    assert all(core.issuer.owns_status_uri(uri) and len(uri) == 28 for uri in uris)
