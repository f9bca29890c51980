"""The audit under attack: every change of its rows is found with its number; purges; checkpoints. On both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from icard_crypto.errors import KeyFault, StateError
from issuer import cards
from issuer.acts import Actor
from issuer.audit import purge
from issuer.audit.chain import genesis, row_hash
from issuer.audit.checkpoints import checkpoint_files, read_checkpoint, read_file, reader_keys
from issuer.audit.models import AuditDetail, AuditHead, AuditRow
from issuer.audit.verify import AuditReport, verify
from issuer.cards import NewCard
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.keys import states
from issuer.keys.states import active_key
from issuer.publication import checkpoints
from issuer.published import artefacts
from tests.kit.issuing_kills import check_chain
from tests.kit.issuing_service import FakeClock, new_core, new_key, person
from tests.kit.signed_domain import file_of, published_core

MARK = "marked-reason-3141592653"
BY = Actor("officer:1", MARK)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def core(tmp_path: Path, database_url: str, clock: FakeClock) -> Core:
    core = published_core(tmp_path, database_url, clock)
    cards.issue(core, [NewCard(person(number)) for number in range(3)], BY)
    return core


def faults(report: AuditReport) -> list[tuple[str, str | None]]:
    return [(fault.code, fault.path) for fault in report.faults]


def tamper(core: Core, work: Callable[[Session], object]) -> None:
    """What someone does who can write the database: constraints and the program's care do not stop them."""

    if core.database.is_sqlite:
        with core.database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            with Session(bind=connection) as session:
                work(session)
                session.flush()
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            connection.exec_driver_sql("BEGIN")
        return

    def run(session: Session) -> None:
        session.execute(text("ALTER TABLE audit_details DROP CONSTRAINT IF EXISTS fk_audit_details_seq_audit"))
        work(session)

    core.database.transact(run)


def set_row(seq: int, **values: object) -> Callable[[Session], object]:
    return lambda session: session.execute(update(AuditRow).where(AuditRow.seq == seq).values(**values))


def swap(session: Session) -> None:
    """Two acts change places, each with the number of the other."""
    for old, new in ((5, -5), (6, 5), (-5, 6)):
        session.execute(update(AuditRow).where(AuditRow.seq == old).values(seq=new))


def insert(session: Session) -> None:
    """An act that never was, between 5 and 6, hashed as it should be; the others move up."""
    last = session.scalars(select(func.max(AuditRow.seq))).one()
    for seq in range(last, 5, -1):
        session.execute(update(AuditRow).where(AuditRow.seq == seq).values(seq=seq + 1))
        session.execute(update(AuditDetail).where(AuditDetail.seq == seq).values(seq=seq + 1))
    before = session.get_one(AuditRow, 5)
    made = AuditRow(
        seq=6,
        at=before.at,
        actor=before.actor,
        action="card.issue",
        subject=before.subject,
        details_hash=before.details_hash,
        previous=before.hash,
        hash="",
    )
    made.hash = row_hash(made)
    session.add(made)


def cut(session: Session) -> None:
    """The last two acts go, the head stays."""
    last = session.scalars(select(func.max(AuditRow.seq))).one()
    session.execute(delete(AuditDetail).where(AuditDetail.seq > last - 2))
    session.execute(delete(AuditRow).where(AuditRow.seq > last - 2))


def cut_with_head(session: Session) -> None:
    """The last two acts go, and the head names the one before."""
    cut(session)
    session.flush()
    last = session.scalars(select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)).one()
    session.execute(update(AuditHead).values(seq=last.seq, hash=last.hash))


def rewrite(session: Session) -> None:
    """Act 5 becomes another's, and the whole chain from there is made anew."""
    previous = genesis(session.scalars(select(Meta.database_id)).one())
    for row in session.scalars(select(AuditRow).order_by(AuditRow.seq)):
        if row.seq == 5:
            row.actor = "0" * 32
        row.previous = previous
        row.hash = row_hash(row)
        previous = row.hash
    session.execute(update(AuditHead).values(hash=previous))


def test_an_untouched_chain_is_whole(core: Core) -> None:
    """Every act of the service so far, without a fault."""
    report = verify(core)
    assert faults(report) == []
    assert (report.rows, report.purged) == (check_chain(core), 0)
    assert report.rows >= 14


