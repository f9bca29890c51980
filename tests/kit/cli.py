"""Commands under test: in this process through Typer's runner, or as the console scripts that users start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from icard_crypto.signing.keys import SigningKey
from tests.kit.reference import ISSUER
from tests.kit.trust_domain import CARD_KEY, HERE, PREFIX

__all__ = ["NOW", "Done", "run", "script", "trusted_file"]

#: A month after the reference card's issue.
NOW = "2026-11-07T02:00:00Z"

#: A state that is none, whatever the person at this machine trusts.
_NO_STATE = {"ICARD_STATE": f"{os.devnull}/none"}
_NEUTRAL = {
    **_NO_STATE,
    "LANG": "C.UTF-8",
    "LC_ALL": "",
    "LC_MESSAGES": "",
    "COLUMNS": "80",
    "FORCE_COLOR": "",
    "TERM": "dumb",
}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """The JSON objects on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """The error of a run with ``--json``."""
        found: dict[str, Any] = json.loads(self.err)["error"]
        return found


def run(app: typer.Typer, *arguments: str | Path, shown: str | bytes | None = None, **environment: str) -> Done:
    """Run a command in this process; an exception that leaves it fails the test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], shown, env={**_NEUTRAL, **environment})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def script(name: str, *arguments: str | Path, shown: bytes = b"", **environment: str) -> Done:
    """Run a console script as a child process."""
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    child_environment = {**os.environ, **_NEUTRAL, **environment}
    done = subprocess.run(command, input=shown, capture_output=True, timeout=120, check=False, env=child_environment)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def trusted_file(folder: Path, key: SigningKey = CARD_KEY) -> Path:
    """A file that trusts the card key of :mod:`tests.kit.trust_domain`."""
    path = folder / "trusted.json"
    entry = {
        "iss": ISSUER,
        "names": dict(HERE.names),
        "regions": ["310000"],
        "status_prefixes": [PREFIX],
        "usage": "card",
        "from": "2026-01-01T00:00:00Z",
        "key": {"pem": key.verifying_key.to_pem().decode()},
    }
    path.write_text(json.dumps({"environment": "test", "keys": [entry]}))
    return path
