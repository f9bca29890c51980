"""Run an application under uvicorn, with a timeout for every wait and a graceful shutdown.

Promises:

1. SIGTERM (or SIGINT) drains: ``Drain.begun`` is set, so /readyz answers 503; new connections are accepted until the
   notice time is over; then those already in the kernel's backlog are accepted and the listening socket is closed;
   requests in progress are finished and their connections closed after the answer; what is left at the end of the drain
   time is cut off.
2. The process exits with 0 after a drain, even when the signal came before it was ready: no signal is lost once the
   address has been reported.
3. Several workers share one listening socket, and a worker that dies is replaced. The parent closes its own copy of the
   socket before it asks the workers to drain, so that no connection is left in a backlog that nobody reads.
4. The socket is bound before anything else happens, and an address that is in use is a typed error.
5. A TLS handshake has the same timeout as a request head. Beyond the cap on connections the handshake that has taken
   longest is cut off.
6. The limit of open files is raised to what the connections need, where the system allows it; otherwise new
   connections wait until others are closed.
7. The kernel keeps no more than a quarter of a mebibyte of answers for a client that doesn't read them.
8. systemd is notified when the service is ready, when it stops, and, for its watchdog, while the event loop runs.
9. On SIGHUP every worker reads certificate and key again; new connections use them. A pair that can't be used changes
   nothing and is logged. SIGHUP never stops the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from icard_crypto.errors import StateError
from icard_crypto.platform_parts import posix
from verifier.runtime.notify import ALIVE, READY, STOPPING, notify, watchdog_seconds

from .logs import configure_logs
from .metrics import forget_worker
from .protocol import Connection, Drain, EdgeConfig, WireLimits

resource = posix("resource")

__all__ = ["Listen", "MakeApp", "bind", "serve"]

#: Makes a worker's application; it is called in the worker's own process.
MakeApp = Callable[[Drain], ASGIApp]

_log: structlog.stdlib.BoundLogger = structlog.get_logger("icard.server")
#: Connections that wait in the kernel; it takes its own limit (net.core.somaxconn) where that is lower.
_BACKLOG: Final = 4096
#: Of those so many are taken at one time: what others have begun goes on in between.
_AT_ONCE: Final = 64
#: Of each connection; Linux doubles it. Left to itself the kernel takes up to 4 MiB (net.ipv4.tcp_wmem), half a
#: gibibyte for 500 clients that read nothing.
_SEND_BUFFER: Final = 128 * 1024
#: A worker that dies sooner is not replaced before this many seconds, so that a broken one does not spin.
_RESPAWN: Final = 1.0
#: Open files of a process beside its connections: its own, and connections that were taken to be refused.
_OWN_FILES: Final = 1024
#: Until the next try to take a connection for which there was no file.
_NO_FILE: Final = 0.2
#: For TLS handshakes under way when nothing new is taken any more.
_LATE_HANDSHAKE: Final = 1.0


@dataclass(frozen=True)
class Listen:
    """Where a server listens and how.

    Attributes:
        host: an address or a name of this machine.
        port: 0 for any that is free.
        workers: processes.
        certificate: PEM file with the chain, for TLS.
        key: PEM file of its private key.
        log_level: the least level that is logged.
        limits: ends of its connections.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    certificate: Path | None = None
    key: Path | None = None
    log_level: str = "INFO"
    limits: WireLimits = field(default_factory=WireLimits)


class _Ending:
    """Whether a signal asked this process to end; a worker has its own, by the fork."""

    def __init__(self) -> None:
        self.asked = False
        self.hung_up = False
        # While it serves uvicorn hears signals itself, and raises them again once it has drained.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        signal.signal(signal.SIGHUP, self._hear_hangup)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def _hear_hangup(self, _number: int, _frame: FrameType | None) -> None:
        self.hung_up = True