ATTACKS: dict[str, tuple[Callable[[Session], object], list[tuple[str, str]]]] = {
    "another actor": (set_row(5, actor="0" * 32), [("audit.row_changed", "row 5")]),
    "another time": (set_row(5, at=1), [("audit.row_changed", "row 5")]),
    "another hash": (set_row(5, hash="0" * 64), [("audit.row_changed", "row 5"), ("audit.chain_broken", "row 6")]),
    "another hash before": (
        set_row(5, previous="0" * 64),
        [("audit.chain_broken", "row 5"), ("audit.row_changed", "row 5")],
    ),
    "deleted": (
        lambda session: (
            session.execute(delete(AuditDetail).where(AuditDetail.seq == 5)),
            session.execute(delete(AuditRow).where(AuditRow.seq == 5)),
        ),
        [("audit.row_missing", "row 5")],
    ),
    "the first deleted": (
        lambda session: (
            session.execute(delete(AuditDetail).where(AuditDetail.seq == 1)),
            session.execute(delete(AuditRow).where(AuditRow.seq == 1)),
        ),
        [("audit.row_missing", "row 1")],
    ),
    "reordered": (
        swap,
        [
            ("audit.chain_broken", "row 5"),
            ("audit.row_changed", "row 5"),
            ("audit.details_changed", "row 5"),
            ("audit.chain_broken", "row 6"),
            ("audit.row_changed", "row 6"),
            ("audit.details_changed", "row 6"),
            ("audit.chain_broken", "row 7"),
        ],
    ),
    "details changed": (
        lambda session: session.execute(update(AuditDetail).where(AuditDetail.seq == 5).values(body=b"x")),
        [("audit.details_changed", "row 5")],
    ),
    "details deleted": (
        lambda session: session.execute(delete(AuditDetail).where(AuditDetail.seq == 5)),
        [("audit.details_missing", "row 5")],
    ),
}


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_what_was_done_to_a_row_is_found(core: Core, attack: str) -> None:
    """Each attack gives these faults and no others, each with the number of its row."""
    work, expected = ATTACKS[attack]
    tamper(core, work)
    assert faults(verify(core)) == expected
    assert all(len(fault.message()) > 10 and len(fault.message("zh")) > 5 for fault in verify(core).faults)


def test_an_inserted_act_is_found(core: Core) -> None:
    """Hashed as it should be, it still does not fit those behind it."""
    rows = verify(core).rows
    tamper(core, insert)
    found = faults(verify(core))
    # Row 6 is whole in itself, but nobody with the key wrote it; its details are not there, and row 7 was row 6.
    assert found[:3] == [("audit.row_forged", "row 6"), ("audit.chain_broken", "row 7"), ("audit.row_changed", "row 7")]
    assert ("audit.beyond_head", f"row {rows + 1}") in found
    assert ("audit.details_missing", "row 6") in found
    assert {path for code, path in found if code == "audit.row_changed"} == {f"row {n}" for n in range(7, rows + 1)}


def test_a_chain_that_was_cut_off_is_found(core: Core) -> None:
    """The head knows how long it was."""
    rows = verify(core).rows
    tamper(core, cut)
    report = verify(core)
    assert faults(report) == [("audit.truncated", f"row {rows - 1}")]
    assert (report.faults[0].expected, report.faults[0].found) == (f"{rows} rows", str(rows - 2))


def test_a_chain_made_anew_as_a_whole_is_found(core: Core, tmp_path: Path) -> None:
    """Its hashes fit each other; the MACs are not the service's, and the checkpoint is another chain's."""
    made = checkpoints.make(core, tmp_path / "outside")
    assert made is not None
    (path,) = checkpoint_files(tmp_path / "outside")
    outside = {path.name: read_file(path)}
    assert faults(verify(core, outside)) == []
    tamper(core, rewrite)
    core.database.transact(lambda session: session.execute(text("DELETE FROM checkpoints")))
    rows = [("audit.row_forged", f"row {seq}") for seq in range(5, made.seq + 1)]
    assert faults(verify(core)) == rows
    report = verify(core, outside)
    assert faults(report) == [*rows, ("audit.rewritten", f"row {made.seq}")]
    assert report.faults[-1].message() == "The audit is not the one that a checkpoint was made of."


def test_a_chain_cut_off_with_its_head_is_found_by_a_checkpoint(core: Core, tmp_path: Path) -> None:
    """The head can be set back; the checkpoint outside cannot."""
    made = checkpoints.make(core, tmp_path / "outside")
    assert made is not None
    tamper(core, cut_with_head)
    assert faults(verify(core)) == [("audit.truncated", f"row {made.seq - 1}")]


