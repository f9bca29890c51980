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
class ServiceUnderTest:
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
def issuing_service(tmp_path: Path, database_url: str) -> ServiceUnderTest:
    clock = FakeClock()
    made = ServiceUnderTest(tmp_path, database_url, clock, published_core(tmp_path, database_url, clock))
    made.publish()
    return made


def places(core: Core) -> set[tuple[str, int]]:
    query = select(CodeRow.list_name, CodeRow.idx)
    return core.database.read(lambda session: {(name, index) for name, index in session.execute(query)})


def reasons(issuing_service: ServiceUnderTest, cards_: list[IssuedCard]) -> list[str]:
    issuing_service.publish()
    return [verdict.reason for card in cards_ for verdict in verdicts(issuing_service.core, [card.codes[0].text])]


def test_a_backup_put_back_does_not_start(issuing_service: ServiceUnderTest) -> None:
    """One act that the database does not hold any more is enough; the error says what to run."""
    issuing_service.issue(1)
    issuing_service.back_up()
    issuing_service.issue(2)
    issuing_service.put_back()
    fault = issuing_service.refusal()
    assert (fault.code, fault.path) == ("epoch.behind", "audit")
    assert "icard-issuer restore" in fault.hint()
    assert "earlier backup" in fault.message()


def test_the_same_database_starts(issuing_service: ServiceUnderTest) -> None:
    """A backup of this very moment is not behind. On PostgreSQL it is in a new database, which has to be adopted."""
    issuing_service.issue(1)
    issuing_service.back_up()
    issuing_service.put_back()
    if not issuing_service.url.startswith("sqlite"):
        assert issuing_service.refusal().code == "epoch.moved"
        adopt(issuing_service.open(restoring=True), BY)
        issuing_service.core.close()
    issuing_service.open()
    issuing_service.publish()
    assert len(issuing_service.issue(2)) == 1


def test_after_a_restore_nothing_recurs_and_nothing_revoked_comes_back(issuing_service: ServiceUnderTest) -> None:
    """No index twice; revoked, suspended, replaced, lapsed stay; lost codes are named; the next codes verify."""
    before = issuing_service.issue(1, 2, 3, 4, 5)
    issuing_service.back_up()
    revoked, suspended, replaced, lapsed, _ = (card.card_id for card in before)
    cards.revoke(issuing_service.core, revoked, BY)
    cards.suspend(issuing_service.core, suspended, BY)
    again = cards.replace(issuing_service.core, Reissue(replaced), BY)
    cards.set_insurance(issuing_service.core, lapsed, "lapsed", BY)
    (new_revoked, new) = issuing_service.issue(6, 7)
    cards.revoke(issuing_service.core, new_revoked.card_id, BY)
    assert reasons(issuing_service, [*before, again, new_revoked, new]) == [
        *("revoked", "suspended", "replaced", "valid", "valid", "valid", "revoked", "valid")
    ]
    given = places(issuing_service.core)
    issuing_service.put_back()
    assert issuing_service.refusal().code == "epoch.behind"

    outcome = restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    assert outcome.lost_acts == 7
    assert outcome.cards == [replaced]
    assert outcome.changed == sorted([revoked, suspended, replaced, lapsed])
    lost = {code.index: (1 if card is new_revoked else 0) for card in (again, new_revoked, new) for code in card.codes}
    assert {place.index: place.value for place in outcome.lost_codes} == lost
    assert len(outcome.closed) == 2

    issuing_service.core.close()
    issuing_service.open()
    states = {card: cards.show(issuing_service.core, card) for card in (revoked, suspended, lapsed)}
    assert (states[revoked].status, states[suspended].status) == ("revoked", "suspended")
    assert states[lapsed].insurance == "lapsed"
    assert reasons(issuing_service, [*before, again, new_revoked, new]) == [
        *("revoked", "suspended", "replaced", "valid", "valid", "valid", "revoked", "valid")
    ]
    fresh = [*issuing_service.issue(8, 9), cards.replace(issuing_service.core, Reissue(replaced), BY)]
    assert reasons(issuing_service, fresh) == ["valid"] * 3
    assert not {(code.uri.rpartition("/")[2], code.index) for card in fresh for code in card.codes} & given


