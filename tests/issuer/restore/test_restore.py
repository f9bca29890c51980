"""A backup that is put back is found before it signs, and made fit again: on both databases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from icard_crypto.errors import StateError
from issuer import cards
from issuer.acts import Actor
from issuer.audit.checkpoints import checkpoint_files, read_file
from issuer.audit.models import AuditDetail, AuditRow
from issuer.audit.purge import name_loss
from issuer.audit.verify import verify
from issuer.cards import IssuedCard, NewCard, Reissue
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.keys import states as key_states
from issuer.publication import checkpoints
from issuer.publication.export import export
from issuer.recovery.epoch import read_mark
from issuer.restore.adopt import adopt
from issuer.restore.restore import restore, withdraw_lost
from issuer.status.models import LostCode, StatusListRow
from issuer.vault.at_rest import Place
from tests.kit.backups import back_up, put_back
from tests.kit.issuing_service import FakeClock, person, settings_for
from tests.kit.signed_domain import published_core, step, verdicts

BY = Actor("host:ann", "the disk broke", break_glass=True)


@dataclass
class House:
    """A service, the folder that it publishes to, and a backup of its database."""

    folder: Path
    url: str
    clock: FakeClock
    core: Core

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    def publish(self) -> None:
        step(self.core, self.clock)
        export(self.core, self.tree)

    def issue(self, *numbers: int) -> list[IssuedCard]:
        return cards.issue(self.core, [NewCard(person(number)) for number in numbers], BY)

    def back_up(self) -> None:
        self.core.close()
        back_up(self.url, self.folder / "backup")

    def put_back(self) -> None:
        self.core.close()
        put_back(self.url, self.folder / "backup")

    def open(self, *, restoring: bool = False, **settings: Any) -> Core:
        made = settings_for(self.folder, self.url, **settings)
        self.core = Core.open(made, clock=self.clock.clock(), restoring=restoring)
        return self.core

    def refusal(self, **settings: Any) -> StateError:
        with pytest.raises(StateError) as caught:
            self.open(**settings)
        return caught.value


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    clock = FakeClock()
    made = House(tmp_path, database_url, clock, published_core(tmp_path, database_url, clock))
    made.publish()
    return made


def places(core: Core) -> set[tuple[str, int]]:
    query = select(CodeRow.list_name, CodeRow.idx)
    return core.database.read(lambda session: {(name, index) for name, index in session.execute(query)})


def reasons(house: House, cards_: list[IssuedCard]) -> list[str]:
    house.publish()
    return [verdict.reason for card in cards_ for verdict in verdicts(house.core, [card.codes[0].text])]


def test_a_backup_put_back_does_not_start(house: House) -> None:
    """One act that the database does not hold any more is enough; the error says what to run."""
    house.issue(1)
    house.back_up()
    house.issue(2)
    house.put_back()
    fault = house.refusal()
    assert (fault.code, fault.path) == ("epoch.behind", "audit")
    assert "icard-issuer restore" in fault.hint()
    assert "earlier backup" in fault.message()


def test_the_same_database_starts(house: House) -> None:
    """A backup of this very moment is not behind. On PostgreSQL it is in a new database, which has to be adopted."""
    house.issue(1)
    house.back_up()
    house.put_back()
    if not house.url.startswith("sqlite"):
        assert house.refusal().code == "epoch.moved"
        adopt(house.open(restoring=True), BY)
        house.core.close()
    house.open()
    house.publish()
    assert len(house.issue(2)) == 1


def test_after_a_restore_nothing_recurs_and_nothing_revoked_comes_back(house: House) -> None:
    """No index twice; revoked, suspended, replaced, lapsed stay; lost codes are named; the next codes verify."""
    before = house.issue(1, 2, 3, 4, 5)
    house.back_up()
    revoked, suspended, replaced, lapsed, _ = (card.card_id for card in before)
    cards.revoke(house.core, revoked, BY)
    cards.suspend(house.core, suspended, BY)
    again = cards.replace(house.core, Reissue(replaced), BY)
    cards.set_insurance(house.core, lapsed, "lapsed", BY)
    (new_revoked, new) = house.issue(6, 7)
    cards.revoke(house.core, new_revoked.card_id, BY)
    assert reasons(house, [*before, again, new_revoked, new]) == [
        *("revoked", "suspended", "replaced", "valid", "valid", "valid", "revoked", "valid")
    ]
    given = places(house.core)
    house.put_back()
    assert house.refusal().code == "epoch.behind"

    outcome = restore(house.open(restoring=True), house.tree, BY)
    assert outcome.lost_acts == 7
    assert outcome.cards == [replaced]
    assert outcome.changed == sorted([revoked, suspended, replaced, lapsed])
    lost = {code.index: (1 if card is new_revoked else 0) for card in (again, new_revoked, new) for code in card.codes}
    assert {place.index: place.value for place in outcome.lost_codes} == lost
    assert len(outcome.closed) == 2

    house.core.close()
    house.open()
    states = {card: cards.show(house.core, card) for card in (revoked, suspended, lapsed)}
    assert (states[revoked].status, states[suspended].status) == ("revoked", "suspended")
    assert states[lapsed].insurance == "lapsed"
    assert reasons(house, [*before, again, new_revoked, new]) == [
        *("revoked", "suspended", "replaced", "valid", "valid", "valid", "revoked", "valid")
    ]
    fresh = [*house.issue(8, 9), cards.replace(house.core, Reissue(replaced), BY)]
    assert reasons(house, fresh) == ["valid"] * 3
    assert not {(code.uri.rpartition("/")[2], code.index) for card in fresh for code in card.codes} & given


def test_the_first_code_waits_for_the_next_list(house: House) -> None:
    """All lists of the backup are closed; before the new one was published nothing is issued."""
    house.issue(1)
    house.back_up()
    house.issue(2)
    house.put_back()
    restore(house.open(restoring=True), house.tree, BY)
    with pytest.raises(StateError) as caught:
        house.issue(3)
    assert caught.value.code == "list.not_published"
    house.publish()
    assert len(house.issue(3)) == 1
    query = select(StatusListRow.state).order_by(StatusListRow.state)
    assert house.core.database.read(lambda session: list(session.scalars(query))) == ["closed", "closed", "open"]


def test_a_list_made_after_the_backup_is_kept(tmp_path: Path, database_url: str) -> None:
    """What it revoked stays revoked though the database never knew it, and it is named whole."""
    clock = FakeClock()
    house = House(tmp_path, database_url, clock, published_core(tmp_path, database_url, clock, list_capacity=100))
    house.publish()
    house.back_up()
    made: list[IssuedCard] = []
    for ten in range(7):
        made += house.issue(*range(10 * ten, 10 * ten + 10))
        house.publish()
    cards.revoke(house.core, made[-1].card_id, BY)
    assert reasons(house, made[-2:]) == ["valid", "revoked"]
    house.put_back()
    outcome = restore(house.open(restoring=True, list_capacity=100), house.tree, BY)
    uri = made[-1].codes[0].uri
    assert uri in outcome.lost_lists
    named = {(place.uri, place.index): place.value for place in outcome.lost_codes}
    assert named[uri, made[-1].codes[0].index] == 1
    # The list that was open in the backup was filled: each of its codes is named by its place.
    first = [code for card in made for code in card.codes if code.uri == made[0].codes[0].uri]
    assert {(code.uri, code.index) for code in first} <= named.keys()
    assert reasons(house, made[-2:]) == ["valid", "revoked"]


def test_a_lost_code_can_be_withdrawn(house: House) -> None:
    """Once its holder has another one; a place that is not lost is refused by name."""
    house.back_up()
    (lost,) = house.issue(1)
    house.publish()
    house.put_back()
    restore(house.open(restoring=True), house.tree, BY)
    code = lost.codes[0]
    withdraw_lost(house.core, code.uri, code.index, BY)
    assert reasons(house, [lost]) == ["revoked"]
    with pytest.raises(StateError) as caught:
        withdraw_lost(house.core, code.uri, 65535, BY)
    assert (caught.value.code, caught.value.path) == ("restore.no_code", f"{code.uri}#65535")
    assert "lost code" in caught.value.message()


def test_a_key_that_the_timestamp_denies_stays_denied(house: House) -> None:
    """The backup still calls the stolen key active; after the restore it signs nothing."""
    house.issue(1)
    stolen = next(row.thumbprint for row in house.core.database.read(key_states.all_keys) if row.usage == "card")
    house.back_up()
    key_states.revoke(house.core, stolen, "host:test", kind="compromised", reason="stolen")
    house.publish()
    house.put_back()
    outcome = restore(house.open(restoring=True), house.tree, BY)
    assert outcome.keys == [stolen]
    row = next(row for row in house.core.database.read(key_states.all_keys) if row.thumbprint == stolen)
    assert (row.state, row.revoked_kind) == ("revoked", "compromised")


def test_the_mark_put_back_too_is_found_by_what_was_published(house: House) -> None:
    """A backup of the whole folder has the old mark: with the setting published the files tell."""
    house.issue(1)
    house.back_up()
    shutil.copy(house.folder / "epoch", house.folder / "epoch.old")
    (card,) = house.issue(2)
    cards.revoke(house.core, card.card_id, BY)
    house.publish()
    house.put_back()
    shutil.copy(house.folder / "epoch.old", house.folder / "epoch")
    fault = house.refusal(published=house.tree)
    assert (fault.code, fault.path) == ("epoch.behind", "published")
    assert fault.expected == f"iat {int(house.clock.at)} or later"


def test_the_backup_once_more_is_found_by_its_epoch(house: House) -> None:
    """The epoch rose with the restore; the mark's is above the backup's."""
    house.issue(1)
    house.back_up()
    house.issue(2)
    house.put_back()
    assert restore(house.open(restoring=True), house.tree, BY).epoch == 2
    house.put_back()
    fault = house.refusal()
    assert (fault.code, fault.path, fault.expected, fault.found) == ("epoch.behind", "epoch", "2", "1")


def test_a_restore_may_be_done_again(house: House) -> None:
    """Nothing is lost the second time; what was lost the first time stays on record."""
    house.back_up()
    house.issue(1)
    house.publish()
    house.put_back()
    first = restore(house.open(restoring=True), house.tree, BY)
    house.publish()
    second = restore(house.core, house.tree, BY)
    assert (len(first.lost_codes), second.lost_codes, second.lost_acts, second.epoch) == (3, [], 0, 3)
    count = house.core.database.read(lambda session: len(session.scalars(select(LostCode)).all()))
    assert count == 3


def test_a_restore_is_in_the_audit(house: House) -> None:
    """With who, why, and how much was lost."""
    house.back_up()
    house.issue(1)
    house.put_back()
    restore(house.open(restoring=True), house.tree, BY)
    rows = house.core.database.read(
        lambda session: list(session.scalars(select(AuditDetail).order_by(AuditDetail.seq)))
    )
    body = house.core.at_rest.open(Place("audit_details", "body", str(rows[-1].seq)), rows[-1].body)
    details = json.loads(body[16:])
    assert (details["actor"], details["reason"], details["break_glass"]) == ("host:ann", "the disk broke", True)
    assert (details["epoch"], details["lost_acts"], details["lost_codes"]) == (2, 1, 3)


def test_checkpoints_of_what_was_lost_are_explained(house: House) -> None:
    """Those of acts behind the backup, beyond the chain's end and within its new rows; a later one must still hold."""
    house.back_up()
    outside = house.folder / "outside"
    for number in range(1, 9):
        house.issue(number)
        checkpoints.make(house.core, outside)
    house.put_back()
    restore(house.open(restoring=True), house.tree, BY)
    house.publish()
    house.issue(20)
    known = {path.name: read_file(path) for path in checkpoint_files(outside)}
    report = verify(house.core, known)
    assert report.faults == []
    assert [fault.code for fault in report.lost] == ["audit.restored"] * 8
    (place,) = {fault.path for fault in report.lost}
    assert not report.whole
    name_loss(house.core, int((place or "").removeprefix("row ")), "host:test", "the disk failed on Monday")
    report = verify(house.core, known)
    assert (report.whole, len(report.known)) == (True, 8)
    with pytest.raises(StateError) as caught:
        name_loss(house.core, 1, "host:test", "x")
    assert caught.value.code == "audit.no_restore"
    # A checkpoint of the chain as it goes on is no part of that: cut off, it is a fault.
    house.clock.at += 60
    later = checkpoints.make(house.core, house.folder / "later")
    assert later is not None
    again = {path.name: read_file(path) for path in checkpoint_files(house.folder / "later")}
    spoil = update(AuditRow).where(AuditRow.seq == later.seq).values(hash="0" * 64)
    house.core.database.transact(lambda session: session.execute(spoil))
    codes = {fault.code for fault in verify(house.core, known | again).faults}
    assert "audit.rewritten" in codes


