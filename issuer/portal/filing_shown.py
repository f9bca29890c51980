"""Applications and permits as pages show them: state, steps, clocks, checklist, what was filed, what was decided.

Promises:

1. Whoever sees an application sees whose turn it is and until when; a decision comes with its reasons and the last day
   of each way of redress.
2. Every field has one label everywhere: in the form, on the page, in a return, beside an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal

from issuer.permits.filed_values import field_label, filed_values
from issuer.permits.views import EventView, FilingView, ItemView, PermitView

from .catalogue import Words
from .parts import Act, Check, Deadline, Entry, Fact, Step, Tag
from .rendering import BASE
from .rule_shown import ShownRules, region_words

__all__ = [
    "defects_of",
    "filed_facts",
    "filing_checks",
    "filing_deadlines",
    "filing_events",
    "filing_state",
    "filing_steps",
    "permit_state",
    "redress_of",
]

_STATES: Final = {
    "DRAFT": "neutral",
    "SUBMITTED": "info",
    "PRE_REVIEWED": "info",
    "ACCEPTED": "info",
    "RETURNED": "warn",
    "APPROVED": "neutral",
    "REFUSED": "bad",
    "WITHDRAWN": "neutral",
    "LAPSED": "bad",
}
_ROAD: Final = ("DRAFT", "SUBMITTED", "PRE_REVIEWED", "ACCEPTED")


def filing_state(t: Words, state: str) -> Tag:
    """The state of an application in a word."""
    return Tag(t(f"filing.state_{state}"), _STATES[state])  # type: ignore[arg-type]


def permit_state(t: Words, view: PermitView, today: date) -> Tag:
    """The state of a permit in a word; green only where the person may work now."""
    if view.may_work:
        begins = date.fromisoformat(view.terms[-1].first) if len(view.terms) == 1 else None
        if begins is not None and begins > today:
            return Tag(t("permit.state_later", day=t.day(begins)), "info")
        return Tag(t(f"permit.state_{view.state}"), "ok")
    return Tag(t(f"permit.state_{view.state}"), "info" if view.state == "GRANTED" else "bad")


def filing_steps(t: Words, view: FilingView) -> list[Step]:
    """The road of an application: what it has passed, where it is, what is to come."""
    reached = {"DRAFT", *(event.state for event in view.events)}
    decided = view.state not in (*_ROAD, "RETURNED")
    here = "SUBMITTED" if view.state == "RETURNED" else view.state
    found = []
    for state in _ROAD:
        if decided and state not in reached:
            continue
        now = state == here
        word = "RETURNED" if now and view.state == "RETURNED" else state
        passed = not now and (decided or _ROAD.index(state) < _ROAD.index(here))
        at = next((event.at for event in reversed(view.events) if event.state == state), None)
        under = t.day(at, short=True) if at is not None and (passed or now) else ""
        found.append(Step(t(f"filing.step_{word}"), "now" if now else "done" if passed else "later", under))
    if decided:
        under = t.day(view.events[-1].at, short=True) if view.events else ""
        return [*found, Step(t(f"filing.state_{view.state}"), "now", under)]
    return [*found, Step(t("filing.step_decided"), "later")]


def filing_deadlines(rules: ShownRules, view: FilingView, *, own: bool) -> list[tuple[str, Deadline]]:
    """The clocks that run, soonest first, each with its title.

    Args:
        own: the viewer has filed it: what the applicant has to do is theirs.
    """
    t = rules.t
    applicant = t("filing.whose_you" if own else "filing.whose_applicant")
    on = date.fromisoformat(view.submitted_on) if view.submitted_on else rules.today
    found = []
    for clock in view.clocks:
        whose = applicant if clock.name == "returned" else t("filing.whose_office")
        shown = rules.clock(clock, view.region, on, whose=whose)
        if shown is not None:
            found.append((clock.title[t.language], shown))
    return found


def filing_events(t: Words, view: FilingView) -> list[Entry]:
    """What happened, the newest first."""
    return [_entry(t, view, event) for event in reversed(view.events)]


def _entry(t: Words, view: FilingView, event: EventView) -> Entry:
    said = t(f"filing.move_{event.move}")
    return Entry(t.moment(event.at), said, t(f"filing.by_{event.by}"), _detail(t, view, event))


def _detail(t: Words, view: FilingView, event: EventView) -> str:
    """What a move said: every defect or reason, why it was made, how a decision was delivered."""
    record = event.record
    if event.move == "prolong":
        return t("filing.prolonged", n=int(record.get("days", 0)), reason=record.get("reason", ""))
    if event.move == "deliver":
        return t(f"filing.delivered_{record['way']}", day=t.day(date.fromisoformat(record["day"])))
    if event.move == "transfer":
        places = {"before": region_words(record["from"], t), "after": region_words(record["to"], t)}
        return t("filing.transferred", **places, reason=record["reason"])
    if event.move == "reopen" and "objection" in record:
        return t.pair(t("objections.number"), record["objection"])
    points = [*record.get("defects", ()), *record.get("reasons", ())]
    said = t.in_row(t.pair(field_label(t, point["path"], view), point["text"].rstrip("。")) for point in points)
    return said or str(record.get("reason") or "")


def defects_of(view: FilingView) -> list[Mapping[str, str]]:
    """Every defect of the return that the applicant has to answer; empty where there is none."""
    if view.state != "RETURNED":
        return []
    newest = next((event for event in reversed(view.events) if event.move == "return"), None)
    return [] if newest is None else list(newest.record.get("defects", ()))


def redress_of(rules: ShownRules, ways: Any) -> list[tuple[str, Deadline]]:
    """The ways of redress of a decision, each with its last day."""
    t, found = rules.t, []
    for way in ways or ():
        day, region = date.fromisoformat(way["until"]), "CN"
        row = rules.book.find("deadlines", way["way"], region, rules.today)
        if row is not None:
            shown = rules.deadline(
                row,
                day,
                region,
                whose=t("filing.whose_concerned"),
                otherwise=t("due.then_redress"),
                provisional=bool(way.get("provisional")),
            )
            found.append((str(way["title"][t.language]), shown))
    return found


def filing_checks(
    t: Words, view: FilingView, *, acts: Literal["", "hand_in", "check"], back: Mapping[str, str] | None = None
) -> list[Check]:
    """The checklist, with what fulfils each line or what is wrong with it; what is to do comes first.

    Args:
        acts: whether the viewer hands papers in now, or checks them.
        back: what a return says about a material, by its code.
    """
    found = []
    for item in view.checklist:
        state, why = _check(t, item, (back or {}).get(item.code))
        address, act = f"{BASE}filings/{view.filing_id}/", None
        if acts == "hand_in" and item.need != "not_needed":
            act = Act(t("filing.replace" if item.paper else "filing.hand_in"), f"{address}paper?material={item.code}")
        elif acts == "check" and item.paper is not None:
            act = Act(t("filing.check"), f"{address}check?material={item.code}")
        found.append(Check(item.title[t.language], state, why, act, item.code))
    order = {"wrong": 0, "open": 1, "waiting": 2, "done": 3, "unneeded": 4}
    return sorted(found, key=lambda check: order[check.state])


def _check(t: Words, item: ItemView, defect: str | None) -> tuple[Any, str]:
    paper, reason = item.paper, item.reason[t.language]
    if paper is not None and paper.state == "REJECTED":
        return "wrong", t("filing.paper_rejected", note=paper.note or "–")
    if paper is not None and paper.state == "FORGED":
        return "wrong", t("filing.paper_forged", note=paper.note or "–")
    if defect is not None:
        return "wrong", defect
    if item.need == "not_needed" and paper is None:
        return "unneeded", reason
    if paper is None:
        return "open", t("filing.depends", reason=reason) if item.need == "conditional" else reason
    if paper.committed_until is not None:
        return "waiting" if paper.state == "UNCHECKED" else "done", t(
            "filing.promised", day=t.day(paper.committed_until)
        )
    if paper.state == "VERIFIED":
        how = t(f"filing.how_{paper.how}") if paper.how else ""
        return "done", t("filing.paper_verified", how=how)
    return "waiting", t("filing.paper_unchecked")


def filed_facts(
    t: Words, view: FilingView, wrong: Mapping[str, str] | None = None, kept: Mapping[str, str] | None = None
) -> list[tuple[str, list[Fact]]]:
    """What an application says, part by part; a part is a link to its form for who may change it.

    Args:
        kept: what the permit has, and stays where the application does not change it.
    """
    return [
        (part, [Fact(one.label, one.value, name=one.name, wrong=(wrong or {}).get(one.name, "")) for one in fields])
        for part, fields in filed_values(t, view, kept)
    ]
