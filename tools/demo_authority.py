"""A whole authority for demonstrations, in one folder: service, keys, trust list, cards, and what verifiers fetch.

Promises:

1. It is made and changed by the real commands, called in this process; nothing is faked, and each command line can be
   repeated by hand in the folder.
2. No setting of this machine reaches it: ``ICARD_*`` of the environment is out of sight while a command runs.
3. It is of the test environment, and so is every verdict on its cards.

>>> authority = make(Path("demo"))                                      # doctest: +SKIP
>>> card = authority.issue(write_card(Path("demo/card.json")), "codes")  # doctest: +SKIP
>>> authority.publish()                                                 # doctest: +SKIP
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import typer

from issuer.cli.commands import app as issuer_app
from verifier.cli.commands import app as verifier_app

__all__ = ["OPERATOR", "Authority", "CommandFailed", "Run", "in_process", "make", "write_card"]

ISSUER: Final = "cn.310000"
REGION: Final = "310000"
STATUS_PREFIX: Final = "https://icard.example/s/"
OPERATOR: Final = "Li Na"
_CARD: Final = Path(__file__).parent.parent / "tests" / "vectors" / "cards" / "reference.json"
_APPS: Final = {"icard": verifier_app, "icard-issuer": issuer_app}

Run = Callable[..., str]
"""Does a command, given its words, in the authority's folder, and gives what it printed."""


class CommandFailed(Exception):
    """A command ended otherwise than it should; says what it printed."""


@dataclass(frozen=True)
class Authority:
    """An authority in ``folder``.

    There lie ``issuer`` (the service's folder), ``v1.cbor`` (the signed trust list: a verifier's anchor), ``public``
    (the published tree, with ``bundle.cbor``), and the roots' keys.

    Args:
        status_prefix: what the uris of its status lists begin with.
    """

    folder: Path
    run: Run
    status_prefix: str = STATUS_PREFIX

    @property
    def service(self) -> Path:
        """The service's folder: what ``icard-issuer -C`` and :meth:`issuer.settings.Settings.load` take."""
        return self.folder / "issuer"

    @property
    def public(self) -> Path:
        """What a web server would serve to verifiers."""
        return self.folder / "public"

    def issue(self, card: Path, out: str) -> str:
        """Issue a card; its codes go to the folder ``out`` as ``public.txt``, ``public.png`` and so on. Its id."""
        printed = self.run("icard-issuer", "card", "issue", card.name, "-C", "issuer", "--out", out)
        return _fact(printed, "card")

    def publish(self) -> None:
        """Publish what is due and bring the tree to it."""
        self.run("icard-issuer", "worker", "--once", "-C", "issuer", "--export", "public")

    def revoke(self, card_id: str, reason: str) -> None:
        """Withdraw a card, for ever."""
        words = ("icard-issuer", "card", "revoke", card_id, "-C", "issuer")
        self.run(*words, "--operator", OPERATOR, "--reason", reason)

    def new_verifier(self, state: str, url: str | None = None) -> None:
        """A verifier's state folder with the trust list as its anchor; it knows nothing else yet.

        Args:
            url: where it can fetch what is published.
        """
        self.run("icard", "init", "--anchor", "v1.cbor", "--state", state, "--yes", *(("--url", url) if url else ()))

    def carry_news(self, state: str) -> None:
        """Take what is published to a verifier, as one file."""
        self.run("icard", "bundle", "import", "public/bundle.cbor", "--state", state)


