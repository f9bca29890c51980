"""``icard-issuer files status``: a status list in a file, changed entry by entry and signed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from icard_crypto.moments import DAY, HOUR, moment_text
from issuer.offline import status_files
from issuer.offline.status_files import StatusFile, value_name, value_of
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import write_whole

from .passphrase import PassphraseFile
from .private_key import private_key
from .service import tell
from .words import label

__all__ = ["status_app"]

status_app = typer.Typer(
    help="Status lists in files, for issuers without the service: set, show, publish.", no_args_is_help=True
)


File = Annotated[Path, typer.Argument(metavar="FILE", help="The list's file.")]


@status_app.command("init")
def status_init(
    file: File,
    uri: Annotated[str, typer.Option("--uri", help="The list's address, as codes name it.")],
    size: Annotated[int, typer.Option("--size", min=2, help="Number of entries, even; it never changes.")] = 100_000,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Begin a list: all entries valid. The last part of its address is a name that never recurs.

    Example:  icard-issuer files status init k7Qd.json --uri https://status.example/status/k7Qd
    """
    made = status_files.create(file, uri, size)
    tell({"file": str(file), "uri": made.uri, "size": made.size})


@status_app.command("set")
def status_set(
    file: File,
    index: Annotated[int, typer.Option("--index", min=0, help="The code's entry; icard inspect names it.")],
    value: Annotated[
        str, typer.Option("--value", metavar="VALUE", help=f"{', '.join(status_files.VALUES)}, or 0 to 15.")
    ],
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Set an entry. Verifiers learn of it when the list is published."""
    before, after = status_files.set_entry(file, index, value_of(value, "--value"))
    tell({"index": index, "before": value_name(before), "now": value_name(after)})


@status_app.command("show")
def status_show(
    file: File,
    index: Annotated[int | None, typer.Option("--index", min=0, help="This entry alone.")] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show a list: its address, when it was published, and every entry that is not valid."""
    state = status_files.read(file)
    shown = state.entries if index is None else {index: state.value(index)}
    entries = {str(place): value_name(value) for place, value in sorted(shown.items())}
    if run_context().json:
        facts = {"uri": state.uri, "size": state.size, "published": state.published or None, "entries": entries}
        typer.echo(json.dumps(facts, ensure_ascii=True))
        return
    if index is None:
        _head(state)
    for place, name in entries.items():
        typer.echo(f"{place:>10}  {name}")


@status_app.command("publish")
def status_publish(
    file: File,
    key: Annotated[Path, typer.Option("--key", metavar="PEM", help="The private status key.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The signed list; an older one is replaced.")],
    passphrase_file: PassphraseFile = None,
    days: Annotated[int, typer.Option("--days", min=1, max=31, help="Until verifiers stop using it.")] = 7,
    ttl: Annotated[int, typer.Option("--ttl", min=1, help="Seconds until a newer one is worth asking for.")] = HOUR,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Sign the list as it is; icard-issuer files publish takes the signed list."""
    signer = private_key(key, passphrase_file)
    token, state = status_files.published(file, signer, now=int(time.time()), lifetime=days * DAY, ttl=ttl)
    write_whole(out, token)
    tell(
        {
            "file": str(out),
            "uri": state.uri,
            "issued": moment_text(state.published),
            "ends": moment_text(state.published + days * DAY),
            "entries_set": len(state.entries),
        }
    )


def _head(state: StatusFile) -> None:
    when = moment_text(state.published) if state.published else label("never")
    for name, value in (("uri", state.uri), ("size", str(state.size)), ("published", when)):
        typer.echo(f"{label(name):<10}  {value}")
