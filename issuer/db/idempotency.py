"""Idempotency keys: a request has its effect once, however often it is sent.

Promises:

1. The request is noted in the transaction of what it makes: both are there or neither.
2. Of a hundred at once one makes something; the others wait for it and get what it made.
3. The same key with another body is refused, never answered with the other's result.
4. Keys and bodies are kept as SHA-256 hashes only.
5. What a repeated request is answered with is bound (:mod:`issuer.db.bound`): whoever has the database alone is not
   shown what others made in the place of their own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import String
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from icard_crypto.errors import Invalid

from .base import Base, Hex64, Seconds
from .bound import Bound, checked_row, with_mac

__all__ = ["AlreadyTaken", "Idempotency", "Request", "claim", "made_by"]


class Idempotency(Bound, Base):
    """A request that was taken, by scope (account, route, key); the answer is rendered from what it made."""

    __tablename__ = "idempotency"
    bound = ("body", "made")
    bound_since = "0036"

    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    route: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[Hex64] = mapped_column(primary_key=True)
    body: Mapped[Hex64]
    made: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[Seconds] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class Request:
    """A request's scope (account, route, key) and its body."""

    account: str
    route: str
    key: str
    body: bytes


def claim(session: Session, request: Request, made: str, now: int) -> str | None:
    """Note that ``request`` makes ``made``; None, or what it made when it was taken before.

    Raises:
        Invalid: ``idempotency.other_body``.
        AlteredRow: somebody changed the note of it outside the service.
    """
    key = hashlib.sha256(request.key.encode()).hexdigest()
    body = hashlib.sha256(request.body).hexdigest()
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    # Waits for another transaction that inserts the same, and inserts after all when that one is rolled back.
    scope = {"account": request.account, "route": request.route, "key": key}
    values = with_mac(session, Idempotency, {**scope, "body": body, "made": made, "created_at": now})
    statement = insert(Idempotency).values(values).on_conflict_do_nothing().returning(Idempotency.key)
    if session.execute(statement).first() is not None:
        return None
    found = checked_row(session, Idempotency, **scope)
    if found is None:
        raise RuntimeError("a request that was taken before is gone")
    if found.body != body:
        raise Invalid("idempotency.other_body", path=request.route)
    return str(found.made)


class AlreadyTaken(Exception):
    """The request was taken before: this transaction is undone. ``made``: what the first one made."""

    def __init__(self, made: str) -> None:
        super().__init__("taken before")
        self.made = made


def made_by(session: Session, request: Request) -> str | None:
    """What the request made when it was taken before; None: it was not.

    Raises:
        Invalid: ``idempotency.other_body``.
        AlteredRow: somebody changed the note of it outside the service.
    """
    key = hashlib.sha256(request.key.encode()).hexdigest()
    found = session.get(Idempotency, (request.account, request.route, key))
    if found is not None and found.body != hashlib.sha256(request.body).hexdigest():
        raise Invalid("idempotency.other_body", path=request.route)
    return None if found is None else found.made
