"""The unit of work on both databases."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import psycopg.sql
import pytest
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.core import BESIDE
from issuer.db import engine
from issuer.db.engine import Database, connect
from issuer.db.meta import Publisher
from tests.issuer.conftest import new_database_url, postgres_server
from tests.kit.issuing_service import settings_for
from tests.kit.people import at_once
from tests.kit.postgres import Server


def _add(number: int) -> Callable[[Session], int]:
    def work(session: Session) -> int:
        session.add(Publisher(id=number, version=0, iat=0))
        return number

    return work


def _rows(database: Database) -> int:
    return database.read(lambda session: session.scalar(select(func.count()).select_from(Publisher)) or 0)


def _count(session: Session) -> None:
    row = session.scalars(select(Publisher).where(Publisher.id == 1).with_for_update()).one()
    row.version += 1


def test_work_is_all_or_nothing(database: Database) -> None:
    """Work that raises leaves nothing behind."""

    def work(session: Session) -> None:
        _add(1)(session)
        session.flush()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        database.transact(work)
    assert _rows(database) == 0


def test_a_broken_constraint_is_not_tried_again(database: Database) -> None:
    """What cannot succeed is raised at once, as the library's own error."""
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        _add(1)(session)

    database.transact(work)
    with pytest.raises(IntegrityError):
        database.transact(work)
    assert len(tries) == 2


def test_threads_lose_no_update(database: Database) -> None:
    """Eight threads add one each, twenty times, to one row: none is lost."""
    database.transact(_add(1))

    def many() -> None:
        for _ in range(20):
            database.transact(_count)

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.read(lambda session: session.scalars(select(Publisher.version)).one()) == 160


def test_threads_wait_for_each_other_on_sqlite(tmp_path: Path) -> None:
    """Where SQLite does not wait at all, eight threads write without one of them finding the file busy."""
    database = connect(new_database_url("sqlite", tmp_path))
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=0"))
    database.transact(_add(1))

    def many() -> None:
        for _ in range(20):
            database.transact(_count, hurry=True)

    assert at_once([many] * 8) == [None] * 8
    assert database.read(lambda session: session.scalars(select(Publisher.version)).one()) == 160
    database.close()


