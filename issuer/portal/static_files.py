"""The portal's style sheet, script and icons, read once at start and served under names that contain their digests.

Promises:

1. Only files of the packages are served, by exact name: no path is ever joined from a request.
2. The style sheet begins with the colours, sizes and spaces of the scan page, from that page's own file: the two cannot
   drift apart.
3. A name contains the digest of its content, so a browser keeps the file for a year and never has an old one.
4. Files are compressed once, at start; pages, which hold secrets of a session, are not compressed (CRIME, BREACH).
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import Request, Response

__all__ = ["BASE", "StaticFiles", "icons"]

#: Where the portal is found on its host.
BASE: Final = "/portal/"

#: The package that has the tokens and the icons that both share.
_SHARED: Final = "verifier.service.scan"
_SHEETS: Final = ("roles", "base", "layout", "forms", "parts", "tables", "process", "card", "media")
_ALIKE: Final = (
    'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"'
)
_SHORT: Final = 'class="i" viewBox="0 0 24 24" aria-hidden="true"'
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    packed: bytes
    media: str


class StaticFiles:
    """The portal's files."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._names: dict[str, str] = {}
        own, shared = _static(__package__ or ""), _static(_SHARED)
        sheets = [shared / "css" / "tokens.css", *(own / "css" / f"{name}.css" for name in _SHEETS)]
        self._add("portal.css", sheets, "text/css; charset=utf-8")
        for script in (own / "js").iterdir():
            before = [shared / "js" / "camera.js"] if script.name == "scan.js" else []
            self._add(script.name, [*before, script], "text/javascript; charset=utf-8")
        self._add("favicon.svg", [shared / "icons" / "favicon.svg"], "image/svg+xml")

    def address(self, name: str) -> str:
        """Where a file is found."""
        return f"{BASE}static/{self._names[name]}"

    def answer(self, name: str, request: Request) -> Response:
        """The file, or 404."""
        file = self._files.get(name)
        if file is None:
            return Response(status_code=404)
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if name == self._names["offline.js"]:
            # A worker in a folder serves that folder alone unless this says otherwise (Service Workers, 6.1).
            headers["Service-Worker-Allowed"] = BASE
            headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"
        if "gzip" in request.headers.get("accept-encoding", "").lower():
            return Response(file.packed, media_type=file.media, headers={**headers, "Content-Encoding": "gzip"})
        return Response(file.content, media_type=file.media, headers=headers)

    def _add(self, name: str, parts: Iterable[Traversable], media: str) -> None:
        content = b"\n".join(part.read_bytes() for part in parts)
        stem, _, ending = name.rpartition(".")
        full = f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
        self._names[name] = full
        self._files[full] = _File(content, gzip.compress(content, mtime=0), media)


def icons() -> dict[str, str]:
    """The SVG of each icon by name, to be put into a page: the scan page's and the portal's own. What all have alike
    is in the style sheet: a page has dozens."""
    found: dict[str, str] = {}
    for package in (_SHARED, __package__ or ""):
        for entry in (_static(package) / "icons").iterdir():
            found[entry.name.removesuffix(".svg")] = entry.read_text("utf-8").strip().replace(_ALIKE, _SHORT)
    return found


def _static(package: str) -> Traversable:
    return resources.files(package) / "static"
