"""docs/notices.md: its commands run, its settings are settings, its receiver takes what the service signs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib
from base64 import b64decode
from pathlib import Path

import pytest

from issuer.delivery.posting import payload, signature
from issuer.delivery.queue import Letter
from issuer.settings import Settings
from tests.docs.pages import blocks, run_shell

PAGE = "docs/notices.md"


@pytest.mark.slow
def test_the_commands_run(tmp_path: Path) -> None:
    """On a new service: figures of both channels, empty lists, nothing to retry or drop."""
    begin = (
        "echo correct horse > passphrase\n"
        "icard-issuer init issuer --issuer cn.310000 --region 310000 --status-prefix https://icard.example/s/"
        " --passphrase-file passphrase\nexport ICARD_ISSUER_FOLDER=issuer\n"
    )
    ended = run_shell(begin + "".join(blocks(PAGE, "sh")), tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "email" in ended.stdout
    assert "webhook" in ended.stdout
    assert ended.stdout.count("retried  0") == ended.stdout.count("dropped  0") == 1


def test_the_settings_are_settings() -> None:
    """Each name of the block is one that the service knows."""
    (block,) = blocks(PAGE, "toml")
    Settings(**tomllib.loads(block))
    assert set(tomllib.loads(block)) <= set(Settings.model_fields)


def test_the_receiver_takes_what_the_service_signs(tmp_path: Path) -> None:
    """A notice signed as the service signs it is accepted, a changed one is not; the payload has the page's shape."""
    (snippet,) = blocks(PAGE, "python")
    (shown,) = blocks(PAGE, "json")
    letter = Letter("1", "5f00", "a", "card.suspended", "webhook", "w", 1, 1_795_593_600, {"card": "1b00"}, None)
    body = payload(letter)
    assert json.loads(body).keys() == json.loads(shown).keys()
    assert json.loads(body)["data"].keys() == json.loads(shown)["data"].keys()
    now = int(time.time())
    key = b64decode("ZGVtby1zZWNyZXQtZGVtby1zZWNyZXQtZGVtbw==")
    headers = {
        "webhook-id": "5f00",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(key, "5f00", now, body),
    }
    script = f"{snippet}\nprint(receive({headers!r}, {body!r}))\nprint(receive({headers!r}, {body + b' '!r}))\n"
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split()) == (0, ["card.suspended", "1b00", "204", "400"]), ended.stderr
