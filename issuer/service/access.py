"""Who may call an endpoint: declared beside it, checked before it runs, the same everywhere.

Promises:

1. Every endpoint has one :class:`Access`; :func:`require_access` refuses an application with one that has none.
2. The check is: who asks (cookie or token), the token against forgery where a cookie speaks (RFC 6265 section 8.2: it
   comes by itself), second factor, rights, a fresh code, and then the object that the path names. It ends before the
   endpoint's own code begins.
3. A request with a token is a program's, whatever cookies come with it; a request with a cookie that changes something
   needs the session's CSRF token in X-CSRF-Token, and no other site may have caused it (Origin, Sec-Fetch-Site).
4. Every POST that makes something has an Idempotency-Key of 16 to 128 letters, digits, ``-`` and ``_``.
5. An account asks no more often than its own bucket allows, from however many addresses.
6. An official who asks about applications or permits leaves a row before the endpoint's own code begins, whatever page
   or address it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from icard_crypto.errors import NotAllowed, StateError
from issuer.accounts.attempts import Origin
from issuer.accounts.principals import Principal
from issuer.accounts.roles import RIGHTS, ROLES, Role
from issuer.accounts.sessions import authenticate, check_csrf
from issuer.accounts.tokens import authenticate_token
from issuer.audit.reads import note_read
from issuer.core import Core
from issuer.db import idempotency
from issuer.permits.people import same_human
from verifier.runtime import http

from .context import Call, IssuingService
from .cookies import DEVICE, SESSION
from .objects import KINDS, Owned, load

__all__ = ["Access", "Guard", "access_of", "require_access", "require_own_site"]

Asks = Literal["anyone", "begun", "person", "account"]
#: Rights whose endpoints show what people filed: who has one and asks leaves a row.
_LOOKS: Final = frozenset({"filing.read", "filing.decide", "filing.lead"})
_SAFE: Final = frozenset({"GET", "HEAD"})
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,128}")
_BEARER: Final = re.compile(r"Bearer +([A-Za-z0-9_-]{1,200})", re.IGNORECASE)
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
#: In the scope of a request: the guard that has let it through.
_LET_THROUGH: Final = "icard.guard"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an endpoint.

    Attributes:
        asks: anyone; whoever has begun to log in; a person, in a session with every factor; an account, in a session
            or by a token.
        rights: of :mod:`issuer.accounts.roles`; one of them is enough, none: every account.
        owned: the kind of object that the path names, which the guard loads (:mod:`issuer.service.objects`).
        fresh: whether a TOTP code has to be at most five minutes old.
    """

    asks: Asks
    rights: tuple[str, ...] = ()
    owned: Owned | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        unknown = [right for right in self.rights if right not in RIGHTS]
        if unknown or (self.asks in ("anyone", "begun") and self.rights):
            raise ValueError(f"no such access: {self}")

    @property
    def roles(self) -> list[Role]:
        """The roles that may call it."""
        return [role for role in ROLES.values() if not self.rights or role.rights & set(self.rights)]

    @property
    def scopes(self) -> list[str]:
        """The rights with which a program may call it, one of them: those that a role with tokens can give to one."""
        held = {right for role in self.roles if "token.own" in role.rights for right in role.rights}
        return [right for right in self.rights if right in held and RIGHTS[right].token]

    @property
    def by_token(self) -> bool:
        """Whether a program can have it."""
        return self.asks == "account" and (not self.rights or bool(self.scopes))

    def load(self, core: Core, who: Principal | None, request: Request) -> Any:
        """The object that the path names, where there is one.

        Raises:
            StateError: as :func:`issuer.service.objects.load`.
        """
        if self.owned is None or who is None:
            return None
        return load(core, who, self.owned, request.path_params, changes=request.method not in _SAFE)

    def check(self, who: Principal, now: int) -> None:
        """Raise unless it may be called.

        Raises:
            NotAllowed: ``access.*``.
        """
        if self.asks == "begun":
            who.require_person()
            return
        if self.asks == "person":
            who.require_person()
        if not who.full:
            raise NotAllowed("access.second_factor")
        if self.rights and not any(who.may(right) for right in self.rights):
            held = [right for right in self.rights if right in who.role.rights]
            who.require((held or self.rights)[0])
        if self.fresh:
            who.require_fresh(now)


