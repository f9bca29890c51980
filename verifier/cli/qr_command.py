"""``icard qr``: a text drawn as a QR code."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Annotated, Literal

import typer

from icard_crypto import qr
from icard_crypto.encoding import envelope
from icard_crypto.errors import DecodeError
from verifier.runtime.cli.faults import CommandError, report_warning
from verifier.runtime.cli.offering import says
from verifier.runtime.cli.run_context import run_context, word
from verifier.runtime.cli.terminal import is_terminal
from verifier.runtime.files import write_whole

from .inputs import read_source, sources

__all__ = ["QR_SUFFIXES", "blocks", "qr_command", "render"]

QR_SUFFIXES = (".png", ".svg")
_UPPER, _LOWER, _FULL = "▀", "▄", "█"
_BLACK_ON_WHITE, _RESET = "\x1b[30;107m", "\x1b[0m"


@says
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
) -> None:
    """Draw a code as a PNG or SVG file, or on the terminal.

    Example:  icard qr code.txt --out code.png
    """
    text = _text(code)
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


def render(drawing: qr.Drawing, path: Path) -> bytes:
    """The drawing in the form that the file's name asks for."""
    return drawing.svg().encode() if path.suffix.lower() == ".svg" else drawing.png()


def blocks(drawing: qr.Drawing) -> str:
    """The drawing for a terminal: half blocks, two rows of modules a line, black on white whatever the theme."""
    from PIL import Image

    picture: Image.Image = Image.open(BytesIO(drawing.png())).convert("L")
    side = drawing.modules + 2 * drawing.border
    picture = picture.resize((side, side), Image.Resampling.NEAREST)
    pixels = picture.tobytes()
    rows = [[pixels[row * side + column] == 0 for column in range(side)] for row in range(side)]
    rows.append([False] * side)
    lines = [
        "".join(_half(upper, lower) for upper, lower in zip(rows[row], rows[row + 1], strict=True))
        for row in range(0, side, 2)
    ]
    return "\n".join(f"{_BLACK_ON_WHITE}{line}{_RESET}" for line in lines)


def _half(upper: bool, lower: bool) -> str:
    if upper:
        return _FULL if lower else _UPPER
    return _LOWER if lower else " "


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
