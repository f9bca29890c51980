"""What the person named: a text, a file, a folder, or standard input.

Promises:

1. ``-`` is standard input; what exists is a file or folder; what looks like a path and does not exist is an error;
   everything else is the text of a code.
2. What a file is, its content says; its name only counts where the content is of no kind that is known.
3. The mark that some editors put in front of UTF-8 is no part of a code, in a file or copied from one. A text in
   UTF-16, as PowerShell writes it, is read by its mark.
4. Of what is larger than a picture may be, one byte more is read than it takes to refuse it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from icard_crypto.pictures.pdf import is_pdf
from icard_crypto.pictures.pictures import MOST_BYTES
from icard_crypto.pictures.svg import is_svg
from verifier.runtime.cli.faults import CommandError, printable
from verifier.runtime.files import FileFault, plain_text, read_start

__all__ = ["Kind", "Source", "kind_of", "read_source", "sources"]

Kind: TypeAlias = Literal["code", "picture", "pdf"]

_PICTURE_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2"}
)
_FOLDER_SUFFIXES: Final = _PICTURE_SUFFIXES | {".pdf", ".svg", ".txt", ".cose"}
_FILE_SUFFIX: Final = re.compile(r"\.(png|jpe?g|webp|gif|bmp|tiff?|hei[cf]|avif|jp2|pdf|txt|cose|svg|json|pem)$", re.I)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_LONGEST_PATH: Final = 255


@dataclass(frozen=True, slots=True)
class Source:
    """One file, text or stream. ``path`` None and ``text`` None: standard input; ``in_folder``: one of many."""

    name: str
    path: Path | None = None
    text: str | None = None
    in_folder: bool = False


def sources(named: str) -> list[Source]:
    """What an argument names: one source, or those of a folder, sorted by name.

    Raises:
        CommandError: ``cli.no_such_input``, ``cli.empty_folder``, ``file.unreadable``.
    """
    if named == "-":
        return [Source("-")]
    if not named:  # a path of no characters would be this folder
        return [Source("", text=named)]
    path = Path(named)
    try:
        if path.is_dir():
            return _folder(path)
        there = path.exists()
    except (OSError, ValueError):  # a text longer than a path may be, or with a null character
        there = False
    if there:
        return [Source(printable(named), path)]
    if _looks_like_a_path(named):
        raise CommandError("cli.no_such_input", found=named)
    return [Source("", text=named)]


def _folder(path: Path) -> list[Source]:
    try:
        files = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in _FOLDER_SUFFIXES)
    except OSError as fault:
        raise FileFault("file.unreadable", found=f"{path}: {fault.strerror}") from None
    found = [Source(printable(entry.name), entry, in_folder=True) for entry in files if not entry.name.startswith(".")]
    if not found:
        raise CommandError("cli.empty_folder", found=str(path))
    return found


def _looks_like_a_path(named: str) -> bool:
    """Codes are capitals, long, or begin with a scheme (``IC1:``, ``https:``); paths are none of that."""
    if len(named) > _LONGEST_PATH or _SCHEME.match(named) or not named.isprintable():
        return False
    if named.startswith(("/", "./", "../", "~/")) or _FILE_SUFFIX.search(named):
        return True
    return ("/" in named or "\\" in named) and any(character.islower() for character in named)


def read_source(source: Source) -> tuple[Kind, str | bytes]:
    """What is in a source, and of which kind it is.

    Raises:
        CommandError: ``cli.*``.
    """
    if source.text is not None:
        return "code", source.text.removeprefix("\ufeff")
    data = read_start(source.path, MOST_BYTES)
    kind = kind_of(data, "" if source.path is None else source.path.suffix)
    return kind, plain_text(data) if kind == "code" else data


def kind_of(data: bytes, suffix: str = "") -> Kind:
    """The kind of a file's content (promise 2)."""
    if data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (data[:4], data[8:12]) == (b"RIFF", b"WEBP"):
        return "picture"
    if is_pdf(data):
        return "pdf"
    if is_svg(data):
        return "picture"
    return "picture" if data and suffix.lower() in _PICTURE_SUFFIXES else "code"
