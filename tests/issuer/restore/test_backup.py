"""Backups made while the service runs, put back, and what the drill names: on both databases."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.db.engine import connect
from issuer.db.meta import Meta
from issuer.publication.export import export
from issuer.restore.backup import MANIFEST, back_up, check
from issuer.restore.put_back import put_back
from issuer.restore.restore import restore
from tests.issuer.conftest import new_database_url
from tests.kit import postgres
from tests.kit.issuing_service import FakeClock, person, settings_for
from tests.kit.signed_domain import published_core, step

BY = Actor("host:Li Na", "a test", break_glass=True)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, database_url: str, clock: FakeClock) -> Iterator[Core]:
    made = published_core(tmp_path, database_url, clock)
    step(made, clock)
    cards.issue(made, [NewCard(person(1))], BY)
    yield made
    made.close()


def test_a_backup_is_whole_and_reads_nothing_by_itself(core: Core, tmp_path: Path) -> None:
    """Every file has its hash; no master key, passphrase or mark is in it; files and folders are their owner's."""
    made = back_up(core, tmp_path / "backups", BY)
    facts = check(made.folder)
    assert (facts["audit"], facts["issuer"]) == (made.seq, "cn.310000")
    names = set(facts["files"])
    assert {"issuer.db" if core.database.is_sqlite else "issuer.dump"} <= names
    assert len([name for name in names if name.startswith("keys/")]) == 3
    content = b"".join((made.folder / name).read_bytes() for name in names)
    for secret in (core.settings.master_key_path.read_bytes()[:40], b"correct horse", b"MUSTERMANN"):
        assert secret not in content
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    noted = core.database.read(lambda session: session.get_one(Meta, 1).backup_at)
    assert noted == made.made_at


@pytest.mark.parametrize("harm", ["changed", "missing", "no manifest"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(core: Core, tmp_path: Path, harm: str) -> None:
    made = back_up(core, tmp_path / "backups", BY)
    name = next(iter(check(made.folder)["files"]))
    if harm == "changed":
        (made.folder / name).write_bytes(b"other")
    elif harm == "missing":
        (made.folder / name).unlink()
    else:
        (made.folder / MANIFEST).unlink()
    with pytest.raises(StateError) as caught:
        put_back(core.settings, made.folder)
    assert caught.value.code == ("backup.manifest" if harm == "no manifest" else "backup.damaged")
    assert cards.find_cards(core, "permit", person(1).permit.number or "")


def test_only_its_own_old_backups_are_removed(core: Core, clock: FakeClock, tmp_path: Path) -> None:
    """What a kill left, too; a folder of somebody's stays."""
    place = tmp_path / "backups"
    (place / "mine").mkdir(parents=True)
    (place / "icard-20200101T000000Z.partial").mkdir()
    for _ in range(3):
        clock.at += 60
        newest = back_up(core, place, BY, keep=2)
    left = sorted(path.name for path in place.iterdir())
    assert len(left) == 3
    assert {"mine", newest.folder.name} < set(left)


def test_the_drill_names_what_came_after_the_backup(core: Core, clock: FakeClock, tmp_path: Path) -> None:
    """With the mark each code by list and index; without it that nobody knows."""
    made = back_up(core, tmp_path / "backups", BY)
    clock.at += 60
    (later,) = cards.issue(core, [NewCard(person(2))], BY)
    step(core, clock)
    export(core, tmp_path / "tree")
    url = drill_url(core, tmp_path / "drill")
    for marked in (True, False):
        folder = tmp_path / "drill"
        settings = settings_for(folder, url)
        if marked:
            shutil.copy(core.settings.master_key_path, folder)
            shutil.copy(core.settings.epoch_path, folder)
            assert put_back(settings, made.folder) is None
        else:
            (folder / "epoch").unlink()
        opened = Core.open(settings, restoring=True, clock=core.clock)
        outcome = restore(opened, tmp_path / "tree", BY)
        opened.close()
        if marked:
            lost = {(place.uri, place.index) for place in outcome.lost_codes}
            assert lost == {(code.uri, code.index) for code in later.codes}
            assert outcome.lost_acts is not None
            assert outcome.lost_acts > 0
        else:
            assert outcome.lost_acts is None
    if not core.database.is_sqlite:
        postgres.server().drop(url)


def drill_url(core: Core, folder: Path) -> str:
    """The address of a new database of the same kind, for the drill."""
    folder.mkdir()
    if core.database.is_sqlite:
        return f"sqlite:///{folder / 'issuer.db'}"
    return new_database_url("postgresql", folder, empty=True)


def test_a_database_with_data_is_not_overwritten(core: Core, tmp_path: Path) -> None:
    """A SQLite file is kept beside; a PostgreSQL database has to be empty."""
    made = back_up(core, tmp_path / "backups", BY)
    core.close()
    if core.database.is_sqlite:
        before = (core.settings.folder / "issuer.db").read_bytes()
        kept = put_back(core.settings, made.folder)
        assert kept is not None
        assert kept.read_bytes() == before
        return
    with pytest.raises(StateError) as caught:
        put_back(core.settings, made.folder)
    assert caught.value.code == "backup.not_empty"
    again = connect(core.settings.database)
    again.check()
    again.close()


def test_the_manifest_is_json_with_the_revision(core: Core, tmp_path: Path) -> None:
    facts = json.loads((back_up(core, tmp_path / "backups", BY).folder / MANIFEST).read_bytes())
    assert facts["made"].endswith("Z")
    assert facts["revision"].isdigit()