def test_a_forged_list_stops_the_restore(house: House) -> None:
    """A token that no verifier would believe changes nothing."""
    house.issue(1)
    house.publish()
    house.core.close()
    shutil.rmtree(house.tree / "status")
    (house.tree / "status").mkdir()
    bundle = house.tree / "bundle.cbor"
    data = bytearray(bundle.read_bytes())
    place = data.rindex(b"https://icard.example/s/")
    data[place + 24] ^= 1
    bundle.write_bytes(data)
    core = house.open(restoring=True)
    with pytest.raises(StateError) as caught:
        restore(core, house.tree, BY)
    assert caught.value.code == "restore.token"
    assert "cannot be believed" in caught.value.message()
    assert core.database.read(lambda session: session.get_one(Meta, 1)).epoch == 1


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.unlink(), "epoch.missing"),
        (lambda path: path.write_bytes(b"half"), "epoch.damaged"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"[1,", b"[2,", 1)[:-3]), "epoch.damaged"),
    ],
)
def test_without_a_mark_nothing_starts(house: House, spoil: Callable[[Path], None], code: str) -> None:
    """A missing or damaged mark is named; a restore writes a new one, and names the lists whose use nobody knows."""
    house.core.close()
    spoil(house.folder / "epoch")
    fault = house.refusal()
    assert fault.code == code
    assert "icard-issuer restore" in fault.hint()
    outcome = restore(house.open(restoring=True), house.tree, BY)
    assert (outcome.lost_acts, len(outcome.lost_lists)) == (None, 2)
    house.open()


