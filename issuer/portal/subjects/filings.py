"""Applications: the list, an application with its clocks and its decision, and the form that begins one.

Promises:

1. Everybody who has to do with an application sees the same page: whose turn it is, by when, by which rule, and what
   they can do now.
2. Refusals are shown with their rules and a link to the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

from fastapi import Response

from issuer.accounts import mandates, organisations
from issuer.enquiries import threads
from issuer.permits import applications, desk, views
from issuer.permits.applications import NewFiling
from issuer.permits.filed_values import field_label, permit_seen, values_of
from issuer.permits.materials import PROCESSES
from issuer.permits.refusals import FilingRefused, PermitRefused
from issuer.permits.views import FilingSummary, FilingView
from issuer.portal.faults import FieldError, FormFault
from issuer.portal.filing_shown import (
    defects_of,
    filed_facts,
    filing_checks,
    filing_deadlines,
    filing_events,
    filing_state,
    filing_steps,
    redress_of,
)
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Choice, Fact, Message
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules
from issuer.portal.situations import filing_situation
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["client_organisations", "clients_of", "filing_rows", "pages", "refusals_shown"]

pages = Pages()
_LISTS: Final = with_right("filing.read_own", "filing.read")
_SEEN: Final = Access("person", ("filing.read", "filing.read_own"), owned="filing")
_FILES: Final = with_right("filing.file")
_ON_PERMIT: Final = ("extension", "change", "cancellation", "reissue")


@pages.get("filings", _LISTS)
def list_filings(visit: Visit) -> Response:
    """Applications: one's own, those about oneself, or those of the office's region; open ones, or all."""
    show = "all" if visit.query("show") == "all" else "open"
    found = views.list_filings(visit.core, visit.call.who, open_only=show == "open", **asked_page(visit))
    shown, t = shown_page(visit, found, lambda one: one.filing_id), visit.words
    filters = [
        Choice("open", t("filing.show_open"), href=f"{BASE}filings"),
        Choice("all", t("filing.show_all"), href=f"{BASE}filings?show=all"),
    ]
    return visit.page(
        "filings/list.html",
        **{**shown, "items": filing_rows(visit, shown["items"])},
        filters=filters,
        show=show,
        files=visit.call.who.may("filing.file"),
    )


def filing_rows(visit: Visit, found: list[FilingSummary]) -> list[list[Cell]]:
    """Applications as rows of a table."""
    t = visit.words
    return [
        [
            Cell(one.name or t("filing.nobody"), f"{BASE}filings/{one.filing_id}"),
            Cell(t(f"filing.process_{one.process}")),
            Cell("", tag=filing_state(t, one.state)),
            Cell(t.day(date.fromisoformat(one.due), short=True) if one.due else "–"),
        ]
        for one in found
    ]


@pages.get("filings/new", _FILES)
def new_filing_page(visit: Visit) -> Response:
    """Which process, about whom."""
    t, who = visit.words, visit.call.who
    options = [Choice(name, t(f"filing.process_{name}"), t(f"filing.process_{name}_hint")) for name in PROCESSES]
    live = [one for one in views.list_permits(visit.core, who, limit=201) if one.may_work]
    permits = [
        Choice(one.permit_id, f"{one.name} · {t.day(date.fromisoformat(one.until), short=True)}") for one in live
    ]
    return visit.page(
        "filings/new.html",
        options=options,
        process=visit.text("process") or visit.query("process"),
        permit=visit.text("permit_id") or visit.query("permit"),
        permits=[Choice("", t("filing.no_permit")), *permits],
        clients=clients_of(visit),
    )


def clients_of(visit: Visit) -> list[Choice]:
    """For somebody of an agency: the employers that they may act for now, to choose from."""
    return [Choice(one.organisation_id, one.name) for one in client_organisations(visit)]


def client_organisations(visit: Visit) -> list[organisations.OrganisationView]:
    """For somebody of an agency: the employers that they may act for now, by their names."""
    who = visit.call.who
    if who.role.organisation != "agency":
        return []
    live = visit.core.database.read(lambda session: mandates.clients(session, who, visit.core.clock.now(session)))
    found = organisations.shown_organisations(visit.core, who, live)
    return sorted(found.values(), key=lambda one: one.name)


@pages.post("filings/new", _FILES, form=new_filing_page, fields={"organisation": "employer_id", "filing.employer": ""})
def create_filing(visit: Visit) -> Response:
    """Begin a draft."""
    visit.require("process")
    process, permit = visit.text("process"), visit.text("permit_id") or None
    if process in _ON_PERMIT and permit is None:
        raise visit.refuse("permit_id", "filing.which_permit")
    employer = visit.text("employer_id") or None
    new = NewFiling(process, employer, permit if process in _ON_PERMIT else None)
    call = visit.call
    name = once(call, lambda request: applications.create_filing(call.core, call.who, new, request), lambda made: made)
    return visit.go(f"filings/{name}", done="filing_begun")


@pages.get("filings/{filing_id}", _SEEN)
def show_filing(visit: Visit, filing_id: str) -> Response:
    """An application: where it is, whose turn it is, what is missing, what was decided."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    t, who, rules = visit.words, visit.call.who, ShownRules(visit)
    own = who.may("filing.file")
    back = {point["path"]: point["text"] for point in defects_of(view)}
    editing = own and view.state in ("DRAFT", "RETURNED")
    refusals = [event for event in view.events if event.move == "refuse"] if view.state == "REFUSED" else []
    refused = refusals[-1].record if refusals else {}
    facts = [
        Fact(t("filing.process"), t(f"filing.process_{view.process}")),
        Fact(t("filing.employer"), view.employer),
        Fact(t("filing.number"), view.filing_id[:8].upper(), code=True),
    ]
    takes = who.may("filing.decide") and view.state in ("SUBMITTED", "PRE_REVIEWED", "ACCEPTED")
    permit = permit_seen(visit.core, visit.call.who, view)
    if permit is not None:
        see = Act(t("filing.see_permit"), f"{BASE}permits/{permit.permit_id}")
        facts.append(Fact(t("card.number"), permit.number, code=True, act=see))
    said, days = filing_situation(visit, rules, view, permit)
    return visit.page(
        "filings/filing.html",
        filing=view,
        state=filing_state(t, view.state),
        situation=said,
        facts=facts,
        steps=filing_steps(t, view),
        deadlines=[*filing_deadlines(rules, view, own=own), *days],
        back=[(field_label(t, path, view), text, path) for path, text in back.items()],
        checks=filing_checks(
            t, view, acts="hand_in" if editing else "check" if who.may("filing.decide") else "", back=back
        ),
        filed=filed_facts(t, view, back, values_of(permit)),
        events=filing_events(t, view),
        reasons=[(field_label(t, one["path"], view), one["text"]) for one in refused.get("reasons", ())],
        warning=refused.get("warning"),
        redress=redress_of(rules, view.redress),
        editing=editing,
        moves=[name for name in view.moves if own],
        # Days beside the office's clocks run for a notification alone, and while it is not used.
        may_read_token=own and view.state == "APPROVED" and bool(days),
        gap=_gap(visit, view),
        threads=_threads(visit, rules, view),
        answers=who.may("filing.decide"),
        acts=_desk_acts(visit, view),
        takes=takes,
        taken=desk.taken_by(visit.core, who, filing_id) if takes else None,
    )


