"""Permits: who has one and until when, what follows from it, and what would follow without filing anything.

Promises:

1. A permit says in one sentence whether the person may work now, for whom, and until when; every date names its rule.
2. After an end, the page says that there is no right to work, what the next employer has to do, and by when; an adverse
   decision comes with its ways of redress and their last days.
3. What is asked on the what-if page is filed nowhere and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal, cast

from fastapi import Response

from icard_crypto.moments import ONE_DAY
from issuer.permits import activation, assessments, due, plans, views
from issuer.permits.assessments import AssessmentView
from issuer.permits.machines import UNDECIDED
from issuer.permits.models import Permit
from issuer.permits.offices import show_employer
from issuer.permits.plans import Plan
from issuer.permits.refusals import PermitRefused
from issuer.permits.views import PermitView
from issuer.portal.catalogue import Words
from issuer.portal.disputes_shown import reportable
from issuer.portal.faults import FieldError, FormFault
from issuer.portal.filing_shown import permit_state, redress_of
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Choice, Deadline, Entry, Fact, Row
from issuer.portal.places import region_code, region_options
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules, region_words, rule_part
from issuer.portal.situations import permit_situation
from issuer.portal.visits import Visit
from issuer.rules.deadlines import due as due_by
from issuer.rules.deadlines import window
from issuer.rules.regions import is_known
from issuer.service.access import Access
from issuer.service.card_reading import read_permit

from .access import PERSON, with_right
from .endings import hearings_shown

__all__ = ["due_rows", "own_region", "pages"]

pages = Pages()
_LISTS: Final = with_right("filing.read_own", "filing.read")
_SEEN: Final = Access("person", ("filing.read", "filing.read_own"), owned="permit")
_SHOWN: Final = ("all", "live", "ending", "ended")
_FLAGS: Final = ("merit", "talent_programme", "recognised_achievement", "encouraged_post", "founder", "quota")
_NUMBERS: Final = ("age", "salary", "experience_years", "months_in_china", "local_points")


@pages.get("permits", _LISTS)
def list_permits(visit: Visit) -> Response:
    """One's own permit, or those of one's staff or region, with filters as links."""
    who, t = visit.call.who, visit.words
    if who.role.name == "holder":
        own = views.list_permits(visit.core, who, limit=2)
        if len(own) == 1:
            return _shown(visit, own[0])
    show = visit.query("show") if visit.query("show") in _SHOWN else "all"
    found = views.list_permits(visit.core, who, show=cast("views.PermitFilter", show), **asked_page(visit))
    shown = shown_page(visit, found, lambda one: one.permit_id)
    today = ShownRules(visit).today
    rows = [
        [
            Cell(one.name, f"{BASE}permits/{one.permit_id}", more=one.terms[-1].employer),
            Cell(one.terms[-1].category),
            Cell(t.day(date.fromisoformat(one.until), short=True)),
            Cell("", tag=permit_state(t, one, today)),
        ]
        for one in shown["items"]
    ]
    filters = [Choice(name, t(f"permit.show_{name}"), href=f"{BASE}permits?show={name}") for name in _SHOWN]
    return visit.page("permits/list.html", **{**shown, "items": rows}, filters=filters, show=show)


@pages.get("permits/{permit_id}", _SEEN)
def show_permit(visit: Visit, permit_id: str) -> Response:
    """A permit."""
    return _shown(visit, read_permit(visit.call, permit_id))


def _shown(visit: Visit, view: PermitView) -> Response:
    t, who, rules = visit.words, visit.call.who, ShownRules(visit)
    newest, end = view.terms[-1], view.ends[-1] if view.ends else None
    ended = end if not view.may_work and view.state != "GRANTED" else None
    filings = views.list_filings(visit.core, who, permit_id=view.permit_id, limit=25)
    filed = any(one.process == "extension" and one.state in UNDECIDED for one in filings)
    situation, used_by = permit_situation(visit, rules, view, filed=filed)
    return visit.page(
        "permits/permit.html",
        permit=view,
        own=who.role.name == "holder",
        state=permit_state(t, view, rules.today),
        sentence=_sentence(visit, view),
        situation=situation,
        facts=reportable(visit, "permit", _person_of(visit), _facts(rules, view)),
        deadlines=[*used_by, *_deadlines(rules, view, filed=filed)],
        gap=_gap(rules, view),
        redress=redress_of(rules, ended.record.get("redress")) if ended else [],
        ended_facts=_ended_facts(rules, ended) if ended else [],
        terms=[_term(t, term) for term in reversed(view.terms)],
        filings=filings,
        employer=newest.employer,
        acts=_acts(visit, view),
        hearings=hearings_shown(visit, view),
        states_case=who.may("permit.own") or who.may("filing.file") or who.may("filing.decide"),
        left=_left(rules, view),
        social_cards=who.may("permit.own") or who.may("filing.decide"),
    )


def _person_of(visit: Visit) -> str | None:
    """Whose permit the page is about, by the object that the guard has loaded; a holder's is their own."""
    found = visit.call.found
    return found.person_id if isinstance(found, Permit) else visit.call.who.person_id


