"""Rules: the rows that ship and the authority's own, their history, and how a row is added or ended by two.

Promises:

1. A row is shown with its source, certainty, and every other row of its id, by time.
2. Before a row is asked for, the page shows what it says and how many open applications it would move: as counts.
3. Adding and ending are only asked for here; a second administrator confirms them.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

from fastapi import Response
from sqlalchemy.orm import Session

from icard_crypto.encoding import strict_json
from icard_crypto.errors import StateError
from issuer.permits.dry_run import dry_run
from issuer.portal.catalogue import Words
from issuer.portal.faults import FormFault
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Choice, Fact, Tag
from issuer.portal.places import region_code, region_options
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, region_words, rule_title
from issuer.portal.visits import Visit
from issuer.rules import store
from issuer.rules.citations import source_text
from issuer.rules.rows import Rule, rule_json

from .access import with_right
from .asking import ask_for

__all__ = ["pages", "rule_of_arguments"]

pages = Pages()
_MANAGES: Final = with_right("rule.manage")
_TEXTS: Final = ("kind", "id", "region", "valid_from", "source", "certainty")
_OPTIONAL: Final = ("valid_to", "published_on", "note")
_CERTAINTIES: Final = {"V": "law", "S": "secondary", "R": "recalled", "J": "own"}


@pages.get("rules", _MANAGES)
def list_kinds(visit: Visit) -> Response:
    """The kinds of rules, or the rows of one."""
    rules, t, kind = ShownRules(visit), visit.words, visit.query("kind")
    own = visit.core.database.read(store.own_names)
    if kind not in rules.book.kinds:
        rows = []
        for name in rules.book.kinds:
            every = rules.book.all(name)
            mine = sum(row.name in own for row in every)
            what = Cell(_kind_words(t, name), f"{BASE}rules?kind={name}", more=name)
            rows.append([what, Cell(t.number(len(every)), number=True), Cell(t.number(mine), number=True)])
        return visit.page("rules/kinds.html", rows=rows)
    found = [_row(t, row, own, rules.today) for row in rules.book.all(kind)]
    return visit.page("rules/kind.html", kind=_kind_words(t, kind), rows=found)


def _row(t: Words, row: Rule, own: frozenset[str], today: date) -> list[Cell]:
    return [
        Cell(rule_title(row, t), f"{BASE}rules/rule?name={row.name}", more=row.id),
        Cell(region_words(row.region, t)),
        Cell(_span(t, row)),
        Cell("", tag=_state(t, row, today)),
        Cell(t("rules.own_row") if row.name in own else t("rules.shipped")),
    ]


def _span(t: Words, row: Rule) -> str:
    first = t.day(row.valid_from, short=True)
    return (
        t("permit.days", first=first, until=t.day(row.valid_to, short=True))
        if row.valid_to
        else t("rules.from", day=first)
    )


def _state(t: Words, row: Rule, today: date) -> Tag:
    if row.valid_to is not None and row.valid_to < today:
        return Tag(t("rules.over"))
    return Tag(t("rules.later"), "info") if row.valid_from > today else Tag(t("rules.holds"), "ok")


def _kind_words(t: Words, kind: str) -> str:
    """What the rows of a kind are about; an authority's own kind has its name alone."""
    return t(f"rules.kind_{kind}") if t.has(f"rules.kind_{kind}") else kind


def _rule_facts(row: Rule, t: Words) -> list[Fact]:
    """A row, field by field, as whoever decides on it has to see it."""
    facts = [
        Fact(t("rules.what"), rule_title(row, t)),
        Fact(t("rules.name"), f"{row.kind}/{row.id}", code=True),
        Fact(t("rules.where"), region_words(row.region, t)),
        Fact(t("rules.when"), _span(t, row)),
        Fact(t("rules.published"), t.day(row.published_on) if row.published_on else "–"),
        Fact(t("rules.read_in"), source_text(row, t.language)),
        Fact(t("rules.certainty"), t(f"rules.c_{_CERTAINTIES[row.certainty]}")),
    ]
    if row.note and t.language == "en":
        facts.append(Fact(t("rules.note"), row.note))
    facts.append(Fact(t("rules.value"), json.dumps(dict(row.value), ensure_ascii=False, indent=1), code=True))
    return facts


def _named(visit: Visit) -> Rule:
    """The row that the address or the form names.

    Raises:
        Invalid: ``rules.unknown``.
    """
    return store.rule_named(ShownRules(visit).book, visit.text("name") or visit.query("name"))


@pages.get("rules/rule", _MANAGES)
def show_rule(visit: Visit) -> Response:
    """A row, and every other row of its id."""
    row, rules, t = _named(visit), ShownRules(visit), visit.words
    own = visit.core.database.read(store.own_names)
    others = sorted(rules.book.all(row.kind, row.id), key=lambda one: (one.region, one.valid_from))
    return visit.page(
        "rules/rule.html",
        rule=row,
        title=rule_title(row, t),
        facts=_rule_facts(row, t),
        state=_state(t, row, rules.today),
        others=[_row(t, one, own, rules.today) for one in others],
        may_end=row.valid_to is None,
    )


