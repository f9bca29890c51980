"""Objections: lodged against a refusal or the end of a permit, followed by their clocks, decided by a head.

Promises:

1. Whoever a decision concerns lodges an objection from the page that shows the decision; it has a number, and days by
   which something has to happen, each with its rule.
2. What a head may do with it is what the service offers; each act has its reason, which whoever lodged it reads.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from fastapi import Response

from issuer.permits import objection_views, objections, views
from issuer.permits.objection_views import ObjectionView
from issuer.permits.objections import NewObjection
from issuer.portal.catalogue import Words
from issuer.portal.filing_shown import redress_of
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Choice, Deadline, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right
from .filings import refusals_shown

__all__ = ["pages"]

pages = Pages()
_READS: Final = ("filing.lead", "filing.read", "objection.lodge")
_SEEN: Final = Access("person", _READS, owned="objection")
_LODGES: Final = with_right("objection.lodge")
_LODGES_ONE: Final = Access("person", ("objection.lodge",), owned="objection")
_DECIDES: Final = Access("person", ("objection.decide",), owned="objection")
_TONES: Final = {"LODGED": "info", "ADMITTED": "info", "ANNULLED": "ok", "UPHELD": "bad", "INADMISSIBLE": "bad"}
#: Texts of an objection's record, in the order in which they come.
_TEXTS: Final = ("grounds", "late_reason", "stay_reason", "prolong_reason", "reason")
#: Acts of a head, in their order; annul and uphold are both outcomes.
_ACTS: Final = ("admit", "dismiss", "stay", "prolong", "annul", "uphold")


@pages.get("objections", with_right(*_READS))
def list_objections(visit: Visit) -> Response:
    """One's own objections, or those of the office's region."""
    found = objection_views.list_objections(visit.core, visit.call.who, **asked_page(visit))
    shown, t = shown_page(visit, found, lambda one: one.objection_id), visit.words
    rows = [
        [
            Cell(one.number, f"{BASE}objections/{one.objection_id}", code=True),
            Cell(_about(t, one)),
            Cell("", tag=_state(t, one)),
            Cell(t.day(date.fromisoformat(one.decided_due or one.examined_due), short=True)),
        ]
        for one in shown["items"]
    ]
    return visit.page("objections/list.html", **{**shown, "items": rows})


def _about(t: Words, one: ObjectionView) -> str:
    return t("objections.about_refusal") if one.filing_id else t("objections.about_end")


def _state(t: Words, one: ObjectionView) -> Tag:
    return Tag(t(f"objections.state_{one.state}"), _TONES.get(one.state, "neutral"))  # type: ignore[arg-type]


@pages.get("objections/new", _LODGES)
def new_page(visit: Visit) -> Response:
    """The form for an objection, about the decision that the address names; another's is not there."""
    about, call = _named(visit), visit.call
    if "filing_id" in about:
        views.show_filing(call.core, call.who, about["filing_id"])
    if "permit_id" in about:
        views.show_permit(call.core, call.who, about["permit_id"])
    return visit.page("objections/new.html", about=about, late=any(one.field == "late_reason" for one in visit.errors))


def _named(visit: Visit) -> dict[str, str]:
    """What is objected to, by its id."""
    named = {name: visit.text(name) or visit.query(name.removesuffix("_id")) for name in ("filing_id", "permit_id")}
    return {name: value for name, value in named.items() if len(value) == 32 and value.isalnum()}


@pages.post("objections/new", _LODGES, form=new_page, fields={
    "objection.late": "late_reason", "objection": "grounds", "grounds": "grounds", "late_reason": "late_reason",
})  # fmt: skip
def lodge(visit: Visit) -> Response:
    """Lodge an objection."""
    visit.require("grounds")
    call = visit.call
    new = NewObjection(visit.text("grounds"), **_named(visit), late_reason=visit.text("late_reason") or None)
    with refusals_shown(visit, place="grounds"):
        made = once(call, lambda request: objections.lodge(call.core, call.who, new, request), lambda name: name)
    return visit.go(f"objections/{made}", done="objection_lodged")


