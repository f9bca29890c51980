"""The end of a permit: what a person says before it, their own report of having left, and what two officers decide.

Promises:

1. A person reads what is meant to be decided against them, why, by which rule, and until when they can answer; the
   statement is kept as it was sent.
2. A report of having left ends nothing: the page says what it starts, and who has to act until when.
3. An end without an application is only asked for here; a second officer of the region confirms it, after the hearing
   that its rule asks for.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Response

from issuer.permits import hearings, leaving, views
from issuer.permits.views import PermitView
from issuer.portal.catalogue import Words
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice, Fact
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, rule_part, rule_title
from issuer.portal.situations import situation
from issuer.portal.visits import Visit
from issuer.rules.rows import Rule
from issuer.service.access import Access
from issuer.service.idempotent import once

from .asking import ask_for
from .filings import refusals_shown

__all__ = ["hearings_shown", "pages"]

pages = Pages()
_OWN: Final = Access("person", ("permit.own",), owned="permit")
_STATES_CASE: Final = Access("person", ("filing.decide", "filing.file", "permit.own"), owned="permit")
_HEARS: Final = Access("person", ("filing.decide",), owned="permit")
_ENDS: Final = Access("person", ("permit.end",), owned="permit")


def hearings_shown(visit: Visit, view: PermitView) -> list[dict[str, Any]]:
    """The hearings about a permit, each with what is meant, until when, and what was said."""
    t, rules, region = visit.words, ShownRules(visit), view.terms[-1].region
    found = []
    for one in hearings.list_hearings(visit.core, visit.call.who, view.permit_id):
        row = rules.of_deadline("hearing", region)
        waits = one.state == "OPEN"
        found.append(
            {
                "id": one.hearing_id,
                "title": one.title[t.language],
                "rule": one.rule[t.language],
                "reason": one.reason or "",
                "statement": one.statement or "",
                "recorded": one.recorded_statement or "",
                "waits": waits,
                "situation": situation(t, "hearing", one.state),
                "deadline": rules.deadline(
                    row, one.until, region, whose=t("endings.whose_person"), otherwise=t("endings.then_decided")
                )
                if waits and row is not None
                else None,
            }
        )
    return found


@pages.get("permits/{permit_id}/statement", _STATES_CASE)
def statement_page(visit: Visit, permit_id: str) -> Response:
    """What is meant to be decided, and the form for a statement."""
    view = views.show_permit(visit.core, visit.call.who, permit_id)
    shown = [one for one in hearings_shown(visit, view) if one["waits"]]
    return visit.page("permits/statement.html", permit=view, hearings=shown, address=f"{BASE}permits/{permit_id}")


@pages.post("permits/{permit_id}/statement", _STATES_CASE, form=statement_page, fields={"hearing": "statement"})
def state_case(visit: Visit, permit_id: str) -> Response:
    """State one's case; an officer writes down what was said at the window."""
    visit.require("statement")
    known = {one.hearing_id for one in hearings.list_hearings(visit.core, visit.call.who, permit_id)}
    if visit.text("hearing_id") not in known:
        raise visit.refuse("statement", "forms.missing")
    hearings.state_case(visit.core, visit.call.who, visit.text("hearing_id"), visit.text("statement"))
    return visit.go(f"permits/{permit_id}", done="case_stated")


@pages.get("permits/{permit_id}/left", _OWN)
def left_page(visit: Visit, permit_id: str) -> Response:
    """The form by which a holder reports that they have left the employer."""
    view, t = views.show_permit(visit.core, visit.call.who, permit_id), visit.words
    facts = [Fact(t("card.employer"), view.terms[-1].employer), Fact(t("card.position"), view.terms[-1].post)]
    effects = [t("endings.left_effect"), t("endings.left_employer"), t("endings.left_after")]
    return visit.page("permits/left.html", facts=facts, effects=effects, address=f"{BASE}permits/{permit_id}")