class _Server(uvicorn.Server):
    """uvicorn's server with ends and bounds of its own."""

    config: EdgeConfig

    def __init__(self, config: EdgeConfig, ending: _Ending) -> None:
        super().__init__(config)
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(1)
        self._loop = asyncio.get_running_loop()
        self._begun: dict[asyncio.Task[Any], None] = {}
        self.servers = []
        for listener in sockets or []:
            listener.setblocking(False)
            self._watch(listener)
        self._loop.add_signal_handler(signal.SIGHUP, self._renew_certificate)
        if self._ending.hung_up:
            self._renew_certificate()
        self.started = True
        notify(READY)
        self._alive()

    async def main_loop(self) -> None:
        # 2
        self.should_exit = self.should_exit or self._ending.asked
        await super().main_loop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.drain.begun = True
        notify(STOPPING)
        await asyncio.sleep(self.config.limits.notice_seconds)
        for listener in sockets or []:
            self._loop.remove_reader(listener)
            # Connections that the kernel accepted and nobody took: closing the socket would reset them.
            self._accept(listener, _BACKLOG)
            listener.close()
        if self._begun:
            await asyncio.wait(self._begun, timeout=_LATE_HANDSHAKE)
        for late in list(self._begun):
            late.cancel()
        await super().shutdown(sockets)

    def _alive(self) -> None:
        """7: from the loop itself, so that one that hangs is seen."""
        often = watchdog_seconds()
        if often is not None:
            notify(ALIVE)
            self._loop.call_later(often, self._alive)

    def _renew_certificate(self) -> None:
        """8."""
        if self.config.ssl_certfile is None:
            return
        try:
            self.config.renew_certificate()
        except StateError as fault:
            _log.error("certificate not read again", code=fault.code, found=fault.found, hint=fault.hint())
        else:
            _log.info("certificate read again")

    def _watch(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket, most: int = _AT_ONCE) -> None:
        """Take what the kernel has accepted."""
        for _ in range(most):
            try:
                accepted, _address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                # 6: there is no file left, and the kernel would say so without end.
                _log.error("no file for a connection")
                self._loop.remove_reader(listener)
                self._loop.call_later(_NO_FILE, self._watch, listener)
                return
            if self.config.ssl is not None and len(self._begun) >= self.config.limits.connections:
                longest = next(iter(self._begun))
                del self._begun[longest]
                longest.cancel()
            begun = self._loop.create_task(self._begin(accepted))
            self._begun[begun] = None
            begun.add_done_callback(lambda done: self._begun.pop(done, None))

    async def _begin(self, accepted: socket.socket) -> None:
        ssl = self.config.ssl
        patience = None if ssl is None else self.config.limits.head_seconds
        # Whoever fails in the handshake is gone: there is nobody to tell.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._loop.connect_accepted_socket(self._protocol, accepted, ssl=ssl, ssl_handshake_timeout=patience)

    def _protocol(self) -> asyncio.Protocol:
        return Connection(self.config, self.server_state, self.lifespan.state, self._loop)


def bind(listen: Listen) -> socket.socket:
    """The listening socket.

    Raises:
        StateError: ``server.address``: in use, not of this machine, or not allowed.
    """
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        why = errno.errorcode.get(error.errno or 0, "unknown")
        raise StateError("server.address", path=f"{listen.host}:{listen.port}", found=why) from error
    return listener


def serve(make_app: MakeApp, listen: Listen, ready: Callable[[int], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        make_app: makes the application, once in every worker.
        listen: where and how.
        ready: told the port once the socket is bound.

    Raises:
        StateError: ``server.address``; ``server.failed`` when the application or the certificate cannot be loaded.
    """
    listener = bind(listen)
    ending = _Ending()
    if ready is not None:
        ready(listener.getsockname()[1])
    if listen.workers == 1:
        _work(make_app, listen, listener, ending)
    else:
        _Workers(make_app, listen, listener, ending).run()


def _work(make_app: MakeApp, listen: Listen, listener: socket.socket, ending: _Ending) -> None:
    configure_logs(listen.log_level)
    _allow_files(listen.limits.connections)
    drain = Drain()
    config = EdgeConfig(make_app(drain), listen.limits, drain, listen.certificate, listen.key)
    server = _Server(config, ending)
    try:
        server.run([listener])
    except SystemExit as error:
        raise StateError("server.failed") from error
    except OSError as error:
        # ssl.SSLError is one: certificate and key are read here.
        raise StateError("server.failed", found=type(error).__name__) from error


def _allow_files(connections: int) -> None:
    """Promise 6; the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + _OWN_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Workers:
    """The parent of several workers (promise 3)."""

    def __init__(self, make_app: MakeApp, listen: Listen, listener: socket.socket, ending: _Ending) -> None:
        self._arguments = (make_app, listen, listener, ending)
        self._listener = listener
        self._listen = listen
        self._ending = ending
        # fork: the socket and the way to make the application are inherited; the parent has no thread and no loop.
        self._context = multiprocessing.get_context("fork")

    def run(self) -> None:
        configure_logs(self._listen.log_level)
        workers = [self._start() for _ in range(self._listen.workers)]
        while not self._ending.asked:
            multiprocessing.connection.wait([worker.sentinel for worker in workers], timeout=_RESPAWN)
            if self._ending.hung_up:
                self._ending.hung_up = False
                for worker in workers:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker.pid, signal.SIGHUP)
            dead = [worker for worker in workers if not worker.is_alive()]
            if dead and not self._ending.asked:
                _log.error("worker died", exitcodes=[worker.exitcode for worker in dead])
                for worker in dead:
                    forget_worker(worker.pid)
                workers = [worker for worker in workers if worker not in dead]
                time.sleep(_RESPAWN)
                workers += [self._start() for _ in dead]
        self._listener.close()
        for worker in workers:
            worker.terminate()
        patience = time.monotonic() + self._listen.limits.drain_seconds + self._listen.limits.notice_seconds + 5
        for worker in workers:
            worker.join(max(0.0, patience - time.monotonic()))
            worker.kill()

    def _start(self) -> Any:
        worker = self._context.Process(target=_work, args=self._arguments)
        worker.start()
        return worker