class Guard:
    """The dependency that checks an :class:`Access` and makes the :class:`Call`.

    Args:
        access: who may call.
        keyed: whether the request needs an Idempotency-Key.
    """

    def __init__(self, access: Access, *, keyed: bool = False) -> None:
        self.access = access
        self.keyed = keyed

    async def __call__(self, request: Request) -> None:
        """Let the request through, as ``request.state.call``; a second time it is let through at once.

        Raises:
            Problem, StateError: why not.
        """
        if request.scope.get(_LET_THROUGH) is self:
            return
        service: IssuingService = request.app.state.service
        body = await request.body() if self.keyed else b""
        # Whoever anyone may be is not asked for: that needs no thread.
        anyone = self.access.asks == "anyone"
        call = (
            self._checked(service, request, body)
            if anyone
            else await run_in_threadpool(
                service.core.database.read_together, lambda: self._checked(service, request, body)
            )
        )
        if call.who_or_none is not None:
            self.take(request, service, call.who_or_none)
            await self.note_look(request, service, call.who_or_none)
        request.state.call = call
        request.scope[_LET_THROUGH] = self

    def take(self, request: Request, service: IssuingService, who: Principal) -> None:
        """Count a request against its account (promise 5).

        Raises:
            Problem: ``http.too_many``.
        """
        settings, buckets = service.core.settings, request.app.state.buckets
        wait = buckets.take(("account", who.account_id), settings.account_per_second, settings.account_burst)
        if wait > 0:
            service.metrics.shed.labels("account").inc()
            raise http.Problem("http.too_many", headers={"Retry-After": str(math.ceil(wait))})

    async def note_look(self, request: Request, service: IssuingService, who: Principal) -> None:
        """Leave the row of promise 6."""
        rights = _LOOKS.intersection(self.access.rights) & who.rights
        if not who.role.official or not rights:
            return
        named = next(iter(request.path_params.values()), None)
        subject = None if named is None else f"{self.access.owned}:{named}"
        actor = f"account:{who.account_id}"
        await run_in_threadpool(note_read, service.core, actor, who.role.name, min(rights), subject)

    def _checked(self, service: IssuingService, request: Request, body: bytes) -> Call:
        who, token = None, None
        if self.access.asks != "anyone":
            who, token = _authenticated(service, request)
            self.access.check(who, int(service.core.clock.local()))
        elif request.method not in _SAFE:
            require_own_site(service, request)
        client = request.client.host if request.client else ""
        agent = request.headers.get("user-agent", "")
        return Call(
            service,
            Origin(client, agent, request.cookies.get(DEVICE)),
            http.language_of(request.scope),
            who,
            token or request.cookies.get(SESSION),
            self._request(request, who, body) if self.keyed and who else None,
            request.headers.get("if-match"),
            self.access.owned,
            self.access.load(service.core, who, request),
        )

    def _request(self, request: Request, who: Principal, body: bytes) -> idempotency.Request:
        key = request.headers.get("idempotency-key")
        if key is None or not _KEY.fullmatch(key):
            raise http.Problem("api.idempotency_key", status=400, path="Idempotency-Key")
        route = f"{request.method} {http.route_template(request.scope)}"
        # The path belongs to what is asked: the same key for another card is another request.
        return idempotency.Request(who.account_id, route, key, request.url.path.encode() + b"\n" + body)


def access_of(route: APIRoute) -> Guard | None:
    """The guard of a route."""
    guards = [each.dependency for each in route.dependencies if isinstance(each.dependency, Guard)]
    return guards[0] if len(guards) == 1 else None


def require_access(app: FastAPI) -> None:
    """Refuse an application that has an endpoint without an access (promise 1), or with an id in its path and no kind
    of object.

    Raises:
        StateError: ``api.no_access``, ``api.no_object``; ``path`` names the endpoint.
    """
    for route in app.routes:
        path = str(getattr(route, "path", route))
        if path == app.openapi_url:
            continue
        guard = access_of(route) if isinstance(route, APIRoute) else None
        if guard is None:
            raise StateError("api.no_access", path=path)
        named = {name[1:-1] for name in path.split("/") if name.startswith("{") and name.endswith("_id}")}
        owned = guard.access.owned
        if named != (set() if owned is None else {KINDS[owned].parameter}):
            raise StateError("api.no_object", path=path)


def _authenticated(service: IssuingService, request: Request) -> tuple[Principal, str | None]:
    header = request.headers.get("authorization")
    if header is not None:
        match = _BEARER.fullmatch(header)
        if match is None:
            raise NotAllowed("token.unknown")
        return known_human(service.core, authenticate_token(service.core, match[1])), None
    token = request.cookies.get(SESSION)
    if token is None:
        raise http.Problem("http.unauthenticated", headers={"WWW-Authenticate": "Bearer"})
    who = known_human(service.core, authenticate(service.core, token))
    if request.method not in _SAFE:
        require_own_site(service, request)
        check_csrf(token, request.headers.get("x-csrf-token"))
    return who, token


def known_human(core: Core, who: Principal) -> Principal:
    """Who asks, of an official with all persons on record who are the same human being."""
    if not who.role.official:
        return who
    return replace(who, humans=core.database.read(lambda session: same_human(core, session, who.person_id)))


def require_own_site(service: IssuingService, request: Request) -> None:
    """Refuse what another site's page has caused.

    Raises:
        NotAllowed: ``session.csrf``.
    """
    own = service.core.settings.public_url or str(request.base_url)
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site") in _FOREIGN or (origin is not None and _site(origin) != _site(own)):
        raise NotAllowed("session.csrf", path="Origin", expected="a page of this service")


def _site(address: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(address)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port
