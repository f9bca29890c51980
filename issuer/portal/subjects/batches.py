"""Lists that people work through: registrations, extensions, cancellations, and submitting what is complete.

Promises:

1. A list is looked at before anything is written: which rows could be done, and why others would be refused, with the
   rule.
2. It goes on a part at a time, by itself where scripts run, by a button elsewhere, and takes no thread of other
   requests (:mod:`issuer.service.costly`); a page that was closed goes on where it was, from "Lists". A row is done
   once.
3. Refused rows can be downloaded as a table with their reasons; no cell of it is a formula.
4. Extensions and cancellations ask for nothing that the record knows: permits are chosen from a list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from fastapi import Response

from issuer.batches import lists
from issuer.batches.lists import MOST_ROWS, BatchView, Outcome, RowOutcome
from issuer.permits import views
from issuer.portal.catalogue import Words
from issuer.portal.faults import FieldError, FormFault
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Choice, Tag
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.rules.days import parse_day
from issuer.service.access import Access
from issuer.service.api.lists import HANDLERS
from issuer.service.idempotent import once
from issuer.service.lists import FILINGS, PLAIN, advance, made_filings, rows_of_permits

from .access import with_right

__all__ = ["begin_list", "pages", "typed_rows"]

pages = Pages()
_RIGHTS: Final = ("filing.file", "insurance.register")
_LISTS: Final = with_right(*_RIGHTS)
_ONE: Final = Access("person", _RIGHTS, owned="batch")
_FILES: Final = with_right("filing.file")
#: Fields of the form that hold for all chosen permits, by kind.
_COMMON: Final = {"extension": ("until", "contract_until"), "cancellation": ("ended_on", "ground", "signed")}
_GROUNDS: Final = ("contract_ended", "resigned", "dismissed", "left_china", "employer_gone", "incapacity", "death")
_DATES: Final = frozenset({"until", "contract_until", "passport_until", "ended_on"})
#: Rows that a page shows, and permits that it offers.
_SHOWN: Final = 100
_OFFERED: Final = 150
#: With which a spreadsheet begins a formula; Chinese and Japanese ones take the full-width forms as well.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def begin_list(visit: Visit, kind: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Keep a list, once for the form that brings it; its id."""
    call = visit.call
    return once(call, lambda request: lists.begin(call.core, call.who, kind, rows, request), lambda made: made)


def typed_rows(visit: Visit, columns: Sequence[str], typed: Callable[[str, str], str]) -> list[dict[str, Any]]:
    """The rows of a table that a form brings, as a file or pasted, with a line of columns.

    Args:
        typed: a cell as it is kept, by its column.

    Raises:
        FormFault
    """
    text = visit.file("file") or visit.text("rows")
    if not text.strip():
        raise visit.refuse("rows", "forms.missing")
    try:
        reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True)
        named = [name.strip() for name in reader.fieldnames or ()]
        unknown = [name for name in named if name not in columns]
        if unknown or not named:
            raise visit.refuse("rows", "lists.columns", names=", ".join(unknown)[:80] or "–")
        if len(named) > len(set(named)):
            # Before any row is read: each would be filled up to as many cells as the first line has.
            raise visit.refuse("rows", "lists.columns_twice")
        rows: list[dict[str, Any]] = []
        for line in reader:
            if len(rows) >= MOST_ROWS:
                raise visit.refuse("rows", "lists.too_many_rows", most=visit.words.number(MOST_ROWS))
            if any(cell.strip() for cell in line.pop(None, ())):
                # What a comma without quotes moved into another column is nobody's data.
                raise visit.refuse("rows", "lists.too_many_cells", line=visit.words.number(reader.line_num))
            cells = {str(name).strip(): (value or "").strip() for name, value in line.items()}
            rows.append({name: typed(name, value) for name, value in cells.items() if value})
    except csv.Error:
        raise visit.refuse("rows", "lists.no_csv") from None
    if not rows:
        raise visit.refuse("rows", "forms.missing")
    return rows