def make(folder: Path, run: Run | None = None, status_prefix: str = STATUS_PREFIX) -> Authority:
    """A new authority: service, three active keys, trust list by two of three roots, first publication.

    Args:
        folder: new or empty.
        run: does the commands; None: in this process, printing nothing.
        status_prefix: what the uris of its status lists begin with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder, run or in_process(folder), status_prefix)
    begin(authority)
    make_keys(authority)
    make_trust_list(authority)
    authority.publish()
    return authority


def begin(authority: Authority) -> None:
    """The service: settings, master key, an empty database."""
    secret = authority.folder / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_urlsafe(24) + "\n", "ascii")
    authority.run(
        *("icard-issuer", "init", "issuer", "--issuer", ISSUER, "--region", REGION),
        *("--status-prefix", authority.status_prefix),
        *("--name-en", "Shanghai", "--name-zh", "上海市", "--passphrase-file", "passphrase"),
    )


def make_keys(authority: Authority) -> None:
    """One key for each thing that is signed; the first ones need not wait for anybody who knows others."""
    for usage in ("card", "status", "timestamp"):
        key = _fact(authority.run("icard-issuer", "key", "generate", usage, "-C", "issuer"), "thumbprint")[:16]
        authority.run("icard-issuer", "key", "export", key, "-C", "issuer", "--out", f"{usage}.pub.pem")
        authority.run("icard-issuer", "key", "publish", key, "-C", "issuer")
        authority.run(
            *("icard-issuer", "key", "activate", key, "-C", "issuer"),
            *("--emergency", "--operator", OPERATOR, "--reason", "the first keys"),
        )


def make_trust_list(authority: Authority) -> None:
    """Three roots, two of which sign the list of whom to trust; the service takes it in."""
    run = authority.run
    for number in "123":
        run("icard-issuer", "keygen", "--out", f"root{number}.pem", "--no-passphrase")
    roots = [word for number in "123" for word in ("--root", f"root{number}.pub.pem")]
    run("icard-issuer", "trust", "init", *roots, "--timestamp-key", "timestamp.pub.pem", "--out", "v1.draft")
    run(
        *("icard-issuer", "trust", "add-issuer", "v1.draft", ISSUER, "--region", REGION),
        *("--name-en", "Shanghai", "--name-zh", "上海市", "--status-prefix", authority.status_prefix),
    )
    for usage in ("card", "status"):
        add = ("icard-issuer", "trust", "add-key", "v1.draft", "--issuer", ISSUER)
        run(*add, "--key", f"{usage}.pub.pem", "--usage", usage)
    for number in "13":
        sign = ("icard-issuer", "trust", "sign", "v1.draft", "--key", f"root{number}.pem")
        run(*sign, "--out", f"v1.root{number}", "--yes")
    run("icard-issuer", "trust", "assemble", "v1.root1", "v1.root3", "--out", "v1.cbor")
    run("icard-issuer", "trust-list", "import", "v1.cbor", "-C", "issuer")


def write_card(path: Path, number: int = 1, *, name: str | None = None) -> Path:
    """The reference card as a file, in force today whenever that is.

    Args:
        number: makes the permit's number; one live card has it.
        name: the holder's; None: the reference's.
    """
    card = json.loads(_CARD.read_text("utf-8"))
    today = datetime.now(UTC).date()
    begun, permit, insurance = today - timedelta(days=200), card["permit"], card["insurance"]
    if name is not None:
        card["holder"]["name"] = name
        del card["holder"]["name_native"]
    number_text = f"R310115{begun.year}{number:08d}"
    permit |= {"number": number_text, "number_last4": number_text[-4:]}
    permit |= {"from": _day(begun), "until": _day(begun + timedelta(days=729))}
    insurance |= {"enrolled_from": _day(begun), "paid_through": f"{today:%Y-%m}"}
    insurance["exemptions"][0] |= {"from": _day(begun), "until": _day(begun + timedelta(days=1826))}
    path.write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def in_process(folder: Path) -> Run:
    """Does commands in this process, as a new one would do them. Not for threads: the working folder is the process's.

    Raises:
        CommandFailed: one ended with another status than 0.
    """

    def run(*words: str) -> str:
        command = typer.main.get_command(_APPS[words[0]])
        out, err = io.StringIO(), io.StringIO()
        with _alone(), contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                command.main(list(words[1:]), prog_name=words[0])
            except SystemExit as ended:
                status = ended.code
        if status:
            raise CommandFailed(f"{' '.join(words)}: exit status {status}\n{out.getvalue()}{err.getvalue()}")
        return out.getvalue()

    return run


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Promise 2: a database that the environment names is somebody's own."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("ICARD_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _fact(printed: str, name: str) -> str:
    """A fact by its name, of what a command told."""
    for line in printed.splitlines():
        found, _, value = line.partition(" ")
        if found == name:
            return value.strip()
    raise CommandFailed(f"no {name} in what was printed")


def _day(day: date) -> str:
    return day.isoformat()
