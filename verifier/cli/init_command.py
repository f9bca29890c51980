"""``icard init``: start a trust domain from an anchor, after a person has compared the roots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from icard_crypto import limits
from icard_crypto.errors import DecodeError, StateError
from icard_crypto.lists.trust_chain import verify_anchor
from icard_crypto.lists.trust_list import TrustList
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.files import read_capped
from verifier.runtime.outbound.addresses import check_base_url

from .options import Now, moment
from .state_options import StateFolder, open_store

__all__ = ["grouped", "init_command"]

_GROUP, _GROUPS_A_LINE = 4, 8


def init_command(
    anchor: Annotated[
        Path, typer.Option("--anchor", metavar="FILE", help="A signed trust list, by which all later ones are judged.")
    ],
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Where the domain is published, https, for icard sync.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call the domain (default: its environment).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="The thumbprints have been compared; do not ask.")] = False,
    allow_single_root: Annotated[
        bool,
        typer.Option("--allow-single-root", help="Accept a list that one root alone may sign: one theft is all."),
    ] = False,
    state: StateFolder = None,
    now: Now = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Start trusting a trust domain, by its anchor.

    Shows the thumbprints of the roots, to be compared with what the authority published by another way. Whoever gets a
    wrong anchor accepted here can make any card valid.

    Example:  icard init --anchor trust-1.cbor --url https://cards.example.cn/
    """
    data = read_capped(anchor, limits.TRUST_LIST_BYTES)
    first = _first_list(data, anchor, allow_single_root)
    if url is not None:
        url = check_base_url(url)
    if not run_context().json:
        _show(first)
    if not yes:
        if run_context().json:
            raise CommandError("cli.not_confirmed", expected="--yes")
        if not typer.confirm(word("all_same"), default=False):
            raise CommandError("cli.not_confirmed", expected="yes")
    store = open_store(state)
    named = first.environment if name is None else name
    store.create(data, name=named, now=moment(now), url=url, unsafe_single_root=allow_single_root)
    if run_context().json:
        facts = {"name": named, "environment": first.environment, "version": first.version, "url": url}
        roots = [key.thumbprint.hex() for key in first.roots]
        facts |= {"threshold": first.threshold, "roots": roots, "state": str(store.folder)}
        typer.echo(json.dumps(facts, ensure_ascii=True))
    else:
        typer.echo(f"{word('created')} {named} ({store.folder})\n{word('next_step')}")


def _first_list(data: bytes, anchor: Path, allow_single_root: bool) -> TrustList:
    try:
        return verify_anchor(data, unsafe_single_root=allow_single_root).current
    except DecodeError as fault:
        # Of another kind altogether: the words of these layers are about codes that are shown.
        if fault.layer in ("cose", "header", "cbor"):
            raise StateError("store.no_anchor", path=str(anchor), found=fault.code) from None
        raise


def _show(first: TrustList) -> None:
    colon = word("colon")
    environment = word("production" if first.environment == "production" else "test_environment")
    typer.echo(f"{word('environment')}{colon}{environment}")
    typer.echo(f"{word('trust_list')}{colon}{word('version')} {first.version}")
    typer.echo(f"{word('threshold')}{colon}{first.threshold}/{len(first.roots)}\n")
    for place, key in enumerate(first.roots, 1):
        typer.echo(f"{word('root')} {place}  {key.algorithm.name}")
        for line in grouped(key.thumbprint):
            typer.echo(f"  {line}")
    typer.echo(f"\n{word('compare')}")


def grouped(thumbprint: bytes) -> list[str]:
    """A thumbprint in lines of groups of four digits: short enough to be read aloud and ticked off."""
    digits = thumbprint.hex()
    groups = [digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP)]
    return [" ".join(groups[at : at + _GROUPS_A_LINE]) for at in range(0, len(groups), _GROUPS_A_LINE)]
