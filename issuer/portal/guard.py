"""Who may see a page: the same :class:`~issuer.service.access.Access` as the API, with a form's field for the token.

Promises:

1. The checks are the API's: session, second factor, rights, Origin, CSRF token. Only where the token is found differs:
   in the field ``csrf`` of a form.
2. Nobody comes with a token of the API: a page is for people.
3. What makes something has the field ``key``, which is the Idempotency-Key; what changes something has ``version``,
   which is If-Match.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from icard_crypto.errors import StateError
from issuer.accounts import directory
from issuer.accounts.attempts import Origin
from issuer.accounts.principals import Principal
from issuer.accounts.sessions import authenticate, check_csrf
from issuer.core import Core
from issuer.db import idempotency
from issuer.service.access import Access, Guard, known_human, require_own_site
from issuer.service.context import Call, IssuingService
from issuer.service.cookies import DEVICE, SESSION
from verifier.runtime import http

from .frame import Frame
from .view_settings import view_settings
from .visits import Visit

__all__ = ["PageGuard", "whoever"]

_KEY: Final = re.compile(r"[0-9a-f]{32}")
_VERSION: Final = re.compile(r"[0-9]{1,15}")
_MOST_FIELDS: Final = 200
_MOST_FILES: Final = 20


class PageGuard(Guard):
    """The dependency that checks an :class:`Access` and makes the :class:`Visit`.

    Args:
        frame: what all pages have in common.
        access: who may see it.
    """

    def __init__(self, frame: Frame, access: Access) -> None:
        super().__init__(access)
        self._frame = frame

    async def __call__(self, request: Request) -> None:
        """Let the request through, as ``request.state.visit``.

        Raises:
            Problem, StateError: why not.
        """
        service: IssuingService = request.app.state.service
        body = await request.body() if request.method == "POST" else None
        visit = await run_in_threadpool(self._visit, service, request, body)
        if visit.call.who_or_none is not None:
            self.take(request, service, visit.call.who_or_none)
            await self.note_look(request, service, visit.call.who_or_none)
        request.state.visit = visit

    def _visit(self, service: IssuingService, request: Request, body: bytes | None) -> Visit:
        # Here, beside the event loop: a body may have some megabytes.
        form = None if body is None else _form(request, body)
        request.state.form = form
        return service.core.database.read_together(lambda: self._known(service, request, form))

    def _known(self, service: IssuingService, request: Request, form: FormData | None) -> Visit:
        token = request.cookies.get(SESSION)
        who = None
        if self.access.asks != "anyone":
            if token is None:
                raise http.Problem("http.unauthenticated")
            who = known_human(service.core, authenticate(service.core, token))
        elif token is not None and request.method == "GET":
            who = whoever(service.core, token)
        if form is not None:
            require_own_site(service, request)
            if who is not None and token is not None:
                check_csrf(token, str(form.get("csrf", "")))
        found = None
        if self.access.asks != "anyone" and who is not None:
            self.access.check(who, int(service.core.clock.local()))
            found = self.access.load(service.core, who, request)
        view = view_settings(request)
        call = Call(
            service,
            Origin(
                request.client.host if request.client else "",
                request.headers.get("user-agent", ""),
                request.cookies.get(DEVICE),
            ),
            view.language,
            who,
            token,
            _idempotent(request, who.account_id, form) if who is not None and form is not None else None,
            _version(form),
            self.access.owned,
            found,
        )
        fields = None if form is None else {name: [str(value) for value in form.getlist(name)] for name in form}
        account = directory.own_account(service.core, who) if who is not None else None
        return Visit(self._frame, request, call, view, fields, account)


def _form(request: Request, body: bytes) -> FormData:
    return http.read_form(request.headers.get("content-type", ""), body, fields=_MOST_FIELDS, files=_MOST_FILES)


def whoever(core: Core, token: str) -> Principal | None:
    """Who is logged in, on a page that anyone may see; None: nobody."""
    try:
        return authenticate(core, token)
    except StateError:
        return None


def _idempotent(request: Request, account_id: str, form: FormData) -> idempotency.Request:
    key = str(form.get("key", ""))
    if not _KEY.fullmatch(key):
        raise http.Problem("api.idempotency_key", status=400, path="key")
    route = f"{request.method} {http.route_template(request.scope)}"
    fields = sorted((name, _said(value)) for name, value in form.multi_items() if name not in ("csrf", "key", "code"))
    return idempotency.Request(account_id, route, key, repr((request.url.path, fields)).encode())


def _said(value: UploadFile | str) -> str:
    """A field as it tells two requests with one key apart: of a file its content, whatever its name and length."""
    if isinstance(value, str):
        return value
    value.file.seek(0)
    digest = hashlib.sha256(value.file.read()).hexdigest()
    value.file.seek(0)
    return f"{value.filename}:{digest}"


def _version(form: FormData | None) -> str | None:
    version = "" if form is None else str(form.get("version", ""))
    return f'"{version}"' if _VERSION.fullmatch(version) else None
