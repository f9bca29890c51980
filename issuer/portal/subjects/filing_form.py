"""The form by which an application is filled in, part by part.

Promises:

1. What is wrong with a part is said at its fields, all of it at once; what a return has named is beside the fields.
2. Asked is what the rules of the process read. What categories follow from is asked where a category is decided on: of
   an extension or a change only once it names another category than the permit's.
3. Where the permit's value stays if a field is left empty, the field says so and names the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response

from icard_crypto.errors import NotFound, StateError
from issuer.permits import applications, views
from issuer.permits.filed_values import FACTS, PARTS, field_label, permit_seen, value_text, values_of
from issuer.permits.records import record_from
from issuer.permits.views import FilingView
from issuer.portal.faults import FieldError, FormFault
from issuer.portal.filing_shown import defects_of
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice
from issuer.portal.places import country_choices
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access

__all__ = ["pages"]

pages = Pages()
_FILES_ONE: Final = Access("person", ("filing.file",), owned="filing")
_DAYS: Final = frozenset({"birth", "passport_until", "first", "until", "contract_until", "changed_on", "ended_on"})
_CHOICES: Final = {
    "sex": ("female", "male", "other"),
    "category": ("A", "B", "C"),
    "ground": ("contract_ended", "resigned", "dismissed", "left_china", "employer_gone", "incapacity", "death"),
    "education": ("bachelor", "master", "doctor", "highest_skill", "other"),
    "chinese": ("none", "hsk1", "hsk2", "hsk3", "hsk4", "hsk5", "hsk6", "degree", "native"),
}
_NUMBERS: Final = frozenset({"salary", "experience_years", "months_in_china", "local_points"})
#: Processes that decide on a category, for a person who has none yet.
_WITH_CATEGORY: Final = ("overseas", "in_country")


@pages.get("filings/{filing_id}/edit", _FILES_ONE)
def edit_page(visit: Visit, filing_id: str) -> Response:
    """The form for a part of an application."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    part = visit.text("part") or visit.query("part") or "facts"
    if part != "facts" and part not in PARTS[view.process]:
        raise NotFound("filing.none")
    kept = values_of(permit_seen(visit.core, visit.call.who, view))
    names = _names(view, part, kept)
    back = {point["path"].removeprefix("facts."): point["text"] for point in defects_of(view)}
    if not visit.errors:
        visit.errors = [FieldError(name, back[name]) for name in names if name in back]
    record = view.record if part != "facts" else view.record.get("facts", {})
    return visit.page(
        "filings/edit.html",
        filing=view,
        part=part,
        fields=[_field(visit, name, record.get(name), kept.get(name)) for name in names],
        address=f"{BASE}filings/{filing_id}",
    )


def _names(view: FilingView, part: str, kept: Mapping[str, str]) -> tuple[str, ...]:
    """The fields of a part (promise 2).

    Args:
        kept: what the permit has, and stays where the application does not change it.
    """
    if part != "facts":
        return PARTS[view.process].get(part, ())
    category = view.record.get("category")
    changes = "category" in kept and category not in (None, kept["category"])
    more = FACTS if view.process in _WITH_CATEGORY or changes else ()
    return (*view.questions, *(name for name in more if name not in view.questions))


def _field(visit: Visit, name: str, value: Any, stays: str | None) -> dict[str, Any]:
    """A field of the form: what kind of control it has, and what is in it.

    Args:
        stays: what the permit has, and keeps where the field is left empty.
    """
    t = visit.words
    hint = t(f"filing.f_{name}_hint") if t.has(f"filing.f_{name}_hint") else ""
    if stays:
        hint = t("filing.stays", value=value_text(t, name, stays))
    found: dict[str, Any] = {"name": name, "label": field_label(t, name), "hint": hint, "choices": []}
    if name in _CHOICES:
        options = [Choice(one, t(f"filing.v_{name}_{one}")) for one in _CHOICES[name]]
        return {**found, "kind": "select", "choices": [Choice("", t("filing.choose")), *options], "value": value or ""}
    if name in _DAYS or name == "permit_ended":
        return {**found, "kind": "date", "value": value or ""}
    if name in _NUMBERS:
        return {**found, "kind": "number", "value": "" if value is None else str(value)}
    if name == "nationality":
        chosen = visit.text(name) or value or ""
        return {**found, "kind": "select", "choices": country_choices(t, chosen), "value": chosen}
    if name in ("surname", "given", "passport", "post"):
        return {**found, "kind": "text", "value": value or "", "code": name == "passport"}
    options = [Choice("yes", t("filing.yes")), Choice("no", t("filing.no")), Choice("", t("filing.not_yet"))]
    chosen = visit.text(name) if visit.form else {True: "yes", False: "no"}.get(value, "")
    return {**found, "kind": "flag", "choices": options, "value": chosen}


@pages.post("filings/{filing_id}/edit", _FILES_ONE, form=edit_page)
def save_part(visit: Visit, filing_id: str) -> Response:
    """Save a part of an application; the others stay as they are."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    part = visit.text("part")
    names = _names(view, part, values_of(permit_seen(visit.core, visit.call.who, view)))
    given = {name: _value(visit, name) for name in names}
    errors = [error for name, value in given.items() if (error := _error(visit, part, name, value)) is not None]
    if errors:
        raise FormFault(errors)
    record: dict[str, Any] = dict(view.record)
    if part == "facts":
        record["facts"] = {**record.get("facts", {}), **given}
    else:
        record |= given
    applications.save_filing(visit.core, visit.call.who, filing_id, record, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_saved")


def _value(visit: Visit, name: str) -> Any:
    text = visit.text(name)
    if not text:
        return None
    if name in _NUMBERS:
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else text
    if (
        name in _CHOICES
        or name in _DAYS
        or name in ("surname", "given", "nationality", "passport", "post", "permit_ended")
    ):
        return text.upper() if name in ("nationality", "passport") else text
    return {"yes": True, "no": False}.get(text, text)


def _error(visit: Visit, part: str, name: str, value: Any) -> FieldError | None:
    """What is wrong with one field by itself, so that all are named at once."""
    if value is None:
        return None
    try:
        record_from({"facts": {name: value}} if part == "facts" else {name: value})
    except StateError as fault:
        message, hint = visit.words.fault(fault)
        expected = f" ({fault.expected})" if fault.expected and visit.view.language == "en" else ""
        return FieldError(name, f"{message}{visit.words.gap}{hint}{expected}")
    return None
