"""Rate limiting by client.

Promises:

1. A token bucket for each class of addresses and each client; an empty one is 429 with Retry-After, before the body.
2. A client is its IPv4 address or its IPv6 /64, which is what one household or machine has (RFC 6177); an IPv4 address
   written as IPv6 is that IPv4 address.
3. Memory is bounded: beyond the cap the least recently used bucket is evicted.
4. Behind trusted proxies the client is the last address of X-Forwarded-For that is none of them (uvicorn's rules,
   :func:`behind_proxies`); from anybody else that header says nothing.
"""

from __future__ import annotations

import functools
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from .metrics import Metrics
from .middleware import Middleware
from .problems import Problem, problem_response

__all__ = ["Buckets", "RateClass", "RateLimits", "behind_proxies", "client_key"]


@dataclass(frozen=True)
class RateClass:
    """How often the addresses that begin alike may be asked by one client.

    Attributes:
        prefix: of the path; the first class whose prefix fits counts, and what fits none is not limited.
        per_second: requests a second in the long run.
        burst: requests at once.
        methods: to which this applies; empty for all.
    """

    prefix: str
    per_second: float
    burst: int
    methods: Sequence[str] = ()


@functools.lru_cache(1024)
def client_key(host: str) -> str:
    """Whom an address stands for (promise 2); whatever is no address is one client together."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "other"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)


class Buckets:
    """Token buckets by key, in bounded memory; not thread-safe, for one event loop.

    Args:
        most: buckets that are kept.
        clock: seconds that only rise.
    """

    def __init__(self, most: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: tuple[str, str], per_second: float, burst: int) -> float:
        """Take one token; 0 when there was one, else the seconds until there is."""
        now = self._clock()
        tokens, filled = self._buckets.pop(key, (float(burst), now))
        tokens = min(float(burst), tokens + (now - filled) * per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / per_second
        self._buckets[key] = (tokens - 1 if wait == 0 else tokens, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait


class RateLimits(Middleware):
    """ASGI middleware: refuses clients above their rate (promise 1)."""

    def __init__(self, app: ASGIApp, classes: Sequence[RateClass], metrics: Metrics | None = None) -> None:
        super().__init__(app)
        self._classes = tuple(classes)
        self._metrics = metrics
        self.buckets = Buckets()

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = self._rule(scope)
        if rule is not None:
            client = scope.get("client") or ("", 0)
            name = f"{rule.prefix} {' '.join(rule.methods)}"
            wait = self.buckets.take((name, client_key(client[0])), rule.per_second, rule.burst)
            if wait > 0:
                if self._metrics is not None:
                    self._metrics.shed.labels("rate").inc()
                problem = Problem("http.too_many", headers={"Retry-After": str(math.ceil(wait))})
                await problem_response(problem, scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _rule(self, scope: Scope) -> RateClass | None:
        for rule in self._classes:
            if scope["path"].startswith(rule.prefix) and (not rule.methods or scope["method"] in rule.methods):
                return rule
        return None


def behind_proxies(app: ASGIApp, trusted: Sequence[str]) -> ASGIApp:
    """Take client and scheme from X-Forwarded-* of these proxies alone (promise 4).

    Args:
        app: the application.
        trusted: addresses and networks; empty when clients connect themselves.

    Raises:
        ValueError: one is neither an address nor a network: a misspelt one would trust nobody, or everybody.
    """
    if not trusted:
        return Unmapped(app)
    networks = [str(ipaddress.ip_network(each)) for each in trusted]
    return Unmapped(cast(ASGIApp, ProxyHeadersMiddleware(app, trusted_hosts=networks)))  # type: ignore[arg-type]


class Unmapped(Middleware):
    """ASGI: a peer on a socket for both IPv4 and IPv6 is ``::ffff:127.0.0.1``, and no network of IPv4 contains that."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        host, port = scope.get("client") or ("", 0)
        # Whoever is connected, also behind a proxy that names another client.
        scope["peer"] = host
        if host.lower().startswith("::ffff:"):
            # Back as an IPv4 address only where it is one.
            scope["client"] = (client_key(host) if "/" not in client_key(host) else host, port)
        await self._app(scope, receive, send)
