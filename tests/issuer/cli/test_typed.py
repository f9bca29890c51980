"""What belongs on no command line: read from standard input, refused as an argument, closed to others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from issuer.cli.commands import app
from issuer.cli.typed import given
from tests.issuer.conftest import new_database_url
from tests.kit.cli import run
from tests.kit.issuing_service import person
from tests.kit.people import HOST
from tests.kit.signed_domain import published_core, write_settings


def test_a_dash_is_a_line_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("Li Na\nS-1001\n\n"))
    assert [given("-", "--name"), given("x", "--role"), given("-", "--identity"), given(None, "--email")] == [
        *("Li Na", "x", "S-1001", None),
    ]
    with pytest.raises(Exception, match="--name"):
        given("-", "--name")


def test_a_database_password_is_no_argument(tmp_path: Path) -> None:
    url = "postgresql://icard:hunter2@db.example/icard"
    done = run(app, "init", tmp_path / "new", "--issuer", "cn.310000", "--database-url", url)
    assert done.status >= 64
    assert "hunter2" not in done.out + done.err
    assert not (tmp_path / "new").exists()


def test_a_card_is_found_without_its_number_on_the_command_line(tmp_path: Path) -> None:
    from issuer import cards
    from issuer.cards import NewCard

    core = published_core(tmp_path, new_database_url("sqlite", tmp_path))
    (card,) = cards.issue(core, [NewCard(person(1))], HOST)
    write_settings(core, tmp_path)
    core.close()
    done = run(app, "card", "find", "--permit", "-", "-C", tmp_path, shown=person(1).permit.number or "")
    assert (done.status, done.out.strip()) == (0, card.card_id), done.err


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_serving_process_is_closed_to_others_of_its_user() -> None:
    """The kernel gives what such a process has in /proc to root: nobody else reads its environment or memory."""
    close = "from issuer.cli.typed import close_to_others as c; c(); "
    for before, dumpable in (("", "1"), (close, "0")):
        words = f"{before}import ctypes; print(ctypes.CDLL(None).prctl(3))"
        done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == dumpable
