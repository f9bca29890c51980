"""``make serve``: both services on demo data, with what to open and whom to log in as.

Promises:

1. Everything is of the test environment, in ``demo/serve``: a trial authority at work (``icard-issuer demo-data``),
   served and verified by the real services.
2. It prints where the portal and the scan page are, the demo accounts, and the pictures of three cards: good,
   suspended, revoked.
3. What the portal publishes is carried to the scan page within seconds, as a sync would fetch it: a card that was
   revoked is refused there, and lists do not grow old while the two are served.
4. Ctrl-C ends both services, and when one ends the other does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pyotp

from tools import demo_authority

FOLDER: Final = Path(__file__).parent.parent / "demo" / "serve"
_ACCOUNTS: Final = FOLDER / "accounts.json"
_CARDS: Final = {"good": "LI ANNA MARIA", "suspended": "ROSSI GIULIA", "revoked": "SMITH JOHN"}
#: Of the demonstration: as few as there may be.
_PEOPLE: Final = 40
#: Seconds that a service gets to end by itself.
_PATIENCE: Final = 10


def main() -> None:
    """Serve, or print an account's code."""
    parser = argparse.ArgumentParser(prog="python -m tools.serve_demo", description=__doc__, add_help=True)
    parser.add_argument("--port", type=int, default=8080, help="of the scan page (default: 8080)")
    parser.add_argument("--portal-port", type=int, default=8081, help="of the portal (default: 8081)")
    parser.add_argument("--code", metavar="LOGIN", help="print the authenticator code of a demo account, and end")
    parser.add_argument(
        "--tls-self-signed", action="store_true", help="HTTPS on all addresses, for the camera of a telephone"
    )
    given = parser.parse_args()
    if given.code:
        print(code_of(given.code))
        return
    print("Making an authority, its cards and people, and a verifier in demo/serve (about a minute) ...", flush=True)
    accounts = make()
    icard = _program("icard")
    if sys.stdout.isatty():
        subprocess.run([icard, "qr", str(FOLDER / "good" / "public.txt")], check=False)
    print("Cards to show, drop or choose:")
    for name in _CARDS:
        print(f"  {name:10} {FOLDER / name / 'public.png'}")
    print(f"The portal: http://localhost:{given.portal_port}/portal/   Log in as:")
    python = os.path.relpath(sys.executable)
    for account in accounts:
        code = f"   code: {python} -m tools.serve_demo --code {account['login']}" if account["secret"] else ""
        print(f"  {account['role']:18} {account['login']:15} {account['password']}{code}")
    print(f"The accounts of the other offices, employers and holders: {_ACCOUNTS}")
    print("The scan page:", flush=True)
    scan = [icard, "serve", "--state", str(FOLDER / "state"), "--no-sync", "--port", str(given.port)]
    if given.tls_self_signed:
        scan += ["--host", "0.0.0.0", "--tls-self-signed"]  # noqa: S104 - asked for by name, to be seen by telephones
    authority = demo_authority.Authority(FOLDER, demo_authority.in_process(FOLDER))
    # The worker in the portal keeps the tree of published files there.
    os.environ["ICARD_ISSUER_PUBLISHED"] = str(authority.public)
    portal = [_program("icard-issuer"), "serve", "-C", str(FOLDER / "issuer"), "--port", str(given.portal_port)]
    serve([scan, [*portal, "--log-level", "WARNING"]], News(authority, "state"))


def make() -> list[dict[str, Any]]:
    """The authority, its cards, its people and a verifier that knows them, again; the first accounts to log in with."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    authority = demo_authority.make(FOLDER, people=_PEOPLE)
    cards = {}
    for number, (name, holder) in enumerate(_CARDS.items(), 1):
        card = demo_authority.write_card(FOLDER / f"{name}.json", number, name=holder)
        cards[name] = authority.issue(card, name)
    authority.revoke(cards["revoked"], "demo")
    authority.run("icard-issuer", "card", "suspend", cards["suspended"], *_because("demo"))
    authority.publish()
    authority.new_verifier("state")
    authority.carry_news("state")
    accounts = json.loads(_ACCOUNTS.read_text("utf-8"))
    return [account for account in accounts if re.fullmatch("demo[.][a-z0-9]+", account["login"])]


def code_of(login: str) -> str:
    """The authenticator code of a demo account, now.

    Raises:
        SystemExit: there is none.
    """
    accounts = json.loads(_ACCOUNTS.read_text("utf-8")) if _ACCOUNTS.exists() else []
    secret = next((account["secret"] for account in accounts if account["login"] == login), None)
    if secret is None:
        raise SystemExit(f"no demo account {login} with an authenticator app")
    return pyotp.TOTP(secret).now()


class News:
    """What an authority publishes, brought to a verifier.

    Args:
        state: the verifier's folder, in the authority's.
    """

    def __init__(self, authority: demo_authority.Authority, state: str) -> None:
        self._authority, self._state = authority, state
        self._brought = self._newest()

    def bring(self) -> bool:
        """Bring what was published since the last time; whether there was something.

        Raises:
            CommandFailed: the verifier refused a part of it.
        """
        newest = self._newest()
        if newest == self._brought:
            return False
        self._brought = newest
        self._authority.carry_news(self._state)
        return True

    def _newest(self) -> int:
        # Each publication puts another file in its place.
        return (self._authority.public / "bundle.cbor").stat().st_mtime_ns


def serve(commands: list[list[str]], news: News) -> None:
    """Run services side by side until one ends, or Ctrl-C; then all end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    running = [subprocess.Popen(command) for command in commands]
    try:
        with contextlib.suppress(KeyboardInterrupt):
            while all(process.poll() is None for process in running):
                time.sleep(0.2)
                try:
                    news.bring()
                except demo_authority.CommandFailed as fault:
                    print(fault, file=sys.stderr)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _because(reason: str) -> tuple[str, ...]:
    return ("-C", "issuer", "--operator", demo_authority.OPERATOR, "--reason", reason)


if __name__ == "__main__":
    main()