def test_a_deadlock_is_tried_again() -> None:
    """Two transactions that lock two rows in opposite order both succeed (PostgreSQL finds the deadlock)."""
    server = postgres_server()
    url = server.new_database()
    database = connect(url)
    database.transact(_add(1))
    database.transact(_add(2))
    both_hold_one = threading.Barrier(2, timeout=30)
    tries = []

    def lock(order: tuple[int, int]) -> None:
        met = False

        def work(session: Session) -> None:
            nonlocal met
            tries.append(order)
            for number in order:
                session.scalars(select(Publisher).where(Publisher.id == number).with_for_update()).one().version += 1
                session.flush()
                if not met:
                    met = True
                    both_hold_one.wait()

        database.transact(work)

    threads = [threading.Thread(target=lock, args=(order,)) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 3
    assert database.read(lambda session: list(session.scalars(select(Publisher.version)))) == [2, 2]
    database.close()
    server.drop(url)


def test_a_lock_held_elsewhere_hangs_nobody(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has what is needed, for as long as it likes: busy, said once, and work as ever afterwards."""
    monkeypatch.setattr(engine, "LOCK_MS", 200)
    monkeypatch.setattr(engine, "BUSY_MS", 200)
    database.transact(_add(1))
    hurried = connect(database_url)
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        session.scalars(select(Publisher).with_for_update()).one().version += 1
        session.flush()

    holding = database.engine.connect()
    holding.execute(update(Publisher).values(version=7))
    with pytest.raises(StateError) as caught:
        hurried.transact(work)
    assert (caught.value.code, len(tries) <= 1) == ("database.busy", True)
    holding.rollback()
    holding.close()
    hurried.transact(work)
    hurried.close()


def test_a_thread_that_finds_no_connection_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are out: busy, and no error without a code."""
    monkeypatch.setattr(engine, "_POOL_PATIENCE", 0.2)
    server = postgres_server()
    url = server.new_database()
    database = connect(url, connections=1)
    with database.engine.connect():
        for act in (database.read, database.transact):
            with pytest.raises(StateError) as caught:
                act(lambda session: session.execute(text("SELECT 1")))
            assert caught.value.code == "database.busy"
    database.close()
    server.drop(url)


def test_nothing_is_prepared_by_name() -> None:
    """Behind a pooler in transaction mode the next statement may come to another connection."""
    server = postgres_server()
    url = server.new_database()
    database = connect(url)
    for _ in range(10):
        database.transact(lambda session: session.scalar(text("SELECT :n + 1"), {"n": 1}))
    prepared = database.read(lambda session: session.scalar(text("SELECT count(*) FROM pg_prepared_statements")))
    limits = database.read(lambda session: session.scalar(text("SELECT current_setting('lock_timeout')")))
    assert (prepared, limits) == (0, "5s")
    database.close()
    server.drop(url)


def test_a_lost_connection_is_tried_again() -> None:
    """A connection that the server ends in the middle of the work costs nothing but a second try."""
    server = postgres_server()
    url = server.new_database()
    database = connect(url)
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        _add(1)(session)
        session.flush()
        if len(tries) == 1:
            own = session.scalar(text("SELECT pg_backend_pid()"))
            with connect(url).engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
            session.execute(text("SELECT 1"))

    database.transact(work)
    assert (len(tries), _rows(database)) == (2, 1)
    database.close()
    server.drop(url)


def test_a_connection_lost_in_the_commit_is_settled(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit went through but its answer was lost: ``settled`` finds the work done, and it is not done twice."""
    commit = Session.commit
    lost: list[int] = []

    def commit_and_lose(session: Session) -> None:
        commit(session)
        if not lost:
            lost.append(1)
            raise _lost_connection()

    monkeypatch.setattr(Session, "commit", commit_and_lose)
    found = database.transact(_add(1), settled=lambda session: 1 if session.get(Publisher, 1) else None)
    assert (found, _rows(database)) == (1, 1)


def test_a_commit_without_an_answer_is_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``settled`` nobody can know, and the error says so."""

    def lose(session: Session) -> None:
        raise _lost_connection()

    monkeypatch.setattr(Session, "commit", lose)
    with pytest.raises(StateError) as caught:
        database.transact(_add(1))
    assert caught.value.code == "database.commit_unknown"
    assert "nobody knows" in caught.value.message()


def _lost_connection() -> Exception:
    import psycopg
    from sqlalchemy.exc import OperationalError

    return OperationalError("COMMIT", {}, psycopg.OperationalError("server closed the connection unexpectedly"))


@pytest.mark.parametrize("url", ["mysql://host/x", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_other_addresses_are_refused(url: str) -> None:
    """Only files of SQLite and PostgreSQL; a database in memory would lose every card."""
    with pytest.raises(StateError) as caught:
        connect(url)
    assert caught.value.code == "database.url"
    assert caught.value.expected == "sqlite:///path or postgresql://user@host/name"


def test_an_absent_database_is_named() -> None:
    """One that does not answer is an error with a code, and shows neither address nor password."""
    database = connect("postgresql://someone:geheim@127.0.0.1:9/x?connect_timeout=1")
    with pytest.raises(StateError) as caught:
        database.check()
    assert caught.value.code == "database.unreachable"
    assert "geheim" not in str(caught.value)


def test_sqlite_keeps_what_it_committed(database: Database) -> None:
    """The journal and the sync of SQLite are those that survive a loss of power."""
    if not database.is_sqlite:
        pytest.skip("SQLite's pragmas")
    with database.engine.connect() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert values == ["wal", 2]


@pytest.mark.slow
def test_processes_lose_no_update(database: Database, database_url: str) -> None:
    """Four processes add to one row at once: none is lost, none gives up."""
    database.transact(_add(1))
    program = (
        "import sys\nfrom issuer.db.engine import connect\nfrom tests.issuer.db.test_engine import _count\n"
        "database = connect(sys.argv[1])\nfor _ in range(25): database.transact(_count)\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, database_url]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert database.read(lambda session: session.scalars(select(Publisher.version)).one()) == 100


def test_a_full_disk_changes_nothing_and_is_named(database: Database) -> None:
    """SQLite's file may grow no further: the work is undone, and done again once there is room."""
    if not database.is_sqlite:
        pytest.skip("SQLite's page limit")

    def fill(session: Session) -> None:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
        session.connection().exec_driver_sql(f"PRAGMA max_page_count={pages}")
        for number in range(1, 5000):
            _add(number)(session)

    with pytest.raises(StateError) as caught:
        database.transact(fill)
    assert (caught.value.code, caught.value.found) == ("database.full", "SQLITE_FULL")
    assert caught.value.message() == "The disk of the database is full."
    database.close()
    assert _rows(database) == 0
    database.transact(_add(1))


def test_a_statement_that_the_database_refuses_is_named(database: Database) -> None:
    """No exception of the driver leaves, and its words, which may hold data, do not show."""
    with pytest.raises(StateError) as caught:
        database.transact(lambda session: session.execute(text("SELECT 'geheim' FROM nowhere")))
    assert caught.value.code == "database.fault"
    assert caught.value.found in ("SQLITE_ERROR", "42P01")
    assert "geheim" not in str(caught.value)


@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back() -> None:
    """Work that meets a stopped server succeeds once it is back, in the same process."""
    postgres_server()
    server = Server()
    try:
        database = connect(server.new_database())
        database.transact(_add(1))
        server.stop()
        waiting = threading.Thread(target=lambda: database.transact(_add(2)))
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive()
        server.start()
        waiting.join(30)
        assert _rows(database) == 2
        database.close()
    finally:
        server.remove()


def test_work_on_sqlite_is_alone_from_its_first_statement(database: Database) -> None:
    """A read inside a unit of work holds the write lock already: what it read still stands when it writes."""
    if not database.is_sqlite:
        pytest.skip("SQLite's transactions")
    database.transact(_add(1))
    outcomes = []

    def work(session: Session) -> None:
        session.scalars(select(Publisher.version)).one()
        with sqlite3.connect(str(database.engine.url.database), timeout=0) as other:
            try:
                other.execute("UPDATE publisher SET version = 7")
            except sqlite3.OperationalError as fault:
                outcomes.append(fault.sqlite_errorname)

    database.transact(work)
    assert outcomes == ["SQLITE_BUSY"]


def test_a_database_that_is_no_utf8_is_named() -> None:
    """SQL_ASCII, which some servers still make: one line at the start, not a fault at the first name."""
    server = postgres_server()
    url = server.new_database(empty=True)
    name = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        made = "TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        admin.execute(psycopg.sql.SQL(f"CREATE DATABASE {name}_old {made}"))
    old = connect(server.url(f"{name}_old"))
    with pytest.raises(StateError) as caught:
        old.check()
    assert (caught.value.code, caught.value.found) == ("database.encoding", "SQL_ASCII")
    old.close()
    server.drop(server.url(f"{name}_old"))
    server.drop(url)


def test_a_login_that_is_refused_is_no_server_that_is_away() -> None:
    """A wrong user, or no such database: said so, and not tried again for twenty seconds."""
    server = postgres_server()
    good = server.url("postgres")
    for wrong in (good.replace("icard@", "nobody@", 1), server.url("no_such_database")):
        database = connect(wrong)
        for ask in (database.check, lambda d=database: d.read(lambda session: session.scalar(select(1)))):
            with pytest.raises(StateError) as caught:
                ask()
            assert caught.value.code == "database.denied"
        database.close()


def test_threads_have_connections_or_nothing_starts() -> None:
    """One connection for each thread that may need one: refused where the server gives fewer, or the settings do."""
    server = postgres_server()
    database = connect(server.url("postgres"))
    database.require_connections(20)
    with pytest.raises(StateError) as caught:
        database.require_connections(100_000)
    assert caught.value.code == "database.connections"
    database.close()
    settings = settings_for(Path("."), "sqlite:///x", serve_threads=40)
    assert settings.connections(BESIDE) == 40 + BESIDE
    with pytest.raises(StateError) as caught:
        settings_for(Path("."), "sqlite:///x", serve_threads=40, database_connections=40).connections(BESIDE)
    assert (caught.value.code, caught.value.path) == ("settings.value", "database_connections")
