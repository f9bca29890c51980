"""The middleware of this package around an application, in the one order that keeps its promises.

From the outside: proxies (client address), request id, log, metrics, headers, catch, CORS, rate limit, gate, body, load
shedding, HEAD, application. A refused request also has an id, a log line, a count and the security headers. No body is
read for a client that the gate refuses. A body is read before its request counts as in progress, so that slow senders
take no capacity from others.

Promises:

1. An exception that reaches no handler is 500 ``http.internal`` if nothing was sent yet, and is logged without its
   text.
2. Other origins are answered as if CORS did not exist, unless they are configured one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import Bodies, BodyClass
from .head_requests import HeadAsGet
from .headers import STRICTEST_POLICY, SecurityHeaders
from .host_names import HostNames
from .logs import RequestLog, log_fault
from .metrics import CountRequests, Metrics
from .middleware import Middleware
from .overload import ShedLoad
from .problems import Problem, problem_response
from .rates import RateClass, RateLimits, behind_proxies
from .request_ids import RequestIds

__all__ = ["EdgeLimits", "wrap"]


@dataclass(frozen=True)
class EdgeLimits:
    """What an application takes from whom.

    Attributes:
        most_in_flight: requests worked on at one time.
        bodies: what may be sent where; elsewhere 64 KiB of JSON in 10 s.
        rates: how often one client may ask where; elsewhere as often as it likes.
        hosts: names of the service, beside numeric addresses and localhost; None: any name is taken.
        trusted_proxies: addresses and networks whose X-Forwarded-For and -Proto are believed.
        policy: the Content-Security-Policy.
        features: browser features that pages may use.
        origins: other origins whose pages may call the service (CORS), each in full; ``*`` is refused.
    """

    most_in_flight: int = 64
    bodies: Sequence[BodyClass] = ()
    rates: Sequence[RateClass] = ()
    hosts: Sequence[str] | None = None
    trusted_proxies: Sequence[str] = ()
    policy: str = STRICTEST_POLICY
    features: Sequence[str] = ()
    origins: Sequence[str] = ()


class Catch(Middleware):
    """ASGI middleware: catches every exception (promise 1)."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            log_fault(error, scope)
            if not begun:
                await problem_response(Problem("http.internal"), scope)(scope, receive, send)


def wrap(
    app: ASGIApp, limits: EdgeLimits, metrics: Metrics, gate: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> ASGIApp:
    """An application with everything of this package around it.

    Args:
        app: the application.
        limits: what it takes.
        metrics: its figures.
        gate: a piece that decides by a request's head alone who gets in.

    Raises:
        ValueError: the limits cannot be meant: an unsafe policy, every origin, a proxy that is no address.
    """
    if "*" in limits.origins:
        raise ValueError("name each origin that may call; * is every page of the web")
    app = ShedLoad(HeadAsGet(app), limits.most_in_flight, metrics)
    app = gate(Bodies(app, limits.bodies))
    app = RateLimits(app, limits.rates, metrics)
    if limits.origins:
        app = CORSMiddleware(
            app,
            allow_origins=limits.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            # Beside what browsers let every page read: when to ask again, and which request it was.
            expose_headers=["Retry-After", "X-Request-Id"],
        )
    app = Catch(app)
    app = SecurityHeaders(HostNames(app, limits.hosts, limits.trusted_proxies), limits.policy, limits.features)
    app = CountRequests(app, metrics)
    app = RequestLog(app)
    app = RequestIds(app)
    return behind_proxies(app, limits.trusted_proxies)
