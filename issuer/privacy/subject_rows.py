"""A person, and the rows of a table that are about them: how an export shows one, and what a purge does to it.

Promises:

1. Keyed hashes, MACs, passwords and secrets are never shown. Officials are shown by role, never by account.
2. A row is opened with the keys of this service alone, and is blank where a purge has been.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, inspect, or_, select
from sqlalchemy.orm import Session

from issuer.accounts.models import (
    Account,
)
from issuer.cards.models import CardParty
from issuer.core import Core
from issuer.db.base import SEALED, Base
from issuer.permits.models import (
    Filing,
    Permit,
)
from issuer.vault.at_rest import Place

__all__ = ["CATEGORIES", "Category", "Holding", "Subject", "rows_of", "shown_row", "subject_of"]

#: What data are kept for; how long is in rule rows of kind ``retention``.
Category = Literal["account", "notices", "card", "permit", "insurance", "consents", "requests"]


CATEGORIES: Final[tuple[Category, ...]] = (
    "account", "notices", "card", "permit", "insurance", "consents", "requests",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """A person and the ids under which the service has data about them."""

    person_id: str
    accounts: tuple[str, ...]
    cards: tuple[str, ...]
    permits: tuple[str, ...]
    filings: tuple[str, ...]
    drafts: tuple[str, ...]

    @property
    def applications(self) -> tuple[str, ...]:
        """Applications, those that were not filed yet too."""
        return (*self.filings, *self.drafts)

    @property
    def filed(self) -> Subject:
        """Without drafts, which are an employer's until it files them."""
        return replace(self, drafts=())

    @property
    def names(self) -> tuple[str, ...]:
        """All ids that acts in the audit may be about."""
        return (self.person_id, *self.accounts, *self.cards, *self.permits, *self.applications)


@dataclass(frozen=True, slots=True)
class Holding:
    """A table's rows about a person.

    Args:
        categories: what the rows are kept for; they go once all of these are due.
        section: its heading in an export; None: a purge alone has to do with it.
        where: which rows.
        shown: columns that an export shows as they are.
        opened: sealed columns that it shows opened, and how: ``json`` joins an object's fields to the row.
        purge: ``delete`` the rows, or ``blank`` what is sealed and :attr:`emptied`.
        emptied: columns that a purge sets to null: keyed hashes by which the person could be found.
    """

    model: type[Base]
    categories: tuple[Category, ...]
    where: Callable[[Subject], ColumnElement[bool]]
    section: str | None = None
    shown: tuple[str, ...] = ()
    opened: Mapping[str, Literal["json", "text"]] = field(default_factory=dict)
    purge: Literal["delete", "blank"] = "delete"
    emptied: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The primary key by which sealed columns are bound to their row."""
        (first, *_rest) = self.model.__table__.primary_key.columns  # type: ignore[attr-defined]
        return str(first.name)

    @property
    def sealed(self) -> tuple[str, ...]:
        """The table's sealed columns."""
        table = Base.metadata.tables[self.model.__tablename__]
        return tuple(column.name for column in table.columns if column.info.get(SEALED))


def subject_of(session: Session, person_id: str) -> Subject:
    """The ids under which there are data about a person."""
    cards = session.scalars(select(CardParty.card_id).where(CardParty.holder_id == person_id))
    permits = session.scalars(select(Permit.id).where(Permit.person_id == person_id))
    own = or_(
        Filing.person_id == person_id, Filing.permit_id.in_(select(Permit.id).where(Permit.person_id == person_id))
    )
    filings = {name: state for name, state in session.execute(select(Filing.id, Filing.state).where(own))}  # noqa: C416
    drafts = tuple(name for name, state in filings.items() if state == "DRAFT")
    filed = tuple(name for name in filings if name not in drafts)
    accounts = session.scalars(select(Account.id).where(Account.person_id == person_id))
    return Subject(person_id, tuple(accounts), tuple(cards), tuple(permits), filed, drafts)


def rows_of(session: Session, holding: Holding, subject: Subject) -> Sequence[Any]:
    """The rows of a table about a person, as objects."""
    table = holding.model.__table__
    key: Any = list(table.primary_key.columns)  # type: ignore[attr-defined]
    return session.scalars(select(holding.model).where(holding.where(subject)).order_by(*key)).all()


def shown_row(core: Core, holding: Holding, row: Any) -> dict[str, Any]:
    """A row as an export shows it; blank where a purge has been."""
    mapper = inspect(type(row))
    found = {
        name: getattr(row, mapper.get_property_by_column(row.__table__.columns[name]).key) for name in holding.shown
    }
    for name, how in holding.opened.items():
        content = getattr(row, name)
        if content is None:
            continue
        opened = core.at_rest.open(Place(row.__tablename__, name, str(getattr(row, holding.key))), content).decode()
        found[name] = json.loads(opened) if how == "json" else opened
    return found
