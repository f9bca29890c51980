"""``icard-issuer files publish``: the static tree that any web server can serve."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Annotated

import typer

from icard_crypto import limits
from icard_crypto.errors import KeyFault
from icard_crypto.lists.tree import status_path
from icard_crypto.moments import HOUR, moment_text
from icard_crypto.signing.keys import Thumbprint
from issuer.offline import publish_files
from issuer.offline.publish_files import Published
from verifier.runtime.cli.faults import CommandError, report_warning
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import FileFault, read_capped

from .passphrase import PassphraseFile
from .private_key import private_key, public_key
from .words import label

__all__ = ["publish_command"]

_WEEK_HOURS = 168
_THUMBPRINT = 32


def publish_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that the web server serves.")],
    timestamp_key: Annotated[Path, typer.Option("--timestamp-key", metavar="PEM", help="The private timestamp key.")],
    trust: Annotated[
        list[Path] | None, typer.Option("--trust", metavar="FILE", help="A signed trust list; oldest first.")
    ] = None,
    status: Annotated[
        list[Path] | None,
        typer.Option(
            "--status", metavar="FILE", help="A list that icard-issuer files status publish signed; may be repeated."
        ),
    ] = None,
    deny: Annotated[
        list[str] | None,
        typer.Option(
            "--deny",
            metavar="PEM|DIGITS",
            help="A stolen key: its public key or its thumbprint; from now on permanently.",
        ),
    ] = None,
    hours: Annotated[
        int, typer.Option("--hours", min=1, max=_WEEK_HOURS, help="Until verifiers call the timestamp stale.")
    ] = _WEEK_HOURS,
    passphrase_file: PassphraseFile = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Publish into a folder: trust lists, status lists, a bundle of all, and a new timestamp last.

    What is there stays, unless something newer is named. Run it at least daily: the timestamp tells verifiers that
    nothing is held back from them.

    Example:  icard-issuer files publish public --timestamp-key ts.pem --trust v1.cbor --status k7Qd.token
    """
    signer = private_key(timestamp_key, passphrase_file)
    published = publish_files.publish(
        folder,
        signer,
        trust_lists=[read_capped(path, limits.TRUST_LIST_BYTES) for path in trust or []],
        status_tokens=[read_capped(path, limits.STATUS_TOKEN_BYTES) for path in status or []],
        deny=[_thumbprint(given) for given in deny or []],
        now=int(time.time()),
        lifetime=hours * HOUR,
    )
    _tell(published)


def _thumbprint(given: str) -> Thumbprint:
    """The thumbprint of a public key's file, or of 64 digits; a key may be denied that no list names."""
    try:
        digits = bytes.fromhex(given)
    except ValueError:
        digits = b""
    if len(digits) == _THUMBPRINT:
        return Thumbprint(digits)
    try:
        return public_key(Path(given)).thumbprint
    except (FileFault, KeyFault) as fault:
        raise CommandError("cli.option", path="--deny", expected="a public key, or 64 digits", found=given) from fault


def _tell(published: Published) -> None:
    for name, fault in published.left_out:
        fault.path = status_path(name)
        report_warning(fault)
    stamp = published.timestamp
    if run_context().json:
        facts = {
            "files": [dataclasses.asdict(file) for file in published.files],
            "trust_version": stamp.trust_version,
            "issued": moment_text(stamp.iat),
            "ends": moment_text(stamp.exp),
            "denied": sorted(thumbprint.hex() for thumbprint in stamp.denied),
            "left_out": [name for name, _ in published.left_out],
        }
        typer.echo(json.dumps(facts, ensure_ascii=True))
        return
    for file in published.files:
        typer.echo(f"{file.name:<20} {label(file.state)}")
    typer.echo(f"{label('ends'):<20} {moment_text(stamp.exp)}")