def test_the_first_code_waits_for_the_next_list(issuing_service: ServiceUnderTest) -> None:
    """All lists of the backup are closed; before the new one was published nothing is issued."""
    issuing_service.issue(1)
    issuing_service.back_up()
    issuing_service.issue(2)
    issuing_service.put_back()
    restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    with pytest.raises(StateError) as caught:
        issuing_service.issue(3)
    assert caught.value.code == "list.not_published"
    issuing_service.publish()
    assert len(issuing_service.issue(3)) == 1
    query = select(StatusListRow.state).order_by(StatusListRow.state)
    assert issuing_service.core.database.read(lambda session: list(session.scalars(query))) == [
        "closed",
        "closed",
        "open",
    ]


def test_a_list_made_after_the_backup_is_kept(tmp_path: Path, database_url: str) -> None:
    """What it revoked stays revoked though the database never knew it, and it is named whole."""
    clock = FakeClock()
    issuing_service = ServiceUnderTest(
        tmp_path, database_url, clock, published_core(tmp_path, database_url, clock, list_capacity=100)
    )
    issuing_service.publish()
    issuing_service.back_up()
    made: list[IssuedCard] = []
    for ten in range(7):
        made += issuing_service.issue(*range(10 * ten, 10 * ten + 10))
        issuing_service.publish()
    cards.revoke(issuing_service.core, made[-1].card_id, BY)
    assert reasons(issuing_service, made[-2:]) == ["valid", "revoked"]
    issuing_service.put_back()
    outcome = restore(issuing_service.open(restoring=True, list_capacity=100), issuing_service.tree, BY)
    uri = made[-1].codes[0].uri
    assert uri in outcome.lost_lists
    named = {(place.uri, place.index): place.value for place in outcome.lost_codes}
    assert named[uri, made[-1].codes[0].index] == 1
    # The list that was open in the backup was filled: each of its codes is named by its place.
    first = [code for card in made for code in card.codes if code.uri == made[0].codes[0].uri]
    assert {(code.uri, code.index) for code in first} <= named.keys()
    assert reasons(issuing_service, made[-2:]) == ["valid", "revoked"]


def test_a_lost_code_can_be_withdrawn(issuing_service: ServiceUnderTest) -> None:
    """Once its holder has another one; a place that is not lost is refused by name."""
    issuing_service.back_up()
    (lost,) = issuing_service.issue(1)
    issuing_service.publish()
    issuing_service.put_back()
    restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    code = lost.codes[0]
    withdraw_lost(issuing_service.core, code.uri, code.index, BY)
    assert reasons(issuing_service, [lost]) == ["revoked"]
    with pytest.raises(StateError) as caught:
        withdraw_lost(issuing_service.core, code.uri, 65535, BY)
    assert (caught.value.code, caught.value.path) == ("restore.no_code", f"{code.uri}#65535")
    assert "lost code" in caught.value.message()


def test_a_key_that_the_timestamp_denies_stays_denied(issuing_service: ServiceUnderTest) -> None:
    """The backup still calls the stolen key active; after the restore it signs nothing."""
    issuing_service.issue(1)
    stolen = next(
        row.thumbprint for row in issuing_service.core.database.read(key_states.all_keys) if row.usage == "card"
    )
    issuing_service.back_up()
    key_states.revoke(issuing_service.core, stolen, "host:test", kind="compromised", reason="stolen")
    issuing_service.publish()
    issuing_service.put_back()
    outcome = restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    assert outcome.keys == [stolen]
    row = next(row for row in issuing_service.core.database.read(key_states.all_keys) if row.thumbprint == stolen)
    assert (row.state, row.revoked_kind) == ("revoked", "compromised")


