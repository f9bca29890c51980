"""An authority's own rules: rows beside the shipped ones, and ends of either.

Promises:

1. A row is added or ended, never changed and never deleted; both need dual control, or are audited acts on the host.
2. What does not fit is refused before anything is written: a row that overlaps another of its id and region, ends
   before it begins, lies in no known region, or has no source; an end of a row that is not there or has one.
3. The book of a service is the shipped one with these changes; it is the same until a change is written.
"""

from __future__ import annotations

import functools
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork

from .book import RuleBook, shipped
from .days import day_of
from .models import RuleChange
from .rows import Rule, rule_from, rule_json

__all__ = [
    "add_rules",
    "book_of",
    "end_rule",
    "own_names",
    "prepare_end",
    "prepare_rule",
    "read_book",
    "rule_named",
    "write",
]

_LONGEST_BODY: Final = 20_000


def book_of(session: Session) -> RuleBook:
    """The rules that hold for this service."""
    # Added rows first: an end of the same second replaces the open form of its row, whatever their ids.
    changes = select(RuleChange).order_by(RuleChange.act, RuleChange.created_at, RuleChange.id)
    return _book(tuple(row.body for row in session.scalars(changes)))


def read_book(core: Core) -> RuleBook:
    """As :func:`book_of`, in a transaction of its own."""
    return core.database.read(book_of)


def own_names(session: Session) -> frozenset[str]:
    """The names of the rows that the authority added itself."""
    rows = session.scalars(select(RuleChange).where(RuleChange.act == "add"))
    return frozenset(_rule(json.loads(row.body)).name for row in rows)


def rule_named(book: RuleBook, name: str) -> Rule:
    """The row of a name such as ``deadlines/D03/CN/2004-07-01``.

    Raises:
        Invalid: ``rules.unknown``.
    """
    found = next((rule for rule in book.all(name.partition("/")[0]) if rule.name == name), None)
    if found is None:
        raise Invalid("rules.unknown", expected="kind/id/region/first day", found=name[:80])
    return found


def prepare_rule(session: Session, entry: object) -> Rule:
    """A row that may be added.

    Args:
        entry: its JSON, as a file of rules has it, with its ``kind``.

    Raises:
        Invalid: ``rules.*``.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("kind"), str):
        raise Invalid("rules.field", path="kind", expected="the kind of the rule")
    rule = _rule({**entry})
    book = book_of(session)
    if rule.kind not in book.kinds:
        raise Invalid("rules.field", path="kind", expected=", ".join(book.kinds), found=rule.kind[:40])
    if len(json.dumps(rule_json(rule), ensure_ascii=False)) > _LONGEST_BODY:
        raise Invalid("rules.field", path="value", expected=f"at most {_LONGEST_BODY} characters")
    if any(rule.key == one.key for one in book.all(rule.kind, rule.id, rule.region)):
        raise Invalid("rules.overlap", path=rule.name)
    book.with_rows([rule]).strict()
    return rule


def prepare_end(session: Session, name: str, last: date, known_on: date) -> Rule:
    """A row with the end that it may be given.

    Args:
        name: of a row, shipped or own, without an end; last: its last day; known_on: since when the end is known.

    Raises:
        Invalid: ``rules.unknown``, ``rules.ended``, ``rules.order``.
    """
    rule = rule_named(book_of(session), name)
    if rule.valid_to is not None:
        raise Invalid("rules.ended", path=name, found=rule.valid_to.isoformat())
    if last < rule.valid_from:
        raise Invalid("rules.order", path=name, expected=f"{rule.valid_from.isoformat()} or later")
    return replace(rule, valid_to=last, ended_on=known_on)


def write(session: Session, act: str, rule: Rule, now: int) -> None:
    """Write a change that was prepared; ``act`` is add or end."""
    session.add(
        RuleChange(
            act=act,
            name_key=hashlib.sha256(rule.name.encode()).hexdigest(),
            id=secrets.token_hex(16),
            body=json.dumps(rule_json(rule), ensure_ascii=False),
            created_at=now,
        )
    )
    session.flush()


def add_rules(core: Core, entries: Sequence[object], by: Actor) -> list[Rule]:
    """Add rows on the host, all or none.

    Raises:
        Invalid: ``rules.*``.
    """

    def work(unit: UnitOfWork) -> list[Rule]:
        session, now = unit.session, unit.now
        added = []
        for entry in entries:
            added.append(prepare_rule(session, entry))
            write(session, "add", added[-1], now)
        for rule in added:
            unit.audit("rule.add", rule.name, by.details())
        return added

    return core.transact(by, work)


def end_rule(core: Core, name: str, last: date, by: Actor) -> Rule:
    """End a row on the host.

    Raises:
        Invalid: ``rules.*``.
    """

    def work(unit: UnitOfWork) -> Rule:
        session, now = unit.session, unit.now
        rule = prepare_end(session, name, last, day_of(now))
        write(session, "end", rule, now)
        unit.audit("rule.end", rule.name, by.details())
        return rule

    return core.transact(by, work)


@functools.lru_cache(maxsize=8)
def _book(bodies: tuple[str, ...]) -> RuleBook:
    return shipped().with_rows(_rule(json.loads(body)) for body in bodies) if bodies else shipped()


def _rule(entry: dict[str, Any]) -> Rule:
    kind = entry.pop("kind")
    return rule_from(kind, entry, f"{kind}/{entry.get('id', '?')}")