def claim_a_restore(session: Session) -> None:
    """The first act says that it was a restore, far in the future, and the chain is made anew behind it."""
    previous = genesis(session.scalars(select(Meta.database_id)).one())
    for row in session.scalars(select(AuditRow).order_by(AuditRow.seq)):
        if row.seq == 1:
            row.action, row.at = "service.restore", 2**40
        row.previous = previous
        row.hash = row_hash(row)
        previous = row.hash
    session.execute(update(AuditHead).values(hash=previous))


def test_a_claimed_restore_hides_nothing(core: Core, tmp_path: Path) -> None:
    """A chain made anew behind a restore that never was: it is no restore, and the audit is not whole."""
    checkpoints.make(core, tmp_path / "outside")
    outside = {path.name: read_file(path) for path in checkpoint_files(tmp_path / "outside")}
    tamper(core, claim_a_restore)
    report = verify(core, outside)
    assert ("audit.restore_claimed", "row 1") in faults(report)
    assert ("audit.row_forged", "row 1") in faults(report)
    assert (report.lost, report.whole) == ([], False)


def test_over_a_rewritten_chain_nothing_is_committed_or_signed(core: Core, tmp_path: Path) -> None:
    """The mark outside does not follow: the next act fails; so does the next checkpoint where there is no mark."""
    checkpoints.make(core, tmp_path / "outside")
    mark = core.settings.epoch_path.read_bytes()
    tamper(core, rewrite)
    with pytest.raises(StateError) as caught:
        cards.issue(core, [NewCard(person(9))], BY)
    assert (caught.value.code, caught.value.path) == ("epoch.behind", "audit")
    assert core.settings.epoch_path.read_bytes() == mark
    core.settings.epoch_path.unlink()
    cards.issue(core, [NewCard(person(9))], BY)
    with pytest.raises(StateError) as caught:
        checkpoints.make(core, tmp_path / "outside")
    assert caught.value.code == "audit.rewritten"


def test_younger_details_are_never_purged() -> None:
    """The settings say how long details are kept, at the least."""
    day = 86_400
    purge.require_age(1000 * day, 1030 * day, 30)
    with pytest.raises(StateError) as caught:
        purge.require_age(1000 * day + 1, 1030 * day, 30)
    assert caught.value.code == "audit.too_young"


def test_checkpoints_are_signed_published_and_outside(core: Core, tmp_path: Path, clock: FakeClock) -> None:
    """Row, artefact and file are one token; without a new act there is no new one; a lost file comes back."""
    folder = tmp_path / "outside"
    first = checkpoints.make(core, folder)
    assert first is not None
    token = (folder / f"{first.seq}.cbor").read_bytes()
    assert file_of(core, f"audit/{first.seq}.cbor") == token
    assert read_checkpoint(token, reader_keys(core.database, core.issuer)) == first
    clock.at += 2
    assert checkpoints.make(core, folder) == first
    cards.issue(core, [NewCard(person(9))], BY)
    (folder / f"{first.seq}.cbor").unlink()
    second = checkpoints.make(core, folder)
    assert second is not None
    assert second.seq == first.seq + 1
    assert [path.name for path in checkpoint_files(folder)] == [f"{first.seq}.cbor", f"{second.seq}.cbor"]
    assert core.database.read(lambda session: len(artefacts.newest(session, "checkpoint"))) == 2


