"""``icard bundle``: knowledge carried as a file, to and from a verifier without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import IcardError
from icard_crypto.lists.bundle import Bundle, decode_bundle, encode_bundle
from icard_crypto.lists.list_maps import read_map
from icard_crypto.lists.trust_list import decode_trust_list
from icard_crypto.signing import cose
from verifier.runtime.cli.faults import printable, sentence
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.files import read_capped, write_whole
from verifier.store import Report, Update

from .options import Now, moment
from .state_options import AcceptTime, DomainName, StateFolder, one_domain, open_store

__all__ = ["bundle_app", "show_report"]

REFUSED: Final = 1
_OUTCOMES: Final = {"taken": "taken", "known": "known_already", "refused": "refused", "skipped": "skipped"}

BundleFile = Annotated[Path, typer.Argument(metavar="FILE", help="A bundle, such as bundle.cbor.")]

bundle_app = typer.Typer(help="Bundles: trust lists, status lists and a timestamp in one file.", no_args_is_help=True)


@bundle_app.command("import")
def import_command(
    file: BundleFile,
    name: DomainName = None,
    accept_time: AcceptTime = False,
    state: StateFolder = None,
    now: Now = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Take a bundle into the state; each token in it is verified.

    Exit status 0 all taken or known already, 1 something was refused. A bad trust list: nothing is taken. A bad status
    list or timestamp: the rest is.

    Example:  icard bundle import bundle.cbor
    """
    bundle = decode_bundle(read_capped(file, limits.BUNDLE_BYTES))
    store = open_store(state)
    update = Update.of_bundle(bundle, accept_time=accept_time)
    report = store.apply(one_domain(store, name), update, moment(now))
    show_report(report)
    raise typer.Exit(REFUSED if report.refused else 0)


@bundle_app.command("export")
def export_command(
    file: BundleFile, name: DomainName = None, state: StateFolder = None, *, lang: Lang = None, as_json: AsJson = False
) -> None:
    """Write all that a domain knows as a bundle.

    Example:  icard bundle export bundle.cbor
    """
    store = open_store(state)
    bundle = store.bundle(one_domain(store, name))
    data = encode_bundle(bundle)
    write_whole(file, data)
    if run_context().json:
        counts = {"trust_lists": len(bundle.trust_lists), "status_lists": len(bundle.status_tokens)}
        typer.echo(json.dumps({"file": str(file), "bytes": len(data), **counts}, ensure_ascii=True))
    else:
        typer.echo(f"{word('wrote')} {file}: {len(data)} {word('bytes')}")


@bundle_app.command("show")
def show_command(file: BundleFile, *, lang: Lang = None, as_json: AsJson = False) -> None:
    """Show what a bundle says about itself; nothing is verified.

    Example:  icard bundle show bundle.cbor
    """
    parts = list(_parts(decode_bundle(read_capped(file, limits.BUNDLE_BYTES))))
    if run_context().json:
        typer.echo(json.dumps({"authenticated": False, "parts": [_plain(part) for part in parts]}, ensure_ascii=True))
        return
    typer.echo(word("not_verified"))
    for part in parts:
        if "error" in part:
            facts = sentence(part["error"])
        else:
            facts = f"{word('issued')} {_moment(part['iat'])}, {word('ends')} {_moment(part['exp'])}"
        label = f"{word(part['kind'])} {printable(part['name'])}".strip()
        typer.echo(f"{label}{word('colon')}{facts}, {part['bytes']} {word('bytes')}")


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "error": part["error"].to_dict()} if "error" in part else part


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%MZ}"


def _parts(bundle: Bundle) -> Iterator[dict[str, Any]]:
    for data in bundle.trust_lists:
        yield _part("trust_list", data)
    if bundle.timestamp:
        yield _part("timestamp", bundle.timestamp)
    for data in bundle.status_tokens:
        yield _part("status_list", data)


def _part(kind: str, data: bytes) -> dict[str, Any]:
    part = {"kind": kind, "name": "", "bytes": len(data)}
    try:
        return part | _said(kind, data)
    except IcardError as error:
        return part | {"error": error}


def _said(kind: str, data: bytes) -> dict[str, Any]:
    """Name and times as the token gives them, under no key."""
    if kind == "trust_list":
        payload = cose.parse_sign(data, max_bytes=limits.TRUST_LIST_BYTES).payload
        listed = decode_trust_list(payload, unsafe_single_root=True)
        return {"name": str(listed.version), "iat": listed.iat, "exp": listed.exp}
    table, layer, most = ("timestamp", "timestamp", limits.TIMESTAMP_ITEMS)
    if kind == "status_list":
        table, layer, most = ("status_token", "status", limits.STATUS_TOKEN_ITEMS)
    payload = cose.parse_sign1(data, max_bytes=limits.STATUS_TOKEN_BYTES).payload
    decoded = cbor.decode(payload, max_bytes=limits.STATUS_TOKEN_BYTES, max_items=most)
    values = read_map(decoded, table, layer, "", [])
    return {"name": values.get("sub") or "", "iat": values["iat"], "exp": values["exp"]}


def show_report(report: Report) -> None:
    """Print what was taken and what was refused, and why."""
    if run_context().json:
        typer.echo(json.dumps(report.to_dict(run_context().language), ensure_ascii=False))
        return
    if not report.items:
        typer.echo(word("nothing_offered"))
    for item in report.items:
        label = f"{word(item.kind)} {printable(item.name)}".strip()
        why = f"{word('colon')}{sentence(item.error)}" if item.error is not None else ""
        typer.echo(f"{report.domain}  {label}{word('colon')}{word(_OUTCOMES[item.outcome])}{why}")
