"""Bulk runs: done once whatever happens, refused rows named, on both databases."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from icard_crypto.errors import StateError
from icard_crypto.moments import DAY
from issuer import cards
from issuer.acts import Actor
from issuer.audit.models import AuditRow
from issuer.bulk import run as bulk
from issuer.bulk.codes import CodesFile
from issuer.bulk.models import BulkRefusal, BulkRun
from issuer.bulk.retention import prune
from issuer.bulk.rows import Source
from issuer.bulk.run import Options, Outcome
from issuer.cards.models import CardRow, CodeRow
from issuer.core import Core
from issuer.keys.signer import SignerBusy
from tests.kit.bulk_files import card_line, header, write_cards
from tests.kit.issuing_service import FakeClock, Recording, new_core, person
from verifier.runtime.files import FileFault

BY = Actor("host:ann", "a test")
VECTORS = Path(__file__).parents[2] / "vectors" / "cards"


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url)


def issue(core: Core, path: Path, **options: object) -> Outcome:
    return bulk.run(core, "issue", Source.of(path), BY, Options(**options))  # type: ignore[arg-type]


def count(core: Core, table: type = CardRow) -> int:
    return core.database.read(lambda session: session.scalar(select(func.count()).select_from(table)) or 0)


def refused(core: Core, outcome: Outcome) -> dict[int, tuple[str, str | None]]:
    return {one.row: (one.code, one.path) for one in bulk.refusals(core, outcome.run_id)}


def test_the_example_of_the_docs_is_issued(core: Core) -> None:
    """The file that docs/bulk.md shows, as it stands."""
    outcome = issue(core, VECTORS / "bulk.csv")
    assert (outcome.done, outcome.refused, outcome.resumed) == (3, 0, False)
    (card,) = cards.find_cards(core, "permit", "R310115202605004128")
    assert cards.show(core, card).card.holder.name == 'MIN-JUN "MJ" KIM'


def test_a_batch_is_one_transaction(core: Core, tmp_path: Path) -> None:
    """Seven cards in batches of three: three signatures at once, and every code is handed out once."""
    outcome = issue(core, write_cards(tmp_path / "a.csv", range(7)), batch=3, codes=CodesFile(tmp_path / "codes"))
    assert (outcome.done, count(core), count(core, CodeRow)) == (7, 7, 21)
    lines = [json.loads(line) for line in (tmp_path / "codes").read_text("ascii").splitlines()]
    assert [line["row"] for line in lines] == list(range(2, 9))
    view = cards.show(core, lines[0]["card"])
    assert lines[0]["codes"] == {code.profile.name.lower(): code.text for code in view.codes}
    assert stat.S_IMODE((tmp_path / "codes").stat().st_mode) == 0o600


def test_refused_rows_are_named_and_stop_nothing(core: Core, tmp_path: Path) -> None:
    """Each with its number, code and path; duplicates within a batch and over batches included."""
    lines = [
        card_line(1),
        card_line(2, until="31.12.2027"),
        card_line(3, until="2027-02-30"),
        card_line(1),
        card_line(4, region="440300"),
        "just,three,cells",
        card_line(5),
        card_line(6, category="D"),
        card_line(5),
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([header(), *lines]), "utf-8")
    outcome = issue(core, path, batch=5)
    assert (outcome.done, outcome.refused, count(core)) == (2, 7, 2)
    assert refused(core, outcome) == {
        3: ("card.bad_format", "permit.until"),
        4: ("card.bad_format", "permit.until"),
        5: ("issue.card_exists", "permit.number"),
        6: ("issue.region", "permit.region"),
        7: ("bulk.cells", None),
        9: ("card.bad_format", "permit.category"),
        10: ("issue.card_exists", "permit.number"),
    }
    first = next(bulk.refusals(core, outcome.run_id))
    assert (first.expected, first.found) == ("a date as YYYY-MM-DD", "'99.99.9999'")


def test_no_refusal_holds_personal_data(core: Core, tmp_path: Path) -> None:
    """Names and numbers that are wrong, too long or in the wrong column leave no trace."""
    marks = ("ZYXMARK", "R777MARK")
    lines = [
        json.dumps({**person(1).to_json(), "holder": {"name": marks[0] * 20, "nationality": "DEU"}}),
        json.dumps({"holder": {"name": marks[0], "nationality": marks[1]}, "permit": {"number": marks[1] + "!"}}),
        json.dumps({"permit": {"number": marks[1]}, "holder": marks[0]}),
        '{"holder": {"name": "' + marks[0] + "}",
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    outcome = issue(core, path)
    assert outcome.refused == 4
    told = json.dumps([[one.code, one.path, one.expected, one.found] for one in bulk.refusals(core, outcome.run_id)])
    assert marks[0] not in told
    assert "R777MARK!" not in told


def test_refused_rows_are_kept_for_a_month_and_the_run_for_good(tmp_path: Path, database_url: str) -> None:
    """The worker's pruning takes the rows of runs that ended before; the same file is still not done again."""
    clock = FakeClock()
    core = new_core(tmp_path, database_url, clock=clock.clock())
    path = tmp_path / "a.csv"
    path.write_text(f"{header()}\n{card_line(1)}\n{card_line(2, until='soon')}\n", "utf-8")
    outcome = issue(core, path)
    clock.at += 29 * DAY
    prune(core)
    assert set(refused(core, outcome)) == {3}
    clock.at += 2 * DAY
    prune(core)
    assert refused(core, outcome) == {}
    again = issue(core, path)
    assert (again.resumed, again.done, again.refused, count(core)) == (True, 1, 1, 1)


