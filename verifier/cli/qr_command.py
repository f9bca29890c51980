"""``icard qr``: a text drawn as a QR code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from icard_crypto import qr
from icard_crypto.encoding import envelope
from icard_crypto.errors import DecodeError
from verifier.runtime.cli.faults import CommandError, report_warning
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.cli.terminal import is_terminal
from verifier.runtime.files import write_whole

from .inputs import read_source, sources

__all__ = ["QR_SUFFIXES", "blocks", "qr_command", "render"]

QR_SUFFIXES = (".png", ".svg")
#: Pixels a module below which rounding cannot be seen.
_LEAST_STYLED = 4
_BLACK_ON_WHITE, _RESET = "\x1b[30;107m", "\x1b[0m"


def qr_command(
    code: Annotated[
        str, typer.Argument(metavar="TEXT|FILE|-", help="The text of a code, a file of it, or - for stdin.")
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A .png or .svg file.")] = None,
    level: Annotated[
        Literal["L", "M", "Q", "H"] | None,
        typer.Option("--level", help="Error correction (default: M, or L where M holds no such text)."),
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, max=40, help="Size of the symbol (default: the smallest).")
    ] = None,
    module_size: Annotated[int, typer.Option("--module-size", min=1, max=20, help="Pixels a module, in a PNG.")] = 8,
    rounded: Annotated[
        bool, typer.Option("--rounded", help="A PNG for print with rounded modules, read back by two readers.")
    ] = False,
    mark: Annotated[
        Path | None,
        typer.Option("--mark", metavar="FILE", help="A picture in the middle of a --rounded code, at level H."),
    ] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Draw a code as a PNG or SVG file, or on the terminal.

    Example:  icard qr code.txt --out code.png
    """
    text = _text(code)
    if rounded or mark is not None:
        _styled(text, out, mark, max(module_size, _LEAST_STYLED))
        return
    if out is not None and out.suffix.lower() not in QR_SUFFIXES:
        raise CommandError("cli.option", path="--out", expected="a name that ends in .png or .svg", found=str(out))
    if out is None and not is_terminal():
        raise CommandError("cli.no_output")
    try:
        drawing = qr.draw(text, level=level, version=version, module_size=1 if out is None else module_size)
    except ValueError as large:
        raise CommandError("cli.option", path="--module-size", expected="fewer pixels", found=str(large)) from None
    if drawing.warning is not None:
        report_warning(drawing.warning)
    if out is None:
        typer.echo(blocks(drawing))
        return
    write_whole(out, render(drawing, out))
    if run_context().json:
        facts = {"file": str(out), "version": drawing.version, "level": drawing.level, "modules": drawing.modules}
        typer.echo(json.dumps({**facts, "characters": len(text)}, ensure_ascii=True))
    else:
        typer.echo(
            f"{word('wrote')} {out}: {drawing.version}-{drawing.level}, {drawing.modules} x {drawing.modules} "
            f"{word('modules')}, {len(text)} {word('characters')}"
        )


def _styled(text: str, out: Path | None, mark: Path | None, module_size: int) -> None:
    if out is None or out.suffix.lower() != ".png":
        found = "none" if out is None else str(out)
        raise CommandError("cli.option", path="--out", expected="a name that ends in .png", found=found)
    data = qr.draw_styled(text, mark=mark, module_size=module_size)
    write_whole(out, data)
    if run_context().json:
        typer.echo(json.dumps({"file": str(out), "characters": len(text)}, ensure_ascii=True))
    else:
        typer.echo(f"{word('wrote')} {out}: {len(text)} {word('characters')}")


def render(drawing: qr.Drawing, path: Path) -> bytes:
    """The drawing in the form that the file's name asks for."""
    return drawing.svg().encode() if path.suffix.lower() == ".svg" else drawing.png()


def blocks(drawing: qr.Drawing) -> str:
    """The drawing for a terminal, black on white whatever the theme."""
    return "\n".join(f"{_BLACK_ON_WHITE}{line}{_RESET}" for line in drawing.terminal().splitlines())


def _text(code: str) -> str:
    """The text to draw: line breaks and outer spaces dropped; COSE bytes become the IC1 text."""
    named = sources(code)
    if len(named) != 1:
        raise CommandError("cli.option", path="TEXT|FILE|-", expected="one code", found="a folder")
    kind, content = read_source(named[0])
    if kind != "code":
        raise CommandError("cli.option", path="TEXT|FILE|-", expected="text or COSE bytes", found=f"a {kind}")
    if isinstance(content, bytes):
        if not content.isascii():
            return envelope.to_ic1(envelope.read(content).cose)
        content = content.decode("ascii")
    text = "".join(content.strip().splitlines()).replace("\t", "")
    if not text:
        raise DecodeError("text.empty")
    return text