def test_the_mark_put_back_too_is_found_by_what_was_published(issuing_service: ServiceUnderTest) -> None:
    """A backup of the whole folder has the old mark: with the setting published the files tell."""
    issuing_service.issue(1)
    issuing_service.back_up()
    shutil.copy(issuing_service.folder / "epoch", issuing_service.folder / "epoch.old")
    (card,) = issuing_service.issue(2)
    cards.revoke(issuing_service.core, card.card_id, BY)
    issuing_service.publish()
    issuing_service.put_back()
    shutil.copy(issuing_service.folder / "epoch.old", issuing_service.folder / "epoch")
    fault = issuing_service.refusal(published=issuing_service.tree)
    assert (fault.code, fault.path) == ("epoch.behind", "published")
    assert fault.expected == f"iat {int(issuing_service.clock.at)} or later"


def test_the_backup_once_more_is_found_by_its_epoch(issuing_service: ServiceUnderTest) -> None:
    """The epoch rose with the restore; the mark's is above the backup's."""
    issuing_service.issue(1)
    issuing_service.back_up()
    issuing_service.issue(2)
    issuing_service.put_back()
    assert restore(issuing_service.open(restoring=True), issuing_service.tree, BY).epoch == 2
    issuing_service.put_back()
    fault = issuing_service.refusal()
    assert (fault.code, fault.path, fault.expected, fault.found) == ("epoch.behind", "epoch", "2", "1")


def test_a_restore_may_be_done_again(issuing_service: ServiceUnderTest) -> None:
    """Nothing is lost the second time; what was lost the first time stays on record."""
    issuing_service.back_up()
    issuing_service.issue(1)
    issuing_service.publish()
    issuing_service.put_back()
    first = restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    issuing_service.publish()
    second = restore(issuing_service.core, issuing_service.tree, BY)
    assert (len(first.lost_codes), second.lost_codes, second.lost_acts, second.epoch) == (3, [], 0, 3)
    count = issuing_service.core.database.read(lambda session: len(session.scalars(select(LostCode)).all()))
    assert count == 3


def test_a_restore_is_in_the_audit(issuing_service: ServiceUnderTest) -> None:
    """With who, why, and how much was lost."""
    issuing_service.back_up()
    issuing_service.issue(1)
    issuing_service.put_back()
    restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    rows = issuing_service.core.database.read(
        lambda session: list(session.scalars(select(AuditDetail).order_by(AuditDetail.seq)))
    )
    body = issuing_service.core.at_rest.open(Place("audit_details", "body", str(rows[-1].seq)), rows[-1].body)
    details = json.loads(body[16:])
    assert (details["actor"], details["reason"], details["break_glass"]) == ("host:ann", "the disk broke", True)
    assert (details["epoch"], details["lost_acts"], details["lost_codes"]) == (2, 1, 3)


def test_checkpoints_of_what_was_lost_are_explained(issuing_service: ServiceUnderTest) -> None:
    """Those of acts behind the backup, beyond the chain's end and within its new rows; a later one must still hold."""
    issuing_service.back_up()
    outside = issuing_service.folder / "outside"
    for number in range(1, 9):
        issuing_service.issue(number)
        checkpoints.make(issuing_service.core, outside)
    issuing_service.put_back()
    restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    issuing_service.publish()
    issuing_service.issue(20)
    known = {path.name: read_file(path) for path in checkpoint_files(outside)}
    report = verify(issuing_service.core, known)
    assert report.faults == []
    assert [fault.code for fault in report.lost] == ["audit.restored"] * 8
    (place,) = {fault.path for fault in report.lost}
    assert not report.whole
    name_loss(issuing_service.core, int((place or "").removeprefix("row ")), "host:test", "the disk failed on Monday")
    report = verify(issuing_service.core, known)
    assert (report.whole, len(report.known)) == (True, 8)
    with pytest.raises(StateError) as caught:
        name_loss(issuing_service.core, 1, "host:test", "x")
    assert caught.value.code == "audit.no_restore"
    # A checkpoint of the chain as it goes on is no part of that: cut off, it is a fault.
    issuing_service.clock.at += 60
    later = checkpoints.make(issuing_service.core, issuing_service.folder / "later")
    assert later is not None
    again = {path.name: read_file(path) for path in checkpoint_files(issuing_service.folder / "later")}
    spoil = update(AuditRow).where(AuditRow.seq == later.seq).values(hash="0" * 64)
    issuing_service.core.database.transact(lambda session: session.execute(spoil))
    codes = {fault.code for fault in verify(issuing_service.core, known | again).faults}
    assert "audit.rewritten" in codes


