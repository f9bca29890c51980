"""Registration for social insurance: one person by a form, or a list from a file.

Promises:

1. What is wrong with a form is said at its fields, all of it at once.
2. A list becomes one of :mod:`issuer.portal.subjects.batches`: looked at before anything is written, each row once.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Response
from pydantic import ValidationError

from issuer.batches.lists import MOST_ROWS
from issuer.insurance import registration
from issuer.portal.faults import FieldError, FormFault
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice
from issuer.portal.places import country_choices, region_code, region_options
from issuer.portal.rule_shown import region_words
from issuer.portal.visits import Visit
from issuer.service.api.insurance import RegistrationBody, new_registration
from issuer.service.idempotent import once

from .access import with_right
from .batches import begin_list, typed_rows
from .filings import client_organisations, clients_of
from .permits import own_region

__all__ = ["pages"]

pages = Pages()
_REGISTERS: Final = with_right("insurance.register")
_FIELDS: Final = (
    *("surname", "given", "nationality", "passport_state", "passport", "born", "sex", "basis", "obtained"),
    *("basis_until", "region", "began", "wage", "injury_rate", "number"),
)
#: Of a list, and of an official's form: the unified social credit code of the employer that registers.
_COLUMNS: Final = (*_FIELDS, "employer_code")
_UPPER: Final = frozenset({"nationality", "passport_state", "passport", "employer_code"})
_CHOICES: Final = {"sex": ("female", "male"), "basis": ("work_permit", "press_card", "permanent_residence")}
_COUNTRIES: Final = frozenset({"nationality", "passport_state"})
_DAYS: Final = frozenset({"born", "obtained", "basis_until", "began"})


@pages.get("insurance/register", _REGISTERS)
def register_page(visit: Visit) -> Response:
    """The form for one person."""
    t = visit.words
    asked = _COLUMNS if visit.call.who.role.official else _FIELDS
    fields = [_field(visit, name) for name in asked]
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
        choices = [Choice(one, t(key + one)) for one in _CHOICES[name]]
        # What most people have is chosen already; what is a person's own is chosen by whoever fills the form in.
        asked = [Choice("", t("filing.choose"))] if name == "sex" else []
        return {**found, "kind": "select", "choices": [*asked, *choices]}
    if name in _COUNTRIES:
        return {**found, "kind": "select", "choices": country_choices(t, visit.text(name))}
    if name == "region":
        own = own_region(visit)
        value = visit.text(name) or (region_words(own, t) if own else "")
        return {**found, "kind": "region", "choices": region_options(t.language), "value": value}
    return {**found, "kind": "date"} if name in _DAYS else found


@pages.post("insurance/register", _REGISTERS, form=register_page, fields={"insurance.registered": "passport"})
def register(visit: Visit) -> Response:
    """Register one person."""
    row = {name: value for name in (*_COLUMNS, "employer_id") if (value := _typed(name, visit.text(name)))}
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
    if name == "region":
        return region_code(text)
    return text.upper() if name in _UPPER else text


def _errors(visit: Visit, fault: ValidationError) -> list[FieldError]:
    """Every field that cannot be used, once each."""
    found: dict[str, FieldError] = {}
    for one in fault.errors(include_input=False, include_url=False, include_context=False):
        name = str(one["loc"][0]) if one["loc"] else ""
        found.setdefault(name, FieldError(name, visit.words(_fault_words(name, one["type"]))))
    return list(found.values())


def _fault_words(name: str, kind: str) -> str:
    if kind == "missing":
        return "forms.missing"
    return "forms.region" if name == "region" else "forms.unusable"


@pages.get("insurance/register-many", _REGISTERS)
def list_page(visit: Visit) -> Response:
    """The form for a list."""
    return visit.page(
        "insurance/register_many.html",
        columns=", ".join(_COLUMNS),
        most=visit.words.number(MOST_ROWS),
        clients=client_organisations(visit),
    )


@pages.post("insurance/register-many", _REGISTERS, form=list_page, costly=True)
def send_list(visit: Visit) -> Response:
    """Take a list in; it is looked at row by row before anything is registered."""
    rows = typed_rows(visit, _COLUMNS, _typed)
    return visit.go(f"lists/{begin_list(visit, 'registration', rows)}")