def test_the_same_file_again_makes_nothing(core: Core, tmp_path: Path) -> None:
    """It says what became of it; a copy under another name is the same file."""
    first = issue(core, write_cards(tmp_path / "a.csv", range(3)))
    shutil.copy(tmp_path / "a.csv", tmp_path / "b.csv")
    again = issue(core, tmp_path / "b.csv")
    assert (again.run_id, again.done, again.resumed) == (first.run_id, 3, True)
    assert count(core) == 3


def test_what_was_done_but_not_noted_is_not_done_twice(core: Core, tmp_path: Path) -> None:
    """A kill between a batch and its note: the rows are asked for again, and the cards are the same."""
    path = write_cards(tmp_path / "a.csv", range(4))
    codes = CodesFile(tmp_path / "codes")
    outcome = issue(core, path, batch=2, codes=codes)
    told = codes.path.read_bytes()
    core.database.transact(lambda session: session.execute(update(BulkRun).values(state="running", position=3, done=2)))
    with codes.path.open("ab") as file:
        file.write(b'{"row": 6, "card')
    again = issue(core, path, batch=2, codes=codes)
    assert (again.run_id, again.done, again.resumed, count(core)) == (outcome.run_id, 4, True, 4)
    assert codes.path.read_bytes() == told


def test_a_signer_that_is_away_stops_the_run_where_it_is(core: Core, tmp_path: Path) -> None:
    """It is no row's fault: nothing is refused, and the next run finishes what was intended."""
    path = write_cards(tmp_path / "a.csv", range(4))
    assert isinstance(core.signer, Recording)
    core.signer.fault = SignerBusy("signer.busy")
    with pytest.raises(SignerBusy):
        issue(core, path, batch=2)
    core.signer.fault = None
    outcome = issue(core, path, batch=2)
    assert (outcome.done, outcome.refused, outcome.resumed, count(core), count(core, CodeRow)) == (4, 0, True, 4, 12)


def test_keys_hold_over_files(core: Core, tmp_path: Path) -> None:
    """The same row under the same key is the same card; another row under it is refused, and one without a key."""
    path = tmp_path / "a.csv"
    path.write_text(f"{header()},ref\n{card_line(1)},x1\n{card_line(2)},x2\n", "utf-8")
    assert issue(core, path, key="ref").done == 2
    path.write_text(f"{header()},ref\n{card_line(1)},x1\n{card_line(3)},x2\n{card_line(4)},\n", "utf-8")
    outcome = issue(core, path, key="ref")
    assert (outcome.done, count(core)) == (1, 2)
    assert refused(core, outcome) == {3: ("idempotency.other_body", "bulk.issue"), 4: ("bulk.no_key", "ref")}


def test_renew_by_card_or_permit_number(core: Core, tmp_path: Path) -> None:
    """New codes for each, once; a card that is not there is refused."""
    issue(core, write_cards(tmp_path / "a.csv", range(3)))
    (first,) = cards.find_cards(core, "permit", person(0).permit.number or "")
    path = tmp_path / "which.csv"
    path.write_text(f"card,permit.number\n{first},\n,{person(1).permit.number}\n,R000\n,\n{'0' * 32},\n", "utf-8")
    outcome = bulk.run(core, "renew", Source.of(path), BY)
    assert outcome.done == 2
    assert refused(core, outcome) == {
        4: ("issue.no_card", "permit.number"),
        5: ("bulk.which_card", None),
        6: ("issue.no_card", None),
    }
    assert cards.show(core, first).version == 2
    core.database.transact(lambda session: session.execute(update(BulkRun).values(state="running", position=0)))
    bulk.run(core, "renew", Source.of(path), BY)
    assert cards.show(core, first).version == 2


def test_a_card_named_twice_is_renewed_twice(core: Core, tmp_path: Path) -> None:
    """Two rows for one card are two renewals, each with codes of its own, also within a batch."""
    issue(core, write_cards(tmp_path / "a.csv", range(2)))
    first, second = (cards.find_cards(core, "permit", person(number).permit.number or "")[0] for number in range(2))
    path = tmp_path / "which.csv"
    path.write_text(f"card\n{first}\n{second}\n{first}\n", "utf-8")
    outcome = bulk.run(core, "renew", Source.of(path), BY, Options(codes=CodesFile(tmp_path / "codes")))
    assert (outcome.done, outcome.refused, cards.show(core, first).version) == (3, 0, 3)
    handed = [json.loads(line)["codes"]["public"] for line in (tmp_path / "codes").read_text("ascii").splitlines()]
    assert len(set(handed)) == 3
    assert handed[2] == cards.show(core, first).codes[0].text


