"""``worker``, ``export``, ``trust-list`` and ``audit`` as a person would type them."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from icard_crypto.lists import tree
from issuer import cards
from issuer.acts import Actor
from issuer.audit.models import AuditRow
from issuer.audit.purge import purge
from issuer.cards import NewCard
from issuer.cli.commands import app
from issuer.core import Core
from tests.issuer.conftest import new_database_url
from tests.kit.cli import Done, run
from tests.kit.issuing_service import person
from tests.kit.signed_domain import bundle_domain, file_of, published_core, trust_list, write_settings
from verifier import Policy, Verifier

BY = Actor("officer:1", "a marked reason")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    core = published_core(tmp_path, new_database_url("sqlite", tmp_path))
    write_settings(core, tmp_path)
    yield core
    core.close()


def command(core: Core, *words: str | Path) -> Done:
    return run(app, *words, "-C", core.settings.folder)


def told(core: Core, *words: str | Path) -> Any:
    """What a command says with ``--json``; it must succeed."""
    done = command(core, *words, "--json")
    assert (done.status, done.err) == (0, "")
    return json.loads(done.out)


def test_once_publishes_and_exports(core: Core, tmp_path: Path) -> None:
    """Revoked by a command, published by the next: the exported bundle says so. A third finds nothing to do."""
    www = tmp_path / "www"
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    first = told(core, "worker", "--once", "--export", www)
    assert (first["lists"], first["timestamp"], first["files"]) == (2, True, 6)
    told(core, "card", "revoke", issued.card_id, "--operator", "Li", "--reason", "lost")
    assert told(core, "worker", "--once", "--export", www)["lists"] == 1
    now = int(core.clock.local())
    verifier = Verifier(bundle_domain((www / tree.BUNDLE).read_bytes(), now), Policy.named("gate"))
    assert {str(verifier.verify(code.text, now=now).reason) for code in issued.codes} == {"revoked"}
    assert told(core, "worker", "--once", "--export", www) == {
        "version": None,
        "lists": 0,
        "timestamp": False,
        "files": 0,
    }
    assert told(core, "worker", "--once", "--force")["lists"] == 2
    assert told(core, "export", www)["files"] == 4


def test_force_needs_once(core: Core) -> None:
    """A worker that signs everything anew each second is nobody's wish."""
    done = command(core, "worker", "--force")
    assert (done.status, "--force" in done.err) == (64, True)


def test_what_is_held_back_is_an_error_after_the_rest(core: Core) -> None:
    """The status key is gone: the timestamp goes out, the command says what did not, with status 1."""
    told(core, "worker", "--once")
    keys = {key["usage"]: key["thumbprint"] for key in told(core, "key", "list")}
    told(core, "key", "revoke", keys["status"], "--operator", "Li", "--reason", "stolen")
    done = command(core, "worker", "--once")
    assert (done.status, "keystore.none_active" in done.err) == (1, True)
    assert "timestamp  yes" in done.out


def test_the_next_trust_list_is_taken_in(core: Core, tmp_path: Path) -> None:
    """Shown with its roots; a list that skips a version is refused and changes nothing."""
    first = told(core, "trust-list", "show")
    assert (first["version"], first["threshold"], len(first["roots"].split())) == (1, "2 of 3", 3)
    # In the order of their times of issue.
    (tmp_path / "2.cbor").write_bytes(trust_list(core, 2))
    (tmp_path / "3.cbor").write_bytes(trust_list(core, 3))
    done = command(core, "trust-list", "import", tmp_path / "3.cbor")
    assert (done.status, "trust.version_skipped" in done.err) == (1, True)
    taken = told(core, "trust-list", "import", tmp_path / "2.cbor", tmp_path / "3.cbor")
    assert taken["version"] == told(core, "trust-list", "show")["version"] == 3
    again = told(core, "trust-list", "import", tmp_path / "2.cbor", tmp_path / "3.cbor")
    assert again == taken
    told(core, "worker", "--once")
    assert bundle_domain(file_of(core, tree.BUNDLE), int(core.clock.local())).trust_list is not None


def test_a_trust_list_of_others_is_refused(core: Core, tmp_path: Path) -> None:
    """One with less regions than the service, or of another environment, would leave its codes without trust."""
    (tmp_path / "2.cbor").write_bytes(trust_list(core, 2))
    path = core.settings.folder / "icard-issuer.toml"
    good = path.read_text("utf-8")
    path.write_text(good.replace('["310000"]', '["310000", "440000"]'), "utf-8")
    done = command(core, "trust-list", "import", tmp_path / "2.cbor")
    assert (done.status, "publication.issuer" in done.err, "440000" in done.err) == (14, True, True)
    path.write_text(good + 'environment = "production"\n', "utf-8")
    done = command(core, "trust-list", "import", tmp_path / "2.cbor")
    assert (done.status, "publication.environment" in done.err) == (14, True)
    path.write_text(good, "utf-8")
    assert told(core, "trust-list", "show")["version"] == 1


def test_audit_is_verified_against_its_checkpoints(core: Core, tmp_path: Path) -> None:
    """Whole: status 0. One changed row: status 1, and the row is named, in both languages."""
    cards.issue(core, [NewCard(person(1))], BY)
    made = told(core, "audit", "checkpoint", "--checkpoints", tmp_path / "outside")
    assert (tmp_path / "outside" / f"{made['row']}.cbor").exists()
    whole = told(core, "audit", "verify", "--checkpoints", tmp_path / "outside")
    assert (whole["rows"], whole["checkpoints"], whole["faults"]) == (made["row"], 2, [])
    core.database.transact(
        lambda session: session.execute(update(AuditRow).where(AuditRow.seq == 3).values(action="key.nothing"))
    )
    done = command(core, "audit", "verify", "--lang", "zh")
    assert (done.status, "row 3" in done.out, "某条审计记录被修改" in done.out) == (1, True, True)
    missing = command(core, "audit", "verify", "--checkpoints", tmp_path / "nowhere")
    assert (missing.status, "file.no_such_file" in missing.err) == (64, True)


def test_audit_is_exported_and_purged(core: Core, tmp_path: Path) -> None:
    """Reasons stand in an export with details, which is the owner's alone; after a purge they do not."""
    cards.issue(core, [NewCard(person(1))], BY)
    out = tmp_path / "audit.jsonl"
    told(core, "audit", "export", out)
    assert "a marked reason" not in out.read_text("utf-8")
    told(core, "audit", "export", out, "--details", "--operator", "Li")
    assert "a marked reason" in out.read_text("utf-8")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    two = ("--operator", "li", "--second-operator", "wang", "--reason", "over")
    done = command(core, "audit", "purge", "--before", "yesterday", *two)
    assert (done.status, "YYYY-MM-DD" in done.err) == (64, True)
    nobody = run(app, "audit", "purge", "--before", "2020-01-01", *two, "-C", tmp_path, shown="1\n2\n")
    assert (nobody.status, "account.operator" in nobody.err) == (12, True)
    alone = run(app, "audit", "purge", "--before", "2020-01-01", *two, "-C", tmp_path, shown="1\n")
    assert (alone.status, "code of wang" in alone.err) == (64, True)
    young = run(app, "audit", "purge", "--before", "2199-01-01", *two, "-C", tmp_path, shown="1\n2\n")
    assert (young.status, "audit_details_days" in young.err) == (14, True)
    count, through = purge(core, 2**33, "host:Li+host:Wang", "over")
    assert count == through > 0
    done = command(core, "audit", "export", "-", "--details", "--operator", "Li")
    assert (done.status, "a marked reason" in done.out) == (0, False)
    assert told(core, "audit", "verify")["faults"] == []
