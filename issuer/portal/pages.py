"""The portal as a part of an application: its pages, and what every one of them has in common.

Promises:

1. A page declares who may see it; :func:`issuer.service.access.require_access` covers pages as it covers the API.
2. Every fault is a page in the person's language that says what to do, with a way back; none shows more than the API
   would.
3. A form that was refused comes back with its values and all its errors. One whose session has ended comes back after
   the log-in.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import anyio.to_thread
from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from icard_crypto.errors import IcardError
from icard_crypto.limits import KIB, MIB
from issuer.accounts import directory
from issuer.accounts.attempts import Origin
from issuer.core import Core
from issuer.permits.uploads import MOST_BYTES
from issuer.service.access import Access
from issuer.service.context import Call
from issuer.service.cookies import SESSION
from verifier.runtime import http

from .edge import ProblemPages
from .faults import FormFault, field_errors
from .frame import Frame
from .guard import PageGuard, whoever
from .rendering import BASE
from .static_files import StaticFiles
from .view_settings import view_settings
from .visits import Visit, own_path

__all__ = ["Pages", "Portal"]

Handler = Callable[..., Response]

_ID: Final = re.compile(r"[0-9a-f]{32}")
_LOGIN: Final = frozenset({"http.unauthenticated", "session.unknown"})
_LONGEST_DRAFT: Final = 32 * 1024
_ANYONE: Final = Access("anyone")


@dataclass(frozen=True, slots=True)
class _Page:
    method: str
    path: str
    handler: Handler
    access: Access
    form: Handler | None
    fields: Mapping[str, str]
    log_in: bool = False
    costly: bool = False


class Pages:
    """The pages of one subject."""

    def __init__(self) -> None:
        self.all: list[_Page] = []

    def get(self, path: str, access: Access, *, costly: bool = False) -> Callable[[Handler], Handler]:
        """Declare the page that the decorated function makes.

        Args:
            path: below the portal's base; names in braces are ids.
            access: who may see it.
            costly: as of :meth:`post`.
        """
        return self._declare("GET", path, access, None, {}, costly=costly)

    def post(
        self,
        path: str,
        access: Access,
        *,
        form: Handler | None = None,
        fields: Mapping[str, str] | None = None,
        log_in: bool = False,
        costly: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare the act that the decorated function does.

        Args:
            form: makes the page that the form is on; it comes back when the act is refused.
            fields: which field a code, a layer or a path of a refusal is about.
            log_in: whether it checks an unknown client's password, for which the service has threads apart.
            costly: whether it takes long, for which there are others (:mod:`issuer.service.costly`).
        """
        return self._declare("POST", path, access, form, fields or {}, log_in=log_in, costly=costly)

    def _declare(
        self,
        method: str,
        path: str,
        access: Access,
        form: Handler | None,
        fields: Mapping[str, str],
        *,
        log_in: bool = False,
        costly: bool = False,
    ) -> Callable[[Handler], Handler]:
        def declared(handler: Handler) -> Handler:
            self.all.append(_Page(method, path, handler, access, form, fields, log_in, costly))
            return handler

        return declared


