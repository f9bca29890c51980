"""A gate as in life: the issuer and the verification service each a process of its own, HTTPS and a sync between them.

The page is the service's; who revokes a card does it by the issuer's own command, in a third process.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from issuer.rules.days import day_of
from issuer.trial.demo.authority import DemoAccount
from issuer.trial.demo.fill import LEAST
from tests.kit.origin import Authority as Certificates
from tests.kit.scan.browser import Watched
from tests.kit.verification_service import serving
from tools import demo_authority
from tools.demo_authority import OPERATOR, Authority

__all__ = ["Gate", "free_port", "gate", "issuing"]

_BIN = Path(sys.executable).parent
_LOOK = 0.1


@dataclass
class Gate:
    """What runs.

    Args:
        url: of the scan page.
        codes: the public codes of good cards, by the cards' ids.
        issuer: scheme, host and port of the issuing service; ca_file: what its certificate is checked by.
        accounts: of its people by login name, where there are any.
    """

    authority: Authority
    url: str
    codes: dict[str, str]
    issuer: str
    ca_file: Path
    accounts: dict[str, DemoAccount]

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return day_of(int(time.time()))

    def revoke(self, card: str) -> None:
        """Withdraw a card by the issuer's command; returns when that has ended."""
        words = ("card", "revoke", card, "-C", "issuer", "--operator", OPERATOR, "--reason", "lost")
        subprocess.run([_BIN / "icard-issuer", *words], cwd=self.authority.folder, check=True, capture_output=True)

    def until(self, page: Watched, card: str, outcome: str, seconds: float) -> float:
        """Show a card's code again and again until the page says so; seconds that it took.

        Raises:
            TimeoutError: it did not within so many seconds.
        """
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            if page.answered():
                page.page.keyboard.press("Escape")
            page.show(self.codes[card])
            if page.outcome() == outcome:
                return time.monotonic() - start
            time.sleep(_LOOK)
        raise TimeoutError(f"{page.outcome() or 'nothing'} for {seconds:g} s, not {outcome}")


@contextlib.contextmanager
def gate(folder: Path, cards: int = 1, *, interval: int = 1, people: bool = False) -> Iterator[Gate]:
    """An issuer with so many cards, and a service that fetches from it every ``interval`` seconds.

    Args:
        people: whether the issuer has the people and applications of ``icard-issuer demo-data``.
    """
    certificates, port = Certificates(folder), free_port()
    certificates.server_context("localhost")
    base = f"https://localhost:{port}/"
    authority = demo_authority.make(
        folder / "authority", status_prefix=f"{base}status/", people=LEAST if people else None
    )
    codes = {}
    for number in range(1, cards + 1):
        written = demo_authority.write_card(authority.folder / f"{number}.json", number)
        card = authority.issue(written, f"card{number}")
        codes[card] = (authority.folder / f"card{number}" / "public.txt").read_text("ascii").strip()
    known = json.loads((authority.folder / "accounts.json").read_text("utf-8")) if people else []
    authority.new_verifier("state", base)
    fetching = ("--interval", str(interval), "--ca-file", str(certificates.ca_file))
    here = ("--allow-network", "127.0.0.0/8", "--allow-network", "::1/128", "--rate", "0")
    with (
        issuing(authority, port, folder / "localhost.pem"),
        serving(authority.folder / "state", *fetching, *here) as service,
    ):
        by_name = {account["login"]: DemoAccount(**account) for account in known}
        yield Gate(authority, f"{service.url}/", codes, base.rstrip("/"), certificates.ca_file, by_name)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    # Its number stands in the status lists' uris, so that it must be known before the issuer is.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def issuing(
    authority: Authority, port: int, certificate: Path, settings: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """``icard-issuer serve`` at work; its process.

    Args:
        certificate: a PEM file with its key.
        settings: environment variables beside this process's own.
    """
    tls = ("--tls-certificate", certificate, "--tls-key", certificate)
    command = (_BIN / "icard-issuer", "serve", "-C", "issuer", "--port", str(port), "--json", *tls)
    with (authority.folder / "issuer.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=authority.folder, stdout=subprocess.PIPE, stderr=log,
                                   env={**os.environ, **(settings or {})})  # fmt: skip
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["address"]
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)
