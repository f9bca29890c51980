"""The issuing service behind a real PgBouncer that pools by transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.db.engine import connect
from tests.issuer.conftest import postgres_server
from tests.kit.issuing_service import new_core, person
from tests.kit.people import at_once

_SETTINGS = """[databases]
* = host={folder} user=icard
[pgbouncer]
unix_socket_dir = {folder}
unix_socket_mode = 0777
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 4
logfile = {folder}/pgbouncer.log
"""


@pytest.fixture
def pooled() -> Iterator[str]:
    """The address of a new database, by way of the pooler."""
    program = shutil.which("pgbouncer")
    if program is None:
        assert not os.environ.get("CI"), "pgbouncer is missing"
        pytest.skip("no pgbouncer")
    server = postgres_server()
    url = server.new_database()
    folder = Path(url.partition("?host=")[2])
    settings = folder / "pgbouncer.ini"
    settings.write_text(_SETTINGS.format(folder=folder))
    settings.chmod(0o644)
    user = "postgres" if os.geteuid() == 0 else None
    process = subprocess.Popen(
        [program, "--quiet", str(settings)], user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    through = f"{url}&port=6432"
    name = url.partition("@/")[2].partition("?")[0]
    for _ in range(200):
        try:
            psycopg.connect(f"host={folder} port=6432 user=icard dbname={name}").close()
            break
        except psycopg.OperationalError:
            assert process.poll() is None
            time.sleep(0.05)
    yield through
    process.terminate()
    process.wait(30)
    server.drop(url)


def test_each_client_gets_its_own_answer(pooled: str) -> None:
    """Fourteen threads on four connections, each asking for a number of its own: none gets another's, none fails."""
    database = connect(pooled)

    def ask(own: int) -> set[int]:
        statement = text("select :own + 0 * count(*) from cards").bindparams(own=own)
        return {database.transact(lambda session: session.execute(statement).scalar_one()) for _ in range(60)}

    assert at_once([partial(ask, own) for own in range(14)]) == [{own} for own in range(14)]
    database.close()


def test_the_service_works_behind_it(pooled: str, tmp_path: Path) -> None:
    """Cards are issued at once from several threads, with their locks and their limits of time."""
    core = new_core(tmp_path, pooled)
    by = Actor("officer:1")
    made = at_once([partial(cards.issue, core, [NewCard(person(n))], by) for n in range(8)])
    assert [each for each in made if isinstance(each, Exception)] == []
    core.close()
