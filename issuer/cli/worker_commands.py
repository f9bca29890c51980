"""``icard-issuer worker``, ``export``, ``trust-list``: what verifiers fetch."""

from __future__ import annotations

import json
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from icard_crypto import limits
from icard_crypto.errors import StateError
from icard_crypto.moments import moment_text
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import read_capped

from .service import Folder, Operator, ReasonOption, ServiceFolder, acting, tell, tell_rows
from .typed import close_to_others

if TYPE_CHECKING:
    from issuer.core import Core
    from issuer.published.trust_lists import TrustChain

__all__ = ["export_command", "trust_list_app", "worker_command"]

trust_list_app = typer.Typer(help="The trust lists that the roots signed, in the service.", no_args_is_help=True)

Out = Annotated[
    Path | None,
    typer.Option("--export", metavar="FOLDER", help="Keep the tree of published files there.  [default: the setting]"),
]


def export_command(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The folder of a web server.")],
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Write what is published as files: those that never change first, the timestamp last."""
    from issuer.publication.export import export

    service = ServiceFolder(folder)
    with service.opened() as core:
        done = export(core, target)
        tell({"version": done.version, "files": len(done.written), "folder": str(target)})


def worker_command(
    export_to: Out = None,
    interval: Annotated[
        float, typer.Option("--interval", min=0.1, max=5.0, metavar="SECONDS", help="Between looks at the database.")
    ] = 1.0,
    outside: Annotated[
        Path | None,
        typer.Option("--checkpoints", metavar="FOLDER", help="For the audit's checkpoints; better on another machine."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Publish what is due now, and end.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --once: sign everything again, due or not.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Show how the jobs of all workers are, and end; 1 where one is in trouble.")
    ] = False,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Publish whatever changes, within seconds, until SIGTERM or Ctrl-C. Several may run on one PostgreSQL database; on
    SQLite there is one, which is in the server where that runs.

    Example:  icard-issuer worker -C issuer --export /var/www/icard
    """
    from issuer.db.process_lock import process_lock
    from issuer.worker.loop import Worker

    service = ServiceFolder(folder)
    close_to_others()
    if force and not once:
        raise CommandError("cli.option", path="--force", expected="--once beside it")
    with service.opened(signs=not status) as core:
        if status:
            _status(core)
            return
        tree = export_to or core.settings.published
        if once:
            _once(core, tree, force=force)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with process_lock(core.database):
            Worker(core, tree, partial(_log, run_context().json), interval, outside).run(stop)


def _status(core: Core) -> None:
    from issuer.worker.states import read_jobs, trouble

    jobs = read_jobs(core)
    rows = [
        {
            "job": job.name,
            "state": job.trouble or "ok",
            "workers": job.workers,
            "succeeded": _moment(job.succeeded_at),
            "failing_since": _moment(job.failing_since),
        }
        for job in jobs
    ]
    tell_rows(rows)
    wrong = trouble(jobs)
    if wrong == "worker.missing":
        raise StateError(wrong)
    if any(job.trouble for job in jobs):
        raise typer.Exit(1)


def _moment(at: float | None) -> str | None:
    return None if at is None else moment_text(int(at))


def _once(core: Core, export_to: Path | None, *, force: bool) -> None:
    from issuer.publication.export import export
    from issuer.publication.publish import check_signers, publish
    from issuer.publication.retirement import end_lists

    check_signers(core)
    end_lists(core)
    done = publish(core, force=force)
    files = None if export_to is None else len(export(core, export_to).written)
    tell(
        {
            "version": done.version or None,
            "lists": len(done.lists),
            "timestamp": done.timestamp,
            "files": files,
        }
    )
    if done.held_back:
        raise done.held_back[0]


@trust_list_app.command("import")
def trust_list_import(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Signed trust lists, oldest first.")],
    single_root: Annotated[
        bool, typer.Option("--unsafe-single-root", help="Take a list that one root alone may change.")
    ] = False,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Take in the next trust list, or the whole chain. Compare the roots of the first one by hand."""
    from issuer.published.trust_lists import import_trust_lists

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    lists = [read_capped(path, limits.TRUST_LIST_BYTES) for path in files]
    with service.opened() as core:
        tell(_facts(import_trust_lists(core, lists, by.actor, unsafe_single_root=single_root)))


@trust_list_app.command("show")
def trust_list_show(*, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """The trust list in force, and the thumbprints of its roots."""
    from issuer.published.trust_lists import accepted

    service = ServiceFolder(folder)
    with service.opened() as core:
        chain = core.database.read(accepted)
        tell_rows([]) if chain is None else tell(_facts(chain))


def _facts(chain: TrustChain) -> dict[str, Any]:
    current = chain.current
    return {
        "version": current.version,
        "environment": current.environment,
        "issued": moment_text(current.iat),
        "ends": moment_text(current.exp),
        "threshold": f"{current.threshold} of {len(current.roots)}",
        "hash": current.payload_hash.hex(),
        "roots": " ".join(root.thumbprint.hex() for root in current.roots),
    }


def _log(as_json: bool, event: str, facts: dict[str, Any]) -> None:
    """A line an event, at once, for whatever keeps logs. For any thread: a run's own settings are the main thread's."""
    now = moment_text(int(time.time()))
    if as_json:
        # The shape of the servers' lines.
        level = "warning" if event == "held_back" else "info"
        known = {**facts, "event": event, "level": level, "logger": "icard.worker", "timestamp": now}
        text = json.dumps(known, ensure_ascii=True)
    else:
        rest = " ".join(f"{name}={value}" for name, value in facts.items())
        text = f"{now} {event} {rest}".rstrip()
    typer.echo(text)