@pages.get("objections/{objection_id}", _SEEN)
def show_objection(visit: Visit, objection_id: str) -> Response:
    """An objection: its grounds, its clock, its outcome with what can still be done."""
    one, t = objection_views.show_objection(visit.core, visit.call.who, objection_id), visit.words
    rules, who = ShownRules(visit), visit.call.who
    about = f"filings/{one.filing_id}" if one.filing_id else f"permits/{one.permit_id}"
    facts = [
        Fact(t("objections.number"), one.number, code=True),
        Fact(t("objections.against"), _about(t, one), Act(t("approvals.open"), BASE + about)),
        Fact(t("objections.lodged"), t.day(date.fromisoformat(one.lodged_on))),
        Fact(t("objections.stayed"), t("filing.yes" if one.stayed else "filing.no")),
    ]
    words = [(t(f"objections.r_{name}"), one.record[name]) for name in _TEXTS if one.record.get(name)]
    address = f"{BASE}objections/{objection_id}"
    decides = who.may("objection.decide")
    return visit.page(
        "objections/objection.html",
        objection=one,
        state=_state(t, one),
        facts=facts,
        texts=words,
        deadline=_deadline(rules, one),
        redress=redress_of(rules, one.record.get("redress")),
        acts=[Act(t(f"objections.do_{name}"), f"{address}/decide?act={name}") for name in _ACTS if name in one.moves]
        if decides
        else [],
        may_withdraw=who.may("objection.lodge") and "withdraw" in one.moves,
        address=address,
    )


def _deadline(rules: ShownRules, one: ObjectionView) -> tuple[str, Deadline] | None:
    """The clock that runs."""
    names = {
        "LODGED": ("reconsideration-examined", one.examined_due),
        "ADMITTED": ("reconsideration-simple" if one.simple else "reconsideration-decided", one.decided_due),
    }
    name, day = names.get(one.state, ("", None))
    row = rules.of_deadline(name, one.region) if name else None
    if row is None or day is None:
        return None
    t = rules.t
    shown = rules.deadline(row, date.fromisoformat(day), one.region, whose=t("objections.whose_head"))
    return row.value["title"][t.language], shown


@pages.post("objections/{objection_id}/withdraw", _LODGES_ONE, form=show_objection)
def withdraw(visit: Visit, objection_id: str) -> Response:
    """Withdraw one's own objection."""
    objections.withdraw_objection(visit.core, visit.call.who, objection_id, visit.call.version)
    return visit.go(f"objections/{objection_id}", done="objection_withdrawn")


@pages.get("objections/{objection_id}/decide", _DECIDES)
def decide_page(visit: Visit, objection_id: str) -> Response:
    """What an act of a head does, before it is done."""
    one, t = objection_views.show_objection(visit.core, visit.call.who, objection_id), visit.words
    act = visit.text("act") or visit.query("act")
    if act not in _ACTS:
        act = "admit"
    return visit.page(
        "objections/decide.html",
        objection=one,
        act=act,
        facts=[Fact(t("objections.number"), one.number, code=True), Fact(t("objections.against"), _about(t, one))],
        effects=[t(f"objections.effect_{act}")],
        kinds=[Choice("yes", t("objections.simple"))],
        address=f"{BASE}objections/{objection_id}",
    )


@pages.post("objections/{objection_id}/decide", _DECIDES, form=decide_page, fields={"rules.prolong": "days"})
def decide(visit: Visit, objection_id: str) -> Response:
    """Do a head's act."""
    core, who, version, act = visit.core, visit.call.who, visit.call.version, visit.text("act")
    if act != "admit":
        visit.require("reason")
    reason = visit.text("reason")
    if act == "admit":
        objections.admit_objection(core, who, objection_id, version, simple=visit.text("simple") == "yes")
    elif act == "dismiss":
        objections.dismiss_objection(core, who, objection_id, version, reason)
    elif act == "stay":
        objections.stay_objection(core, who, objection_id, version, reason)
    elif act == "prolong":
        objections.prolong_objection(core, who, objection_id, version, visit.number("days"), reason)
    else:
        objections.decide_objection(core, who, objection_id, version, "annul" if act == "annul" else "uphold", reason)
    return visit.go(f"objections/{objection_id}", done="objection_moved")