def test_a_refused_row_keeps_no_other_from_being_revoked(core: Core, tmp_path: Path) -> None:
    """A batch that cannot be done at once is done row by row."""
    issue(core, write_cards(tmp_path / "a.csv", range(2)))
    known = [cards.find_cards(core, "permit", person(number).permit.number or "")[0] for number in range(2)]
    path = tmp_path / "which.csv"
    path.write_text(f"card\n{known[1]}\n{'0' * 32}\n{known[0]}\n{known[1]}\n", "utf-8")
    outcome = bulk.run(core, "revoke", Source.of(path), Actor("host:ann", "fraud", break_glass=True))
    assert (outcome.done, refused(core, outcome)) == (3, {3: ("issue.no_card", None)})
    assert [cards.show(core, card).status for card in known] == ["revoked", "revoked"]


def test_revoke_and_again_after_a_kill(core: Core, tmp_path: Path) -> None:
    """A row that was revoked before the run could note it is no fault the second time; each is audited once."""
    issue(core, write_cards(tmp_path / "a.csv", range(3)))
    path = tmp_path / "which.jsonl"
    lines = [{"permit": {"number": person(number).permit.number}} for number in range(2)]
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    by = Actor("host:ann", "fraud", break_glass=True)
    assert bulk.run(core, "revoke", Source.of(path), by).done == 2
    core.database.transact(
        lambda session: session.execute(update(BulkRun).values(state="running", position=0, done=0, refused=0))
    )
    assert bulk.run(core, "revoke", Source.of(path), by).done == 2
    query = select(CardRow.status).order_by(CardRow.status)
    assert core.database.read(lambda session: list(session.scalars(query))) == ["active", "revoked", "revoked"]
    acts = select(func.count()).select_from(AuditRow).where(AuditRow.action == "card.revoke")
    assert core.database.read(lambda session: session.scalar(acts)) == 2


def test_codes_never_overwrite_another_file(core: Core, tmp_path: Path) -> None:
    """A file of something else stays as it is."""
    (tmp_path / "notes").write_text("mine\n")
    with pytest.raises(FileFault) as caught:
        issue(core, write_cards(tmp_path / "a.csv", [1]), codes=CodesFile(tmp_path / "notes"))
    assert caught.value.code == "file.exists"
    assert ((tmp_path / "notes").read_text(), count(core)) == ("mine\n", 0)


def test_a_list_that_nobody_publishes_stops_the_run(tmp_path: Path, database_url: str) -> None:
    """After a while, and with what to do; what was issued stays, and the lists that are needed are made ahead."""
    core = new_core(tmp_path, database_url, list_capacity=100)
    with pytest.raises(StateError) as caught:
        issue(core, write_cards(tmp_path / "a.csv", range(40)), batch=10, patience=0.0)
    assert caught.value.code == "list.not_published"
    assert count(core) == 30
    assert count(core, BulkRefusal) == 0


def killed(folder: Path, url: str, kind: str, path: Path, *batches: int) -> list[dict[str, Any]]:
    """What a run handed out that was killed after so many batches, again and again, and then left to end."""
    command = [sys.executable, "-m", "tests.kit.bulk_process", str(folder), url, kind, str(path)]
    for number in batches:
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(number):
                process.stdout.readline()
            process.kill()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line) for line in (folder / f"{kind}.jsonl").read_text("ascii").splitlines()]


@pytest.mark.slow
def test_kill_9_in_the_midst(core: Core, tmp_path: Path, database_url: str) -> None:
    """Killed again and again, the run ends with each card once, and each code once in the file."""
    lines = killed(tmp_path, database_url, "issue", write_cards(tmp_path / "a.csv", range(60)), 1, 3, 5)
    assert [line["row"] for line in lines] == list(range(2, 62))
    assert len({line["card"] for line in lines}) == count(core) == 60
    assert count(core, CodeRow) == 180
    (run,) = core.database.read(lambda session: session.scalars(select(BulkRun)).all())
    assert (run.state, run.done, run.refused) == ("done", 60, 0)


@pytest.mark.slow
def test_kill_9_in_the_midst_of_renewing(core: Core, tmp_path: Path, database_url: str) -> None:
    """Every card is renewed once, and its new codes stand in the file once."""
    issue(core, write_cards(tmp_path / "a.csv", range(30)))
    path = tmp_path / "which.csv"
    path.write_text("permit.number\n" + "".join(f"{person(number).permit.number}\n" for number in range(30)), "utf-8")
    lines = killed(tmp_path, database_url, "renew", path, 1, 4)
    assert [line["row"] for line in lines] == list(range(2, 32))
    versions = core.database.read(lambda session: list(session.scalars(select(CardRow.version))))
    assert versions == [2] * 30
    assert count(core, CodeRow) == 180
    assert all(
        line["codes"]["public"] == cards.show(core, line["card"]).codes[0].text for line in (lines[0], lines[-1])
    )
