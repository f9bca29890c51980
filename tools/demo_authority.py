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
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from issuer.cli.commands import app as issuer_app
from issuer.trial.build import STATUS_PREFIX, write_card
from verifier.cli.commands import app as verifier_app

__all__ = ["OPERATOR", "Authority", "CommandFailed", "Run", "in_process", "make", "write_card"]

OPERATOR: Final = "Li Na"
_APPS: Final = {"icard": verifier_app, "icard-issuer": issuer_app}

Run = Callable[..., str]
"""Does a command, given its words, in the authority's folder, and gives what it printed."""


class CommandFailed(Exception):
    """A command ended otherwise than it should; says what it printed."""


@dataclass(frozen=True)
class Authority:
    """An authority in ``folder``.

    What lies there: :mod:`issuer.trial.build`.

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
        """Withdraw a card permanently."""
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


def make(
    folder: Path, run: Run | None = None, status_prefix: str = STATUS_PREFIX, *, people: int | None = None
) -> Authority:
    """A new authority, made by ``icard-issuer trial``: service, keys, trust list, first publication.

    Args:
        folder: new or empty.
        run: does the commands; None: in this process, printing nothing.
        status_prefix: what the uris of its status lists begin with.
        people: made by ``icard-issuer demo-data`` instead, with so many people.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder, run or in_process(folder), status_prefix)
    command = ("trial", ".") if people is None else ("demo-data", ".", "--people", str(people))
    authority.run("icard-issuer", *command, "--status-prefix", status_prefix)
    return authority


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
