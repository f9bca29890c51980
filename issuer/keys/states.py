"""The life of a key: draft, published, active, retired, revoked.

Promises:

1. A key's usage never changes. At most one key of a usage is active; activating the next retires it in one step.
2. A published key becomes active after 14 days, in which verifiers that are seldom online learn of it; sooner only as
   an emergency, which the audit records. Before, a check of the caller's says whether verifiers take what it signs
   (:mod:`issuer.published.activation`).
3. A key's window begins with the hour of its publication, for the time in a code is rounded down to the hour.
4. A retired key finishes what was intended with it and begins nothing; it may become active again while the trust list
   in force names it. Revocation is permanent: a revoked key signs nothing any more, and ``compromised`` takes
   everything that it signed with it.
5. Every step is in the audit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.issuing import HOUR
from icard_crypto.errors import KeyFault
from icard_crypto.moments import DAY, moment_text
from icard_crypto.signing.algorithms import Algorithm, by_name
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from issuer.acts import Actor
from issuer.db.unit_of_work import UnitOfWork, Units
from verifier.knowledge.trust import Issuer, Revocation, TrustedKey, Usage

from .keystore import Keystore
from .models import KeyRow

__all__ = [
    "WAITING_TIME",
    "Approved",
    "Check",
    "activate",
    "active_key",
    "all_keys",
    "find",
    "generate",
    "publish",
    "require_active",
    "retire",
    "revoke",
    "still_active",
    "trusted_key",
]

#: Seconds between publication and use.
WAITING_TIME: Final = 14 * DAY

Kind = Literal["compromised", "retired"]


@dataclass(frozen=True, slots=True)
class Approved:
    """What a check found of a key that may sign.

    Args:
        since: when a trust list first named it, Unix time; None: there is no trust list.
        details: what the audit is to have of it.
    """

    since: int | None
    details: Mapping[str, Any]


#: Whether a key may become active at that Unix time; raises where it may not.
Check = Callable[[Session, KeyRow, int], Approved]


class KeyCore(Units, Protocol):
    """What the states of keys need of the core."""

    @property
    def keystore(self) -> Keystore: ...

    @property
    def issuer(self) -> Issuer: ...

    @property
    def passphrase(self) -> Callable[[], bytes]: ...

    @property
    def scrypt_log2(self) -> int: ...


def generate(core: KeyCore, usage: Usage, algorithm: Algorithm, actor: str) -> KeyRow:
    """A new key in state draft: its file first, then its row.

    A kill between the two leaves a file that nothing refers to, which harms nobody.
    """
    key = SigningKey.generate(algorithm)
    core.keystore.add(key, usage, core.issuer.iss, core.passphrase(), core.scrypt_log2)
    public = key.verifying_key

    def work(unit: UnitOfWork) -> KeyRow:
        session, now = unit.session, unit.now
        row = KeyRow(
            thumbprint=public.thumbprint.hex(),
            usage=usage,
            algorithm=algorithm.name,
            public=public.raw,
            state="draft",
            emergency=False,
            created_at=now,
        )
        session.add(row)
        unit.audit("key.generate", row.thumbprint, {"usage": usage, "algorithm": algorithm.name})
        return row

    return core.transact(Actor(actor), work)


def publish(core: KeyCore, name: str, actor: str) -> KeyRow:
    """Draft to published: from now on the key belongs on the trust list."""

    def step(session: Session, row: KeyRow, now: int) -> dict[str, Any]:
        _require(row, "draft")
        row.state, row.published_at, row.valid_from = "published", now, now - now % HOUR
        return {}

    return _step(core, name, actor, "key.publish", step)


def activate(
    core: KeyCore, name: str, actor: str, check: Check, *, emergency: bool = False, reason: str | None = None
) -> KeyRow:
    """Published, or retired and still listed, to active; the key that was active for this usage retires.

    Args:
        check: asked in the transaction, before anything is changed.

    Raises:
        KeyFault: ``keystore.state``, ``keystore.too_early``, ``keystore.not_found``; what the check raises.
    """

    def step(session: Session, row: KeyRow, now: int) -> dict[str, Any]:
        _require(row, "published", "retired")
        approved = check(session, row, now)
        if row.state == "retired" and approved.since is None:
            _require(row, "published")
        due = max(row.published_at or now, approved.since or 0) + WAITING_TIME
        if now < due and not emergency:
            raise KeyFault(
                "keystore.too_early", expected=f"{moment_text(due)}, or an emergency", found=moment_text(now)
            )
        before = active_key(session, cast("Usage", row.usage), lock=True)
        if before is not None:
            before.state, before.retired_at = "retired", now
            session.flush()
        row.state, row.activated_at, row.retired_at, row.emergency = "active", now, None, now < due
        return {
            "emergency": row.emergency,
            "break_glass": row.emergency,
            "reason": reason,
            "retired": before.thumbprint if before else None,
            **approved.details,
        }

    return _step(core, name, actor, "key.activate", step)


def retire(core: KeyCore, name: str, actor: str, *, reason: str | None = None) -> KeyRow:
    """Active to retired, without a successor: nothing of its usage is signed until another is activated."""

    def step(session: Session, row: KeyRow, now: int) -> dict[str, Any]:
        _require(row, "active", "published")
        row.state, row.retired_at = "retired", now
        return {"reason": reason}

    return _step(core, name, actor, "key.retire", step)


def revoke(core: KeyCore, name: str, actor: str, *, kind: Kind, reason: str | None) -> KeyRow:
    """Any state to revoked, permanently. Codes that wait for this key's signature are burnt when they are finished."""

    def step(session: Session, row: KeyRow, now: int) -> dict[str, Any]:
        _require(row, "draft", "published", "active", "retired")
        row.state, row.revoked_at, row.revoked_kind = "revoked", now, kind
        return {"kind": kind, "reason": reason, "break_glass": True}

    return _step(core, name, actor, "key.revoke", step)


