"""The office's desk: an application's checks, its return, its decision.

Promises:

1. A return is put together from every field and every material, looked at once more with the question whether there is
   anything else, and sent once.
2. What the rules refuse (a paper that is not verified, a late return, a term that is too long) is said with the rule,
   in the place; the page offers no way around it.
"""

from __future__ import annotations

from typing import Any, Final, Literal, cast

from fastapi import Response

from icard_crypto.errors import NotFound
from issuer.permits import decisions, granting, papers, views
from issuer.permits.applications import filing_facts
from issuer.permits.decisions import Defect
from issuer.permits.filed_values import PARTS, field_label, permit_seen, value_text
from issuer.permits.granting import Approval
from issuer.permits.materials import authentication_for
from issuer.permits.papers import HOW
from issuer.permits.views import FilingView
from issuer.portal.filing_shown import filing_state
from issuer.portal.pages import Pages
from issuer.portal.parts import Choice, Fact, Tag, Tone
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, rule_part
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .filings import refusals_shown

__all__ = ["decision_page", "pages"]

pages = Pages()
_DECIDES_ONE: Final = Access("person", ("filing.decide",), owned="filing")
_LEADS_ONE: Final = Access("person", ("filing.lead",), owned="filing")
_MOST_REASONS: Final = 5
_PAPER_TONES: Final[dict[str, Tone]] = {"VERIFIED": "ok", "REJECTED": "bad", "FORGED": "bad"}


def _facts(visit: Visit, view: FilingView) -> list[Fact]:
    t = visit.words
    return [
        Fact(t("filing.person"), view.name or t("filing.nobody")),
        Fact(t("filing.process"), t(f"filing.process_{view.process}")),
        Fact(t("filing.employer"), view.employer),
        Fact(t("filing.state"), "", tag=filing_state(t, view.state)),
    ]


def decision_page(visit: Visit, filing_id: str, name: str, effects: list[str], **more: Any) -> Response:
    """The page on which an act about an application is done, with what it does; ``fields``: which it asks for."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    return visit.page(
        "office/decision.html",
        name=name,
        filing=view,
        facts=_facts(visit, view),
        effects=effects,
        address=f"{BASE}filings/{filing_id}",
        **{"fields": None, "danger": False, **more},
    )


@pages.get("filings/{filing_id}/pre-review", _DECIDES_ONE)
def pre_review_page(visit: Visit, filing_id: str) -> Response:
    """What passing the pre-review does."""
    return decision_page(visit, filing_id, "pre-review", [visit.words("desk.pre_review_effect")])


@pages.post("filings/{filing_id}/pre-review", _DECIDES_ONE, form=pre_review_page)
def pre_review(visit: Visit, filing_id: str) -> Response:
    """Say that an application passed the pre-review."""
    decisions.pre_review_filing(visit.core, visit.call.who, filing_id, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_pre_reviewed")


@pages.get("filings/{filing_id}/accept", _DECIDES_ONE)
def accept_page(visit: Visit, filing_id: str) -> Response:
    """What accepting does."""
    return decision_page(visit, filing_id, "accept", [visit.words("desk.accept_effect")])


@pages.post("filings/{filing_id}/accept", _DECIDES_ONE, form=accept_page)
def accept(visit: Visit, filing_id: str) -> Response:
    """Accept an application: the time for the decision begins."""
    decisions.accept_filing(visit.core, visit.call.who, filing_id, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_accepted")


def _places(visit: Visit, view: FilingView) -> list[tuple[str, str]]:
    """Everything that a defect can be about: each field that the process has, then each material."""
    fields = [name for names in PARTS[view.process].values() for name in names]
    fields += [f"facts.{name}" for name in view.questions]
    codes = [item.code for item in view.checklist if item.need != "not_needed" or item.paper is not None]
    return [(path, field_label(visit.words, path, view)) for path in (*fields, *codes)]


def _defects(visit: Visit, view: FilingView) -> list[tuple[str, str, str]]:
    """What was typed in the tray: path, label, text."""
    typed = [(path, label, visit.text(f"defect.{path}")) for path, label in _places(visit, view)]
    return [one for one in typed if one[2]]


@pages.get("filings/{filing_id}/return", _DECIDES_ONE)
def return_page(visit: Visit, filing_id: str) -> Response:
    """The tray: every field and every material, with a place for what is wrong with it."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    rejected = {
        item.code: item.paper.note or "" for item in view.checklist if item.paper and item.paper.state == "REJECTED"
    }
    record: dict[str, Any] = {**view.record, **{f"facts.{k}": v for k, v in view.record.get("facts", {}).items()}}
    rows = [
        (path, label, _said(visit, path, record), visit.text(f"defect.{path}") or rejected.get(path, ""))
        for path, label in _places(visit, view)
    ]
    return visit.page("office/return.html", filing=view, rows=rows, address=f"{BASE}filings/{filing_id}")


