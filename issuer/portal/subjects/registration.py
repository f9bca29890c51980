"""Registration for social insurance: one person by a form, or a list from a file.

Promises:

1. A list is looked at before anything is written: which rows would be registered, and why others would be refused.
2. Rows are registered a few at a time, each once: whoever sends the same list again, or goes back, registers nobody
   twice. A row that is refused stops no other.
3. Refused rows can be downloaded with their reasons; no cell of that file is a formula.
"""

from __future__ import annotations

import csv
import io
import re
import secrets
from dataclasses import replace
from typing import Any, Final

from fastapi import Response
from pydantic import ValidationError

from issuer.db import idempotency
from issuer.insurance import registration
from issuer.portal.faults import FieldError, FormFault
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Choice, Tag
from issuer.portal.visits import Visit
from issuer.service.api.insurance import RegistrationBody, RowBody, new_registration, register_row
from issuer.service.context import Call
from issuer.service.idempotent import once

from .access import with_right
from .filings import clients_of

__all__ = ["pages"]

pages = Pages()
_REGISTERS: Final = with_right("insurance.register")
_FIELDS: Final = (
    *("surname", "given", "nationality", "passport_state", "passport", "born", "sex", "basis", "obtained"),
    *("basis_until", "region", "began", "wage", "injury_rate", "employer_id", "number"),
)
_UPPER: Final = frozenset({"nationality", "passport_state", "passport"})
_CHOICES: Final = {"sex": ("female", "male"), "basis": ("work_permit", "press_card", "permanent_residence")}
_DAYS: Final = frozenset({"born", "obtained", "basis_until", "began"})
#: Rows of a list, and how many are registered before the page says how far it is.
MOST_ROWS: Final = 500
_CHUNK: Final = 25
_BATCH: Final = re.compile("[0-9a-f]{32}")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@pages.get("insurance/register", _REGISTERS)
def register_page(visit: Visit) -> Response:
    """The form for one person."""
    t = visit.words
    fields = [_field(visit, name) for name in _FIELDS if name != "employer_id"]
    return visit.page(
        "insurance/register.html", fields=fields, clients=clients_of(visit), title=t("insurance.register")
    )


def _field(visit: Visit, name: str) -> dict[str, Any]:
    t = visit.words
    label = t(f"filing.f_{name}" if t.has(f"filing.f_{name}") else f"insurance.r_{name}")
    hint = t(f"insurance.r_{name}_hint") if t.has(f"insurance.r_{name}_hint") else ""
    found: dict[str, Any] = {"name": name, "label": label, "hint": hint, "kind": "text", "choices": []}
    if name in _CHOICES:
        key = "filing.v_sex_" if name == "sex" else "insurance.b_"
        return {**found, "kind": "select", "choices": [Choice(one, t(key + one)) for one in _CHOICES[name]]}
    return {**found, "kind": "date"} if name in _DAYS else found


@pages.post("insurance/register", _REGISTERS, form=register_page, fields={"insurance.registered": "passport"})
def register(visit: Visit) -> Response:
    """Register one person."""
    row = {name: value for name in _FIELDS if (value := _typed(name, visit.text(name)))}
    try:
        new = new_registration(RegistrationBody.model_validate(row))
    except ValidationError as fault:
        raise FormFault(_errors(visit, fault)) from None
    call = visit.call
    made = once(
        call,
        lambda request: registration.register(call.core, call.who, new, request).person_id,
        lambda person_id: person_id,
    )
    return visit.go(f"insurance/{made}", done="registered")


def _typed(name: str, text: str) -> str:
    return text.upper() if name in _UPPER else text


def _errors(visit: Visit, fault: ValidationError) -> list[FieldError]:
    """Every field that cannot be used, once each."""
    found: dict[str, FieldError] = {}
    for one in fault.errors(include_input=False, include_url=False, include_context=False):
        name = str(one["loc"][0]) if one["loc"] else ""
        missing = one["type"] == "missing"
        words = visit.words("forms.missing" if missing else "forms.unusable")
        found.setdefault(name, FieldError(name, words))
    return list(found.values())


@pages.get("insurance/register-many", _REGISTERS)
def list_page(visit: Visit) -> Response:
    """The form for a list."""
    return visit.page(
        "insurance/register_many.html", columns=", ".join(_FIELDS), most=MOST_ROWS, clients=clients_of(visit)
    )


