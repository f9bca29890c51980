"""Requests about one's own data: made by the person, followed by number and day, decided by whoever keeps the data.

Promises:

1. "Something is wrong?" beside a fact leads here and names the fact; nothing that the record knows is asked again.
2. A request shows its number, state, last day with its rule, and the answer; a refusal its ways of redress.
3. An official's look at a request leaves a row, and each act has its page.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, cast

from fastapi import Response

from issuer.portal.catalogue import Words
from issuer.portal.disputes_shown import fact_label
from issuer.portal.filing_shown import redress_of
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Act, Cell, Choice, Deadline, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import ShownRules
from issuer.portal.visits import Visit
from issuer.privacy import requests
from issuer.privacy.disputes import FACTS
from issuer.privacy.requests import DECIDES, Kind, RequestView, Topic
from issuer.rules.regions import NATION
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_RIGHTS: Final = tuple(DECIDES.values())
_SEES: Final = with_right("privacy.own", *_RIGHTS)
_SEES_ONE: Final = Access("person", ("privacy.own", *_RIGHTS), owned="privacy_request")
_OWN: Final = with_right("privacy.own")
_OWN_ONE: Final = Access("person", ("privacy.own",), owned="privacy_request")
_DECIDES_ONE: Final = Access("person", _RIGHTS, owned="privacy_request")
_KINDS: Final[tuple[Kind, ...]] = ("correction", "deletion", "explanation")
_OUTCOMES: Final = ("done", "refused")
_TONES: Final = {"received": "info", "done": "ok", "refused": "bad", "withdrawn": "neutral"}
#: Requests of the desk that are shown at once, those with the nearest day.
_MOST: Final = 100


@pages.get("privacy/requests", _SEES)
def list_requests(visit: Visit) -> Response:
    """One's own requests; for officials those that wait, the nearest last day first, or all."""
    who, t = visit.call.who, visit.words
    visit.call.looked("privacy.list")
    official, every = who.role.official, visit.query("show") == "all"
    if official and not every:
        shown = {"items": requests.waiting_requests(visit.core, who, limit=_MOST), "first": None, "next": None}
    else:
        found = requests.list_requests(visit.core, who, **asked_page(visit))
        shown = shown_page(visit, found, lambda one: one.request_id)
    rows = [_row(t, one) for one in cast("list[RequestView]", shown["items"])]
    filters = [
        Choice("waiting", t("requests.show_waiting"), href=f"{BASE}privacy/requests"),
        Choice("all", t("requests.show_all"), href=f"{BASE}privacy/requests?show=all"),
    ]
    return visit.page(
        "privacy/requests.html",
        **{**shown, "items": rows},
        official=official,
        filters=filters if official else [],
        show="all" if every else "waiting",
        full=official and not every and len(rows) == _MOST,
    )


def _row(t: Words, one: RequestView) -> list[Cell]:
    late = Tag(t("requests.late"), "bad") if one.overdue else None
    return [
        Cell(_about(t, one), f"{BASE}privacy/requests/{one.request_id}", more=t("requests.titled", number=one.number)),
        Cell(t(f"requests.kind_{one.kind}")),
        Cell("", tag=_state(t, one)),
        Cell(t.day(date.fromisoformat(one.due_on), short=True), tag=late),
    ]


def _about(t: Words, one: RequestView) -> str:
    topic = t(f"requests.topic_{one.topic}")
    return topic if one.fact is None else t("requests.about", topic=topic, fact=fact_label(t, one.topic, one.fact))


def _state(t: Words, one: RequestView) -> Tag:
    return Tag(t(f"requests.state_{one.state}"), _TONES[one.state])  # type: ignore[arg-type]


@pages.get("privacy/requests/new", _OWN)
def new_page(visit: Visit) -> Response:
    """The form for a request; an address that names a fact has it filled in."""
    t, topic, fact = visit.words, _topic(visit), _fact(visit)
    kind = visit.text("kind") or visit.query("kind")
    topics = [Choice(name, t(f"requests.topic_{name}"), t(f"requests.keeps_{name}")) for name in DECIDES]
    about = t("requests.about", topic=t(f"requests.topic_{topic}"), fact=fact_label(t, topic, fact)) if fact else ""
    return visit.page(
        "privacy/new_request.html",
        kinds=[Choice(name, t(f"requests.kind_{name}"), t(f"requests.does_{name}")) for name in _KINDS],
        kind=kind if kind in _KINDS else "correction",
        topics=topics,
        topic=topic,
        fact=fact,
        about=about,
        back=_back(topic, fact),
    )


def _topic(visit: Visit) -> Topic:
    asked = visit.text("topic") or visit.query("topic")
    return next((name for name in DECIDES if name == asked), "card")


def _fact(visit: Visit) -> str | None:
    asked = visit.text("fact") or visit.query("fact")
    return asked if asked in FACTS[_topic(visit)] else None


def _back(topic: Topic, fact: str | None) -> str:
    """The page from which the form was opened."""
    if fact is None:
        return BASE + "privacy"
    return BASE + {"account": "account", "card": "cards", "permit": "permits", "insurance": "insurance"}[topic]