def test_a_forged_checkpoint_is_told(core: Core, tmp_path: Path) -> None:
    """One changed byte, another kind of token, another database's: each is named."""
    made = checkpoints.make(core, tmp_path / "outside")
    assert made is not None
    token = (tmp_path / "outside" / f"{made.seq}.cbor").read_bytes()
    other = published_core(_made(tmp_path / "other"), f"sqlite:///{tmp_path / 'other' / 'issuer.db'}")
    checkpoints.make(other, tmp_path / "theirs")
    theirs = read_file(checkpoint_files(tmp_path / "theirs")[0])
    report = verify(core, {"bent": token[:-1] + bytes((token[-1] ^ 1,)), "card": b"\xd2\x84", "theirs": theirs})
    assert [(fault.code, fault.path, fault.found) for fault in report.faults] == [
        ("audit.checkpoint", "bent", "audit.checkpoint_form"),
        ("audit.checkpoint", "card", "cbor.truncated"),
        ("audit.checkpoint", "theirs", "audit.checkpoint_form"),
    ]
    key = core.database.read(lambda session: active_key(session, "timestamp"))
    assert key is not None
    new_key(core, "timestamp")
    assert faults(verify(core)) == []
    states.revoke(core, key.thumbprint, "host:test", kind="compromised", reason="stolen")
    assert faults(verify(core)) == [("audit.checkpoint", f"row {made.seq}")]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_without_a_timestamp_key_there_is_no_checkpoint(tmp_path: Path, database_url: str) -> None:
    """It is said, and nothing is written."""
    core = new_core(tmp_path, database_url)
    with pytest.raises(KeyFault) as caught:
        checkpoints.make(core, tmp_path / "outside")
    assert (caught.value.code, caught.value.expected) == ("keystore.none_active", "an active timestamp key")
    assert not (tmp_path / "outside").exists()


def bodies(core: Core) -> list[bytes]:
    return core.database.read(lambda session: list(session.scalars(select(AuditDetail.body))))


def files_of(core: Core) -> bytes:
    """All bytes of a SQLite database's files."""
    path = core.database.engine.url.database
    assert path is not None
    return b"".join(Path(path + end).read_bytes() for end in ("", "-wal") if Path(path + end).exists())


def test_after_a_purge_the_chain_is_whole_and_the_details_are_gone(core: Core, clock: FakeClock) -> None:
    """Sealed bodies, which stood in the files before, are nowhere in them; younger details stay."""
    old = bodies(core)
    clock.at += 100
    cards.issue(core, [NewCard(person(7))], BY)
    young = [body for body in bodies(core) if body not in old]
    if core.database.is_sqlite:
        assert all(body in files_of(core) for body in old + young)
    count, through = purge.purge(core, int(clock.at) - 50, "host:test", "a year is over")
    assert (count, through) == (len(old), len(old))
    report = verify(core)
    assert faults(report) == []
    assert (report.purged, report.rows) == (len(old), len(old) + len(young) + 1)
    assert check_chain(core) == report.rows
    left = bodies(core)
    assert [body in left for body in old] == [False] * len(old)
    assert all(body in left for body in young)
    if core.database.is_sqlite:
        found = files_of(core)
        # A part is a trace as well: its middle, where the key or the content is.
        assert [body for body in old if body[30:60] in found or body[-30:] in found] == []
        assert all(body in found for body in young)


def test_a_purge_hides_nothing_else(core: Core, clock: FakeClock) -> None:
    """Details that vanish behind the purge are found, those of the purge itself too; purging again deletes nothing."""
    clock.at += 100
    cards.issue(core, [NewCard(person(7))], BY)
    _, through = purge.purge(core, int(clock.at) - 50, "host:test", "over")
    assert purge.purge(core, int(clock.at) - 50, "host:test", "over") == (0, through)
    young = through + 1
    core.database.transact(lambda session: session.execute(delete(AuditDetail).where(AuditDetail.seq == young)))
    assert faults(verify(core)) == [("audit.details_missing", f"row {young}")]
    clock.at += 100
    purge.purge(core, int(clock.at) - 50, "host:test", "over")
    kept = core.database.read(
        lambda session: list(session.scalars(select(AuditRow).where(AuditRow.action == "audit.purge")))
    )
    assert len(kept) == 1
    assert core.database.read(lambda session: session.get(AuditDetail, kept[0].seq)) is not None


def test_an_export_shows_details_only_as_an_act_of_its_own(core: Core) -> None:
    """Without details there are pseudonyms and hashes; with them the export is in the audit, and in itself."""
    lines = [json.loads(line) for line in purge.export(core)]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert MARK not in json.dumps(lines)
    with_details = [json.loads(line) for line in purge.export(core, details=True, by="host:test")]
    assert len(with_details) == len(lines) + 1
    assert with_details[-1]["action"] == "audit.export"
    assert [line["details"]["reason"] for line in with_details if line["action"] == "card.issue"] == [MARK] * 3
    mine = [json.loads(line) for line in purge.export(core, actor="officer:1")]
    assert {line["action"] for line in mine} == {"card.issue"}
    (card,) = cards.find_cards(core, "permit", person(1).permit.number or "")
    assert len(list(purge.export(core, subject=card))) == 1