def _desk_acts(visit: Visit, view: FilingView) -> list[Act]:
    """What an official may do with an application in its current state, each on a page of its own."""
    who, t = visit.call.who, visit.words
    if not who.role.official:
        return []
    moves = ("pre_review", "accept", "return", "approve", "refuse")
    later = ("resume", "pause", "prolong", "transfer", "deliver")
    address = f"{BASE}filings/{view.filing_id}/"
    # The machine allows these in a state; what the record says leaves some of them out.
    over = {"approve", "refuse", "pause"} if view.paused_since else {"resume"}
    over |= {"prolong"} if any(event.move == "prolong" for event in view.events) else set()
    over |= {"deliver"} if view.delivered_on else set()
    offered = [one for one in (*moves, *later) if one in view.moves and one not in over]
    return [Act(t(f"desk.do_{one}"), address + one.replace("_", "-")) for one in offered]


def _threads(visit: Visit, rules: ShownRules, view: FilingView) -> list[dict[str, Any]]:
    """Messages between the parties and the office, with since when one waits and until when it is answered."""
    if view.state == "DRAFT":
        return []
    t, found = visit.words, []
    for one in threads.list_threads(visit.core, visit.call.who, view.filing_id):
        row = rules.of_deadline("message", view.region)
        deadline = None
        if one.due is not None and row is not None:
            whose = t("filing.whose_office")
            deadline = rules.deadline(row, one.due, view.region, whose=whose, provisional=one.provisional)
        messages = [
            Message(t(f"messages.by_{each.kind}_{one.side}" if each.kind == "asked" else f"messages.by_{each.kind}"),
                    t.moment(each.at), each.text, each.own)
            for each in one.messages
        ]  # fmt: skip
        since = t("messages.waits", moment=t.moment(one.waits_since)) if one.waits_since is not None else ""
        found.append({"side": one.side, "messages": messages, "deadline": deadline, "since": since})
    return found


def _gap(visit: Visit, view: FilingView) -> str:
    """What is between two employers: no work from the end of the one permit to the first day of the next."""
    if view.process != "in_country" or view.state in ("REFUSED", "WITHDRAWN", "LAPSED"):
        return ""
    t, first = visit.words, view.record.get("first")
    if view.state == "APPROVED" or first is None:
        return ""
    return t("filing.gap", day=t.day(date.fromisoformat(first)))


@contextmanager
def refusals_shown(visit: Visit, view: FilingView | None = None, place: str = "") -> Iterator[None]:
    """Turn refusals by the rules into errors of the form, each with its place and its rule.

    Args:
        place: the one field that all of them are about.

    Raises:
        FormFault
    """
    try:
        yield
    except FilingRefused as refused:
        found = refused.refusals
    except PermitRefused as refused:
        found = (refused.refusal,)
    else:
        return
    t, errors = visit.words, []
    for one in found:
        if place:
            errors.append(FieldError(place, one.sentence(t.language)))
            continue
        label = field_label(t, one.path, view) if one.path else ""
        words = one.sentence(t.language)
        errors.append(FieldError(one.path or "", t("filing.refusal", field=label, words=words) if label else words))
    raise FormFault(errors)
