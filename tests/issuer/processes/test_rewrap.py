"""A new master key on several hosts, none of which is restarted: prepare, copy, switch, finish."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, update

from icard_crypto.errors import StateError
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.db.base import sealed_columns
from issuer.processes import rewrap
from issuer.processes.heartbeat import Heartbeat
from issuer.processes.models import ProcessRow
from issuer.vault.at_rest import Place
from tests.kit.issuing_service import new_core, person, settings_for

BY = Actor("a")


def nothing(_place: str, _done: int) -> None:
    """No progress is shown."""


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Iterator[Core]:
    made = new_core(tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture
def other(core: Core, tmp_path: Path, database_url: str) -> Iterator[Core]:
    """A server on another host: the same database, a master key file of its own."""
    shutil.copy(core.master_key_path, tmp_path / "other.key")
    with closing(Core.open(settings_for(tmp_path, database_url, master_key_file=tmp_path / "other.key"))) as made:
        yield made


def sealed(core: Core) -> list[tuple[Place, bytes]]:
    """Every sealed object with its place."""
    found = []
    for table, column in sealed_columns():
        (key,) = table.primary_key.columns
        query = select(key, column).where(column.is_not(None))
        rows = core.database.read(lambda session, query=query: session.execute(query).all())  # type: ignore[misc]
        found += [(Place(table.name, column.name, str(name)), content) for name, content in rows]
    return found


def masters(core: Core) -> set[bytes]:
    """The ids of the master keys that objects are sealed under."""
    return {content[1:9] for _, content in sealed(core)}


def refused(core: Core, step: str) -> str:
    with pytest.raises(StateError) as caught:
        {"switch": rewrap.switch, "finish": rewrap.finish}[step](core, "host:a", nothing, patience=0)
    return caught.value.code


def test_two_servers_change_over_while_they_work(core: Core, other: Core, tmp_path: Path, database_url: str) -> None:
    """Nothing is under the new key before all hold it, nothing under the old one when it is dropped, and at every step
    each server opens what the other wrote."""
    beat = Heartbeat(other, "server")
    beat.beat()
    (one,) = cards.issue(core, [NewCard(person(1))], BY)
    old = masters(core)
    new = bytes.fromhex(rewrap.prepare(core, "host:a"))
    assert (masters(core), new in old) == (old, False)
    assert refused(core, "switch") == "at_rest.not_everywhere"

    shutil.copy(core.master_key_path, other.master_key_path)
    beat.beat()
    assert rewrap.switch(core, "host:a", nothing, patience=0) > len(sealed(core)) - 5
    assert masters(core) == {new}
    # The other server has not heard of it yet.
    (two,) = cards.issue(other, [NewCard(person(2))], BY)
    assert masters(core) == {new, *old}
    assert cards.show(core, two.card_id).codes == two.codes
    assert refused(core, "finish") == "at_rest.not_everywhere"

    beat.beat()
    (three,) = cards.issue(other, [NewCard(person(3))], BY)
    assert rewrap.finish(core, "host:a", nothing, patience=0) > 0
    assert masters(core) == {new}
    assert [each["id"] for each in json.loads(core.master_key_path.read_text())["keys"]] == [new.hex()]

    shutil.copy(core.master_key_path, other.master_key_path)
    beat.beat()
    assert other.at_rest.names == (new.hex(),)
    for each in (core, other):
        assert [cards.show(each, card.card_id).codes for card in (one, two, three)] == [
            card.codes for card in (one, two, three)
        ]
    with closing(Core.open(settings_for(tmp_path, database_url))) as again:
        for place, content in sealed(again):
            again.at_rest.open(place, content)


def test_a_process_of_a_version_that_does_not_say_holds_it_up(core: Core, other: Core) -> None:
    """It may hold any key: neither step is taken while it runs."""
    Heartbeat(other, "server").beat()
    core.database.transact(lambda session: session.execute(update(ProcessRow).values(master_keys=None)) and None)
    rewrap.prepare(core, "host:a")
    assert refused(core, "switch") == "at_rest.not_everywhere"


def test_a_kill_between_the_steps_of_a_switch_loses_nothing(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the key is in force: the same call goes on, on objects under both keys."""
    new = bytes.fromhex(rewrap.prepare(core, "host:a"))
    with monkeypatch.context() as broken:
        broken.setattr(rewrap, "_all", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rewrap.switch(core, "host:a", nothing, patience=0)
    assert len(masters(core)) == 2
    with closing(Core.open(core.settings)) as again:
        assert again.at_rest.in_force == new
        assert rewrap.switch(again, "host:a", nothing, patience=0) > 0
        assert rewrap.finish(again, "host:a", nothing, patience=0) >= 0
        assert masters(again) == {new}


def test_steps_in_another_order_are_refused(core: Core) -> None:
    """Each with what is to be done first; a key that is prepared twice is one key."""
    assert refused(core, "switch") == "at_rest.not_prepared"
    assert rewrap.prepare(core, "host:a") == rewrap.prepare(core, "host:a")
    assert refused(core, "finish") == "at_rest.not_switched"
    rewrap.switch(core, "host:a", nothing)
    with pytest.raises(StateError) as caught:
        rewrap.prepare(core, "host:a")
    assert caught.value.code == "at_rest.unfinished"
    rewrap.finish(core, "host:a", nothing)
    assert rewrap.prepare(core, "host:a") not in {name.hex() for name in masters(core)}
