"""The page's files, read once at start.

Promises:

1. Only files that are in the package are served, by exact name: no path is ever joined from a request.
2. A page names its files under a folder that is called after the content of all of them. A browser keeps those and
   never asks again; other content has other names, so that a page never runs with old scripts.
3. Under their plain names the same files carry an ETag and are asked for again each time.
4. What compresses well is compressed once, at start, and sent so to whoever takes it.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from fastapi import Request, Response

__all__ = ["StaticFiles", "compressed", "icons", "takes_gzip"]

_MEDIA: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_DIGEST_LENGTH: Final = 16
_KEPT: Final = "public, max-age=31536000, immutable"
#: What is shorter than this gains nothing.
_WORTH_COMPRESSING: Final = 512


class _File(NamedTuple):
    content: bytes
    packed: bytes | None
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


def takes_gzip(request: Request) -> bool:
    """Whether the client says that it takes gzip (RFC 9110 section 12.5.3)."""
    for coding in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def compressed(content: bytes) -> bytes | None:
    """The content as gzip, the same each time; None where that would not be shorter."""
    if len(content) < _WORTH_COMPRESSING:
        return None
    packed = gzip.compress(content, 9, mtime=0)
    return packed if len(packed) < len(content) else None


class StaticFiles:
    """The files under ``static`` of a package.

    Args:
        package: its name.
        headers: what each answer carries beside its own.
    """

    def __init__(self, package: str, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._files = {
            name: _File(
                content,
                compressed(content),
                _MEDIA[name.rpartition(".")[2]],
                f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            )
            for name, content in _walk(resources.files(package) / "static")
        }
        together = hashlib.sha256()
        for name, file in sorted(self._files.items()):
            together.update(f"{name} {file.etag}\n".encode())
        self._digest = together.hexdigest()[:_DIGEST_LENGTH]

    @property
    def folder(self) -> str:
        """What a page puts before a file's name (promise 2)."""
        return f"static/{self._digest}/"

    def names(self, suffix: str) -> list[str]:
        """The files whose names end so."""
        return sorted(name for name in self._files if name.endswith(suffix))

    def answer(self, name: str, request: Request) -> Response:
        """The file, 304 where the client has it, or 404."""
        first, _, rest = name.partition("/")
        kept = first == self._digest
        # A page that is open while the service gets other files still finds them, and does not keep them.
        hashed = len(first) == _DIGEST_LENGTH and rest in self._files
        file = self._files.get(rest if hashed else name)
        if file is None:
            return Response(status_code=404, headers=dict(self._headers))
        headers = {
            **self._headers,
            "ETag": file.etag,
            "Cache-Control": _KEPT if kept else "no-cache",
            "Vary": "Accept-Encoding",
        }
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if file.etag in known:
            return Response(status_code=304, headers=headers)
        if file.packed is not None and takes_gzip(request):
            # The ETag of a coding is another one's (RFC 9110 section 8.8.3.3): a weak one stands for both.
            headers |= {"Content-Encoding": "gzip", "ETag": f"W/{file.etag}"}
            return Response(file.packed, media_type=file.media, headers=headers)
        return Response(file.content, media_type=file.media, headers=headers)