@pages.post("privacy/requests/new", _OWN, form=new_page, fields={"privacy": "words"})
def ask(visit: Visit) -> Response:
    """Make a request."""
    visit.require("words")
    kind = next((name for name in _KINDS if name == visit.text("kind")), None)
    if kind is None:
        raise visit.refuse("kind", "forms.missing")
    call, topic, fact = visit.call, _topic(visit), _fact(visit)
    about = fact if kind == "correction" else None
    made = once(
        call,
        lambda request: requests.ask(call.core, call.who, kind, topic, visit.text("words"), request, fact=about),
        lambda name: name,
    )
    return visit.go(f"privacy/requests/{made}", done="request_made")


@pages.get("privacy/requests/{request_id}", _SEES_ONE)
def show_request(visit: Visit, request_id: str) -> Response:
    """A request: what was asked, by when it is answered, and the answer."""
    call, t = visit.call, visit.words
    call.looked("privacy.show", request_id)
    one, rules = requests.show_request(call.core, call.who, request_id), ShownRules(visit)
    decides = call.who.may(DECIDES[one.topic]) and one.person_id != call.who.person_id
    address = f"{BASE}privacy/requests/{request_id}"
    waits = one.state == "received"
    return visit.page(
        "privacy/request.html",
        request=one,
        state=_state(t, one),
        facts=_facts(visit, one, decides=decides),
        deadline=_deadline(rules, one) if waits else None,
        redress=redress_of(rules, one.redress),
        acts=[Act(t(f"requests.do_{name}"), f"{address}/decide?outcome={name}") for name in _OUTCOMES]
        if waits and decides
        else [],
        places=_places(visit, one) if decides else [],
        may_withdraw=waits and one.person_id == call.who.person_id and call.who.may("privacy.own"),
        address=address,
    )


def _facts(visit: Visit, one: RequestView, *, decides: bool) -> list[Fact]:
    t = visit.words
    facts = [
        Fact(t("requests.number"), one.number, code=True),
        Fact(t("requests.kind"), t(f"requests.kind_{one.kind}")),
        Fact(t("requests.topic"), _about(t, one)),
        Fact(t("requests.made"), t.day(one.created_at)),
    ]
    if decides:
        name = requests.request_subject(visit.core, visit.call.who, one.request_id).name
        facts.insert(0, Fact(t("requests.person"), name))
    if one.decided_at is not None:
        facts.append(Fact(t(f"requests.on_{one.state}"), t.day(one.decided_at)))
    return facts


def _deadline(rules: ShownRules, one: RequestView) -> Deadline | None:
    row = rules.book.find("privacy_deadlines", "request", NATION, date.fromisoformat(one.due_on))
    if row is None:
        return None
    t = rules.t
    whose = t(f"requests.whose_{one.topic}")
    return rules.deadline(row, date.fromisoformat(one.due_on), NATION, whose=whose, otherwise=t("requests.then"))


def _places(visit: Visit, one: RequestView) -> list[Act]:
    """Where the data that a request is about can be seen and put right, as far as the official may."""
    t, who = visit.words, visit.call.who
    about = requests.request_subject(visit.core, who, one.request_id)
    found = [("card", f"cards/{name}") for name in about.cards if who.may("card.read")]
    found += [("permit", f"permits/{name}") for name in about.permits if who.may("filing.read")]
    found += [("account", f"accounts/{name}") for name in about.accounts if who.may("account.manage")]
    if about.insured:
        found.append(("insurance", f"insurance/{one.person_id}"))
    return [Act(t(f"requests.open_{topic}"), BASE + path) for topic, path in found]


@pages.post("privacy/requests/{request_id}/withdraw", _OWN_ONE, form=show_request)
def withdraw(visit: Visit, request_id: str) -> Response:
    """Withdraw one's own request."""
    requests.withdraw(visit.core, visit.call.who, request_id)
    return visit.go(f"privacy/requests/{request_id}", done="request_withdrawn")


@pages.get("privacy/requests/{request_id}/decide", _DECIDES_ONE)
def decide_page(visit: Visit, request_id: str) -> Response:
    """What an answer does, before it is given."""
    call, t = visit.call, visit.words
    call.looked("privacy.show", request_id)
    one = requests.show_request(call.core, call.who, request_id)
    call.who.require(DECIDES[one.topic])
    outcome = "refused" if (visit.text("outcome") or visit.query("outcome")) == "refused" else "done"
    effects = [t(f"requests.effect_{outcome}")]
    if outcome == "done" and one.kind != "explanation":
        effects.insert(0, t(f"requests.first_{one.kind}"))
    return visit.page(
        "privacy/decide.html",
        request=one,
        outcome=outcome,
        facts=_facts(visit, one, decides=True),
        effects=effects,
        places=_places(visit, one),
        address=f"{BASE}privacy/requests/{request_id}",
    )


@pages.post("privacy/requests/{request_id}/decide", _DECIDES_ONE, form=decide_page, fields={"privacy": "words"})
def decide(visit: Visit, request_id: str) -> Response:
    """Answer a request."""
    visit.require("words")
    outcome = visit.text("outcome")
    if outcome not in _OUTCOMES:
        raise visit.refuse("words", "forms.missing")
    answer: Literal["done", "refused"] = "refused" if outcome == "refused" else "done"
    requests.decide(visit.core, visit.call.who, request_id, answer, visit.text("words"))
    return visit.go(f"privacy/requests/{request_id}", done="request_decided")