@pages.get("lists", _LISTS)
def list_lists(visit: Visit) -> Response:
    """One's own lists, with how far each is."""
    t = visit.words
    found = lists.list_batches(visit.core, visit.call.who, **asked_page(visit))
    shown = shown_page(visit, found, lambda one: one.batch_id)
    rows = [
        [
            Cell(t(f"lists.kind_{one.kind}"), f"{BASE}lists/{one.batch_id}", more=t.moment(one.created_at)),
            Cell("", tag=_state(t, one)),
            Cell(t.number(one.total), number=True),
            Cell(t.number(one.refused), number=True),
        ]
        for one in shown["items"]
    ]
    return visit.page("batches/list.html", **{**shown, "items": rows})


def _state(t: Words, one: BatchView) -> Tag:
    tone = {"ready": "warn", "done": "neutral"}.get(one.state, "info")
    return Tag(t(f"lists.state_{one.state}"), tone)  # type: ignore[arg-type]


@pages.get("lists/{batch_id}", _ONE)
def show_list(visit: Visit, batch_id: str) -> Response:
    """A list: how far it is, what was found, what became of it."""
    view, t = lists.show(visit.core, visit.call.who, batch_id), visit.words
    values = {"list": view, "title": t(f"lists.title_{view.state}", what=t(f"lists.kind_{view.kind}")),
              "address": f"{BASE}lists/{batch_id}"}  # fmt: skip
    if view.state in ("checking", "running"):
        return visit.page("batches/progress.html", **values)
    refused = lists.rows_of(visit.core, visit.call.who, batch_id, refused=True, most=_SHOWN)
    others = [one for one in lists.rows_of(visit.core, visit.call.who, batch_id, most=_SHOWN + len(refused))
              if one.outcome is None or one.outcome.code is None]  # fmt: skip
    rows = [*refused, *others][:_SHOWN]
    return visit.page(
        "batches/result.html",
        **values,
        rows=[_cells(visit, view, one) for one in rows],
        more=view.total > len(rows),
        submits=view.state == "done" and view.kind in FILINGS and view.done > 0,
    )


def _cells(visit: Visit, view: BatchView, one: RowOutcome) -> list[Cell]:
    t, row, outcome = visit.words, one.row, one.outcome
    name = row.get("name") or f"{row.get('surname', '')} {row.get('given', '')}".strip() or row.get("number") or "–"
    number = Cell(t.number(one.number + 2), number=True)
    if outcome is not None and outcome.code is not None:
        return [number, Cell(str(name)), Cell("", tag=Tag(t("lists.row_refused"), "bad"), more=_reasons(t, outcome))]
    href = None
    if view.state == "done" and outcome is not None and outcome.made:
        href = f"{BASE}{'insurance' if view.kind == 'registration' else 'filings'}/{outcome.made}"
    tag = Tag(t("lists.row_done" if view.state == "done" else "lists.row_good"), "neutral")
    return [number, Cell(str(name), href), Cell("", tag=tag)]


def _reasons(t: Words, outcome: Outcome) -> str:
    """Everything that is wrong with a row, each with its column."""
    found = []
    for one in (outcome, *outcome.also):
        field = t("lists.row_field", field=one.path) if one.path and one.path != "row" else ""
        found.append(f"{one.zh if t.language == 'zh' else one.en}{t.gap}{field}".strip())
    return t.in_row(found)


@pages.post("lists/{batch_id}/go", _ONE, costly=True)
def go_on(visit: Visit, batch_id: str) -> Response:
    """Go on with a list for a moment; its page follows."""
    kind = lists.show(visit.core, visit.call.who, batch_id).kind
    advance(visit.call, batch_id, HANDLERS[kind])
    return visit.go(f"lists/{batch_id}")


@pages.post("lists/{batch_id}/start", _ONE)
def start(visit: Visit, batch_id: str) -> Response:
    """Begin to do the rows that were found good."""
    lists.start(visit.core, visit.call.who, batch_id)
    return visit.go(f"lists/{batch_id}")


