"""A copy of the whole folder: it does not sign beside the first one, and adopted it gives no index of it again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.restore.adopt import adopt
from tests.issuer.conftest import new_database_url
from tests.kit.issuing_service import FakeClock, person
from tests.kit.signed_domain import published_core, step

BY = Actor("host:test", "moved to a new machine", break_glass=True)


def places(core: Core) -> set[tuple[str, int]]:
    rows = core.database.read(lambda session: session.execute(select(CodeRow.list_name, CodeRow.idx)).all())
    return {(row[0], row[1]) for row in rows}


def test_a_copied_folder_does_not_start_and_adopted_gives_other_indexes(tmp_path: Path) -> None:
    """Copied as a whole, mark, keys and all; the first one goes on, and no index of the one is given by the other."""
    clock = FakeClock()
    (tmp_path / "first").mkdir()
    first = published_core(tmp_path / "first", new_database_url("sqlite", tmp_path / "first"), clock)
    cards.issue(first, [NewCard(person(1))], BY)
    common = places(first)
    first.database.close()
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    settings = first.settings.model_copy(update={"folder": tmp_path / "second", "database_url": None})
    with pytest.raises(StateError) as caught:
        Core.open(settings, clock=clock.clock())
    assert caught.value.code == "epoch.moved"
    assert "icard-issuer adopt" in caught.value.hint()
    second = Core.open(settings, clock=clock.clock(), restoring=True)
    assert adopt(second, BY).epoch == 2
    second.close()
    second = Core.open(settings, clock=clock.clock())
    step(second, clock)
    for number in range(2, 6):
        cards.issue(first, [NewCard(person(number))], BY)
        cards.issue(second, [NewCard(person(number))], BY)
    assert places(first) & places(second) == common
    assert len(places(second)) == len(common) + 12
    first.close()
    second.close()


def test_another_database_of_the_same_content_does_not_start(tmp_path: Path, database_url: str) -> None:
    """Where the database says another place, whatever way it came there; one that was put back is for restore alone."""
    clock = FakeClock()
    core = published_core(tmp_path, database_url, clock)
    place = core.meta().place
    assert place is not None
    core.database.transact(lambda session: setattr(session.get_one(type(core.meta()), 1), "place", "0" * 64))
    with pytest.raises(StateError) as caught:
        Core.open(core.settings, clock=clock.clock())
    assert caught.value.code == "epoch.moved"
    adopt(core, BY)
    assert core.meta().place == place
    core.settings.epoch_path.unlink()
    with pytest.raises(StateError) as caught:
        adopt(core, BY)
    assert caught.value.code == "epoch.missing"
    core.close()
