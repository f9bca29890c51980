"""The console script as users start it: exit statuses, help, version, missing parts, unwritable output."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from icard_crypto.errors import catalogue
from tests.kit.cli import NOW, run, script, trusted_file
from tests.kit.trust_domain import code
from verifier.cli.commands import app

_HIDE = """
import sys
class Hidden:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
from {package}.cli import main
main()
"""


def hidden(package: str, *modules: str) -> subprocess.CompletedProcess[str]:
    """Start a command in a Python that cannot find some modules."""
    program = _HIDE.format(hidden=set(modules), package=package)
    return subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False)


def test_real_script_gives_the_three_answers(tmp_path: Path) -> None:
    """Exit status 0, 1 and 2 of the installed command."""
    options = ("--trusted", trusted_file(tmp_path), "--now", NOW)
    assert script("icard", "verify", code(), *options, "--policy", "unsafe_no_status").status == 0
    assert script("icard", "verify", "-", *options, shown=b"https://example.com").status == 1
    assert script("icard", "verify", code(), *options).status == 2


def test_ten_megabytes_on_standard_input_are_refused_by_name() -> None:
    """A flood is a verdict, not a crash."""
    done = script("icard", "verify", "-", shown=b"A" * 10_000_000)
    assert done.status == 1
    assert "This is larger than any card code can be." in done.out
    assert done.err == ""


def test_wrong_use_of_the_real_script_is_64() -> None:
    """No command, an unknown command, an unknown option, a missing file: 64, and no traceback."""
    for arguments in ((), ("fly",), ("verify",), ("verify", "x", "--bogus"), ("verify", "none.png")):
        done = script("icard", *arguments)
        assert (done.status, done.out) == (64, ""), arguments
        assert "Traceback" not in done.err


def test_argument_that_is_no_text_is_a_verdict() -> None:
    """Bytes that are not UTF-8 in an argument neither crash nor pass."""
    command = [str(Path(sys.executable).parent / "icard").encode(), b"verify", b"\xff\xfe IC1:"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 64
    assert b"Traceback" not in done.stderr


def test_no_home_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without HOME, under a uid without an entry in the file of users: one line that names the way out."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    done = run(app, "verify", code(), ICARD_STATE="", XDG_DATA_HOME="")
    assert (done.status, done.out) == (64, "")
    assert "store.no_home" in done.err


@pytest.mark.parametrize("closed", ["1>&-", "2>&- 1>&-", "| true"])
def test_output_that_nobody_gets_is_no_verdict(tmp_path: Path, closed: str) -> None:
    """A closed standard output, or a reader that has gone: 64 or above, whatever the verdict."""
    trusted = trusted_file(tmp_path)
    icard = f"{Path(sys.executable).parent / 'icard'} verify '{code()}' --trusted {trusted} --policy unsafe_no_status"
    command = f"set -o pipefail; (sleep 0.5; {icard}; echo $? >status) {closed}; true"
    if closed != "| true":
        command = f"{icard} {closed}; echo $? >status"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert int((tmp_path / "status").read_text("ascii")) >= 64
    assert "Traceback" not in done.stderr


def test_what_nobody_foresaw_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line without a traceback and EX_SOFTWARE."""

    def broken(*_: object) -> None:
        raise LookupError("secret")

    monkeypatch.setattr("verifier.cli.verify_command.sources", broken)
    done = run(app, "verify", code())
    assert (done.status, done.out) == (70, "")
    assert "cli.fault" in done.err
    assert "secret" not in done.err


def test_help_has_an_example_for_every_command() -> None:
    """Every command explains itself, and the version is that of the distribution."""
    from importlib.metadata import version

    for command in ("verify", "inspect", "qr"):
        done = script("icard", command, "--help")
        assert done.status == 0
        assert f"Example:  icard {command} " in done.out
    assert script("icard", "--version").out == f"icard {version('icard')}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_verdict_that_nobody_got_is_not_0(tmp_path: Path) -> None:
    """Standard output on a full disk is an error, also where the card is valid."""
    command = [str(Path(sys.executable).parent / "icard"), "verify", code(), "--trusted", str(trusted_file(tmp_path))]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*command, "--now", NOW, "--policy", "unsafe_no_status"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 64
    assert b"(cli.io)" in done.stderr
    assert b"Traceback" not in done.stderr


