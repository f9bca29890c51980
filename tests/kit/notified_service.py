"""A small service with people in it, whose cards make notices."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from issuer import cards
from issuer.accounts.models import Account, Organisation, Person
from issuer.accounts.people import AccountRecord, write_account, write_name
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.notices.models import Outbox
from issuer.notices.outbox import Notice, notify
from issuer.vault.at_rest import Place
from tests.kit.issuing_service import new_core, person

__all__ = ["BY", "add_account", "add_organisation", "card_of", "notified_core", "outbox", "tell"]

BY = Actor("officer:1", "a marked reason")


def notified_core(folder: Path, url: str, **settings: Any) -> Core:
    """A service that can issue, with a mail server in its settings."""
    values = {
        "smtp_host": "127.0.0.1",
        "smtp_port": 9,
        "smtp_security": "none",
        "mail_from": "notices@cards.example",
        "public_url": "https://cards.example/",
    }
    return new_core(folder, url, **{**values, **settings})


def add_organisation(core: Core, kind: str = "employer") -> str:
    """An organisation; its id."""
    name = secrets.token_hex(16)

    def work(session: Session) -> None:
        row = Organisation(id=name, kind=kind, code_key=name * 2, state="active", version=1, created_at=1)
        row.record = core.at_rest.seal(Place("organisations", "record", name), b"{}")
        session.add(row)

    core.database.transact(work)
    return name


def add_account(
    core: Core,
    role: str = "holder",
    *,
    email: str | None = "holder@post.example",
    language: Literal["en", "zh"] = "en",
    organisation: str | None = None,
    state: str = "active",
) -> Account:
    """A person with an account."""
    name, human = secrets.token_hex(16), secrets.token_hex(16)

    def work(session: Session) -> Account:
        somebody = Person(id=human, created_at=1)
        write_name(core, somebody, "MARKED NAME")
        row = Account(
            id=name,
            person_id=human,
            organisation_id=organisation,
            role=role,
            state=state,
            totp_counter=0,
            version=1,
            created_at=1,
            role_at=1,
            changed_at=1,
        )
        write_account(core, row, AccountRecord(name, email, language))
        session.add(somebody)
        session.flush()
        session.add(row)
        return row

    return core.database.transact(work)


def card_of(core: Core, number: int, holder: Account | None = None, employer: str | None = None) -> str:
    """A new card that is somebody's; its id."""
    human = None if holder is None else holder.person_id
    (issued,) = cards.issue(core, [NewCard(person(number), holder=human, employer=employer)], BY)
    return issued.card_id


def tell(core: Core, account: Account, kind: str, facts: dict[str, str], secret: str | None = None) -> None:
    """Write one notice, in a transaction of its own."""
    core.database.transact(
        lambda session: notify(core, session, core.clock.now(session), [Notice(kind, account.id, facts, secret)])
    )


def outbox(core: Core) -> list[Outbox]:
    """All rows of the outbox, oldest first."""
    query = select(Outbox).order_by(Outbox.created_at, Outbox.id)
    return core.database.read(lambda session: list(session.scalars(query)))
