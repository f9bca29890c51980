"""What the roles of a PostgreSQL database may do: their work, and no more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from icard_crypto.errors import Invalid
from issuer import tables  # noqa: F401  (every table)
from issuer.cards.models import CardRow
from issuer.cli.commands import app
from issuer.core import Core
from issuer.db.base import Base
from issuer.db.grants import Roles, grants
from issuer.service.app import make_app
from tests.issuer.conftest import new_database_url
from tests.kit import postgres
from tests.kit.callers import by_session
from tests.kit.cli import run
from tests.kit.issuing_api import new_service, wanted_card
from tests.kit.issuing_service import settings_for
from tests.kit.people import count, make
from verifier.runtime import http

_ROLES = Roles("icard_grants_server", "icard_grants_worker", "icard_grants_auditor")
_DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A database of its own, whose roles have what they are granted."""
    made = new_database_url("postgresql", tmp_path)
    with psycopg.connect(_dsn(made, "icard"), autocommit=True) as owner:
        for role in (_ROLES.server, _ROLES.worker, _ROLES.auditor):
            owner.execute(f"DROP ROLE IF EXISTS {role}".encode())
            owner.execute(f"CREATE ROLE {role} LOGIN".encode())
        for _ in range(2):
            for statement in grants(_ROLES):
                owner.execute(statement.encode())
    yield made
    with psycopg.connect(_dsn(made, "icard"), autocommit=True) as owner:
        for role in (_ROLES.server, _ROLES.worker, _ROLES.auditor):
            owner.execute(f"DROP OWNED BY {role}".encode())
            owner.execute(f"DROP ROLE {role}".encode())
    postgres.server().drop(made)


def _dsn(url: str, role: str | None) -> str:
    parts = urlsplit(url)
    return f"host={parts.query.removeprefix('host=')} user={role} dbname={parts.path.lstrip('/')}"


def as_role(url: str, role: str | None) -> str:
    return url.replace("icard@", f"{role}@", 1)


def allowed(url: str, role: str | None, what: str) -> set[str]:
    """The tables on which a role has a privilege as a whole."""
    with psycopg.connect(_dsn(url, "icard")) as owner:
        query = (
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND has_table_privilege(%s, oid, %s)"
        )
        return {name for (name,) in owner.execute(query, (role, what))}


def test_a_role_has_what_it_needs_and_no_more(url: str) -> None:
    """No table is emptied or altered; evidence is only added to; an auditor changes nothing at all."""
    every = set(Base.metadata.tables)
    for role in (_ROLES.server, _ROLES.worker):
        assert allowed(url, role, "SELECT") == {*every, "alembic_version"}
        assert allowed(url, role, "INSERT") == every
        assert every - allowed(url, role, "UPDATE") == {
            *("audit", "audit_details", "checkpoints", "codes", "online_lookups", "reads")
        }
        assert allowed(url, role, "TRUNCATE") == allowed(url, role, "TRIGGER") == set()
        assert allowed(url, role, "DELETE").isdisjoint(
            {
                "accounts",
                "audit",
                "audit_details",
                "cards",
                "checkpoints",
                "codes",
                "keys",
                "lists",
                "permits",
                "persons",
            }
        )
    assert allowed(url, _ROLES.worker, "DELETE") - allowed(url, _ROLES.server, "DELETE") == {
        *("online_lookups", "reads", "tallies")
    }
    for what in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
        assert allowed(url, _ROLES.auditor, what) == set()
    assert allowed(url, _ROLES.auditor, "SELECT") == {*every, "alembic_version"}


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (_ROLES.server, "DELETE FROM audit"),
        (_ROLES.server, "UPDATE audit SET action = 'x'"),
        (_ROLES.server, "UPDATE codes SET idx = idx + 1"),
        (_ROLES.server, "DELETE FROM online_lookups"),
        (_ROLES.server, "ALTER TABLE audit ADD COLUMN more int"),
        (_ROLES.server, "CREATE TABLE more (id int)"),
        (_ROLES.worker, "DELETE FROM audit_details"),
        (_ROLES.worker, "TRUNCATE online_lookups"),
        (_ROLES.worker, "UPDATE alembic_version SET version_num = 'x'"),
        (_ROLES.auditor, "SELECT seq FROM audit_head FOR UPDATE"),
        (_ROLES.auditor, "DELETE FROM reads"),
        (_ROLES.auditor, "INSERT INTO audit_head SELECT * FROM audit_head"),
    ],
)
def test_what_a_role_may_not_do_is_refused(url: str, role: str, statement: str) -> None:
    with psycopg.connect(_dsn(url, role)) as connection, pytest.raises(_DENIED):
        connection.execute(statement.encode())


@pytest.mark.slow
def test_each_role_does_its_work(url: str, tmp_path: Path) -> None:
    """The server issues, reissues and revokes; the worker publishes; the auditor verifies the chain."""
    owner = new_service(tmp_path, url)
    # Accounts are older than what they confirm; server and commands have the system's clock.
    owner.clock.at = time.time() - 7200
    officers = [make(owner, "permit_officer", name) for name in ("li.wei", "wang.fang")]
    owner.clock.at = time.time() - 300
    entered = [officer.enter() for officer in officers]
    served = Core.open(settings_for(tmp_path, as_role(url, _ROLES.server), direct_issuing=True))
    service = make_app(served, http.Drain())
    one, other = (by_session(service, each) for each in entered)
    issued = one("POST", "/v1/cards", wanted_card(1))
    assert issued.status_code == 201, issued.text
    path, tag = issued.headers["location"], issued.headers["etag"]
    renewed = one("POST", f"{path}/renew", {"reason": "lost"}, version=tag)
    assert renewed.status_code == 201, renewed.text
    wanted = {"act": "card.revoke", "arguments": {"card_id": path.rpartition("/")[2]}, "reason": "a test"}
    asked = one("POST", "/v1/confirmations", wanted)
    assert asked.status_code == 201, asked.text
    confirmed = other("POST", f"/v1/confirmations/{asked.json()['confirmation_id']}/confirm")
    assert confirmed.status_code == 200, confirmed.text
    served.close()
    for role, command in ((_ROLES.worker, ["worker", "--once"]), (_ROLES.auditor, ["audit", "verify"])):
        told = run(app, *command, "-C", str(tmp_path), ICARD_ISSUER_DATABASE_URL=as_role(url, role))
        assert told.status == 0, told.err
    assert count(owner.core, CardRow) == 1
    owner.core.close()


def test_a_name_of_a_role_is_quoted_by_nobody() -> None:
    """It goes into SQL: what is no plain name, or is there twice, is refused."""
    for wrong in ('a"; DROP TABLE audit; --', "", "Icard", "a" * 64):
        with pytest.raises(Invalid, match=r"database\.role"):
            Roles(server=wrong)
    with pytest.raises(Invalid, match=r"database\.role"):
        Roles(server="same", worker="same")


def test_the_command_writes_what_psql_runs() -> None:
    told = run(app, "grants", "--server", "icard_server", "--auditor", "icard_auditor")
    assert told.out.splitlines() == [f"{each};" for each in grants(Roles("icard_server", None, "icard_auditor"))]
    assert run(app, "grants").status == 64
