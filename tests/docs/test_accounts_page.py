"""docs/accounts.md: the installed commands run as they stand, and the page's table has every role."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from issuer.accounts.roles import ROLES
from tests.docs.pages import ROOT, blocks, run_shell

PAGE = "docs/accounts.md"
_BEGIN = """
export ICARD_ISSUER_SCRYPT_LOG2=14 ICARD_ISSUER_FOLDER=issuer
echo secret > passphrase
icard-issuer init issuer --issuer cn.310000 --region 310000 --status-prefix https://icard.example/s/ \
  --passphrase-file passphrase
"""


@pytest.mark.slow
def test_the_page_runs(tmp_path: Path) -> None:
    """The first administrators are made, one is reset, the other locked and closed; three invitations were shown."""
    ended = run_shell(_BEGIN + "\n".join(blocks(PAGE, "sh")) + "\nicard-issuer account list --json", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert [row["login"] for row in json.loads(ended.stdout.splitlines()[-1])] == ["li.na"]
    shown = [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("invitation")]
    assert len(set(shown)) == 3


def test_every_role_is_on_the_page() -> None:
    """With the mark of an official one, in the order of the table."""
    text = (ROOT / PAGE).read_text("utf-8").partition("\n## Roles\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ") and "---" not in line][1:]
    shown = [(row[1].strip().replace(" ", "_"), row[3].strip() == "yes") for row in rows]
    assert shown == [(role.name, role.official) for role in ROLES.values()]
