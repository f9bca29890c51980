"""``icard-issuer restore``, ``adopt``, ``withdraw``: after a backup was put back, or a database was moved."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from icard_crypto.errors import StateError
from verifier.runtime.cli.run_context import run_context
from verifier.runtime.files import write_whole

from .service import ServiceFolder, acts, tell

if TYPE_CHECKING:
    from issuer.acts import Actor

__all__ = ["adopt_command", "restore_command", "withdraw_command"]

_SECRET: Final = 0o600

Report = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write what is to be issued again, as JSON.")
]


@acts(break_glass=True)
def restore_command(
    service: ServiceFolder,
    by: Actor,
    published: Annotated[
        Path | None, typer.Option("--published", metavar="PATH", help="The exported folder or bundle, as it is online.")
    ] = None,
    nothing_published: Annotated[bool, typer.Option("--nothing-published", help="Nothing was ever published.")] = False,
    report: Report = None,
) -> None:
    """Make a database that was put back from a backup fit to sign again. Stop every process of the service before.

    Closes all status lists, takes over what was published, names the codes to be issued again. Afterwards publish, for
    the first code waits for the new list.

    Example:  icard-issuer restore -C issuer --published /var/www/icard --operator Ann --reason "disk failed"
    """
    from issuer.restore.restore import restore

    if (published is None) != nothing_published:
        raise StateError("restore.published", expected="--published or --nothing-published")
    with service.opened(restoring=True) as core:
        _tell_restored(asdict(restore(core, published, by)), report)


@acts(break_glass=True)
def adopt_command(service: ServiceFolder, by: Actor, report: Report = None) -> None:
    """Take a database over that was moved, or beside which another copy published: no other one runs, or ever will.

    What is served at the status prefix is taken over, the stricter of both stands, and codes get indexes of new lists
    alone. Stop every process of the service before, and publish afterwards. A database that was put back from a backup
    is for restore.
    """
    from issuer.restore.adopt import adopt
    from issuer.restore.served import read_served

    with service.opened(restoring=True) as core:
        served = read_served(core, by.actor) if core.settings.compare_published else None
        adopted = adopt(core, by, served)
    if adopted.restored is not None:
        _tell_restored(asdict(adopted.restored), report)
        return
    tell({"epoch": adopted.epoch, "compared": 0 if served is None else len(served.lists)})


@acts(break_glass=True)
def withdraw_command(
    service: ServiceFolder,
    by: Actor,
    uri: Annotated[str, typer.Argument(metavar="URI", help="The list's address, as the restore named it.")],
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0)],
) -> None:
    """Revoke a code that a lost database gave, once its holder has another."""
    from issuer.restore.restore import withdraw_lost

    with service.opened() as core:
        withdraw_lost(core, uri, index, by)
        tell({"uri": uri, "index": index, "entry": "revoked"})


def _tell_restored(outcome: dict[str, Any], report: Path | None) -> None:
    if report is not None:
        write_whole(report, json.dumps(outcome, indent=1).encode() + b"\n", mode=_SECRET)
    if run_context().json:
        tell(outcome)
        return
    tell({name: _shown(value) for name, value in outcome.items()})


def _shown(value: Any) -> Any:
    """Lists as one line of at most a few; the report has them whole."""
    if not isinstance(value, list):
        return value
    few = [f"{one['uri']}#{one['index']}" if isinstance(one, dict) else str(one) for one in value[:5]]
    return f"{len(value)}" + (f": {', '.join(few)}" + (", ..." if len(value) > len(few) else "") if few else "")
