"""``make serve``: the verification service with the scan page, on a demo authority's cards.

Promises:

1. Everything is of the test environment, made by the real commands in ``demo/serve``, and verified by the real service.
2. It prints where the page is, a code to scan, and the pictures of three cards: good, suspended, revoked.
3. The service takes the place of this process: Ctrl-C ends it as it ends ``icard serve``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import demo_authority

FOLDER = Path(__file__).parent.parent / "demo" / "serve"
_CARDS = {"good": "LI ANNA MARIA", "suspended": "ROSSI GIULIA", "revoked": "SMITH JOHN"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.serve_demo", description=__doc__, add_help=True)
    parser.add_argument("--port", type=int, default=8080, help="(default: 8080)")
    parser.add_argument(
        "--tls-self-signed", action="store_true", help="HTTPS on all addresses, for the camera of a telephone"
    )
    given = parser.parse_args()
    print("Making an authority, its cards and a verifier in demo/serve ...", flush=True)
    make()
    icard = str(Path(sys.executable).with_name("icard"))
    if sys.stdout.isatty():
        subprocess.run([icard, "qr", str(FOLDER / "good" / "public.txt")], check=False)
    print("Cards to show, drop or choose:")
    for name in _CARDS:
        print(f"  {name:10} {FOLDER / name / 'public.png'}")
    print("The scan page:", flush=True)
    command = [icard, "serve", "--state", str(FOLDER / "state"), "--no-sync", "--port", str(given.port)]
    if given.tls_self_signed:
        command += ["--host", "0.0.0.0", "--tls-self-signed"]  # noqa: S104 - asked for by name, to be seen by telephones
    os.execv(icard, command)  # noqa: S606 - this environment's own command


def make() -> None:
    """The authority, its cards and a verifier that knows them, anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    authority = demo_authority.make(FOLDER)
    cards = {}
    for number, (name, holder) in enumerate(_CARDS.items(), 1):
        card = demo_authority.write_card(FOLDER / f"{name}.json", number, name=holder)
        cards[name] = authority.issue(card, name)
    authority.revoke(cards["revoked"], "demo")
    authority.run("icard-issuer", "card", "suspend", cards["suspended"], *_because("demo"))
    authority.publish()
    authority.new_verifier("state")
    authority.carry_news("state")


def _because(reason: str) -> tuple[str, ...]:
    return ("-C", "issuer", "--operator", demo_authority.OPERATOR, "--reason", reason)


if __name__ == "__main__":
    main()
