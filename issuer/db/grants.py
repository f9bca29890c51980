"""What each role of a PostgreSQL database may do, as SQL.

Promises:

1. The owner of the tables migrates, and is nobody else's role: neither server nor worker makes, alters or empties a
   table.
2. Server and worker read and write records. What is kept as evidence they only add to: the audit and its checkpoints
   are never changed, which code has which index neither. The worker alone takes away look-ups whose time is over.
   Rows are deleted only of tables whose rows end (``grants.json``); nobody deletes cards, codes, permits or acts.
3. An auditor reads every table, since the audit is checked against all bound records, and writes nothing.
4. Repeating the statements changes nothing; they have to be run again after each migration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from icard_crypto.errors import Invalid

from .base import Base

__all__ = ["Roles", "grants"]

_ROLE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_VERSION: Final = "alembic_version"


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of login roles that the database's administrator has made; None: there is none.

    Raises:
        Invalid: ``database.role``: a name is none, or is there twice.
    """

    server: str | None = None
    worker: str | None = None
    auditor: str | None = None

    def __post_init__(self) -> None:
        names = [name for name in (self.server, self.worker, self.auditor) if name is not None]
        for name in names:
            if not _ROLE.fullmatch(name) or names.count(name) > 1:
                expected = "another name for each role: a to z, 0 to 9 and _"
                raise Invalid("database.role", path="role", expected=expected, found=name[:63])


def grants(roles: Roles) -> list[str]:
    """The statements for the owner of the tables, in their order.

    Tables have to be loaded (:mod:`issuer.tables`).
    """
    rules: Mapping[str, Any] = json.loads((resources.files("issuer.db") / "grants.json").read_text("utf-8"))
    tables = sorted(Base.metadata.tables)
    made = ["REVOKE CREATE ON SCHEMA public FROM PUBLIC", "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC"]
    for role, more in ((roles.server, ()), (roles.worker, rules["deleted_by_worker"])):
        if role is not None:
            made += _begin(role)
            made += _writer(role, tables, rules, {*rules["deleted"], *more})
    if roles.auditor is not None:
        made += _begin(roles.auditor)
        made.append(_grant("SELECT", [*tables, _VERSION], roles.auditor))
    return made


def _begin(role: str) -> list[str]:
    return [
        f'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{role}"',
        f'GRANT USAGE ON SCHEMA public TO "{role}"',
    ]


def _writer(role: str, tables: list[str], rules: Mapping[str, Any], deleted: Collection[str]) -> list[str]:
    kept, fixed = set(rules["never_changed"]), rules["fixed_columns"]
    made = [
        _grant("SELECT", [*tables, _VERSION], role),
        _grant("INSERT", tables, role),
        _grant("UPDATE", [table for table in tables if table not in kept and table not in fixed], role),
        _grant("DELETE", sorted(deleted), role),
    ]
    for table, columns in fixed.items():
        others = [column.name for column in Base.metadata.tables[table].columns if column.name not in columns]
        made.append(_grant(f"UPDATE ({', '.join(others)})", [table], role))
    return made


def _grant(what: str, tables: Collection[str], role: str) -> str:
    return f'GRANT {what} ON {", ".join(tables)} TO "{role}"'
