"""The merger of two records of one person, and its taking back: asked for by one officer, confirmed by another.

Promises:

1. The other record is named by the number of its permit or by a passport, as an officer has it on paper; both records
   stand side by side before anybody asks for their merger.
2. Whoever confirms reads what both records say. Each merger is on the page from which it is taken back.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Final

from fastapi import Response

from icard_crypto.errors import Invalid, NotAllowed, NotFound
from issuer.permits import person_mergers, person_records
from issuer.permits.person_mergers import MergerView
from issuer.permits.person_records import PersonView
from issuer.portal.catalogue import Words
from issuer.portal.pages import Pages
from issuer.portal.parts import Entry, Fact
from issuer.portal.places import country_choices
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .asking import ask_for

__all__ = ["merger_words", "pages", "record_facts"]

pages = Pages()
_MERGES: Final = Access("person", ("permit.end",), owned="permit")
_FIELDS: Final = {"person": "reason", "permit": "reason", "filing": "reason", "access.fresh_code": "code"}
_ID: Final = re.compile("[0-9a-f]{32}")


@pages.get("permits/{permit_id}/merge", _MERGES)
def merge_page(visit: Visit, permit_id: str) -> Response:
    """The form that finds the other record; once it is found, both records, and the form that asks for the merger."""
    t, core, who = visit.words, visit.core, visit.call.who
    own, other = person_records.show_person(core, who, "permit_id", permit_id), _chosen(visit)
    return visit.page(
        "permits/merge.html",
        name=own.name,
        own=_facts(t, own),
        other=other,
        other_facts=_facts(t, other) if other else [],
        states=country_choices(t, visit.text("nationality")),
        effects=[t("approvals.person.merge_effect"), t("acts.notified")],
        mergers=[
            (_entry(t, one), one.merger_id if one.state == "merged" else "")
            for one in person_mergers.list_mergers(core, who, permit_id)
        ],
        needs_code=not visit.fresh(),
        address=f"{BASE}permits/{permit_id}",
    )


@pages.post("permits/{permit_id}/merge", _MERGES, form=merge_page, fields=_FIELDS)
def ask_merger(visit: Visit, permit_id: str) -> Response:
    """Find the other record and show both, or ask for the merger; a second officer confirms it, one of the other
    record's region where it lies in another one."""
    other = _chosen(visit)
    if other is None:
        return _compare(visit, permit_id)
    visit.require("reason")
    visit.give_code()
    return ask_for(visit, "person.merge", {"permit_id": permit_id, "person_id": other.person_id})


def _compare(visit: Visit, permit_id: str) -> Response:
    given = {name: visit.text(name) for name in ("number", "nationality", "passport")}
    place = "passport" if given["passport"] else "number"
    try:
        found = person_records.find_person(visit.core, visit.call.who, **given)
    except Invalid:
        raise visit.refuse(place, "merging.one_way") from None
    except NotFound:
        raise visit.refuse(place, "merging.no_record") from None
    own = person_records.show_person(visit.core, visit.call.who, "permit_id", permit_id)
    if found.person_id == own.person_id:
        raise visit.refuse(place, "merging.same")
    visit.form = {**(visit.form or {}), "person_id": [found.person_id]}
    return merge_page(visit, permit_id)


def _chosen(visit: Visit) -> PersonView | None:
    """The other record, once it was found."""
    person_id = visit.text("person_id")
    if not _ID.fullmatch(person_id):
        return None
    try:
        return person_records.show_person(visit.core, visit.call.who, "person_id", person_id)
    except NotFound:
        return None


@pages.get("permits/{permit_id}/split", _MERGES)
def split_page(visit: Visit, permit_id: str) -> Response:
    """The form by which an officer asks that a merger is taken back."""
    t, found = visit.words, _merger(visit, permit_id)
    own = person_records.show_person(visit.core, visit.call.who, "permit_id", permit_id)
    return visit.page(
        "permits/split.html",
        merger_id=found.merger_id,
        facts=[*_facts(t, own), Fact(t("approvals.merger_id"), _moved(t, found))],
        effects=[t("approvals.person.split_effect"), t("acts.notified")],
        needs_code=not visit.fresh(),
        address=f"{BASE}permits/{permit_id}",
    )


@pages.post("permits/{permit_id}/split", _MERGES, form=split_page, fields=_FIELDS)
def ask_split(visit: Visit, permit_id: str) -> Response:
    """Ask for it; a second officer confirms it."""
    found = _merger(visit, permit_id)
    visit.require("reason")
    visit.give_code()
    return ask_for(visit, "person.split", {"permit_id": permit_id, "merger_id": found.merger_id})


def _merger(visit: Visit, permit_id: str) -> MergerView:
    wanted = visit.text("merger_id") or visit.query("merger")
    found = person_mergers.list_mergers(visit.core, visit.call.who, permit_id)
    one = next((each for each in found if each.merger_id == wanted), None)
    if one is None:
        raise NotFound("person.no_merger")
    return one


def record_facts(visit: Visit, name: str, value: str) -> list[Fact]:
    """What a record of a request says, which may lie in another region; its id alone where it is not there any more."""
    t = visit.words
    try:
        view = person_records.show_person(visit.core, visit.call.who, name, value)
    except (NotFound, NotAllowed):
        return [Fact(t(f"approvals.{name}"), value, code=True)]
    if name == "permit_id":
        return _facts(t, view)
    other = t("merging.other_record")
    return [replace(fact, key=t.pair(other, fact.key)) for fact in _facts(t, view)]


def merger_words(visit: Visit, merger_id: str) -> str:
    """When a merger was made, and how much it moved; its id where it is not there any more."""
    try:
        return _moved(visit.words, person_mergers.show_merger(visit.core, visit.call.who, merger_id))
    except (NotFound, NotAllowed):
        return merger_id


def _facts(t: Words, one: PersonView) -> list[Fact]:
    born = t.day(date.fromisoformat(one.birth)) if one.birth else "–"
    return [
        Fact(t("card.name"), one.name or "–"),
        Fact(t("filing.f_birth"), born),
        Fact(t("filing.f_nationality"), t.country(one.nationality) if one.nationality else "–"),
        Fact(t("filing.f_passport"), one.passport or "–", code=True),
        Fact(t("card.number"), one.number or "–", code=True),
    ]


def _entry(t: Words, one: MergerView) -> Entry:
    text = t("merging.merged_on", day=t.day(date.fromisoformat(one.merged_on)))
    if one.split_on is None:
        return Entry(text, _count(t, one))
    return Entry(text, t("merging.split_on", day=t.day(date.fromisoformat(one.split_on))), "", _count(t, one))


def _moved(t: Words, one: MergerView) -> str:
    return t.in_row((t("merging.merged_on", day=t.day(date.fromisoformat(one.merged_on))), _count(t, one)))


def _count(t: Words, one: MergerView) -> str:
    return t("merging.moved", n=sum(one.moved.values()))