def _sentence(visit: Visit, view: PermitView) -> str:
    t, newest = visit.words, view.terms[-1]
    until = t.day(date.fromisoformat(view.until))
    if view.state == "EXTENDED_BY_LAW":
        interim = t.day(date.fromisoformat(view.interim_until or view.until))
        return t("permit.says_by_law", employer=newest.employer, until=until, interim=interim)
    if view.may_work:
        return t("permit.says_active", employer=newest.employer, post=newest.post, until=until)
    if view.state == "GRANTED":
        return t("permit.says_granted", employer=newest.employer)
    day = t.day(date.fromisoformat(view.ends[-1].day)) if view.ends else until
    return t("permit.says_ended", day=day)


def _facts(rules: ShownRules, view: PermitView) -> list[Fact]:
    t, newest = rules.t, view.terms[-1]
    row = rules.book.find("terms", newest.category, newest.region, date.fromisoformat(newest.first))
    return [
        Fact(t("card.name"), view.name, reports="name"),
        Fact(t("card.number"), view.number, code=True, reports="number"),
        Fact(t("card.category"), newest.category, rule=None if row is None else rule_part(row, t), reports="category"),
        Fact(t("card.employer"), newest.employer, reports="employer"),
        Fact(t("card.position"), newest.post, reports="position"),
        Fact(t("card.from"), t.day(date.fromisoformat(newest.first)), reports="from"),
        Fact(t("card.to"), t.day(date.fromisoformat(view.until)), reports="to"),
        Fact(t("permit.region"), region_words(newest.region, t), reports="region"),
    ]


def _deadlines(rules: ShownRules, view: PermitView, *, filed: bool) -> list[tuple[str, Deadline]]:
    """When it has to be extended, or what is due where that is over."""
    t, end = rules.t, date.fromisoformat(view.until)
    row = rules.of_deadline("D06", view.terms[-1].region)
    if view.state != "ACTIVE" or filed or row is None:
        return []
    span, employer = window(row, end), t("filing.whose_applicant")
    if rules.today < span.opens:
        otherwise = t("due.then_extension_opens")
        shown = rules.deadline(row, span.opens, view.terms[-1].region, whose=employer, otherwise=otherwise)
        return [(t("permit.extension_opens"), replace(shown, begins=True))]
    if rules.today <= span.closes:
        return [(t("permit.extension_closes"), rules.deadline(row, span.closes, view.terms[-1].region, whose=employer))]
    over = rules.of_deadline("D10", view.terms[-1].region)
    if over is None:
        return []
    return [(t("permit.ends"), rules.deadline(over, end, view.terms[-1].region, whose=employer))]


def _gap(rules: ShownRules, view: PermitView) -> list[tuple[str, Deadline]]:
    """After an end: until when the next employer files."""
    row = rules.of_deadline("D19", view.terms[-1].region)
    if view.state not in ("CANCELLED", "EXPIRED") or not view.ends or row is None:
        return []
    t, ended = rules.t, date.fromisoformat(view.ends[-1].day)
    last = due_by(row, rules.calendar(view.terms[-1].region), ended)
    if last is None:
        return []
    shown = rules.deadline(
        row,
        last.day,
        view.terms[-1].region,
        whose=t("permit.whose_next"),
        otherwise=t("due.then_next_employer"),
        provisional=last.provisional,
    )
    return [(t("permit.next_employer"), shown)]