def all_keys(session: Session) -> Sequence[KeyRow]:
    """Every key, oldest first."""
    return session.scalars(select(KeyRow).order_by(KeyRow.created_at, KeyRow.thumbprint)).all()


def active_key(session: Session, usage: Usage, *, lock: bool = False, share: bool = False) -> KeyRow | None:
    """The key that signs this usage now; locked for a change, or shared for the length of a transaction."""
    query = select(KeyRow).where(KeyRow.usage == usage, KeyRow.state == "active")
    if lock or share:
        query = query.with_for_update(read=share)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def require_active(session: Session, usage: Usage, *, share: bool = True) -> KeyRow:
    """The key that signs this usage now.

    Args:
        share: held until the transaction ends, so that no step of the key is taken meanwhile.

    Raises:
        KeyFault: ``keystore.none_active``.
    """
    # Twice: a rotation that commits meanwhile hides both keys from one statement's snapshot.
    for _ in range(2):
        row = active_key(session, usage, share=share)
        if row is not None:
            return row
    raise KeyFault("keystore.none_active", expected=f"an active {usage} key")


def still_active(session: Session, row: KeyRow) -> bool:
    """Whether a key that was read earlier is active still; if so, it stays so until the transaction ends."""
    found = session.get(KeyRow, row.thumbprint, with_for_update={"read": True}, populate_existing=True)
    return found is not None and found.state == "active"


def find(session: Session, name: str, *, lock: bool = False) -> KeyRow:
    """The one key whose thumbprint begins with ``name``, at least 8 hexadecimal digits.

    Raises:
        KeyFault: ``keystore.not_found``.
    """
    query = select(KeyRow).where(KeyRow.thumbprint.startswith(name.lower(), autoescape=True))
    rows = session.scalars(query.with_for_update() if lock else query).all() if len(name) >= 8 else []
    if len(rows) != 1:
        raise KeyFault("keystore.not_found", expected="the start of one key's thumbprint", found=f"{len(rows)} keys")
    return rows[0]


def trusted_key(row: KeyRow, issuer: Issuer) -> TrustedKey:
    """The key as a verifier trusts it."""
    revoked = None
    if row.revoked_at is not None:
        revoked = Revocation(row.revoked_at, cast("Kind", row.revoked_kind))
    return TrustedKey(
        _public(row), cast("Usage", row.usage), issuer, row.valid_from or row.created_at, row.valid_until, revoked
    )


def _public(row: KeyRow) -> VerifyingKey:
    return _checked(row.algorithm, row.public)


# Checking a point costs as much as a signature, and the same few keys come with every code.
@functools.lru_cache(maxsize=256)
def _checked(name: str, raw: bytes) -> VerifyingKey:
    algorithm = by_name(name)
    if algorithm is None:
        raise KeyFault("key.unknown_algorithm", found=name)
    return VerifyingKey(algorithm, raw)


def _require(row: KeyRow, *states: str) -> None:
    if row.state not in states:
        raise KeyFault("keystore.state", expected=" or ".join(states), found=row.state)


def _step(core: KeyCore, name: str, actor: str, action: str, step: Any) -> KeyRow:
    def work(unit: UnitOfWork) -> KeyRow:
        session, now = unit.session, unit.now
        row = find(session, name, lock=True)
        details = step(session, row, now)
        unit.audit(action, row.thumbprint, details)
        return row

    return core.transact(Actor(actor), work)
