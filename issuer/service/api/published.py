"""What verifiers fetch: timestamp, bundle, trust and status lists, checkpoints, from the rows that are exported too.

Promises:

1. Paths, contents and order in time are those of the exported tree; anyone may fetch them, without a session.
2. Each file carries a strong ETag of its content (RFC 9110 section 8.8.3); who has it already gets 304 without it. For
   that and for HEAD the content is not read from the database either.
3. Files that never change may be kept permanently, all others are asked for again each time (RFC 9111 section 5.2.2).
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path, Request, Response

from icard_crypto.lists import tree
from issuer.published import artefacts
from issuer.published.kinds import IMMUTABLE
from issuer.published.models import Artefact
from issuer.service.access import Access
from issuer.service.context import Call, CallOf
from issuer.service.endpoints import EndpointOptions, Endpoints
from verifier.runtime import http
from verifier.runtime.http.head_requests import wants_head_alone

__all__ = ["endpoints"]

endpoints = Endpoints("Published files")

FileName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}\.cbor$")]
ListName = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")]

_MEDIA: Final = {"status": "application/statuslist+cwt"}
_OTHER_MEDIA: Final = "application/cbor"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "public, no-cache"
_UNCHANGED: Final = {304: "As If-None-Match names it."}
_CBOR: Final[EndpointOptions] = {"types": (_OTHER_MEDIA,), "problems": (404,), "also": _UNCHANGED, "head": True}
_LIST: Final[EndpointOptions] = {**_CBOR, "types": (_MEDIA["status"],)}


@endpoints.at("GET", "/timestamp.cbor", Access("anyone"), **_CBOR)
def fetch_timestamp(call: CallOf, request: Request) -> Response:
    """The timestamp: which versions are the newest."""
    return _file(call, request, tree.TIMESTAMP)


@endpoints.at("GET", "/bundle.cbor", Access("anyone"), **_CBOR)
def fetch_bundle(call: CallOf, request: Request) -> Response:
    """Everything that a verifier needs, in one file."""
    return _file(call, request, tree.BUNDLE)


@endpoints.at("GET", "/trust/{name}", Access("anyone"), **_CBOR)
def fetch_trust_list(call: CallOf, request: Request, name: FileName) -> Response:
    """A trust list by its version, or `latest.cbor`."""
    return _file(call, request, f"trust/{name}")


@endpoints.at("GET", "/status/{name}", Access("anyone"), **_LIST)
def fetch_status_list(call: CallOf, request: Request, name: ListName) -> Response:
    """A status list."""
    return _file(call, request, tree.status_path(name))


@endpoints.at("GET", "/audit/{name}", Access("anyone"), **_CBOR)
def fetch_checkpoint(call: CallOf, request: Request, name: FileName) -> Response:
    """A signed checkpoint of the audit."""
    return _file(call, request, f"audit/{name}")


def _file(call: Call, request: Request, path: str) -> Response:
    condition = request.headers.get("if-none-match", "")
    head_alone = wants_head_alone(request.scope)
    if condition or head_alone:
        outline = call.core.database.read(lambda session: artefacts.outline_at(session, path))
        if outline is None:
            raise http.Problem("http.not_found")
        headers = _headers(outline)
        if _has(condition, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        if head_alone:
            return Response(headers={**headers, "Content-Length": str(outline.size)}, media_type=_media(outline))
    row: Artefact | None = call.core.database.read(lambda session: artefacts.newest_at(session, path))
    if row is None:
        raise http.Problem("http.not_found")
    return Response(row.content, headers=_headers(row), media_type=_media(row))


def _headers(file: Artefact | artefacts.Outline) -> dict[str, str]:
    kept = _FOR_EVER if file.kind in IMMUTABLE else _ASK_AGAIN
    return {"ETag": f'"{file.sha256}"', "Cache-Control": kept}


def _media(file: Artefact | artefacts.Outline) -> str:
    return _MEDIA.get(file.kind, _OTHER_MEDIA)


def _has(condition: str, tag: str) -> bool:
    """Whether If-None-Match names it; weak comparison, RFC 9110 section 13.1.2."""
    named = [each.strip().removeprefix("W/") for each in condition.split(",")]
    return tag in named or named == ["*"]
