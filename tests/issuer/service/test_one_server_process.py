"""A SQLite file has one server or worker; real processes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from issuer.cli.commands import app
from issuer.db.process_lock import process_lock
from tests.issuer.conftest import new_database_url
from tests.issuer.worker.test_worker import running
from tests.kit.cli import run, script
from tests.kit.http_clients import PATIENCE
from tests.kit.issuing_api import issuing, new_service


def test_a_second_one_on_a_sqlite_file_is_refused(tmp_path: Path) -> None:
    """While a server runs, another and a worker end with one line and a reason, by another name of the file too; what
    does one thing and ends is not kept out; the server's death makes room."""
    new_service(tmp_path, new_database_url("sqlite", tmp_path)).core.close()
    (tmp_path / "other.db").symlink_to(tmp_path / "issuer.db")
    other = {"ICARD_ISSUER_DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"}
    with issuing(tmp_path) as first:
        done = script("icard-issuer", "serve", "-C", tmp_path, "--port", "0", "--json")
        assert (done.status, done.error["code"], done.out) == (14, "database.in_use", "")
        done = run(app, "worker", "-C", tmp_path, **other)
        assert (done.status, done.out, done.err.count("database.in_use")) == (14, "", 1)
        assert run(app, "worker", "--once", "-C", tmp_path).status == 0
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(PATIENCE)
        with running(tmp_path):
            assert "database.in_use" in run(app, "serve", "-C", tmp_path, "--port", "0", **other).err


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Where no file can be made beside the database, its place is the reason."""
    issuing_service = new_service(tmp_path, new_database_url("sqlite", tmp_path))
    (tmp_path / "issuer.db.lock").mkdir()
    with pytest.raises(StateError) as caught, process_lock(issuing_service.core.database):
        pass
    assert (caught.value.code, caught.value.found) == ("database.unreachable", "Is a directory")
    issuing_service.core.close()
