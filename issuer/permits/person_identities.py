"""The keyed hash of a document's number by which accounts find their person, when two records become one.

Promises:

1. The record that stays has the key of the accounts that are in use; the other key stays with the record that was
   absorbed, so that nothing is found under neither.
2. A split gives back what the merger moved, unless the record has another key since.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer.accounts.models import Account, Person

from .merger_models import PersonMerger

__all__ = ["exchange_identities", "identity_to_move", "return_identity"]


def identity_to_move(session: Session, kept_id: str, absorbed_id: str) -> str | None:
    """The key of a record that is about to be absorbed, where the one that stays is to have it: that has none, or the
    accounts in use are those of the other; None: each keeps its own."""
    kept, absorbed = session.get_one(Person, kept_id), session.get_one(Person, absorbed_id)
    in_use = select(Account.id).where(Account.person_id == absorbed.id, Account.state != "closed").limit(1)
    moves = kept.identity_key is None or session.scalar(in_use) is not None
    return absorbed.identity_key if moves else None


def exchange_identities(session: Session, one_id: str, other_id: str) -> None:
    """Give each of these persons the key of the other one."""
    one, other = session.get_one(Person, one_id), session.get_one(Person, other_id)
    keys = one.identity_key, other.identity_key
    # A key is on one row at a time.
    one.identity_key = other.identity_key = None
    session.flush()
    other.identity_key, one.identity_key = keys
    session.flush()


def return_identity(session: Session, merger: PersonMerger, identity: str | None) -> None:
    """Give the key back that a merger moved (promise 2).

    Args:
        identity: the key; None: the merger is of an earlier version, which did not keep it.
    """
    key = session.get_one(Person, merger.kept_id).identity_key
    if key is not None and identity in (key, None):
        exchange_identities(session, merger.absorbed_id, merger.kept_id)