def test_another_databases_mark_is_named(house: House, tmp_path: Path) -> None:
    """Two services with one mark: a mistake in the settings."""
    mark = read_mark(house.folder / "epoch")
    assert mark is not None
    (house.folder / "epoch").write_bytes(replace(mark, database_id="0" * 32)._encode())
    fault = house.refusal()
    assert (fault.code, fault.expected) == ("epoch.other_database", "00000000")
    assert "epoch_file" in fault.hint()


def test_another_servers_restore_is_followed(house: House) -> None:
    """On a server whose mark has a lower epoch the database is the newer one."""
    shutil.copy(house.folder / "epoch", house.folder / "epoch.other")
    restore(house.core, house.tree, BY)
    house.open(epoch_file=house.folder / "epoch.other")
    house.publish()
    house.issue(1)
    mark = read_mark(house.folder / "epoch.other")
    assert mark is not None
    assert mark.epoch == 2


def test_a_mark_that_cannot_be_written_is_named(house: House) -> None:
    """The act may be done; whoever asked is told that the mark is not there."""
    house.core.close()
    mark = (house.folder / "epoch").read_bytes()
    house.open()
    (house.folder / "epoch").unlink()
    (house.folder / "epoch").mkdir()
    with pytest.raises(StateError) as caught:
        house.issue(1)
    assert caught.value.code == "epoch.unwritable"
    assert "cannot be written" in caught.value.message()
    (house.folder / "epoch").rmdir()
    (house.folder / "epoch").write_bytes(mark)
    house.open()
    house.issue(2)
