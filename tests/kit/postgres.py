"""A private PostgreSQL server for a test run: its own folder, its own user, a socket and no network.

One server a process (pytest-xdist: one a worker), started at the first need and ended with the process, also when that
is killed. A template database with the tables makes a new database a copy of a few files.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from issuer.db import schema
from issuer.db.engine import connect

__all__ = ["Server", "Unavailable", "server"]

_TEMPLATE = "icard_template"
_PR_SET_PDEATHSIG = 1


class Unavailable(Exception):
    """No PostgreSQL here, or no user to run it as."""


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise Unavailable("no initdb: apt-get install postgresql")
    return Path(on_path).parent


def _end_with_parent() -> None:
    # SIGQUIT: the server leaves at once, without a checkpoint that nobody needs.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


class Server:
    """A running server. ``durable``: with fsync, for the tests that kill it."""

    def __init__(self, *, durable: bool = False) -> None:
        self._bin = _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="icard-pg-", dir="/tmp"))
        self._user: str | None = None
        if os.geteuid() == 0:
            # The server refuses to run as root.
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                raise Unavailable("no user postgres to run the server as") from None
            self._user = "postgres"
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self._settings = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", str(self._data), "-U", "icard", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()
        atexit.register(self.remove)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments], check=True, capture_output=True, user=self._user, cwd="/", env={}
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [
                str(self._bin / "postgres"),
                *("-D", str(self._data), "-k", str(self._folder), "-c", "listen_addresses="),
                *("-c", "max_connections=200", "-c", "shared_buffers=32MB", *self._settings),
            ],
            user=self._user,
            cwd="/",
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 (calls one function of libc)
        )
        for _ in range(200):
            try:
                psycopg.connect(self.dsn("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        raise Unavailable((self._folder / "log").read_text("utf-8", "replace")[-500:])

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT at once and in order, SIGQUIT as a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """End the server and delete its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def dsn(self, database: str) -> str:
        """libpq's address of a database."""
        return f"host={self._folder} user=icard dbname={database} connect_timeout=10"

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql://icard@/{database}?host={self._folder}"

    def _command(self, sql: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.encode())

    @functools.cached_property
    def _template(self) -> str:
        self._command(f"CREATE DATABASE {_TEMPLATE}")
        database = connect(self.url(_TEMPLATE))
        schema.migrate(database)
        database.close()
        return _TEMPLATE

    def new_database(self, *, empty: bool = False) -> str:
        """The address of a new database, with the newest tables unless ``empty``."""
        name = f"icard_{next(self._numbers)}"
        template = "template0" if empty else self._template
        self._command(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Delete a database, whoever is still connected to it."""
        name = url.partition("@/")[2].partition("?")[0]
        self._command(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def dump(self, url: str) -> bytes:
        """What ``pg_dump`` writes of a database."""
        name = url.partition("@/")[2].partition("?")[0]
        arguments = [str(self._bin / "pg_dump"), "-h", str(self._folder), "-U", "icard", name]
        return subprocess.run(arguments, check=True, capture_output=True).stdout


def _once(make: Callable[[], Server]) -> Callable[[], Server]:
    """Remember a failure too: a hundred tests should not each try to start what cannot start."""

    @functools.cache
    def outcome() -> Server | Unavailable:
        try:
            return make()
        except Unavailable as fault:
            return fault

    def get() -> Server:
        found = outcome()
        if isinstance(found, Unavailable):
            raise found
        return found

    return get


server = _once(Server)