@pages.post("insurance/register-many", _REGISTERS, form=list_page)
def preview_list(visit: Visit) -> Response:
    """Look at a list: what would be registered, and what would be refused."""
    text = visit.file("file") or visit.text("rows")
    rows = _rows(visit, text)
    looked = [register_row(visit.call, number, row, True) for number, row in enumerate(rows)]
    return visit.page(
        "insurance/preview.html",
        table=_table(visit, rows, looked),
        ready=sum(one.code is None for one in looked),
        refused=sum(one.code is not None for one in looked),
        rows=text,
        batch=secrets.token_hex(16),
    )


@pages.post("insurance/register-many/go", _REGISTERS, form=list_page)
def register_list(visit: Visit) -> Response:
    """Register the next rows of a list; the page goes on by itself where scripts run."""
    rows, batch = _rows(visit, visit.text("rows")), visit.text("batch")
    if not _BATCH.fullmatch(batch):
        raise visit.refuse("rows", "insurance.list_again")
    start = min(visit.number("start"), len(rows))
    end = min(start + _CHUNK, len(rows))
    last = end == len(rows)
    # The last page shows every row: those of the pages before are answered from what they made.
    first = 0 if last else start
    done = [_registered(visit.call, batch, number, rows[number]) for number in range(first, end)]
    refused = sum(one.code is not None for one in done)
    values = {"rows": visit.text("rows"), "batch": batch, "total": len(rows), "refused": refused}
    if last:
        return visit.page(
            "insurance/registered.html", **values, table=_table(visit, rows, done), made=len(rows) - refused
        )
    before = visit.number("refused") if visit.text("refused") else 0
    return visit.page("insurance/progress.html", **{**values, "refused": before + refused}, start=end)


@pages.post("insurance/register-many/refused", _REGISTERS, form=list_page)
def download_refused(visit: Visit) -> Response:
    """The rows that were refused, with the reason of each, as CSV."""
    rows, batch = _rows(visit, visit.text("rows")), visit.text("batch")
    if not _BATCH.fullmatch(batch):
        raise visit.refuse("rows", "insurance.list_again")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*_FIELDS, "code", "reason"))
    for number, row in enumerate(rows):
        found = _registered(visit.call, batch, number, row)
        if found.code is not None:
            reason = (found.message or {}).get(visit.view.language, found.code)
            writer.writerow(
                [_plain(str(cell)) for cell in (*(row.get(name, "") for name in _FIELDS), found.code, reason)]
            )
    headers = {
        "Content-Disposition": 'attachment; filename="refused.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(cell: str) -> str:
    """A cell that a spreadsheet shows as text (promise 3)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _registered(call: Call, batch: str, number: int, row: dict[str, Any]) -> RowBody:
    """Register a row, once for its list and number (promise 2)."""
    request = idempotency.Request(call.who.account_id, "portal register-many", batch, b"")
    return register_row(replace(call, request=request), number, row, False)


def _rows(visit: Visit, text: str) -> list[dict[str, Any]]:
    """The rows of a CSV text with a line of columns.

    Raises:
        FormFault
    """
    if not text.strip():
        raise visit.refuse("rows", "forms.missing")
    try:
        reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True)
        columns = [name.strip() for name in reader.fieldnames or ()]
        unknown = [name for name in columns if name not in _FIELDS]
        if unknown or not columns:
            raise visit.refuse("rows", "insurance.columns", names=", ".join(unknown)[:80] or "–")
        rows: list[dict[str, Any]] = []
        for line in reader:
            if len(rows) >= MOST_ROWS:
                raise visit.refuse("rows", "insurance.too_many_rows", n=MOST_ROWS)
            cells = {
                str(name).strip(): _typed(str(name).strip(), (value or "").strip())
                for name, value in line.items()
                if name
            }
            rows.append({name: value for name, value in cells.items() if value})
    except csv.Error:
        raise visit.refuse("rows", "insurance.no_csv") from None
    if not rows:
        raise visit.refuse("rows", "forms.missing")
    return rows


def _table(visit: Visit, rows: list[dict[str, Any]], looked: list[RowBody]) -> list[list[Cell]]:
    """What became of each row, those that were refused first."""
    t, found = visit.words, []
    for one in sorted(looked, key=lambda each: (each.code is None, each.row)):
        row = rows[one.row]
        name = f"{row.get('surname', '')} {row.get('given', '')}".strip() or "–"
        if one.code is None:
            result, why = Tag(t("insurance.row_good"), "neutral"), ""
        else:
            field = t("insurance.row_field", field=one.path) if one.path and one.path != "row" else ""
            message = (one.message or {}).get(visit.view.language, one.code)
            result, why = Tag(t("insurance.row_refused"), "bad"), f"{message}{visit.words.gap}{field}".strip()
        found.append([Cell(t.number(one.row + 2), number=True), Cell(name), Cell("", tag=result, more=why)])
    return found