@pages.get("rules/end", _MANAGES)
def end_page(visit: Visit) -> Response:
    """The form by which the end of a row is asked for."""
    row, t = _named(visit), visit.words
    return visit.page("rules/end.html", rule=row, facts=_rule_facts(row, t), needs_code=not visit.fresh())


@pages.post("rules/end", _MANAGES, form=end_page, fields={"access.fresh_code": "code", "rules": "last", "confirm": ""})
def end_rule(visit: Visit) -> Response:
    """Ask for the end of a row; a second administrator confirms it."""
    visit.require("last", "reason")
    row = _named(visit)
    visit.give_code()
    return ask_for(visit, "rule.end", {"name": row.name, "last": visit.text("last")})


@pages.get("rules/add", _MANAGES)
def add_page(visit: Visit) -> Response:
    """The form for a row, filled in like another one where one is named."""
    entry: dict[str, Any] = {}
    if visit.query("like"):
        entry = rule_json(store.rule_named(ShownRules(visit).book, visit.query("like")))
        entry |= {"valid_from": "", "valid_to": "", "published_on": "", "source": ""}
    texts = {name: str(entry.get(name) or "") for name in (*_TEXTS, *_OPTIONAL)}
    texts["region"] = region_words(texts["region"], visit.words) if texts["region"] else ""
    value = json.dumps(entry.get("value", {}), ensure_ascii=False, indent=1)
    return _form(visit, texts, value)


def _form(visit: Visit, texts: dict[str, str], value: str) -> Response:
    t = visit.words
    return visit.page(
        "rules/add.html",
        texts={name: visit.text(name) or text for name, text in texts.items()},
        value=visit.text("value") or value,
        regions=region_options(t.language, nation=True),
        kinds=[Choice(name, t.with_code(_kind_words(t, name), name)) for name in ShownRules(visit).book.kinds],
        certainties=[Choice(name, t(f"rules.c_{word}")) for name, word in _CERTAINTIES.items()],
    )


def _typed(visit: Visit) -> Response:
    """The form again, with what was typed."""
    return _form(visit, dict.fromkeys((*_TEXTS, *_OPTIONAL), ""), "")


def _entry(visit: Visit) -> dict[str, Any]:
    """The row that was typed, as JSON.

    Raises:
        FormFault
    """
    visit.require(*_TEXTS, "value")
    try:
        value = strict_json.loads(visit.text("value"))
    except ValueError:
        raise visit.refuse("value", "rules.no_json") from None
    entry: dict[str, Any] = {name: visit.text(name) for name in _TEXTS}
    entry["region"] = region_code(entry["region"])
    entry |= {name: visit.text(name) or None for name in _OPTIONAL}
    return {**entry, "value": value}


def _prepared(visit: Visit) -> tuple[Rule, dict[str, Any]]:
    entry = _entry(visit)

    def look(session: Session) -> Rule:
        return store.prepare_rule(session, dict(entry))

    return visit.core.database.read(look), entry


@pages.post(
    "rules/check",
    _MANAGES,
    form=_typed,
    fields={
        "rules.overlap": "valid_from",
        "rules.order": "valid_to",
        "rules.source": "source",
        "rules.region": "region",
    },
)
def check_rule(visit: Visit) -> Response:
    """Show a row before it is asked for, with the open applications that it would move."""
    row, entry = _prepared(visit)
    moved, t = dry_run(visit.core, [row]), visit.words
    return visit.page(
        "rules/check.html",
        facts=_rule_facts(row, t),
        effects=[
            t("rules.open_files", n=moved.open),
            t("rules.moved_days", n=len(moved.days)),
            t("rules.moved_lists", n=len(moved.checklists)),
            t("accounts.two"),
        ],
        entry={name: value for name, value in entry.items() if name != "value" and value is not None},
        value=visit.text("value"),
        needs_code=not visit.fresh(),
    )


@pages.post("rules/add", _MANAGES, form=check_rule, fields={"access.fresh_code": "code", "confirm": ""})
def add_rule(visit: Visit) -> Response:
    """Ask for a row; a second administrator confirms it."""
    row, entry = _prepared(visit)
    visit.require("reason")
    visit.give_code()
    # As prepare_rule takes it: what was left out is null, and whether it is uncertain follows from its certainty.
    return ask_for(visit, "rule.add", {"rule": json.dumps({**entry, "kind": row.kind}, ensure_ascii=False)})


def rule_of_arguments(visit: Visit, act: str, arguments: dict[str, Any]) -> list[Fact]:
    """What a request about a rule would do, for whoever confirms it.

    Args:
        act: ``rule.add`` or ``rule.end``.
    """
    t = visit.words
    try:
        if act == "rule.end":
            row = store.rule_named(ShownRules(visit).book, str(arguments["name"]))
            return [*_rule_facts(row, t), Fact(t("rules.last_day"), t.day(date.fromisoformat(str(arguments["last"]))))]
        entry = strict_json.loads(str(arguments["rule"]))
        return _rule_facts(visit.core.database.read(lambda session: store.prepare_rule(session, entry)), t)
    except (StateError, FormFault, ValueError):
        return [Fact(name, str(value), code=True) for name, value in arguments.items()]