@pages.post("permits/{permit_id}/left", _OWN, form=left_page, fields={"filing": "day", "permit": "day"})
def report_left(visit: Visit, permit_id: str) -> Response:
    """Report that one has left; it ends nothing by itself."""
    visit.require("day")
    day = visit.day("day")
    with refusals_shown(visit, place="day"):
        leaving.report_leaving(visit.core, visit.call.who, permit_id, day)
    return visit.go(f"permits/{permit_id}", done="left_reported")


def _grounds(visit: Visit, *, heard: bool | None = None) -> list[Choice]:
    """The ends that two officers may decide, by the rules of today.

    Args:
        heard: only those that ask for a hearing, or only those that do not; None: all.
    """
    rules, t = ShownRules(visit), visit.words
    rows = rules.book.effective("ends", "CN", rules.today)
    return [
        Choice(row.id, _ground(row, t))
        for row in rows
        if row.value["two"] and (heard is None or row.value["hearing"] is heard)
    ]


def _ground(row: Rule, t: Words) -> str:
    return t.pair(t("endings.kind_" + row.id.partition(".")[0]), rule_title(row, t))


def ground_title(visit: Visit, name: str) -> str:
    """The kind of an end and its ground in words, by the rules of today; the name itself where no row has it."""
    rules = ShownRules(visit)
    row = next((row for row in rules.book.effective("ends", "CN", rules.today) if row.id == name), None)
    return name if row is None else _ground(row, visit.words)


@pages.get("permits/{permit_id}/hearing", _HEARS)
def hearing_page(visit: Visit, permit_id: str) -> Response:
    """The form that notifies a person of the decision intended against them."""
    view, t = views.show_permit(visit.core, visit.call.who, permit_id), visit.words
    row = ShownRules(visit).of_deadline("hearing", view.terms[-1].region)
    return visit.page(
        "permits/hearing.html",
        facts=[Fact(t("card.name"), view.name), Fact(t("card.number"), view.number, code=True)],
        effects=[t("endings.hearing_effect")],
        grounds=_grounds(visit, heard=True),
        rule=rule_part(row, t) if row is not None else None,
        address=f"{BASE}permits/{permit_id}",
    )


@pages.post("permits/{permit_id}/hearing", _HEARS, form=hearing_page, fields={"permit.ground": "end", "hearing": "end"})
def open_hearing(visit: Visit, permit_id: str) -> Response:
    """Tell the person, with the reason; they have until a day to state their case."""
    visit.require("end", "reason")
    call = visit.call
    with refusals_shown(visit, place="end"):
        once(
            call,
            lambda request: hearings.open_hearing(
                call.core, call.who, permit_id, visit.text("end"), visit.text("reason"), request
            ),
            lambda made: made,
        )
    return visit.go(f"permits/{permit_id}", done="hearing_opened")


@pages.get("permits/{permit_id}/end", _ENDS)
def end_page(visit: Visit, permit_id: str) -> Response:
    """The form by which an end without an application is asked for."""
    view, t = views.show_permit(visit.core, visit.call.who, permit_id), visit.words
    return visit.page(
        "permits/end.html",
        facts=[Fact(t("card.name"), view.name), Fact(t("card.number"), view.number, code=True)],
        effects=[t("endings.end_effect"), t("approvals.permit.end_effect")],
        grounds=_grounds(visit),
        needs_code=not visit.fresh(),
        address=f"{BASE}permits/{permit_id}",
    )


@pages.post(
    "permits/{permit_id}/end",
    _ENDS,
    form=end_page,
    fields={"permit.ground": "end", "hearing": "end", "access.fresh_code": "code"},
)
def ask_end(visit: Visit, permit_id: str) -> Response:
    """Ask for an end; a second officer of the region confirms it."""
    visit.require("end", "reason")
    visit.give_code()
    with refusals_shown(visit, place="end"):
        return ask_for(visit, "permit.end", {"permit_id": permit_id, "end": visit.text("end")})
