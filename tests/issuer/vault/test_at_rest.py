"""Encryption at rest: objects, places, master keys, rewrapping."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto.errors import IcardError, StateError
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.db.base import sealed_columns
from issuer.vault.at_rest import AtRest, MasterKeys, Place
from tests.kit.issuing_service import new_core, person, settings_for

PLACE = Place("cards", "record", "1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "master.key"


@pytest.fixture
def at_rest(path: Path) -> AtRest:
    return AtRest(MasterKeys.create(path))


def test_an_object_opens_in_its_place_only(at_rest: AtRest) -> None:
    """Another table, column or row: damaged, and the error shows neither content nor row."""
    sealed = at_rest.seal(PLACE, b"R3101")
    assert at_rest.open(PLACE, sealed) == b"R3101"
    for other in (Place("codes", "record", "1"), Place("cards", "other", "1"), Place("cards", "record", "11")):
        with pytest.raises(StateError) as caught:
            at_rest.open(other, sealed)
        assert (caught.value.code, caught.value.path) == ("at_rest.damaged", f"{other.table}.{other.column}")
        assert "R3101" not in str(caught.value)


def test_every_bit_is_protected(at_rest: AtRest) -> None:
    """A bit flipped anywhere, a byte less: an error with a code, never other content."""
    sealed = at_rest.seal(PLACE, b"abc")
    for at in range(len(sealed)):
        with pytest.raises(StateError) as caught:
            at_rest.open(PLACE, sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :])
        assert caught.value.code == ("at_rest.unknown_master" if 1 <= at <= 8 else "at_rest.damaged")
    for length in range(len(sealed)):
        with pytest.raises(StateError):
            at_rest.open(PLACE, sealed[:length])


def test_equal_contents_are_sealed_differently(at_rest: AtRest) -> None:
    """Nobody sees that two objects hold the same."""
    assert at_rest.seal(PLACE, b"same") != at_rest.seal(PLACE, b"same")


def test_keyed_hashes_need_the_key(at_rest: AtRest, tmp_path: Path) -> None:
    """Equal values of a kind are found; kinds and services do not mix; pseudonyms are no look-up hashes."""
    other = AtRest(MasterKeys.create(tmp_path / "other.key"))
    assert at_rest.digest("permit", "R1") == at_rest.digest("permit", "R1")
    different = {at_rest.digest("permit", "R1"), at_rest.digest("name", "R1"), other.digest("permit", "R1")}
    assert len(different) == 3
    assert not at_rest.digest("permit", "R1").startswith(at_rest.pseudonym("permit", "R1"))


def test_the_master_key_file_is_secret_and_never_overwritten(path: Path) -> None:
    """Mode 0600, and a second attempt is refused."""
    made = MasterKeys.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(IcardError) as caught:
        MasterKeys.create(path)
    assert caught.value.code == "file.exists"
    assert MasterKeys.read(path) == made
    assert "key" not in repr(made).replace("MasterKeys", "")


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": 2, "keys": [], "index": ""}', '{"format": 1, "keys": [{"id": "00", "key": "AA=="}]}'],
)
def test_another_file_is_no_master_key_file(path: Path, content: str) -> None:
    """Whatever it is, the error has a code and names the file."""
    path.write_text(content)
    with pytest.raises(StateError) as caught:
        MasterKeys.read(path)
    assert (caught.value.code, caught.value.found) == ("at_rest.file", str(path))


def test_rewrapping_changes_the_wrapped_key_alone(at_rest: AtRest, path: Path) -> None:
    """The content's bytes stay; the old master key is needed no more; twice changes nothing."""
    sealed = at_rest.seal(PLACE, b"abc")
    prepared = MasterKeys.read(path).with_prepared(path)
    (name,) = prepared.prepared
    newer = MasterKeys.read(path).in_use(path, name)
    assert MasterKeys.read(path) == newer
    both = AtRest(newer)
    wrapped = both.rewrap(PLACE, sealed)
    assert wrapped is not None
    assert wrapped[69:] == sealed[69:]
    assert both.rewrap(PLACE, wrapped) is None
    alone = AtRest(newer.only(path, name))
    assert alone.open(PLACE, wrapped) == b"abc"
    with pytest.raises(StateError) as caught:
        alone.open(PLACE, sealed)
    assert caught.value.code == "at_rest.unknown_master"


def test_a_prepared_key_is_held_and_nothing_is_sealed_under_it(at_rest: AtRest, path: Path) -> None:
    """Neither here nor by a version that knows no such keys and takes the last one of the file."""
    prepared = MasterKeys.read(path).with_prepared(path)
    (name,) = prepared.prepared
    assert AtRest(MasterKeys.read(path)).seal(PLACE, b"abc")[1:9] != name
    assert json.loads(path.read_text())["keys"][-1]["id"] != name.hex()
    wrapped = AtRest(prepared).rewrap(PLACE, at_rest.seal(PLACE, b"abc"), name)
    assert wrapped is not None
    assert AtRest(MasterKeys.read(path)).open(PLACE, wrapped) == b"abc"


def test_a_running_process_reads_the_file_again(at_rest: AtRest, path: Path) -> None:
    """An object under a key that came later opens; new objects follow the one that shows which key is in force."""
    running = AtRest(MasterKeys.read(path), lambda: MasterKeys.read(path))
    (name,) = MasterKeys.read(path).with_prepared(path).prepared
    newer = AtRest(MasterKeys.read(path).in_use(path, name))
    canary = newer.seal(PLACE, b"abc")
    assert running.open(PLACE, canary) == b"abc"
    running.follow(canary)
    assert newer.rewrap(PLACE, running.seal(PLACE, b"abc")) is None


def test_a_wrong_master_key_shows_at_start(tmp_path: Path, database_url: str) -> None:
    """Before anything is read or written."""
    new_core(tmp_path, database_url, keys=False).close()
    MasterKeys.create(tmp_path / "wrong.key")
    settings = settings_for(tmp_path, database_url, master_key_file=tmp_path / "wrong.key")
    with pytest.raises(StateError) as caught:
        Core.open(settings)
    assert caught.value.code == "at_rest.unknown_master"
    assert caught.value.message() == "This was encrypted under another master key."


def test_what_is_personal_is_not_in_the_database_in_clear(tmp_path: Path, database_url: str) -> None:
    """No marked name, number, employer or code is in any column of any table."""
    core = new_core(tmp_path, database_url)
    card = person(1, employer="MARKED EMPLOYER", position="MARKED POSITION")
    card = replace(card, holder=replace(card.holder, name="MARKED NAME"))
    (issued,) = cards.issue(core, [NewCard(card)], Actor("MARKED ACTOR", "MARKED REASON"))
    marks = [b"MARKED", (card.permit.number or "").encode(), b"IC1:", card.permit.employer_code.encode()]  # type: ignore[union-attr]
    content = core.database.read(_everything)
    assert len(content) > 5000
    assert [mark for mark in marks if mark in content] == []
    assert cards.show(core, issued.card_id).card == card


def _everything(session: object) -> bytes:
    from issuer.db.base import Base

    parts = []
    for table in Base.metadata.sorted_tables:
        for row in session.execute(select(table)):  # type: ignore[attr-defined]
            parts += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(parts)


def _sealed(core: Core) -> list[tuple[Place, bytes]]:
    """Every sealed object with its place."""
    found = []
    for table, column in sealed_columns():
        (key,) = table.primary_key.columns
        query = select(key, column).where(column.is_not(None))
        rows = core.database.read(lambda session, query=query: session.execute(query).all())  # type: ignore[misc]
        found += [(Place(table.name, column.name, str(name)), content) for name, content in rows]
    return found