def test_terminal_that_knows_only_ascii_gets_escapes() -> None:
    """An output encoding without the signs does not crash."""
    done = script("icard", "verify", "IC1:hello", PYTHONIOENCODING="ascii")
    assert done.status == 1
    assert "INVALID" in done.out


@pytest.mark.parametrize("module", ["typer", "rich"])
@pytest.mark.parametrize(
    ("package", "code_", "extra"),
    [("verifier", "cli.extra_missing", "cli"), ("issuer", "cli.issuer_extra_missing", "issuer")],
)
def test_missing_extra_is_one_line(package: str, code_: str, extra: str, module: str) -> None:
    """Without the extra a command says in one line what to install, and exits with 64."""
    done = hidden(package, module)
    assert (done.returncode, done.stdout) == (64, "")
    message = catalogue()[code_]["en"]
    wheel = "./icard-0.1.0-py3-none-any.whl"
    hint = f"pip install '{wheel}[{extra}]' (the wheel you installed; in a checkout: pip install '.[{extra}]')."
    assert done.stderr == f"error: {message} ({code_}) hint: {hint}\n"


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("sqlalchemy", ("init", "x")),
        ("sqlalchemy", ("settings", "-C", "x")),
        ("sqlalchemy", ("key", "list", "-C", "x")),
        ("sqlalchemy", ("card", "show", "x", "-C", "x")),
        ("pydantic_settings", ("serve", "-C", "x")),
        ("psycopg", ("worker", "-C", "x")),
        ("alembic", ("migrate", "-C", "x")),
    ],
)
def test_issuer_commands_name_their_extra_in_one_line(module: str, command: tuple[str, ...], tmp_path: Path) -> None:
    """With some parts of the extra alone, as after installing cli or service, no command ends in a traceback."""
    program = _HIDE.format(hidden={module}, package="issuer")
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "Traceback" not in done.stderr
    if "(cli.issuer_extra_missing)" not in done.stderr:
        # The command said first that there is no service here, without the part.
        assert "(cli.no_service)" in done.stderr
        return
    assert done.returncode == 64
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("package", ["verifier.store", "verifier.sync", "issuer.db.process_lock"])
def test_posix_parts_say_so_on_import(package: str) -> None:
    """Where Python has no fcntl, as on Windows, a part that needs it says which systems have it; the decision works."""
    program = (
        "import sys; sys.modules['fcntl'] = sys.modules['resource'] = None\n"
        "import verifier\n"
        f"try:\n    import {package}\nexcept verifier.MissingPart as fault:\n    print(fault)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "expected Linux or macOS; found no fcntl" in done.stdout


def test_command_without_posix_is_one_line() -> None:
    """The command says in one line that this system is none that it runs on."""
    program = "import sys; sys.modules['fcntl'] = None; from verifier.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (64, 1)
    assert "Linux or macOS" in done.stderr


def test_missing_pdf_part_is_told(tmp_path: Path) -> None:
    """Without pypdfium2 everything else works, and a PDF names what to install."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7")
    # For the process that reads pictures too.
    (tmp_path / "pypdfium2.py").write_text("raise ImportError", "utf-8")
    for argument, status in ((str(path), 64), (code(), 2)):
        done = script("icard", "verify", argument, PYTHONPATH=str(tmp_path))
        assert done.status == status
        assert ("whl[cli]'" in done.err) == (status == 64)


def test_interrupt_is_one_line_and_130() -> None:
    """Ctrl-C while waiting for input ends without a traceback."""
    command = [str(Path(sys.executable).parent / "icard"), "verify", "-"]
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LANG": "C.UTF-8"},
        # A suite that runs in the background hands on an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread is running
    )
    assert child.stdin is not None
    child.stdin.write(b"IC1:")
    child.stdin.flush()
    # The command waits for more as soon as it has emptied the pipe.
    unread = array.array("i", [1])
    deadline = time.monotonic() + 30
    while unread[0] and time.monotonic() < deadline:
        time.sleep(0.02)
        fcntl.ioctl(child.stdin.fileno(), termios.FIONREAD, unread)
    assert unread[0] == 0
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, b"")
    assert err == b"error: Stopped before the end (cli.interrupted)\nhint: Run the command again.\n"
