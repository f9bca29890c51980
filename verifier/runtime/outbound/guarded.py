"""Outbound connections of a careful client: names resolved once, hard deadlines, nothing from the environment.

Promises:

1. A name is resolved once in the life of a :class:`Guarded`, and what was resolved is what is connected to: a name
   server that changes its answer in between changes nothing. The certificate and the Host header are still those of
   the name.
2. If any of a name's addresses is not allowed (:mod:`verifier.runtime.outbound.addresses`), none is connected to.
3. Every wait, from the look-up to the last byte, ends at the deadline, also when a server sends byte by byte.
4. No proxy, certificate or password comes from the environment.
"""

from __future__ import annotations

import socket
import ssl
import threading
import typing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpcore
import httpx

from icard_crypto.errors import StateError

from .addresses import Network, is_allowed
from .fetching import Deadline, Resolve

__all__ = ["Guarded", "resolve"]

#: httpcore has no common root of its errors.
_FAULTS: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
)
#: By OpenSSL's number of what it found (x509_vfy.h).
_CERTIFICATE_FAULTS: Final = {
    9: "one that is not valid yet",
    10: "one that has expired",
    18: "one of an unknown authority",
    19: "one of an unknown authority",
    20: "one of an unknown authority",
    21: "one of an unknown authority",
    62: "one of another name",
    64: "one of another name",
}


def resolve(host: str, port: int) -> list[str]:
    """The numeric addresses of a host, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guarded:
    """A client that connects by the promises of this module; for one thread at a time.

    Args:
        allowed: networks that may be connected to beside the open internet.
        ca_file: PEM certificates of a private authority, instead of the public ones.

    Raises:
        StateError: ``sync.ca_file``.
    """

    def __init__(self, allowed: tuple[Network, ...], ca_file: Path | None, *, resolver: Resolve = resolve) -> None:
        self._backend = _Backend(resolver, allowed)
        if ca_file is None:
            context = httpx.create_ssl_context(trust_env=False)
        else:
            try:
                context = ssl.create_default_context(cafile=str(ca_file))
            except OSError as fault:
                found = f"{ca_file}: {fault.strerror}"
                raise StateError("sync.ca_file", path="ca_file", expected="PEM", found=found) from None
        pool = httpcore.ConnectionPool(ssl_context=context, network_backend=self._backend)
        self._client = httpx.Client(transport=_Transport(pool), trust_env=False, timeout=None)  # noqa: S113

    @contextmanager
    def until(self, deadline: Deadline) -> Iterator[httpx.Client]:
        """The client, whose every wait ends at ``deadline``.

        Raises:
            StateError: ``sync.resolve``, ``sync.address``, ``sync.certificate``, ``sync.connection``,
                ``sync.deadline``.
        """
        self._backend.deadline = deadline
        try:
            yield self._client
        except _FAULTS as fault:
            # A wait that was cut short by the deadline says so rather than what it waited for.
            deadline.remaining()
            refused = _certificate_fault(fault)
            if refused is not None:
                raise StateError("sync.certificate", found=refused) from None
            raise StateError("sync.connection", found=type(fault).__name__) from None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _certificate_fault(fault: BaseException | None) -> str | None:
    """What is wrong with a certificate, where that is what a connection failed for."""
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return _CERTIFICATE_FAULTS.get(fault.verify_code, "one that is not valid")
        fault = fault.__cause__ or fault.__context__
    return None


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class _Transport(httpx.BaseTransport):
    """httpx over a pool whose connections are made by our own backend."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=typing.cast(Iterable[bytes], request.stream),
                extensions=request.extensions,
            )
        )
        body = _Body(typing.cast(Iterable[bytes], answer.stream))
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Backend(httpcore.NetworkBackend):
    """Connects to what was resolved once (promises 1 to 3)."""

    def __init__(self, resolver: Resolve, allowed: tuple[Network, ...]) -> None:
        self._resolver = resolver
        self._allowed = allowed
        self._known: dict[tuple[str, int], list[str]] = {}
        self._sockets = httpcore.SyncBackend()
        self.deadline = Deadline(0)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        last: Exception = httpcore.ConnectError()
        for address in self._addresses(host, port):
            try:
                stream = self._sockets.connect_tcp(address, port, self.deadline.remaining(), None, socket_options)
            except (httpcore.NetworkError, httpcore.TimeoutException) as fault:
                last = fault
            else:
                return _Stream(stream, self)
        raise last

    def _addresses(self, host: str, port: int) -> list[str]:
        known = self._known.get((host, port))
        if known is None:
            known = self._look_up(host, port)
            for address in known:
                if not is_allowed(address, self._allowed):
                    raise StateError("sync.address", path=host, expected="the open internet", found=address[:45])
            self._known[host, port] = known
        return known

    def _look_up(self, host: str, port: int) -> list[str]:
        # The system's resolver has no deadline of its own; a thread that it keeps does not keep us.
        found: list[str] = []

        def ask() -> None:
            try:
                found.extend(self._resolver(host, port))
            except (OSError, UnicodeError):
                found.clear()

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(self.deadline.remaining())
        if asking.is_alive() or not found:
            self.deadline.remaining()
            raise StateError("sync.resolve", path=host)
        return list(found)


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at its backend's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _Backend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.deadline.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.deadline.remaining())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._backend.deadline.remaining())
        return _Stream(secured, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