def _ended_facts(rules: ShownRules, end: views.EndView) -> list[Fact]:
    t = rules.t
    title, basis = end.record.get("title", {}), end.record.get("basis", {})
    facts = [
        Fact(t("permit.ended_kind"), t(f"permit.state_{end.kind.upper()}")),
        Fact(t("permit.ended_day"), t.day(date.fromisoformat(end.day))),
    ]
    if t.language in title:
        facts.append(Fact(t("permit.ended_ground"), title[t.language]))
    if t.language in basis:
        facts.append(Fact(t("permit.ended_basis"), basis[t.language]))
    return facts


def _term(t: Words, term: views.TermView) -> Entry:
    days = t("permit.days", first=t.day(date.fromisoformat(term.first), short=True),
             until=t.day(date.fromisoformat(term.until), short=True))  # fmt: skip
    return Entry(days, t("permit.term", employer=term.employer, post=term.post), t(f"filing.process_{term.ground}"))


def _left(rules: ShownRules, view: PermitView) -> str:
    """What the holder has reported about having left, and until when the employer has to file."""
    if view.leaving is None:
        return ""
    t, by = rules.t, view.leaving.employer_files_by
    day = t.day(view.leaving.day)
    return t("endings.left_said_by", day=day, by=t.day(by)) if by is not None else t("endings.left_said", day=day)


def _acts(visit: Visit, view: PermitView) -> list[Act]:
    """What can be begun from here."""
    who, t = visit.call.who, visit.words
    merge = Act(t("approvals.person.merge"), f"{BASE}permits/{view.permit_id}/merge")
    if not view.may_work:
        return [merge] if who.may("permit.end") else []
    if who.may("permit.own"):
        return [] if view.leaving else [Act(t("endings.left"), f"{BASE}permits/{view.permit_id}/left")]
    if who.may("permit.end"):
        names = {"hearing": "endings.hearing", "end": "approvals.permit.end"}
        if view.card_id is not None and not activation.has_account(visit.core, view.permit_id):
            names["account"] = "approvals.account.open"
        acts = [Act(t(words), f"{BASE}permits/{view.permit_id}/{name}") for name, words in names.items()]
        if who.may("employer.verify"):
            employer = f"{BASE}employers/{view.terms[-1].employer_id}"
            acts += [Act(t(f"approvals.employer.{name}"), f"{employer}/{name}") for name in ("merge", "code", "name")]
        return [*acts, merge]
    if not who.may("filing.file"):
        return []
    address = f"{BASE}filings/new?permit={view.permit_id}&process="
    return [Act(t(f"permit.file_{name}"), address + name) for name in ("extension", "change", "cancellation")]


def due_rows(visit: Visit, limit: int = 20) -> list[Row]:
    """What is due, as the rows of a list: what, about whom, by when, by which rule, and the one act."""
    t, rules = visit.words, ShownRules(visit)
    found = []
    for one in due.due_list(visit.core, visit.call.who, limit=limit):
        paths = {
            "answer": f"filings/{one.filing_id}",
            "paper": f"filings/{one.filing_id}/paper?material={one.code}",
            "notification": f"filings/{one.filing_id}/notification",
            "extension": f"filings/new?process=extension&permit={one.permit_id}",
            "extension_opens": f"permits/{one.permit_id}",
            "end": f"permits/{one.permit_id}",
        }
        deadline = rules.due(one, whose=t("filing.whose_you"))
        found.append(
            Row(t(f"due.what_{one.kind}"), one.name, deadline, Act(t(f"due.act_{one.kind}"), BASE + paths[one.kind]))
        )
    return found


@dataclass
class _Asked:
    """What was typed on the what-if page, read field by field, with every error."""

    visit: Visit
    errors: list[FieldError]

    def day(self, name: str) -> date | None:
        found: date | None = self._read(name, date.fromisoformat, "filing.day_form")
        return found

    def number(self, name: str) -> int | None:
        found: int | None = self._read(name, _whole, "forms.digits")
        return found

    def _read(self, name: str, read: Callable[[str], Any], words: str) -> Any:
        text = self.visit.text(name)
        if not text:
            return None
        try:
            return read(text)
        except ValueError:
            self.errors.append(FieldError(name, self.visit.words(words)))
            return None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError
    return int(text)


@pages.get("what-if", PERSON)
def what_if_page(visit: Visit) -> Response:
    """The form for category, points and dates."""
    return _what_if(visit, None, None)


