"""Faults of a database: which may pass, and what callers get of the others.

Promise: what leaves this package is a code, without statements, parameters or addresses.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from icard_crypto.errors import StateError, Unavailable

__all__ = ["final", "has_waited", "is_denied", "kind_of", "reason_of"]

# SQLSTATE classes and codes (PostgreSQL documentation, appendix A) after which the same work may succeed.
_AGAIN: Final = frozenset({"40001", "40P01", "55P03", "57014", "25P03", "57P01", "57P02", "57P03", "53300"})
#: What a server says to a login that it does not take: libpq gives no code while it connects.
_DENIED: Final = re.compile(
    r"FATAL: +(password authentication failed|role \S+ does not exist|database \S+ does not exist)"
)
_FULL: Final = frozenset({"SQLITE_FULL", "53100"})


def kind_of(fault: DBAPIError) -> str | None:
    """The code of a fault after which the same work may succeed, or None."""
    original = fault.orig
    if isinstance(original, sqlite3.Error):
        name = getattr(original, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return "database.busy"
        return "database.unreachable" if name.startswith("SQLITE_CANTOPEN") else None
    if isinstance(original, psycopg.Error):
        if original.sqlstate in _AGAIN:
            gone = original.sqlstate.startswith("57P")
            return "database.unreachable" if gone else "database.busy"
        if is_denied(fault):
            return None
        if fault.connection_invalidated or (isinstance(fault, OperationalError) and original.sqlstate is None):
            return "database.unreachable"
    return None


def is_denied(fault: DBAPIError) -> bool:
    """Whether the server answered and did not let this login in."""
    original = fault.orig
    return isinstance(original, psycopg.Error) and original.sqlstate is None and bool(_DENIED.search(str(original)))


def has_waited(fault: DBAPIError) -> bool:
    """Whether a lock or a statement had all its time: to try that again would hang whoever asked."""
    original = fault.orig
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorname", "") == "SQLITE_BUSY"
    return isinstance(original, psycopg.Error) and original.sqlstate in ("55P03", "57014", "25P03")


def final(fault: DBAPIError) -> Exception:
    """What a caller gets of a fault that is not tried again. A broken constraint stays what it is: whoever
    does the work knows what it means.
    """
    if isinstance(fault, IntegrityError):
        return fault
    kind = kind_of(fault)
    if kind is not None:
        return Unavailable(kind, found=reason_of(fault))
    if is_denied(fault):
        return StateError("database.denied")
    reason = reason_of(fault)
    if reason in _FULL:
        return Unavailable("database.full", found=reason)
    return StateError("database.fault", found=reason)


def reason_of(fault: DBAPIError) -> str:
    """The driver's word for it, without statements, parameters or addresses."""
    original = fault.orig
    return getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or type(original).__name__
