"""``make demo``: the main job on this machine, from an empty folder to a revoked card that is refused.

Promises:

1. Every step is a real command or a real library call on real files in ``demo/``, an issuing service with its database
   among them; each one's command line is shown and can be repeated there.
2. A step that ends otherwise than it should ends the demo with exit status 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from icard_crypto import SigningKey, limits, qr
from icard_crypto.encoding import cbor, envelope
from icard_crypto.signing import algorithms, cose
from tools import demo_authority
from tools.demo_authority import CommandFailed, Run
from verifier import Policy, Verifier
from verifier.store import Store

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "demo"
STATE = ("--state", "state", "--policy", "gate")
CODES = 4000
#: Of a code as text, no more is worth showing.
_WIDTH = 100

console = Console(highlight=False, soft_wrap=True)


def step(title: str) -> None:
    console.print(f"\n[bold cyan]{title}[/]")


def shown(run: Run, *told: str) -> Run:
    """``run`` with the command line above; the output of the commands ``told`` below it."""

    def show(*words: str) -> str:
        _command_line(words)
        output = run(*words)
        if " ".join(words[1:]).startswith(told):
            for line in output.splitlines():
                console.print(line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…", markup=False)
        return output

    return show


def verify(*words: str, expect: int) -> None:
    """Verify in a process of its own, and stop the demo unless it ends as expected: 0 valid, 1 invalid, 2 not known."""
    words = ("icard", "verify", *words)
    _command_line(words)
    console.file.flush()
    colour = {"FORCE_COLOR": "1"} if console.is_terminal else {}
    tool = Path(sys.executable).with_name(words[0])
    ended = subprocess.run([tool, *words[1:]], cwd=FOLDER, env=os.environ | colour, check=False)
    if ended.returncode != expect:
        raise CommandFailed(f"that ended with {ended.returncode}; the demo expected {expect}")


def later_permit(text: str) -> str:
    """The same code with the permit's last day moved by a year, and the signature kept."""
    message = cose.parse_sign1(envelope.read(text).cose)
    claims = cbor.decode(message.payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)
    claims[-65537][1][7] += 365  # type: ignore[index, operator]
    changed = cbor.encode(claims)
    return envelope.to_ic1(envelope.read(text).cose.replace(message.payload, changed))


def strangers_code(text: str) -> str:
    """The same claims, signed by a key that no one trusts."""
    payload = cose.parse_sign1(envelope.read(text).cose).payload
    return envelope.to_ic1(cose.sign_token(payload, SigningKey.generate(algorithms.ED25519)))


def draw(text: str, name: str) -> None:
    (FOLDER / name).write_bytes(qr.draw_png(text))
    console.print(f"[dim]drawn: demo/{name}[/]")


def days_from_now(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def measure(text: str) -> None:
    """Text to verdict, over and over, with the trust list and the status list that step 4 imported."""
    verifier = Verifier(Store(FOLDER / "state").load(), Policy.named("gate"))
    codes = [text] * CODES
    for name, workers in (("one core", 1), (f"all {os.cpu_count()} cores", None)):
        started = time.perf_counter()
        verdicts = verifier.verify_many(codes, now=time.time(), workers=workers)
        seconds = time.perf_counter() - started
        if {verdict.outcome for verdict in verdicts} != {"VALID"}:
            raise CommandFailed("the same code got another verdict")
        console.print(f"  {name}: [bold]{CODES / seconds:,.0f}[/] codes a second, {seconds / CODES * 1e6:.0f} us each")


def walk() -> None:
    quiet = demo_authority.in_process(FOLDER)
    step("1  A trial authority: an issuing service, its keys, a trust list signed by two of three roots, a publication")
    authority = demo_authority.make(FOLDER, shown(quiet, "trial", "card issue", "card revoke", "worker", "trust-list"))
    step("2  Its keys, and the list that tells verifiers of them")
    authority.run("icard-issuer", "key", "list", "-C", "issuer")
    authority.run("icard-issuer", "trust-list", "show", "-C", "issuer")
    step("3  A card with permit and insurance: three codes, one for each kind of reader, drawn and read back")
    card = authority.issue(demo_authority.write_card(FOLDER / "card.json"), "codes")
    step("4  A verifier: it trusts that list, takes the news as one file, and needs no network from then on")
    authority.new_verifier("state")
    authority.carry_news("state")
    verify("codes/public.png", *STATE, expect=0)
    step("5  The same card as an inspector sees it")
    verify("codes/authority.png", "--state", "state", "--policy", "inspection", expect=0)

    text = (FOLDER / "codes" / "public.txt").read_text("ascii").strip()
    step("6  The permit's end moved by a year")
    draw(later_permit(text), "altered.png")
    verify("altered.png", *STATE, expect=1)
    step("7  The same claims, signed by a stranger")
    draw(strangers_code(text), "forged.png")
    verify("forged.png", *STATE, expect=1)
    step("8  Half of the code")
    draw(text[: len(text) // 2], "half.png")
    verify("half.png", *STATE, expect=1)

    step("9  How many codes a second this machine verifies, from the text to the verdict")
    measure(text)

    step("10  The card is revoked, and the news carried to the verifier")
    authority.revoke(card, "left the country")
    authority.publish()
    authority.carry_news("state")
    verify("codes/public.png", *STATE, expect=1)
    step("11  Another card: while the news is fresh, and eight days later without any")
    authority.issue(demo_authority.write_card(FOLDER / "other.json", 2, name="JAMIE EXAMPLE"), "other")
    verify("other/public.png", *STATE, expect=0)
    verify("other/public.png", *STATE, "--now", days_from_now(8), expect=2)


def main() -> None:
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        walk()
    except CommandFailed as failed:
        console.print(str(failed), style="red", markup=False)
        sys.exit(1)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s. Everything is in demo/. What else to look at, there:")
    for line in ("icard inspect codes/public.png", "icard-issuer audit verify -C issuer", "icard-issuer card --help"):
        console.print(f"[dim]$ ../.venv/bin/{line}[/]")


def _command_line(words: tuple[str, ...]) -> None:
    line = " ".join(f'"{word}"' if " " in word else word for word in words)
    console.print(f"[dim]$ {line}[/]")


if __name__ == "__main__":
    main()
