"""The addresses of the scan page.

Promises:

1. ``GET /`` is the page; ``POST /answer`` gives the answer alone for its scripts; ``POST /check`` and ``POST /update``
   are the forms of a browser without scripts and return the same page with the answer in it.
2. No script or style is in a page, and none comes from elsewhere: the Content-Security-Policy says so. An answer
   given to a form may show its photo as a ``data:`` picture, because without scripts there is no other place for it.
3. No answer is stored by anybody; the page's own files are kept under names that change with their content.
4. What was shown is in no address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile

from icard_crypto.errors import IcardError
from verifier.runtime.http.bodies import BodyClass
from verifier.runtime.http.forms import read_form
from verifier.runtime.http.language import language_of
from verifier.runtime.http.problems import FieldFault, Problem
from verifier.service.limits import PICTURE_BYTES, TEXT_BYTES, UPLOAD_BUDGET, UPLOAD_SECONDS

from .desk import Desk, Seen
from .rendering import Pages
from .settings import PageSettings, offered
from .static_files import StaticFiles, compressed, takes_gzip
from .words import Words

__all__ = ["BODIES", "page_router"]

_PICTURES: Final = ("image/png", "image/jpeg", "image/webp", "application/pdf")
_FORM: Final = "application/x-www-form-urlencoded"
#: Boundaries and field names around a picture.
_FORM_BYTES: Final = 64 * 1024

#: What the page's addresses take; for the service's body classes.
BODIES: Final = (
    BodyClass("/answer", TEXT_BYTES, ("text/plain",)),
    BodyClass("/answer", PICTURE_BYTES, _PICTURES, UPLOAD_SECONDS, UPLOAD_BUDGET),
    BodyClass("/check", _FORM_BYTES, (_FORM,)),
    BodyClass("/check", PICTURE_BYTES + _FORM_BYTES, ("multipart/form-data",), UPLOAD_SECONDS, UPLOAD_BUDGET),
    BodyClass("/update", _FORM_BYTES, (_FORM,)),
)

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:{more}; connect-src 'self'; "
    "media-src blob:; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FEATURES: Final = "camera=(self), clipboard-read=(self), geolocation=(), microphone=(), payment=(), usb=()"
_VARY: Final = "Accept-Language, Accept-Encoding"
_PAGE: Final = {"Permissions-Policy": _FEATURES, "Cache-Control": "no-store", "Vary": _VARY}
_SCRIPTED: Final = {**_PAGE, "Content-Security-Policy": _POLICY.format(more="")}
# 2
_PLAIN: Final = {**_PAGE, "Content-Security-Policy": _POLICY.format(more=" data:")}


def page_router(desk: Desk) -> APIRouter:
    """The routes of the page for one desk."""
    router = APIRouter(include_in_schema=False)
    files = StaticFiles("verifier.service.scan", _SCRIPTED)
    pages = Pages(desk, files)

    def settings_of(request: Request) -> PageSettings:
        return PageSettings.of(request.query_params, desk.policies, language_of(request.scope))

    def rule_of(request: Request) -> PageSettings:
        """The settings of a check: another rule than the one that was asked for is none."""
        settings = settings_of(request)
        if settings.refused:
            expected = f"one of {', '.join(policy.name for policy in offered(desk.policies))}, once"
            raise Problem("http.invalid", errors=[FieldFault("/query/rule", "http.field_format", expected)])
        return settings

    @router.get("/", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        settings = settings_of(request)
        words = Words(settings.language)
        fault = (words("rule_unknown"), words("rule_unknown_do")) if settings.refused else None
        html = pages.page(settings, fault=fault).encode()
        # Nothing that is secret or that a stranger chose is in this page, so that its length says nothing; answers,
        # which have a person in them, are not compressed.
        packed = compressed(html) if takes_gzip(request) else None
        if packed is None:
            return HTMLResponse(html, headers=_SCRIPTED)
        return HTMLResponse(packed, headers={**_SCRIPTED, "Content-Encoding": "gzip", "Vary": _VARY})

    @router.get("/static/{name:path}")
    async def static(name: str, request: Request) -> Response:
        return files.answer(name, request)

    @router.get("/age", response_class=HTMLResponse)
    async def age(request: Request) -> Response:
        html, level = pages.age(settings_of(request))
        return HTMLResponse(html, headers={**_SCRIPTED, "X-Age-Level": level})

    @router.post("/answer", response_class=HTMLResponse)
    async def answer(request: Request) -> Response:
        settings = rule_of(request)
        body = await request.body()
        if request.headers.get("content-type", "").lower().startswith("text/"):
            # What is no UTF-8 is no card either: the verdict says so, with the foreign characters replaced.
            text = body.decode("utf-8", "replace")
            seen: Sequence[Seen] = [await desk.check_text(_pasted(text), settings.policy)]
        else:
            seen = await desk.check_picture(body, settings.policy, thorough="quick" not in request.query_params)
        if not seen:
            return Response(status_code=204, headers=_SCRIPTED)
        return HTMLResponse(pages.fragment(seen, settings), headers=_SCRIPTED)

    @router.post("/check", response_class=HTMLResponse)
    async def check(request: Request) -> Response:
        settings = rule_of(request)
        words, fault, seen = Words(settings.language), None, None
        try:
            seen = await _of_form(request, desk, settings)
        except IcardError as error:
            fault = (error.message(settings.language), error.hint(settings.language))
        if not seen and fault is None:
            name = "empty" if seen is None else "no_code"
            fault = (words(name), words(f"{name}_do"))
        return HTMLResponse(pages.page(settings, seen=seen or (), fault=fault, scripted=False), headers=_PLAIN)

    @router.post("/update", response_class=HTMLResponse)
    async def update(request: Request) -> Response:
        settings = settings_of(request)
        done = await desk.update() is not None
        if not request.headers.get("accept", "").startswith("text/html"):
            return Response(status_code=204 if done else 202, headers=_SCRIPTED)
        words = Words(settings.language)
        told = (words("updated"), words("updated_do")) if done else (words("updating"), words("updating_do"))
        return HTMLResponse(pages.page(settings, fault=told, scripted=False), headers=_PLAIN)

    return router


def _pasted(text: str) -> str:
    """Without white space around it, and without the mark that some editors put in front of a file."""
    return text.removeprefix("\ufeff").strip()


async def _of_form(request: Request, desk: Desk, settings: PageSettings) -> Sequence[Seen] | None:
    """What a form brought; None: nothing."""
    try:
        form = read_form(request.headers.get("content-type", ""), await request.body(), fields=2, files=1)
    except Problem:
        return None
    picture, code = form.get("picture"), form.get("code")
    if isinstance(picture, UploadFile):
        data = await picture.read(PICTURE_BYTES + 1)
        return await desk.check_picture(data, settings.policy) if data else None
    if isinstance(code, str) and (text := _pasted(code)):
        return [await desk.check_text(text, settings.policy)]
    return None
