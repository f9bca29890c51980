"""The exit statuses of ``icard-issuer`` by the kind of an error, as docs/issuing.md has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from icard_crypto.errors import (
    CardError,
    Conflict,
    DecodeError,
    EncodeError,
    IcardError,
    Invalid,
    KeyFault,
    NotAllowed,
    NotFound,
    StateError,
    Unavailable,
)
from issuer.cli.commands import IssuerCommands, app
from tests.kit.cli import run

PAGE = Path(__file__).parents[3] / "docs" / "issuing.md"
STATUSES = {
    CardError: 1,
    DecodeError: 1,
    EncodeError: 1,
    KeyFault: 1,
    Invalid: 1,
    NotFound: 10,
    Conflict: 11,
    NotAllowed: 12,
    Unavailable: 13,
    StateError: 14,
}


@pytest.mark.parametrize("kind", STATUSES)
def test_a_kind_of_error_has_one_status(kind: type[IcardError]) -> None:
    """The exit status alone tells a script what to do next."""
    assert IssuerCommands().refused_status(kind("cbor.float")) == STATUSES[kind]


def test_the_page_has_every_status() -> None:
    """The table and the program name the same numbers."""
    table = PAGE.read_text("utf-8").partition("## Exit statuses")[2].partition("\n## ")[0]
    assert {int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == {
        *(0, 64, 70, 130),
        *STATUSES.values(),
    }


def test_the_commands_end_with_them(tmp_path: Path) -> None:
    """Wrong use, a service that is not as it must be, one that is there already, and a card that is not."""
    assert run(app, "settings", "-C", tmp_path, "--json").status == 64
    (tmp_path / "passphrase").write_text("correct horse battery staple")
    begin = (
        *("init", tmp_path / "issuer", "--issuer", "cn.310000", "--region", "310000"),
        *("--status-prefix", "https://icard.example/s/", "--passphrase-file", tmp_path / "passphrase"),
    )
    assert run(app, *begin).status == 0
    again = run(app, "init", tmp_path / "issuer", "--json")
    assert (again.status, again.error["code"]) == (14, "database.initialised")
    missing = run(app, "card", "show", "0" * 32, "-C", tmp_path / "issuer", "--json")
    assert (missing.status, missing.error["code"]) == (10, "issue.no_card")
    (tmp_path / "issuer" / "master.key").write_text("spoilt")
    spoilt = (
        run(app, "settings", "-C", tmp_path / "issuer"),
        run(app, "key", "list", "-C", tmp_path / "issuer", "--json"),
    )
    assert [done.status for done in spoilt] == [0, 14]
