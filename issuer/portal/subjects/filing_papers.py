"""An application's papers: what each needs, handing one in with its file, taking a file back.

Promises:

1. What is wrong with a paper is said at its fields, all of it at once; what was typed stays.
2. A file is judged when it arrives, and the answer says what to change; what a photo has to be stands on its page
   before a file is chosen, each point with its rule.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import Response

from icard_crypto.errors import NotFound
from issuer.permits import papers, uploads, views
from issuer.permits.papers import NewPaper
from issuer.permits.views import FilingView, ItemView
from issuer.portal.faults import FieldError, FormFault
from issuer.portal.filing_shown import (
    defects_of,
)
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice, Rule
from issuer.portal.places import country_choices
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import rule_part
from issuer.portal.visits import Visit
from issuer.rules.days import parse_day
from issuer.service.access import Access
from issuer.service.idempotent import once

from .filings import refusals_shown

__all__ = ["pages"]

pages = Pages()
_FILES_ONE: Final = Access("person", ("filing.file",), owned="filing")

#: The application form itself, signed and sealed (issuer/rules/data/materials.json).
_FORM: Final = "M01"
_WAYS: Final = ("apostille", "legalisation", "local_notary")


@pages.get("filings/{filing_id}/paper", _FILES_ONE)
def paper_page(visit: Visit, filing_id: str) -> Response:
    """The form for a material."""
    view, item = _item(visit, filing_id)
    t, paper = visit.words, item.paper
    back = {point["path"]: point["text"] for point in defects_of(view)}
    return visit.page(
        "filings/paper.html",
        filing=view,
        item=item,
        title=item.title[t.language],
        reason=item.reason[t.language],
        rule=item.rule[t.language],
        wrong_with=back.get(item.code) or (paper.note if paper is not None and paper.state == "REJECTED" else ""),
        paper=paper,
        size=file_size,
        states=country_choices(t, _state_chosen(visit, item), china=True, places=True),
        ways=[Choice("", t("filing.choose")), *(Choice(way, t(f"filing.way_{way}")) for way in _WAYS)],
        address=f"{BASE}filings/{filing_id}",
        form=f"{BASE}filings/{filing_id}/form" if item.code == _FORM else "",
        photo=_photo_rules(visit, filing_id) if item.code == uploads.PHOTO else None,
    )


def _state_chosen(visit: Visit, item: ItemView) -> str:
    """The state of issue that was typed, or is on record."""
    if visit.form is not None:
        return visit.text("issuing_state")
    return (item.paper.issuing_state if item.paper is not None else None) or ""


def _photo_rules(visit: Visit, filing_id: str) -> list[tuple[str, Rule]]:
    """What the photo has to be, each point in words with its rule, before anybody chooses a file."""
    t, found = visit.words, uploads.photo_rules(visit.core, visit.call.who, filing_id)
    size, ground = found["size"].value, found["background"].value
    words = {
        "size": t(
            "filing.photo_size",
            width=size["least"][0],
            height=size["least"][1],
            across=size["shape"][0],
            down=size["shape"][1],
        ),
        "background": t("filing.photo_background", share=f"{ground['share']:.0%}"),
        "frame": t("filing.photo_frame"),
    }
    return [(words[name], rule_part(found[name], t)) for name in words]


def file_size(size: int) -> str:
    """A number of bytes as people read it."""
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{max(1, round(size / 1000))} kB"


def _item(visit: Visit, filing_id: str) -> tuple[FilingView, ItemView]:
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    code = visit.text("material") or visit.query("material")
    item = next((one for one in view.checklist if one.code == code), None)
    if item is None:
        raise NotFound("filing.none")
    return view, item


@pages.post("filings/{filing_id}/paper", _FILES_ONE, form=paper_page, fields={"upload": "file"}, costly=True)
def hand_in(visit: Visit, filing_id: str) -> Response:
    """Hand a material in, or promise it."""
    _, item = _item(visit, filing_id)
    errors: list[FieldError] = []
    days = {name: _day(visit, name, errors) for name in ("issued", "authenticated_on", "committed_until")}
    state = visit.text("issuing_state").upper()
    if state and not (len(state) == 3 and state.isascii() and state.isalpha()):
        errors.append(FieldError("issuing_state", visit.words("filing.state_form")))
    if errors:
        raise FormFault(errors)
    way = visit.text("way")
    new = NewPaper(
        days["issued"],
        state or None,
        way if way in _WAYS else None,
        days["authenticated_on"],
        "translated" in visit.every("more"),
        "sealed" in visit.every("more"),
        days["committed_until"],
    )
    call, chosen = visit.call, visit.upload("file")
    papers.hand_in(call.core, call.who, filing_id, item.code, new)
    if chosen is not None:
        with refusals_shown(visit, place="file"):
            once(
                call,
                lambda request: uploads.add_file(call.core, call.who, filing_id, item.code, *chosen, request),
                lambda made: made,
            )
    return visit.go(f"filings/{filing_id}", done="paper_handed_in")


@pages.post("filings/{filing_id}/paper/remove", _FILES_ONE, form=paper_page)
def remove_file(visit: Visit, filing_id: str) -> Response:
    """Take a file back."""
    _, item = _item(visit, filing_id)
    if any(one.file_id == visit.text("file_id") for one in item.files):
        uploads.remove_file(visit.core, visit.call.who, visit.text("file_id"))
    return visit.go(f"filings/{filing_id}/paper?material={item.code}", done="file_removed")


def _day(visit: Visit, name: str, errors: list[FieldError]) -> date | None:
    text = visit.text(name)
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError:
        errors.append(FieldError(name, visit.words("filing.day_form")))
        return None