def _what_if(visit: Visit, found: AssessmentView | None, plan: Plan | None) -> Response:
    t, rules = visit.words, ShownRules(visit)
    region = region_code(visit.text("region")) or own_region(visit)
    education = ("bachelor", "master", "doctor", "highest_skill", "other")
    chinese = ("none", "hsk1", "hsk2", "hsk3", "hsk4", "hsk5", "hsk6", "degree", "native")
    unknown = Choice("", t("filing.not_yet"))
    category = visit.text("category") or (found.category if found else None) or ""
    return visit.page(
        "permits/what_if.html",
        region=region_words(region, t) if region else "",
        regions=region_options(t.language),
        education=[unknown, *(Choice(one, t(f"filing.v_education_{one}")) for one in education)],
        chinese=[unknown, *(Choice(one, t(f"filing.v_chinese_{one}")) for one in chinese)],
        categories=[Choice("", t("permit.as_computed"))]
        + [Choice(one, t(f"filing.v_category_{one}")) for one in ("A", "B", "C")],
        flags=[Choice(name, t(f"filing.f_{name}")) for name in _FLAGS],
        numbers=[(name, t(f"permit.w_{name}") if name == "age" else t(f"filing.f_{name}")) for name in _NUMBERS],
        found=found,
        total=found.total if found else 0,
        points=[[Cell(one.title[t.language], more=one.rule[t.language]),
                 Cell(t.number(one.points) if one.known else t("filing.not_yet"), number=one.known),
                 Cell(t.number(one.most), number=True)] for one in found.points] if found else [],
        routes=[[Cell(one.title[t.language], more=one.rule[t.language]), Cell(one.category), Cell(_met(t, one.met))]
                for one in found.routes] if found else [],
        refusals=[one[t.language] for one in found.refusals] if found else [],
        plan=plan,
        plan_facts=_plan_facts(rules, plan) if plan else [],
        category=category,
    )  # fmt: skip


def _met(t: Words, met: bool | None) -> str:
    return t("filing.not_yet") if met is None else t("filing.yes" if met else "filing.no")


def _plan_facts(rules: ShownRules, plan: Plan) -> list[Fact]:
    t = rules.t
    term, extension = rule_part(plan.term, t), rule_part(plan.extension, t)
    return [
        Fact(t("permit.plan_first"), t.day(plan.first)),
        Fact(t("permit.plan_until"), t.day(plan.until), rule=term),
        Fact(t("permit.plan_limit"), t(f"permit.limit_{plan.limit}")),
        Fact(
            t("permit.plan_window"), t("permit.days", first=t.day(plan.opens), until=t.day(plan.closes)), rule=extension
        ),
    ]


def own_region(visit: Visit) -> str:
    """The region of an employer's own place of business; empty for others, and where none is on record."""
    who = visit.call.who
    if who.role.organisation != "employer" or who.organisation_id is None:
        return ""
    return show_employer(visit.core, who, who.organisation_id).region or ""


@pages.post("what-if", PERSON, form=what_if_page, fields={"permit.fact": "", "permit.no_term": "contract_until"})
def what_if(visit: Visit) -> Response:
    """What the standard would say, and how long a permit could run: nothing is filed."""
    visit.require("region")
    region, asked = region_code(visit.text("region")), _Asked(visit, [])
    if not is_known(region):
        asked.errors.append(FieldError("region", visit.words("forms.region")))
    facts: dict[str, Any] = {name: asked.number(name) for name in _NUMBERS}
    facts |= {name: visit.text(name) or None for name in ("education", "chinese")}
    facts |= {name: True for name in visit.every("flags") if name in _FLAGS}
    first, contract, passport = (asked.day(name) for name in ("first", "contract_until", "passport_until"))
    if asked.errors:
        raise FormFault(asked.errors)
    known = {name: value for name, value in facts.items() if value is not None}
    found = assessments.assess_person(visit.core, region, known, first)
    category = visit.text("category") or found.category
    plan = None
    if category in ("A", "B", "C"):
        begins = first or ShownRules(visit).today + ONE_DAY
        try:
            plan = plans.plan_term(
                visit.core, region, cast("Literal['A', 'B', 'C']", category), begins, contract, passport
            )
        except PermitRefused as refused:
            words = refused.refusal.sentence(visit.view.language)
            field = {"contract": "contract_until", "passport": "passport_until"}.get(refused.path or "", "first")
            raise FormFault([FieldError(field, words)]) from None
    return _what_if(visit, found, plan)