class Portal:
    """The portal of one issuing service.

    Args:
        core: its core.
        statuses: which errors a person may see, as the API has them.
        subjects: its pages.
    """

    def __init__(self, core: Core, statuses: http.Statuses, subjects: list[Pages]) -> None:
        self._core = core
        self._statuses = statuses
        self._subjects = subjects
        self._frame = Frame(core.settings)

    @property
    def bodies(self) -> list[http.BodyClass]:
        """Forms alone; lists of people may be long."""
        types = ("application/x-www-form-urlencoded", "multipart/form-data")
        return [
            http.BodyClass(f"{BASE}filings/", types=types[:1]),
            http.BodyClass(
                f"{BASE}filings/", cap=MOST_BYTES + 64 * KIB, types=types[1:], seconds=60.0, budget=120 * MIB
            ),
            http.BodyClass(f"{BASE}insurance/register-many", cap=3 * MIB, types=types, budget=12 * MIB),
            http.BodyClass(f"{BASE}permits/many", cap=3 * MIB, types=types, budget=12 * MIB),
            http.BodyClass(
                f"{BASE}search/picture", cap=MOST_BYTES + 64 * KIB, types=types[1:], seconds=60.0, budget=120 * MIB
            ),
            http.BodyClass(BASE, types=types),
        ]

    @property
    def rates(self) -> list[http.RateClass]:
        """Style sheet and script as what is published; pages as the API."""
        settings = self._core.settings
        return [
            http.RateClass(f"{BASE}static/", settings.published_per_second, settings.published_burst),
            http.RateClass(BASE, settings.account_per_second, settings.account_burst),
        ]

    @property
    def log_ins(self) -> list[str]:
        """The addresses whose pages say so."""
        return [BASE + one.path for subject in self._subjects for one in subject.all if one.log_in]

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application whose edge answers browsers here with pages."""
        return ProblemPages(app, self._frame)

    def join(self, app: FastAPI) -> None:
        """Make the pages the application's."""
        app.state.portal = self
        for subject in self._subjects:
            for one in subject.all:
                self._add(app, one.method, one.path, _endpoint(self, one), one.access)
        self._add(app, "GET", "static/{name}", _static(self._frame.files), _ANYONE)
        for method in ("GET", "POST"):
            self._add(app, method, "{rest:path}", _nowhere, _ANYONE)

    def _add(self, app: FastAPI, method: str, path: str, endpoint: Callable[..., Any], access: Access) -> None:
        app.router.add_api_route(
            BASE + path,
            endpoint,
            methods=[method],
            dependencies=[Depends(PageGuard(self._frame, access))],
            include_in_schema=False,
            response_class=Response,
            response_model=None,
            route_class_override=_PageRoute,
        )

    def refused(self, visit: Visit, one: _Page, fault: FormFault | IcardError, ids: Mapping[str, str]) -> Response:
        """The page of a form whose act was refused."""
        if isinstance(fault, FormFault):
            visit.errors, visit.status = fault.errors, 422
        else:
            problem = self._statuses.problem(fault)
            # A fault of the session is none of the form; one of the service is none either.
            if one.form is None or problem.status >= 500 or problem.code in _LOGIN or problem.code == "session.csrf":
                raise fault
            known = set(visit.form or {})
            visit.errors, visit.status = field_errors(problem, visit.words, one.fields, known), problem.status
        if one.form is None:
            raise http.Problem("http.invalid")
        return one.form(visit, **ids)

    def fault_page(self, request: Request, fault: Exception) -> Response:
        """The page that tells a person of a fault (promise 2)."""
        if isinstance(fault, HTTPException):
            codes = {404: "http.not_found", 405: "http.method", 413: "http.too_large"}
            fault = http.Problem(codes.get(fault.status_code, "http.bad_request"))
        problem = self._statuses.problem(fault) if isinstance(fault, IcardError) else http.Problem("http.internal")
        if problem.code == "http.internal":
            http.log_fault(fault, request.scope)
        visit = getattr(request.state, "visit", None) or self._stranger(request)
        here = own_path(request.url.path)
        if request.method == "GET":
            query = urlencode({"next": own_path(visit._here())}) if here != BASE else ""
            if problem.code in _LOGIN:
                return visit.go(f"log-in?{query}" if query else "log-in")
            if problem.code == "access.second_factor":
                return visit.go(f"second-factor?{query}" if query else "second-factor")
        visit.status = problem.status
        draft = json.dumps(visit.draft(), ensure_ascii=False)
        if problem.code in _LOGIN:
            visit.status = 401
            return visit.page("log_in.html", next=here, draft=draft if len(draft) <= _LONGEST_DRAFT else "")
        message, hint = visit.words.fault(problem)
        response = visit.page(
            "fault.html",
            message=message,
            hint=hint,
            code=problem.code,
            instance=http.request_id(request.scope),
            again=here if problem.code == "session.csrf" and problem.path != "Origin" else None,
            draft=visit.draft(),
            list_page=self._list_page(visit, here) if problem.status == 404 else None,
        )
        response.headers.update(problem.headers)
        return response

    def _list_page(self, visit: Visit, here: str) -> str | None:
        """The list above an address, where the viewer may see it: what is not at the address may be found there."""
        name, _, below = here.removeprefix(BASE).partition("/")
        who = visit.call.who_or_none
        found = any(
            one.path == name and one.method == "GET" and who is not None and who.role in one.access.roles
            for subject in self._subjects
            for one in subject.all
        )
        return BASE + name if below and found else None

    def _stranger(self, request: Request) -> Visit:
        """A visit of somebody whom the guard did not let through; the form is there to give it back."""
        view = view_settings(request)
        form = getattr(request.state, "form", None)
        token = request.cookies.get(SESSION)
        who = whoever(self._core, token) if token is not None else None
        account = directory.own_account(self._core, who) if who is not None else None
        call = Call(request.app.state.service, Origin(""), view.language, who, token, None, None)
        fields = None if form is None else {name: [str(value) for value in form.getlist(name)] for name in form}
        return Visit(self._frame, request, call, view, fields, account)


class _PageRoute(APIRoute):
    """A route whose faults are pages."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                response: Response = await inner(request)
            except Exception as fault:
                return await run_in_threadpool(request.app.state.portal.fault_page, request, fault)
            return response

        return handler


def _endpoint(portal: Portal, one: _Page) -> Callable[[Request], Any]:
    def endpoint(request: Request) -> Response:
        visit: Visit = request.state.visit
        ids = {name: str(value) for name, value in request.path_params.items()}
        if not all(_ID.fullmatch(value) for value in ids.values()):
            raise http.Problem("http.not_found")
        if one.method == "POST" and one.form is not None and visit.text("switch"):
            visit.view = visit.view.choose(visit.text("switch"), None)
            return one.form(visit, **ids)
        try:
            return one.handler(visit, **ids)
        except (FormFault, IcardError) as fault:
            return portal.refused(visit, one, fault, ids)

    async def log_in(request: Request) -> Response:
        return await anyio.to_thread.run_sync(endpoint, request, limiter=request.app.state.service.log_ins)

    async def costly(request: Request) -> Response:
        account_id = request.state.visit.call.who.account_id
        done: Response = await request.app.state.service.costly.run(account_id, functools.partial(endpoint, request))
        return done

    return log_in if one.log_in else costly if one.costly else endpoint


def _static(files: StaticFiles) -> Callable[[str, Request], Response]:
    def static(name: str, request: Request) -> Response:
        return files.answer(name, request)

    return static


def _nowhere(request: Request) -> Response:
    raise http.Problem("http.not_found")