def test_a_forged_list_stops_the_restore(issuing_service: ServiceUnderTest) -> None:
    """A token that no verifier would believe changes nothing."""
    issuing_service.issue(1)
    issuing_service.publish()
    issuing_service.core.close()
    shutil.rmtree(issuing_service.tree / "status")
    (issuing_service.tree / "status").mkdir()
    bundle = issuing_service.tree / "bundle.cbor"
    data = bytearray(bundle.read_bytes())
    place = data.rindex(b"https://icard.example/s/")
    data[place + 24] ^= 1
    bundle.write_bytes(data)
    core = issuing_service.open(restoring=True)
    with pytest.raises(StateError) as caught:
        restore(core, issuing_service.tree, BY)
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
def test_without_a_mark_nothing_starts(
    issuing_service: ServiceUnderTest, spoil: Callable[[Path], None], code: str
) -> None:
    """A missing or damaged mark is named; a restore writes a new one, and names the lists whose use nobody knows."""
    issuing_service.core.close()
    spoil(issuing_service.folder / "epoch")
    fault = issuing_service.refusal()
    assert fault.code == code
    assert "icard-issuer restore" in fault.hint()
    outcome = restore(issuing_service.open(restoring=True), issuing_service.tree, BY)
    assert (outcome.lost_acts, len(outcome.lost_lists)) == (None, 2)
    issuing_service.open()


def test_another_databases_mark_is_named(issuing_service: ServiceUnderTest, tmp_path: Path) -> None:
    """Two services with one mark: a mistake in the settings."""
    mark = read_mark(issuing_service.folder / "epoch")
    assert mark is not None
    (issuing_service.folder / "epoch").write_bytes(replace(mark, database_id="0" * 32)._encode())
    fault = issuing_service.refusal()
    assert (fault.code, fault.expected) == ("epoch.other_database", "00000000")
    assert "epoch_file" in fault.hint()


def test_another_servers_restore_is_followed(issuing_service: ServiceUnderTest) -> None:
    """On a server whose mark has a lower epoch the database is the newer one."""
    shutil.copy(issuing_service.folder / "epoch", issuing_service.folder / "epoch.other")
    restore(issuing_service.core, issuing_service.tree, BY)
    issuing_service.open(epoch_file=issuing_service.folder / "epoch.other")
    issuing_service.publish()
    issuing_service.issue(1)
    mark = read_mark(issuing_service.folder / "epoch.other")
    assert mark is not None
    assert mark.epoch == 2


def test_a_mark_that_cannot_be_written_is_named(issuing_service: ServiceUnderTest) -> None:
    """The act may be done; whoever asked is told that the mark is not there."""
    issuing_service.core.close()
    mark = (issuing_service.folder / "epoch").read_bytes()
    issuing_service.open()
    (issuing_service.folder / "epoch").unlink()
    (issuing_service.folder / "epoch").mkdir()
    with pytest.raises(StateError) as caught:
        issuing_service.issue(1)
    assert caught.value.code == "epoch.unwritable"
    assert "cannot be written" in caught.value.message()
    (issuing_service.folder / "epoch").rmdir()
    (issuing_service.folder / "epoch").write_bytes(mark)
    issuing_service.open()
    issuing_service.issue(2)
