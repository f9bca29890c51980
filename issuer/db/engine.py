"""Engines for SQLite and PostgreSQL, and the one unit-of-work helper that hides their difference.

Promises:

1. A unit of work is one transaction: all of it or nothing. It holds its locks from its first statement on (SQLite:
   BEGIN IMMEDIATE; PostgreSQL: row locks that the work asks for).
2. What is committed survives a kill and a loss of power (SQLite: WAL with synchronous=FULL; PostgreSQL: its default).
3. Serialisation failures, deadlocks, a busy database and a connection lost before the commit are tried again, each time
   from the start in a new transaction; the work must therefore have no effect but the session's.
4. A connection lost *during* the commit leaves the outcome open. The work is then repeated only where ``settled`` finds
   that it was not done; without ``settled`` the error says that the outcome is unknown.
5. A database that goes away and comes back needs no restart: connections are checked before they are used, and one to a
   server that no longer answers breaks within a minute.
6. A process that is stopping (``stopping``) does not retry: work in progress fails with its error.
7. Lock waits are bounded: a statement waits five seconds for a lock (SQLite: ten for the whole file) and runs for a
   minute at most; an idle open transaction is cut off (PostgreSQL; set in each transaction, so that it also holds
   behind a pooler in transaction mode). For the pooler's sake no statement is prepared by name.
8. What a thread reads within :meth:`Database.read_together` is one transaction, and each row is read and checked once.
   Nothing is written within it: a thread never needs two connections.
9. Threads that write to one SQLite file queue here. SQLite itself would poll, each thread for up to a tenth of a second
   and in no order; that is left for other processes.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError, Unavailable

from .bound import BINDER, AlteredRow, Binder
from .faults import final, has_waited, is_denied, kind_of, reason_of

__all__ = ["PATIENT", "Database", "connect"]

T = TypeVar("T")

#: Milliseconds that SQLite waits for another process's transaction; ours take a few milliseconds each.
BUSY_MS: Final = 10_000
#: How often a unit of work is tried: with the pauses below, about twenty seconds, in which a server restarts.
ATTEMPTS: Final = 12
LONGEST_PAUSE: Final = 3.0

_READ_ONLY: Final = "icard_read_only"
#: Where a connection has the database's time at the beginning of its transaction, and the monotonic one.
_BEGAN: Final = "icard_began"
#: libpq's words, seconds (the last: milliseconds): a server that was cut off the network says nothing, for hours.
_PATIENCE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 50_000,
}


#: An execution option: a connection that may wait and work for as long as it needs, for migrations and the like.
PATIENT: Final = "icard_patient"
#: Milliseconds: for a lock, for a statement, for a transaction that says nothing.
LOCK_MS: Final = 5_000
_STATEMENT_MS: Final = 60_000
_IDLE_MS: Final = 60_000
#: Seconds that a thread waits for a connection.
_POOL_PATIENCE: Final = 10


class _Shared(threading.local):
    """What a thread reads together: its session, and what it writes when that is over."""

    session: Session | None = None
    later: list[Callable[[], object]]


class Database:
    """A database and the way to work in it. Thread-safe; make one a process, after any fork."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.stopping = threading.Event()
        #: What binds rows (:mod:`issuer.db.bound`), set by whoever has the key; None: no bound row can be read.
        self.binder: Binder | None = None
        #: Hears of each row that does not fit, outside any transaction.
        self.on_altered: Callable[[AlteredRow], None] = lambda fault: None
        #: Code of the last write that failed for want of the database; None: none has since one succeeded.
        self.write_fault: str | None = None
        self._writing = threading.Lock()
        self._shared = _Shared()
        self._reader = engine.execution_options(**{_READ_ONLY: True})

    def transact(
        self, work: Callable[[Session], T], *, settled: Callable[[Session], T | None] | None = None, hurry: bool = False
    ) -> T:
        """Do ``work`` in one transaction and commit it (promises 1 to 4).

        Args:
            settled: given a new session, what the work returned if it was committed after all, else None.
            hurry: give up after the first failure: for whoever would rather answer "busy".

        Raises:
            Unavailable: ``database.busy``, ``database.unreachable``, ``database.full``.
            StateError: ``database.commit_unknown``, ``database.fault``.
            IntegrityError: a constraint is broken.
            Exception: what ``work`` raises.
        """
        try:
            result = self._transact(work, settled, hurry)
        except StateError as fault:
            if fault.layer == "database":
                self.write_fault = fault.code
            raise
        self.write_fault = None
        return result

    def _transact(self, work: Callable[[Session], T], settled: Callable[[Session], T | None] | None, hurry: bool) -> T:
        if self._shared.session is not None:
            raise RuntimeError("nothing is written while a thread reads together (promise 8)")
        attempt = 0
        while True:
            attempt += 1
            committing = False
            try:
                with self._turn(), self._session(self.engine) as session:
                    result = work(session)
                    session.flush()
                    committing = True
                    session.commit()
                    return result
            except AlteredRow as fault:
                self.on_altered(fault)
                raise
            except PoolTimeout:
                raise Unavailable("database.busy") from None
            except DBAPIError as fault:
                kind = kind_of(fault)
                if kind is None:
                    raise final(fault) from fault
                if committing and kind == "database.unreachable":
                    if settled is None:
                        raise StateError("database.commit_unknown") from fault
                    found = self.read(settled)
                    if found is not None:
                        return found
                if hurry or attempt >= ATTEMPTS or has_waited(fault):
                    raise Unavailable(kind) from fault
            # Not for secrets: the pause only keeps two workers from meeting again.
            pause = min(0.01 * 2**attempt, LONGEST_PAUSE) * (0.5 + random.random())  # noqa: S311
            if self.stopping.wait(pause):
                raise Unavailable(kind)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do ``work``, which changes nothing, without stopping writers.

        Raises:
            Unavailable: ``database.busy``, ``database.unreachable``.
            StateError: ``database.fault``.
        """
        if self._shared.session is not None:
            return work(self._shared.session)
        attempt = 0
        while True:
            attempt += 1
            try:
                with self._session(self._reader) as session:
                    return work(session)
            except AlteredRow as fault:
                self.on_altered(fault)
                raise
            except PoolTimeout:
                raise Unavailable("database.busy") from None
            except DBAPIError as fault:
                kind = kind_of(fault)
                if kind is None:
                    raise final(fault) from fault
                if attempt >= ATTEMPTS or has_waited(fault):
                    raise Unavailable(kind) from fault
            if self.stopping.wait(min(0.01 * 2**attempt, LONGEST_PAUSE)):
                raise Unavailable(kind)

    def read_together(self, work: Callable[[], T]) -> T:
        """Do ``work``; what this thread reads in it is one transaction (promise 8).

        Raises:
            Unavailable, StateError: as :meth:`read`.
        """
        if self._shared.session is not None:
            # Part of what is read together already: its end is the outer one's.
            return work()
        later: list[Callable[[], object]] = []

        def whole(session: Session) -> T:
            later.clear()
            self._shared.session, self._shared.later = session, later
            try:
                return work()
            finally:
                self._shared.session = None

        try:
            return self.read(whole)
        finally:
            for each in later:
                each()

    def after_reading(self, write: Callable[[], object]) -> None:
        """Write something once what this thread reads together is over; at once where it does not."""
        if self._shared.session is None:
            write()
        else:
            self._shared.later.append(write)

    def _session(self, engine: Engine) -> Session:
        return Session(engine, expire_on_commit=False, info={BINDER: self.binder})

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Promise 9."""
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=BUSY_MS / 1000):
            raise Unavailable("database.busy")
        try:
            yield
        finally:
            self._writing.release()

    def now(self, session: Session) -> float:
        """The database's own clock, Unix time. SQLite is in this process: its clock is the machine's."""
        if self.is_sqlite:
            return time.time()
        # What the clock said when the transaction began, and what has gone by since.
        known = session.connection().info.get(_BEGAN)
        if known is None:
            return float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        at, begun = known
        return float(at + time.monotonic() - begun)

    def check(self) -> None:
        """Raise unless the database answers now.

        Raises:
            Unavailable: ``database.unreachable``, ``database.busy``.
            StateError: ``database.encoding``, ``database.denied``.
        """
        try:
            with self.engine.connect() as connection:
                connection.execute(select(1))
                driver = connection.connection.driver_connection
                encoding = (
                    driver.info.parameter_status("server_encoding") if isinstance(driver, psycopg.Connection) else None
                )
                if encoding not in (None, "UTF8"):
                    raise StateError("database.encoding", expected="UTF8", found=encoding)
        except DBAPIError as fault:
            if is_denied(fault):
                raise StateError("database.denied") from fault
            raise Unavailable(kind_of(fault) or "database.unreachable", found=reason_of(fault)) from fault

    def require_connections(self, needed: int) -> None:
        """Raise where the server can never give a process that many connections. A pooler answers for its server.

        Raises:
            StateError: ``database.connections``.
        """
        if self.is_sqlite:
            return
        with self.engine.connect() as connection:
            most = int(connection.exec_driver_sql("SHOW max_connections").scalar_one())
            kept = int(connection.exec_driver_sql("SHOW superuser_reserved_connections").scalar_one())
        if needed > most - kept:
            raise StateError("database.connections", expected=f"{needed}", found=f"{most - kept}")

    def create(self) -> None:
        """Make SQLite's file, where it is not there yet, for its owner alone; its journals take the mode over.

        Raises:
            Unavailable: ``database.unreachable``.
        """
        path = self.engine.url.database
        if self.is_sqlite and path is not None:
            try:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            except OSError as fault:
                raise Unavailable("database.unreachable", found=fault.strerror) from None

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def connect(url: str, *, connections: int = 15) -> Database:
    """The database at ``url``: ``sqlite:///path`` or ``postgresql://...`` (psycopg 3). Nothing is opened yet.

    Args:
        connections: that may be open at one time: one for each thread that may ask.

    Raises:
        StateError: ``database.url``.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StateError("database.url", expected="sqlite:///path or postgresql://user@host/name") from None
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif kind != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise StateError("database.url", expected="sqlite:///path or postgresql://user@host/name", found=kind)
    try:
        engine = (_sqlite if kind == "sqlite" else _postgresql)(parsed, connections)
    except (NoSuchModuleError, ArgumentError):
        raise StateError("database.url", expected="sqlite:///path or postgresql://user@host/name") from None
    return Database(engine)


def _sqlite(url: URL, connections: int) -> Engine:
    # Kept open, the last one used first: to open one costs more than most questions.
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_POOL_PATIENCE,
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL, connections: int) -> Engine:
    # What the address says itself wins: SQLAlchemy hands its query over beside these.
    given = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        # Whatever the database's encoding is, text comes as text, and :meth:`Database.check` can say what is wrong.
        connect_args={"client_encoding": "utf8", **given, "prepare_threshold": None},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_POOL_PATIENCE,
    )
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin transactions by itself: it would begin them deferred, and two of those deadlock.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    # What is deleted (purged details) is overwritten in the file, not only forgotten.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(connection: Connection) -> None:
    deferred = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    if not connection.get_execution_options().get(PATIENT, False):
        # One question, and of this transaction alone: a pooler hands the connection to somebody else afterwards.
        limits = f"'{LOCK_MS}', true), set_config('statement_timeout', '{_STATEMENT_MS}', true)"
        idle = f"set_config('idle_in_transaction_session_timeout', '{_IDLE_MS}', true)"
        clock = "extract(epoch FROM clock_timestamp())::float8"
        found = connection.exec_driver_sql(f"SELECT set_config('lock_timeout', {limits}, {idle}, {clock}").one()
        connection.info[_BEGAN] = found[-1], time.monotonic()
    else:
        connection.info.pop(_BEGAN, None)