def _said(visit: Visit, path: str, record: dict[str, Any]) -> str:
    """What the application says in a place."""
    return value_text(visit.words, path.removeprefix("facts."), record[path]) if path in record else ""


@pages.post("filings/{filing_id}/return", _DECIDES_ONE, form=return_page)
def return_filing(visit: Visit, filing_id: str) -> Response:
    """Show the return once more, then send it."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    found = _defects(visit, view)
    if not found:
        raise visit.refuse("", "desk.no_defect")
    if visit.text("sure") != "yes":
        return visit.page(
            "office/return_check.html",
            filing=view,
            defects=found,
            version=visit.text("version"),
            address=f"{BASE}filings/{filing_id}",
        )
    if visit.text("more"):
        return return_page(visit, filing_id)
    with refusals_shown(visit, view):
        points = [Defect(path, text) for path, _, text in found]
        decisions.return_filing(visit.core, visit.call.who, filing_id, points, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_returned")


@pages.get("filings/{filing_id}/check", _DECIDES_ONE)
def check_page(visit: Visit, filing_id: str) -> Response:
    """A material: what was handed in, what the rules ask of it, and how it can be checked."""
    view = views.show_filing(visit.core, visit.call.who, filing_id)
    code = visit.text("material") or visit.query("material")
    item = next((one for one in view.checklist if one.code == code), None)
    if item is None or item.paper is None:
        raise NotFound("filing.none")
    t, rules, paper = visit.words, ShownRules(visit), item.paper
    facts = [
        Fact(t("filing.p_issued"), t.day(paper.issued) if paper.issued else "–"),
        Fact(t("filing.p_state"), t.country(paper.issuing_state) if paper.issuing_state else "–"),
        Fact(t("filing.p_way"), t(f"filing.way_{paper.way}") if paper.way else "–"),
    ]
    if paper.committed_until is not None:
        facts.append(Fact(t("filing.p_promise"), t.day(paper.committed_until)))
    wanted = None
    if item.authenticated and paper.issuing_state not in (None, "CHN"):
        found = authentication_for(rules.book, paper.issuing_state or "", rules.today)
        wanted = Fact(t("desk.wanted_way"), t(f"filing.way_{found.way}"), rule=rule_part(found.rule, t))
    how = [Choice(name, _begun(t(f"filing.how_{name}")), t(f"desk.how_{name}_hint")) for name in HOW
           if (name == "commitment") == (paper.committed_until is not None)]  # fmt: skip
    return visit.page(
        "office/check.html",
        filing=view,
        item=item,
        title=item.title[t.language],
        state=Tag(t(f"desk.paper_{paper.state}"), _PAPER_TONES.get(paper.state, "neutral")),
        facts=[*facts, wanted] if wanted else facts,
        reason=item.reason[t.language],
        rule=item.rule[t.language],
        how=how,
        claims=_claims(visit, view),
        address=f"{BASE}filings/{filing_id}",
    )


def _begun(text: str) -> str:
    """Words that stand within a sentence elsewhere, as they stand alone."""
    return text[:1].upper() + text[1:]


def _claims(visit: Visit, view: FilingView) -> list[Fact]:
    """What the application says that a material may have to bear out."""
    t = visit.words
    names = [name for names in PARTS[view.process].values() for name in names if name in view.record]
    return [Fact(field_label(t, name), value_text(t, name, view.record[name])) for name in names]


@pages.post("filings/{filing_id}/check", _DECIDES_ONE, form=check_page)
def check(visit: Visit, filing_id: str) -> Response:
    """Verify a material, or reject it."""
    view, code = views.show_filing(visit.core, visit.call.who, filing_id), visit.text("material")
    move = "verify" if visit.text("decision") == "verify" else "reject"
    visit.require("how" if move == "verify" else "note")
    how = visit.text("how") if move == "verify" else ""
    with refusals_shown(visit, view):
        papers.check_paper(visit.core, visit.call.who, filing_id, code, move, how, visit.text("note"), filing_facts)
    left = [
        item.code for item in view.checklist if item.paper and item.paper.state == "UNCHECKED" and item.code != code
    ]
    path = f"filings/{filing_id}/check?material={left[0]}" if left else f"filings/{filing_id}"
    return visit.go(path, done="paper_verified" if move == "verify" else "paper_rejected")


@pages.get("filings/{filing_id}/approve", _DECIDES_ONE)
def approve_page(visit: Visit, filing_id: str) -> Response:
    """What approving does, and what is confirmed with it."""
    view, t = views.show_filing(visit.core, visit.call.who, filing_id), visit.words
    open_papers = [
        (item.title[t.language], f"{BASE}filings/{filing_id}/check?material={item.code}" if item.paper else "")
        for item in view.checklist
        if (item.need != "not_needed" or item.paper) and (item.paper is None or item.paper.state != "VERIFIED")
    ]
    permit = permit_seen(visit.core, visit.call.who, view)
    category = visit.text("category") or view.record.get("category") or (permit.terms[-1].category if permit else "")
    choices = [Choice(one, t(f"filing.v_category_{one}")) for one in "ABC"]
    return decision_page(
        visit,
        filing_id,
        "approve",
        [t(f"desk.approve_{view.process}" if t.has(f"desk.approve_{view.process}") else "desk.approve_effect")],
        fields="approve",
        open_papers=open_papers,
        categories=choices if category else [Choice("", t("filing.choose")), *choices],
        category=category,
        until=visit.text("until") or str(view.record.get("until", "")),
        dated=view.process not in ("cancellation", "change", "reissue", "short"),
    )


@pages.post("filings/{filing_id}/approve", _DECIDES_ONE, form=approve_page)
def approve(visit: Visit, filing_id: str) -> Response:
    """Approve an application; permit and card follow."""
    view, category = views.show_filing(visit.core, visit.call.who, filing_id), visit.text("category")
    until = visit.day("until") if visit.text("until") else None
    number = visit.text("number") or None
    if number is not None and not (len(number) == 18 and number.isascii() and number.isdigit()):
        raise visit.refuse("number", "desk.number_form")
    chosen = cast("Literal['A', 'B', 'C']", category) if category in ("A", "B", "C") else None
    with refusals_shown(visit, view):
        granting.approve_filing(
            visit.core, visit.call.who, filing_id, Approval(chosen, until, number), visit.call.version
        )
    return visit.go(f"filings/{filing_id}", done="filing_approved")


@pages.get("filings/{filing_id}/refuse", _DECIDES_ONE)
def refuse_page(visit: Visit, filing_id: str) -> Response:
    """The form for a refusal: its reasons, those that the checks have found first."""
    view, t = views.show_filing(visit.core, visit.call.who, filing_id), visit.words
    found = [
        (item.code, f"{item.paper.note or ''} [{item.rule[t.language]}]".strip())
        for item in view.checklist
        if item.paper and item.paper.state == "REJECTED"
    ]
    typed = [(visit.text(f"path.{n}"), visit.text(f"text.{n}")) for n in range(_MOST_REASONS)] if visit.form else []
    rows = typed or [*found[:_MOST_REASONS], *[("", "")] * (_MOST_REASONS - len(found))]
    places = [Choice("", t("filing.choose")), *(Choice(path, label) for path, label in _places(visit, view))]
    return decision_page(
        visit,
        filing_id,
        "refuse",
        [t("desk.refuse_effect"), t("desk.refuse_redress")],
        fields="refuse",
        danger=True,
        rows=rows,
        places=places,
    )


@pages.post("filings/{filing_id}/refuse", _DECIDES_ONE, form=refuse_page)
def refuse(visit: Visit, filing_id: str) -> Response:
    """Refuse an application, with reasons."""
    pairs = [(visit.text(f"path.{n}"), visit.text(f"text.{n}")) for n in range(_MOST_REASONS)]
    reasons = [Defect(path, text) for path, text in pairs if path and text]
    if not reasons:
        raise visit.refuse("text.0", "desk.no_reason")
    decisions.refuse_filing(visit.core, visit.call.who, filing_id, reasons, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_refused")


@pages.get("filings/{filing_id}/prolong", _LEADS_ONE)
def prolong_page(visit: Visit, filing_id: str) -> Response:
    """The form by which a head prolongs a decision."""
    row = ShownRules(visit).of_deadline("D03", "CN")
    rule = rule_part(row, visit.words) if row is not None else None
    most = int(row.value.get("prolong", 0)) if row is not None else 0
    effects = [visit.words("desk.prolong_effect", n=most)]
    return decision_page(visit, filing_id, "prolong", effects, fields="prolong", rule=rule)


@pages.post("filings/{filing_id}/prolong", _LEADS_ONE, form=prolong_page, fields={"rules.prolong": "days"})
def prolong(visit: Visit, filing_id: str) -> Response:
    """Prolong a decision, once; the applicant gets the reason."""
    visit.require("days", "reason")
    days, reason = visit.number("days"), visit.text("reason")
    decisions.prolong_filing(visit.core, visit.call.who, filing_id, days, reason, visit.call.version)
    return visit.go(f"filings/{filing_id}", done="filing_prolonged")