@pages.post("lists/{batch_id}/submit", _ONE, form=show_list)
def submit_made(visit: Visit, batch_id: str) -> Response:
    """Make a list of the applications that a list began, to submit those that are complete."""
    made = made_filings(visit.core, visit.call.who, batch_id)
    return visit.go(f"lists/{begin_list(visit, 'submission', made)}")


@pages.get("lists/{batch_id}/refused", _ONE)
def download_refused(visit: Visit, batch_id: str) -> Response:
    """The rows that were refused, with the reason of each, as CSV."""
    rows = lists.rows_of(visit.core, visit.call.who, batch_id, refused=True)
    columns = list(dict.fromkeys(name for one in rows for name in one.row if name not in ("permit_id", "facts")))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*columns, "code", "reason"))
    for one in rows:
        if one.outcome is not None:
            reasons = _reasons(visit.words, one.outcome)
            cells = (*(one.row.get(name, "") for name in columns), one.outcome.code or "", reasons)
            writer.writerow([_plain(str(cell)) for cell in cells])
    headers = {
        "Content-Disposition": 'attachment; filename="refused.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(cell: str) -> str:
    """A cell that a spreadsheet shows as text (promise 3)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _kind(visit: Visit) -> str:
    asked = visit.text("do") or visit.query("do")
    return asked if asked in FILINGS else "extension"


@pages.get("permits/many", _FILES)
def many_page(visit: Visit) -> Response:
    """Permits to choose, and what is asked for all of them."""
    kind, t = _kind(visit), visit.words
    found = views.list_permits(visit.core, visit.call.who, show="ending" if kind == "extension" else "live",
                               limit=_OFFERED + 1)  # fmt: skip
    choices = [
        Choice(one.permit_id, one.name, t("lists.permit_about", number=one.number, employer=one.terms[-1].employer,
                                          day=t.day(date.fromisoformat(one.until), short=True)))
        for one in found[:_OFFERED]
    ]  # fmt: skip
    grounds = [Choice("", t("filing.choose")), *(Choice(one, t(f"filing.v_ground_{one}")) for one in _GROUNDS)]
    return visit.page(
        "batches/permits.html",
        kind=kind,
        choices=choices,
        more=len(found) > _OFFERED,
        grounds=grounds,
        plain=[t(f"filing.f_{name}") for name in PLAIN[kind]],
        columns=", ".join(("number", *FILINGS[kind])),
        most=t.number(MOST_ROWS),
    )


@pages.post("permits/many", _FILES, form=many_page, costly=True)
def send_permits(visit: Visit) -> Response:
    """Take a list of permits in: those that were chosen, or a table."""
    kind, core, who = _kind(visit), visit.core, visit.call.who
    chosen = [name for name in visit.every("permits") if len(name) == 32 and name.isalnum()]
    if chosen:
        common = _common(visit, kind)
        found = (views.show_permit(core, who, name) for name in chosen[:_OFFERED])
        table: list[dict[str, Any]] = [{"number": one.number, **common} for one in found]
    else:
        if not (visit.text("rows") or visit.file("file")):
            raise visit.refuse("permits", "lists.choose")
        table = typed_rows(visit, ("number", *FILINGS[kind]), lambda _name, text: text)
    rows = rows_of_permits(core, who, kind, table, plain=visit.text("plain") == "yes")
    return visit.go(f"lists/{begin_list(visit, kind, rows)}")


def _common(visit: Visit, kind: str) -> dict[str, str]:
    """What is asked once for all chosen permits, with every error at once."""
    values, errors = {name: visit.text(name) for name in _COMMON[kind]}, []
    for name, value in values.items():
        if not value:
            errors.append(FieldError(name, visit.words("forms.missing")))
        elif name in _DATES and not _is_day(value):
            errors.append(FieldError(name, visit.words("filing.day_form")))
    if errors:
        raise FormFault(errors)
    return values


def _is_day(text: str) -> bool:
    try:
        parse_day(text)
    except ValueError:
        return False
    return True
