"""``icard-issuer rewrap``: a new master key, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from verifier.runtime.cli.run_context import AsJson, Lang
from verifier.runtime.cli.terminal import error_console

from .service import Folder, Operator, ServiceFolder, acting, tell, tell_rows

if TYPE_CHECKING:
    from issuer.processes.rewrap import Progress

__all__ = ["rewrap_app"]

rewrap_app = typer.Typer(
    help="A new master key: prepare, copy the file to every host, switch, finish, copy again.", no_args_is_help=True
)


@rewrap_app.command("prepare")
def rewrap_prepare(
    *, operator: Operator = None, folder: Folder = None, lang: Lang = None, as_json: AsJson = False
) -> None:
    """Add a master key to this host's file. Nothing is encrypted under it until switch.

    Keep a copy of the file as it was: older backups need the old key.
    """
    from issuer.processes.rewrap import prepare

    by = acting(operator)
    with ServiceFolder(folder).opened() as core:
        name = prepare(core, by.actor)
        tell({"prepared": name, "copy_to_every_host": str(core.master_key_path)})


@rewrap_app.command("switch")
def rewrap_switch(
    *, operator: Operator = None, folder: Folder = None, lang: Lang = None, as_json: AsJson = False
) -> None:
    """Encrypt under the new key on every host from now on, and rewrap what is there.

    Refused while a running server or worker does not hold the key. Stopped, it goes on when it is run again.
    """
    from issuer.processes.rewrap import switch

    by = acting(operator)
    with ServiceFolder(folder).opened() as core, _watched() as progress:
        tell({"rewrapped": switch(core, by.actor, progress), "old_key": "kept until rewrap finish"})


@rewrap_app.command("finish")
def rewrap_finish(
    *, operator: Operator = None, folder: Folder = None, lang: Lang = None, as_json: AsJson = False
) -> None:
    """Drop the old key from this host's file, once nothing needs it. Then copy the file to every host again."""
    from issuer.processes.rewrap import finish

    by = acting(operator)
    with ServiceFolder(folder).opened() as core, _watched() as progress:
        count = finish(core, by.actor, progress)
        tell({"rewrapped": count, "old_key": "dropped", "copy_to_every_host": str(core.master_key_path)})


@rewrap_app.command("status")
def rewrap_status(*, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """Which master keys each running server and worker holds, and which one it encrypts under."""
    from issuer.processes.rewrap import holders

    with ServiceFolder(folder).opened() as core:
        tell_rows(
            [
                {"kind": each.kind, "host": each.host, "encrypts_under": each.in_force, "holds": " ".join(each.held)}
                for each in holders(core)
            ]
        )


@contextmanager
def _watched() -> Iterator[Progress]:
    """What is rewrapped, on a terminal."""
    console = error_console()
    if not console.is_terminal:
        yield lambda place, done: None
        return
    with console.status("") as status:
        yield lambda place, done: status.update(f"{place} {done:,}")
