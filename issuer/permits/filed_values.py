"""What an application says, part by part, with the label and the value of each field in words.

Every field has one label everywhere: in the form, on the page, in a return, beside an error, on paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from icard_crypto.errors import NotFound
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.wording.catalogue import Wording

from .views import FilingView, PermitView, show_permit

__all__ = ["FACTS", "PARTS", "Filed", "field_label", "filed_values", "permit_seen", "value_text", "values_of"]

_PERSON: Final = ("surname", "given", "nationality", "birth", "sex", "passport", "passport_until")
_JOB: Final = ("post", "category", "first", "until", "contract_until")
#: The fields of each part of the form, by process.
PARTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "overseas": {"person": _PERSON, "job": _JOB},
    "in_country": {"person": _PERSON, "job": _JOB},
    "short": {"person": _PERSON, "job": ("post", "first", "until")},
    "extension": {"job": ("until", "contract_until", "passport_until", "post", "category")},
    "change": {"job": ("changed_on", "post", "category"), "person": ("surname", "given", "passport", "passport_until")},
    "cancellation": {"job": ("ended_on", "ground", "signed")},
    "reissue": {},
}
#: Facts that the categories follow from, beside the questions of the checklist.
FACTS: Final = (
    *("education", "experience_years", "salary", "months_in_china", "chinese", "merit", "local_points"),
    *("talent_programme", "recognised_achievement", "encouraged_post", "founder", "mother_tongue"),
    *("teaching_certificate", "skill_certificate", "quota", "short_work", "other_by_rule", "poor_county"),
)
_CHOSEN: Final = frozenset({"sex", "category", "ground", "education", "chinese"})
_NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Filed:
    """A field of an application: its name, its label and its value in words."""

    name: str
    label: str
    value: str


def field_label(t: Wording, path: str, view: FilingView | None = None) -> str:
    """The label of a field, or the title of a material."""
    name = path.removeprefix("facts.")
    if t.has(f"filing.f_{name}"):
        return t(f"filing.f_{name}")
    titles = {item.code: item.title[t.language] for item in view.checklist} if view is not None else {}
    return titles.get(name, name)


def value_text(t: Wording, name: str, value: Any) -> str:
    """A value of a field, as the language writes it."""
    if isinstance(value, bool):
        return t("filing.yes" if value else "filing.no")
    if name in _CHOSEN and t.has(f"filing.v_{name}_{value}"):
        return t(f"filing.v_{name}_{value}")
    if isinstance(value, int):
        return t.number(value)
    if name == "nationality":
        return t.country(str(value))
    try:
        return t.day(date.fromisoformat(str(value)))
    except ValueError:
        return str(value)


def filed_values(t: Wording, view: FilingView, kept: Mapping[str, str] | None = None) -> list[tuple[str, list[Filed]]]:
    """What an application says: each part with its fields, those that it does not fill in too.

    Args:
        kept: what the permit has, and stays where the application does not change it (:func:`values_of`).
    """
    record: Mapping[str, Any] = {**(kept or {}), **{name: one for name, one in view.record.items() if one is not None}}
    found = [(part, [_filed(t, name, record) for name in names]) for part, names in PARTS[view.process].items()]
    answers = record.get("facts", {})
    asked = [name for name in (*view.questions, *FACTS) if name in view.questions or name in answers]
    return [*found, ("facts", [_filed(t, name, answers) for name in asked])] if asked else found


def _filed(t: Wording, name: str, values: Mapping[str, Any]) -> Filed:
    return Filed(name, field_label(t, name), value_text(t, name, values[name]) if name in values else _NOTHING)


def permit_seen(core: Core, who: Principal, view: FilingView) -> PermitView | None:
    """The permit that an application is about, or has led to; None: there is none, or the viewer does not see it."""
    if view.permit_id is None:
        return None
    try:
        return show_permit(core, who, view.permit_id)
    except NotFound:
        return None


def values_of(permit: PermitView | None) -> dict[str, str]:
    """What a permit has, and stays where an application about it does not change it."""
    if permit is None or not permit.terms:
        return {}
    return {"post": permit.terms[-1].post, "category": permit.terms[-1].category}
