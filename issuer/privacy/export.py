"""A copy of everything that the service has about a person (PIPL article 45), as JSON with a schema.

Promises:

1. Every table of :mod:`issuer.privacy.holdings` that has a section is in it, read in one moment, with the look-ups that
   the person may see, the acts about them, and how long each kind of data is kept and why.
2. Nothing of others: no official's account, no keyed hash, no secret. What an inquiry defers is not in it before its
   day.
3. An heir gets what the service has of the insurance, and nothing else: no accounts, notices, permits, look-ups.
4. The document fits :func:`export_schema`, which is published with it. Making one is an act in the audit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Integer, select
from sqlalchemy.orm import Session

from icard_crypto.errors import NotFound
from issuer.accounts.models import Person
from issuer.accounts.people import read_name
from issuer.accounts.principals import Principal
from issuer.audit.models import AuditRow
from issuer.cards.lookups import list_own_lookups
from issuer.core import Core
from issuer.db.base import Base
from issuer.db.unit_of_work import UnitOfWork
from issuer.insurance.parties import heir_of

from .holdings import sections
from .retention import retention_rows
from .subject_rows import Category, Holding, rows_of, shown_row, subject_of

__all__ = ["FORMAT", "export_of", "export_schema"]

FORMAT: Final = "icard-personal-data-1"
#: Acts that would reveal a deferral; what they kept back shows among the look-ups on its day.
_QUIET: Final = "lookup."
_PAGE: Final = 200


def export_of(core: Core, who: Principal, person_id: str | None = None) -> dict[str, Any]:
    """Everything about oneself, or about somebody whose heir one is.

    Args:
        person_id: of who died; None: oneself.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``privacy.none``.
    """
    who.require("privacy.own")
    about = person_id or who.person_id

    def work(unit: UnitOfWork) -> None:
        session, now = unit.session, unit.now
        if about != who.person_id and heir_of(session, who.person_id, about, now) is None:
            raise NotFound("privacy.none")
        unit.audit("privacy.export", about)

    core.transact(who.by(), work)
    if about != who.person_id:
        return core.database.read(lambda session: _document(core, session, about, "insurance"))
    document = core.database.read(lambda session: _document(core, session, about, None))
    document["lookups"] = _lookups(core, about)
    return document


def _document(core: Core, session: Session, person_id: str, only: Category | None) -> dict[str, Any]:
    """The document without look-ups; with ``only``, what is kept for that alone."""
    person = session.get_one(Person, person_id)
    subject = subject_of(session, person_id).filed
    made_at = datetime.fromtimestamp(core.clock.now(session), UTC)
    found: dict[str, Any] = {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "issuer": core.settings.issuer,
        "person": {"person_id": person_id, "name": read_name(core, person), "created_at": person.created_at},
    }
    for holding in _sections(only):
        found[holding.section or ""] = [shown_row(core, holding, row) for row in rows_of(session, holding, subject)]
    kept = retention_rows(core, session)
    found["kept"] = [one for one in kept if only in (None, one["category"])]
    if only is not None:
        return found
    names = [core.at_rest.pseudonym("subject", name) for name in subject.names]
    acts = select(AuditRow.at, AuditRow.action).where(AuditRow.subject.in_(names)).order_by(AuditRow.seq)
    found["acts"] = [
        {"at": at, "action": action} for at, action in session.execute(acts) if not action.startswith(_QUIET)
    ]
    return found


def _sections(only: Category | None) -> Iterator[Holding]:
    """The sections of a document. What is kept for a permit too, such as passports, is not of the insurance alone."""
    return (one for one in sections() if only is None or (only in one.categories and "permit" not in one.categories))


def _lookups(core: Core, person_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while page := list_own_lookups(core, person_id, after=after, limit=_PAGE):
        after = page[-1].lookup_id
        found += [{name: value for name, value in asdict(one).items() if name != "lookup_id"} for one in page]
    return found


def export_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    properties: dict[str, Any] = {
        "format": {"const": FORMAT},
        "made_at": {"type": "string", "format": "date-time"},
        "issuer": {"type": "string"},
        "person": _object({"person_id": _TEXT, "name": _TEXT, "created_at": _TIME}),
        **{holding.section or "": {"type": "array", "items": _row(holding)} for holding in sections()},
        "lookups": {"type": "array", "items": _LOOKUP},
        "acts": {"type": "array", "items": _object({"at": _TIME, "action": _TEXT})},
        "kept": {"type": "array", "items": {"type": "object"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Everything about one person",
        "description": "An heir's copy has the insurance alone. "
        "Times are Unix times, days are Beijing days, ids 32 hexadecimal digits, sums fen.",
        **_object(properties),
        "required": ["format", "issuer", "kept", "made_at", "person", *(one.section for one in _sections("insurance"))],
    }


_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "integer", "minimum": 0}
_WORDS: Final = {"type": "object", "additionalProperties": {"type": "string"}}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": sorted(properties),
        "additionalProperties": False,
    }


_LOOKUP: Final = _object(
    {
        "role": _TEXT,
        "way": _TEXT,
        "at": _TIME,
        "purpose": {"type": ["string", "null"]},
        "for_what": _WORDS,
        "power": _WORDS,
        "deferred": {"type": "boolean"},
    }
)


def _row(holding: Holding) -> dict[str, Any]:
    table = Base.metadata.tables[holding.model.__tablename__]
    found: dict[str, Any] = {}
    for name in holding.shown:
        column = table.columns[name]
        kind = "integer" if isinstance(column.type, Integer) else "string"
        found[name] = {"type": [kind, "null"] if column.nullable else kind}
    for name, how in holding.opened.items():
        # What is inside is the record's own form: a card as docs/format.md has it, an application as it was filed.
        found[name] = _TEXT if how == "text" else {"type": ["object", "array"]}
    made = _object(found)
    made["required"] = sorted(holding.shown)
    return made
