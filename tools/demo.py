"""``make demo``: the main job, on this machine, with the commands that anyone can repeat.

Promises:

1. Every step is a real command or a real library call on real files in ``demo/``; each one's command line is shown.
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

from icard_crypto import SigningKey, algorithms, cbor, cose, envelope, limits, qr
from verifier import Policy, TrustDomain, Verifier

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "demo"
CARD = ROOT / "tests" / "vectors" / "cards" / "reference.json"
STATUS_PREFIX = "https://icard.example/s/"
STATUS_URI = f"{STATUS_PREFIX}k7Qd"
INDEX = "48231"
STATE = ("--state", "state", "--policy", "gate")
CODES = 4000

console = Console(highlight=False)


def step(title: str) -> None:
    console.print(f"\n[bold cyan]{title}[/]")


def run(*words: str, expect: int, quiet: bool = False) -> None:
    """Show a command, run it in ``demo/``, and stop the demo if it ends otherwise than expected.

    Args:
        quiet: its output says nothing that the demo is about.
    """
    console.print(f"[dim]$ {' '.join(words)}[/]")
    tool = Path(sys.executable).with_name(words[0])
    environment = os.environ | ({"FORCE_COLOR": "1"} if console.is_terminal else {})
    output = subprocess.DEVNULL if quiet else None
    ended = subprocess.run([tool, *words[1:]], cwd=FOLDER, env=environment, stdout=output, check=False)
    if ended.returncode != expect:
        console.print(f"[red]that ended with {ended.returncode}; the demo expected {expect}[/]")
        sys.exit(1)


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


def sign(name: str, index: str, *more: str) -> None:
    run(
        *("icard-issuer", "sign", "card.json", "--key", "key.pem", "--issuer", "cn.310000"),
        *("--status-uri", STATUS_URI, "--status-index", index, "--profile", "public", "--out", name, *more),
        expect=0,
    )


def publish_first() -> None:
    """A trust domain that trusts the key of step 1, with an empty status list, published."""
    for name in ("root1", "root2", "root3", "timestamp", "status"):
        run("icard-issuer", "keygen", "--out", f"{name}.pem", "--no-passphrase", expect=0, quiet=True)
    roots = [word for number in "123" for word in ("--root", f"root{number}.pub.pem")]
    run(
        *("icard-issuer", "trust", "init", *roots, "--timestamp-key", "timestamp.pub.pem", "--out", "v1.draft"),
        expect=0,
        quiet=True,
    )
    run(
        *("icard-issuer", "trust", "add-issuer", "v1.draft", "cn.310000", "--region", "310000"),
        *("--name-en", "Shanghai", "--name-zh", "上海市", "--status-prefix", STATUS_PREFIX),
        expect=0,
        quiet=True,
    )
    for file, usage in (("key", "card"), ("status", "status")):
        run(
            *("icard-issuer", "trust", "add-key", "v1.draft", "--issuer", "cn.310000"),
            *("--key", f"{file}.pub.pem", "--usage", usage),
            expect=0,
            quiet=True,
        )
    for root in ("root1", "root3"):
        run(
            *("icard-issuer", "trust", "sign", "v1.draft", "--key", f"{root}.pem", "--out", f"v1.{root}", "--yes"),
            expect=0,
            quiet=True,
        )
    run("icard-issuer", "trust", "assemble", "v1.root1", "v1.root3", "--out", "v1.cbor", expect=0, quiet=True)
    run("icard-issuer", "trust", "show", "v1.cbor", expect=0)
    run("icard-issuer", "status", "init", "k7Qd.json", "--uri", STATUS_URI, expect=0, quiet=True)
    publish_status("--trust", "v1.cbor")


def publish_status(*more: str) -> None:
    run("icard-issuer", "status", "publish", "k7Qd.json", "--key", "status.pem", "--out", "k7Qd.token", expect=0)
    run(
        *("icard-issuer", "publish", "public", "--timestamp-key", "timestamp.pem", "--status", "k7Qd.token", *more),
        expect=0,
    )


def import_bundle() -> None:
    run("icard", "bundle", "import", "public/bundle.cbor", "--state", "state", expect=0)


def days_from_now(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def measure(text: str) -> None:
    domain = TrustDomain.from_trusted_file((FOLDER / "trusted.json").read_bytes())
    verifier = Verifier(domain, Policy.named("unsafe_no_status"))
    codes = [text] * CODES
    for name, workers in (("one core", 1), (f"all {os.cpu_count()} cores", None)):
        started = time.perf_counter()
        verdicts = verifier.verify_many(codes, now=time.time(), workers=workers)
        seconds = time.perf_counter() - started
        if {verdict.outcome for verdict in verdicts} != {"VALID"}:
            console.print("[red]the same code got another verdict[/]")
            sys.exit(1)
        console.print(f"  {name}: [bold]{CODES / seconds:,.0f}[/] codes a second, {seconds / CODES * 1e6:.0f} us each")


def main() -> None:
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    shutil.copy(CARD, FOLDER / "card.json")
    trusted = ("--trusted", "trusted.json", "--policy", "unsafe_no_status")

    step("1  A signing key for an authority, and the file that says whom to trust")
    run(
        *("icard-issuer", "keygen", "--out", "key.pem", "--no-passphrase", "--trusted-out", "trusted.json"),
        *("--issuer", "cn.310000", "--region", "310000", "--name-en", "Shanghai", "--name-zh", "上海市"),
        *("--status-prefix", STATUS_PREFIX),
        expect=0,
    )
    step("2  A card with permit and insurance, signed and drawn as a QR code")
    sign("card.png", INDEX, "--out", "card.txt")
    step("3  Read back from the picture and verified, without a network")
    run("icard", "verify", "card.png", *trusted, expect=0)

    text = (FOLDER / "card.txt").read_text("ascii").strip()
    step("4  The permit's end moved by a year")
    draw(later_permit(text), "altered.png")
    run("icard", "verify", "altered.png", *trusted, expect=1)
    step("5  The same claims, signed by a stranger")
    draw(strangers_code(text), "forged.png")
    run("icard", "verify", "forged.png", *trusted, expect=1)
    step("6  Half of the code")
    draw(text[: len(text) // 2], "half.png")
    run("icard", "verify", "half.png", *trusted, expect=1)

    step("7  A trust list signed by two of three roots, a status list, and a verifier that imports them as one file")
    publish_first()
    run("icard", "init", "--anchor", "v1.cbor", "--state", "state", "--yes", expect=0)
    import_bundle()
    run("icard", "verify", "card.png", *STATE, expect=0)
    step("8  The card is revoked, and the news carried to the verifier")
    run("icard-issuer", "status", "set", "k7Qd.json", "--index", INDEX, "--value", "revoked", expect=0)
    publish_status()
    import_bundle()
    run("icard", "verify", "card.png", *STATE, expect=1)
    step("9  Another card, while the list is fresh, and when the clock has passed its end")
    sign("other.png", "48232")
    run("icard", "verify", "other.png", *STATE, expect=0)
    run("icard", "verify", "other.png", *STATE, "--now", days_from_now(8), expect=2)

    step("10  How many codes a second this machine verifies, from the text to the verdict")
    measure(text)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s. The files are in demo/; look into a code with:")
    console.print("[dim]$ .venv/bin/icard inspect demo/card.png[/]")


if __name__ == "__main__":
    main()
