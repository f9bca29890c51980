"""``icard inspect``: every layer of a code as a tree."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from icard_crypto.errors import DecodeError
from verifier.runtime.cli.faults import report
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.cli.terminal import console

from .inputs import Kind, read_source, sources
from .inspection import Inspection, authenticate, inspect
from .options import CODE_HELP, Trusted, trusted_domain
from .pictures import PictureProcess
from .tree import Layer

__all__ = ["inspect_command"]

MALFORMED = 1


def inspect_command(
    code: Annotated[str, typer.Argument(metavar="CODE", help=CODE_HELP)],
    trusted: Trusted = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show every layer of a code, with sizes in bytes.

    Nothing shown is authenticated, unless --trusted is given and the signature is valid; `icard verify` checks whether
    the card is still valid. Exit status 1 for a code that breaks the format: the tree then shows what could be read.

    Example:  icard inspect code.png --trusted trusted.json
    """
    domain = trusted_domain(trusted)
    status = 0
    for source in sources(code):
        for shown in _codes(*read_source(source)):
            found = inspect(shown) if isinstance(shown, str | bytes) else Inspection(Layer("picture"), error=shown)
            if domain is not None:
                authenticate(found, domain)
            _show(found, source.name)
            if found.error is not None:
                status = MALFORMED
    raise typer.Exit(status)


def _codes(kind: Kind, content: str | bytes) -> list[str | bytes | DecodeError]:
    """The codes shown, or the error of a picture that has none."""
    if kind == "code" or isinstance(content, str):
        return [content]
    shown: list[str | bytes | DecodeError] = []
    try:
        with PictureProcess() as pictures:
            shown.extend(pictures.codes(content))
    except DecodeError as error:
        shown.append(error)
    return shown


def _show(found: Inspection, name: str) -> None:
    if run_context().json:
        # Lone surrogates of a broken argument would not encode; JSON escapes do.
        typer.echo(json.dumps(_as_dict(found, name), ensure_ascii=True))
        return
    tree = Tree(_title(found, name), guide_style="dim")
    for part in found.root.parts:
        _grow(tree, part)
    output = console()
    output.print(tree)
    if found.error is not None:
        report(found.error)


def _as_dict(found: Inspection, name: str) -> dict[str, Any]:
    key, error, language = found.key, found.error, run_context().language
    return {
        "source": name or None,
        "authenticated": key is not None,
        "key": None if key is None else {"kid": key.key.kid.hex(), "thumbprint": key.key.thumbprint.hex()},
        "issuer": None if key is None or key.issuer is None else key.issuer.iss,
        "layers": [part.to_dict() for part in found.root.parts],
        "not_understood": [] if found.claims is None else list(found.claims.unknown),
        "error": None if error is None else {**error.to_dict(), "message": error.message(language)},
    }


def _title(found: Inspection, name: str) -> Text:
    title = Text(f"{name}  " if name else "", style="bold")
    if found.key is None:
        return title.append(word("not_authenticated"), style="bold yellow")
    issuer = found.key.issuer.iss if found.key.issuer else ""
    title.append(word("authenticated"), style="bold green")
    return title.append(f": {word('signed_by')} {issuer}, kid {found.key.key.kid.hex()}", style="green")


def _grow(tree: Tree, layer: Layer) -> None:
    label = Text(layer.name, style="cyan")
    if layer.value:
        label.append(f": {layer.value}", style="default")
    if layer.size is not None:
        where = "" if layer.offset is None else f" @{layer.offset}"
        label.append(f"  {layer.size} {word(layer.unit)}{where}", style="dim")
    if not layer.understood:
        label.append(f"  {word('not_understood')}", style="bold yellow")
    branch = tree.add(label)
    for part in layer.parts:
        _grow(branch, part)
