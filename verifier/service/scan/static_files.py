"""The page's files, read once at start.

Promises:

1. Only files that are in the package are served, by exact name: no path is ever joined from a request.
2. Each carries an ETag of its content and is asked for again each time, so that a page never runs with old scripts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from fastapi import Request, Response

__all__ = ["StaticFiles", "icons"]

_MEDIA: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class _File(NamedTuple):
    content: bytes
    media: str
    etag: str


def _walk(folder: Traversable, path: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{path}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif entry.name.rpartition(".")[2] in _MEDIA:
            yield name, entry.read_bytes()


def icons(package: str) -> Mapping[str, str]:
    """The SVG of each icon by name, to be put into a page."""
    folder = resources.files(package) / "static" / "icons"
    return {entry.name.removesuffix(".svg"): entry.read_text("utf-8").strip() for entry in folder.iterdir()}


class StaticFiles:
    """The files under ``static`` of a package.

    Args:
        package: its name.
        headers: what each answer carries beside its own.
    """

    def __init__(self, package: str, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._files = {
            name: _File(content, _MEDIA[name.rpartition(".")[2]], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
            for name, content in _walk(resources.files(package) / "static")
        }

    def answer(self, name: str, request: Request) -> Response:
        """The file, 304 where the client has it, or 404."""
        file = self._files.get(name)
        if file is None:
            return Response(status_code=404, headers=dict(self._headers))
        headers = {**self._headers, "ETag": file.etag, "Cache-Control": "no-cache"}
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if file.etag in known:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media, headers=headers)
