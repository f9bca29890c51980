"""Records of persons and accounts: sealed in their rows, found by keyed hashes.

Promises:

1. Name, login name, e-mail address and language are only in what :mod:`issuer.vault.at_rest` sealed for that row.
2. A document's number is kept as a keyed hash alone: it says that two accounts are one person's, and nothing more. The
   passports of somebody who works here are such hashes, sealed with the name: who holds a card under a passport and
   works here under another number is one human being, who decides nothing about themselves.
3. A password hash is sealed once more: who has the database alone has nothing to try passwords on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from issuer.core import Core
from issuer.db.bound import checked_row
from issuer.vault.at_rest import Place

from .fields import normal_identity, normal_login
from .models import Account, Person

__all__ = [
    "AccountRecord",
    "Contact",
    "account_of_login",
    "contact",
    "identity_keys",
    "login_key",
    "normal_number",
    "note_passports",
    "open_password",
    "open_totp",
    "passport_digest",
    "passports_of",
    "read_account",
    "read_name",
    "seal_password",
    "seal_totp",
    "waits",
    "write_account",
    "write_name",
]


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """What an account says about itself."""

    login: str
    email: str | None
    language: Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Contact:
    """Where an account's mail goes, and in which language."""

    email: str
    language: Literal["en", "zh"]


def login_key(core: Core, login: str) -> str:
    """The keyed hash by which a login name in its one form is found."""
    return core.at_rest.digest("login", login)


def account_of_login(core: Core, session: Session, login: str) -> Account | None:
    """The account with a login name, as it was typed; the caller has checked who asks."""
    query = select(Account).where(Account.login_key == login_key(core, normal_login(login)))
    return session.scalars(query).one_or_none()


def identity_keys(core: Core, identity: str) -> list[str]:
    """The keyed hashes by which a person is found: that of the number's normal form, then the one that was kept before
    numbers had one.
    """
    return [core.at_rest.digest("identity", form) for form in dict.fromkeys((normal_identity(identity), identity))]


def write_name(core: Core, row: Person, name: str) -> None:
    """Put a person's name into its row; an empty one erases the passports as well."""
    _write_person(core, row, name, passports_of(core, row) if name else frozenset())


def read_name(core: Core, row: Person) -> str:
    """A person's name; empty once it was erased."""
    return str(_person(core, row).get("name", ""))


def passports_of(core: Core, row: Person | Row[Any]) -> frozenset[str]:
    """The keyed hashes of a person's passports, as administrators noted them."""
    return frozenset(_person(core, row).get("passports", ()))


def noted_passports(core: Core, session: Session, person_id: str) -> frozenset[str]:
    """As :func:`passports_of`, of a person by id; of one who is not there, none."""
    row = checked_row(session, Person, id=person_id)
    return frozenset() if row is None else passports_of(core, row)


def note_passports(core: Core, row: Person, digests: Iterable[str]) -> None:
    """Put the keyed hashes of a person's passports into its row, in the place of those that are there."""
    _write_person(core, row, read_name(core, row), frozenset(digests))


def normal_number(number: str) -> str:
    """A passport's number in its one form: capitals, without spaces and hyphens."""
    return re.sub("[ -]", "", number).upper()


def passport_digest(core: Core, state: str, number: str) -> str:
    """The keyed hash by which a passport is found."""
    return core.at_rest.digest("document", f"passport:{state}:{normal_number(number)}")


def _person(core: Core, row: Person | Row[Any]) -> dict[str, Any]:
    # A new row has none yet.
    sealed: bytes | None = row.record
    return {} if sealed is None else _object(core.at_rest.open(Place("persons", "record", row.id), sealed))


def _write_person(core: Core, row: Person, name: str, passports: frozenset[str]) -> None:
    told: dict[str, Any] = {"name": name, "passports": sorted(passports)} if passports else {"name": name}
    row.record = core.at_rest.seal(Place("persons", "record", row.id), _json(told))


def write_account(core: Core, row: Account, record: AccountRecord | None) -> None:
    """Put an account's record into its row, with the key by which it is found; None: erase both."""
    content = {} if record is None else asdict(record)
    row.record = core.at_rest.seal(Place("accounts", "record", row.id), _json(content))
    row.login_key = None if record is None else login_key(core, record.login)


def read_account(core: Core, row: Account) -> AccountRecord | None:
    """What an account says about itself; None once it was erased."""
    found = _object(core.at_rest.open(Place("accounts", "record", row.id), row.record))
    return AccountRecord(**found) if found else None


def contact(core: Core, account_id: str) -> Contact | None:
    """Where an account's mail goes; None: it has no address, is closed, or was never there."""

    def look(session: Session) -> Contact | None:
        row = session.get(Account, account_id)
        record = None if row is None or row.state == "closed" else read_account(core, row)
        return None if record is None or record.email is None else Contact(record.email, record.language)

    return core.database.read(look)


def waits(core: Core, row: Account, now: int) -> None:
    """From now on, for as long as the settings say, the account takes no part in dual control."""
    row.confirms_from = now + core.settings.factor_wait_hours * 3600


def seal_password(core: Core, row: Account, encoded: str) -> None:
    """Put a password's argon2id hash into its row."""
    row.password = core.at_rest.seal(Place("accounts", "password", row.id), encoded.encode())


def open_password(core: Core, row: Account) -> str | None:
    """A password's argon2id hash; None: none was set."""
    sealed = row.password
    return None if sealed is None else core.at_rest.open(Place("accounts", "password", row.id), sealed).decode()


def seal_totp(core: Core, row: Account, secret: str) -> None:
    """Put a TOTP secret into its row."""
    row.totp_secret = core.at_rest.seal(Place("accounts", "totp_secret", row.id), secret.encode())


def open_totp(core: Core, row: Account) -> str | None:
    """An account's TOTP secret; None: none was set."""
    sealed = row.totp_secret
    return None if sealed is None else core.at_rest.open(Place("accounts", "totp_secret", row.id), sealed).decode()


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _object(content: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(content))
