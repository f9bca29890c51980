"""Files of an application's papers: PDF, PNG or JPEG, 20 MB each, kept encrypted.

A page is drawn again by the server, so an officer opens nothing that a stranger made. A photo is measured when it is
uploaded; the answer names everything that has to change.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from fastapi import Depends, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from issuer.permits import uploads
from issuer.permits.uploads import FileView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints, Id
from issuer.service.idempotent import once
from issuer.service.objects import FILE

from .filings import Code
from .refusals import shown_refusals

__all__ = ["TYPES", "endpoints"]

endpoints = Endpoints("Files")

#: What may be uploaded.
TYPES: Final = ("application/pdf", "image/png", "image/jpeg")
_SEEN: Final = Access("account", ("filing.read", "filing.read_own"), owned="file")
_FILES: Final = Access("account", ("filing.file", "permit.own"), owned="file")
Number = Annotated[int, Path(ge=0, le=1000, description="From 1.")]


async def _body_of(request: Request) -> bytes:
    return await request.body()


FileBody = Annotated[bytes, Depends(_body_of)]


@endpoints.at(
    "POST",
    "/v1/files/{filing_id}/{code}",
    Access("account", ("filing.file", "permit.own"), owned="filing"),
    status=201,
    creates=True,
    takes=TYPES,
    costly=True,
)
def add_file(call: CallOf, request: Request, filing_id: Id, code: Code, body: FileBody, response: Response) -> FileView:
    """Upload a file of a paper; its type has to be what its content is."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with shown_refusals():
        file_id = once(
            call,
            lambda asked: uploads.add_file(call.core, call.who, filing_id, code, body, said, asked),
            lambda made: made,
        )
    response.headers["Location"] = f"/v1/files/{file_id}"
    return uploads.show_file(call.core, call.who, file_id)


@endpoints.at("GET", "/v1/files/{file_id}", _SEEN)
def show_file(call: CallOf, file_id: Id) -> FileView:
    """What is known about a file."""
    return call.loaded(FILE)


@endpoints.at("GET", "/v1/files/{file_id}/content", _SEEN, types=TYPES)
def fetch_file(call: CallOf, file_id: Id) -> Response:
    """A file as it was uploaded, to be saved; a photo as it was scaled."""
    found, data = uploads.read_file(call.core, call.who, file_id)
    return _kept_back(data, found.media_type, "attachment")


@endpoints.at("GET", "/v1/files/{file_id}/pages/{number}", _SEEN, types=("image/jpeg",))
async def fetch_page(call: CallOf, file_id: Id, number: Number) -> Response:
    """A page of a file as a picture that the server draws."""
    asked = (call.core, call.who, file_id, number)
    page = await run_in_threadpool(uploads.kept_file_page, *asked)
    if page is None:
        # Only what has to be drawn takes room from others.
        page = await call.service.costly.run(call.who.account_id, partial(uploads.draw_file_page, *asked))
    return _kept_back(page, "image/jpeg", "inline")


@endpoints.at("DELETE", "/v1/files/{file_id}", _FILES, status=204, problems=(409,))
def remove_file(call: CallOf, file_id: Id) -> Response:
    """Take a file back while the application is a draft or returned."""
    uploads.remove_file(call.core, call.who, file_id)
    return Response(status_code=204)


def _kept_back(data: bytes, media_type: str, disposition: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": disposition,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(data, media_type=media_type, headers=headers)
