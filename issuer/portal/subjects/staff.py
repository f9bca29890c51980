"""What employers and agencies do today: their staff's cards, their organisation, mandates.

Promises:

1. An agency sees for whom it acts and until when; a client whose mandate has ended is no longer among its cards.
2. A mandate is given to an agency by its unified social credit code, whose name is shown before anything is given.
3. Both sides see who of the agency acts under a mandate; the agency names its people, and either side ends one.
"""

from __future__ import annotations

from datetime import datetime

from fastapi import Response

from icard_crypto.moments import DAY, ONE_DAY
from issuer.accounts import employer_handlers, mandate_handlers, mandates, organisations
from issuer.accounts.mandates import MandateView
from issuer.cards.parties import own_cards
from issuer.permits.offices import employer_codes
from issuer.portal.card_shown import card_rows, card_state
from issuer.portal.catalogue import BEIJING, Words
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Choice, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import rule_part
from issuer.portal.situations import employer_situation
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.card_reading import read_card
from issuer.service.idempotent import once

from .access import with_right
from .employer_codes import former_codes
from .permits import due_rows

__all__ = ["pages", "staff_home"]

pages = Pages()
_MEMBER = with_right("organisation.read_own")
_MANDATES = with_right("mandate.read_own", "mandate.manage")
_ONE_MANDATE = Access("person", ("mandate.read_own", "mandate.manage"), owned="mandate")
_GIVES = with_right("mandate.give", "mandate.manage")
_LONGEST_DAYS = 5 * 365


def staff_home(visit: Visit) -> Response:
    """The first page of employers and agencies: who is whose, and the cards."""
    who = visit.call.who
    own = organisations.show_organisation(visit.core, who, who.organisation_id or "")
    given = _shown_mandates(visit, mandates.list_mandates(visit.core, who, limit=201))
    live = [row for row in given if row["live"]]
    return visit.page("staff/home.html", organisation=own, live=live, rows=_cards(visit, 6), due=due_rows(visit))


@pages.get("staff", _MEMBER)
def list_staff(visit: Visit) -> Response:
    """The cards of one's staff, or of one's clients' staff."""
    names = own_cards(visit.core, visit.call.who, **asked_page(visit))
    shown = shown_page(visit, names, lambda name: name)
    return visit.page("staff/list.html", **{**shown, "items": _rows(visit, shown["items"])})


@pages.get("organisation", _MEMBER)
def show_organisation(visit: Visit) -> Response:
    """One's own organisation."""
    who, t = visit.call.who, visit.words
    own = organisations.show_organisation(visit.core, who, who.organisation_id or "")
    people = [
        [
            Cell(one.name or "–"),
            Cell("", tag=Tag(t(f"accounts.state_{one.state}"), "neutral" if one.state == "active" else "warn")),
            Cell(t("organisation.second_factor" if one.totp else "organisation.password_only")),
            Cell(t.day(one.created_at, short=True)),
        ]
        for one in mandate_handlers.list_colleagues(visit.core, who)
    ]
    facts = organisation_facts(own, t)
    if who.role.organisation == "employer":
        facts += former_codes(t, employer_codes(visit.core, who, own.organisation_id).former)
    facts += handlers_fact(visit, own.organisation_id)
    return visit.page("staff/organisation.html", facts=facts, people=people, situation=employer_situation(visit))


def organisation_facts(own: organisations.OrganisationView, t: Words) -> list[Fact]:
    """What is known about an organisation."""
    state = Tag(t(f"organisation.state_{own.state}"), "ok" if own.state == "active" else "bad")
    return [
        Fact(t("organisation.name"), own.name),
        Fact(t("organisation.code"), own.code, code=True),
        Fact(t("organisation.kind"), t(f"organisation.{own.kind}")),
        Fact(t("organisation.state"), "", tag=state),
        Fact(t("organisation.since"), t.day(own.created_at)),
    ]


def handlers_fact(visit: Visit, organisation_id: str) -> list[Fact]:
    """How many handlers an employer has of those that the rules allow, with the rule; empty for an agency."""
    found, t = employer_handlers.count_handlers(visit.core, visit.call.who, organisation_id), visit.words
    if found is None or found.rule is None:
        return []
    count = t("organisation.handlers_count", count=found.count, most=found.most)
    return [Fact(t("organisation.handlers"), count, rule=rule_part(found.rule, t))]


@pages.get("mandates", _MANDATES)
def list_mandates(visit: Visit) -> Response:
    """Mandates of one's organisation, or all for who manages them."""
    found = mandates.list_mandates(visit.core, visit.call.who, **asked_page(visit))
    shown = shown_page(visit, found, lambda one: one.mandate_id)
    return visit.page(
        "staff/mandates.html",
        **{**shown, "items": _shown_mandates(visit, shown["items"])},
        gives=visit.call.who.may("mandate.give"),
    )


@pages.get("mandates/new", with_right("mandate.give"))
def new_mandate_page(visit: Visit) -> Response:
    """The form for a mandate."""
    return visit.page("staff/new_mandate.html")


@pages.post("mandates/check", with_right("mandate.give"), form=new_mandate_page, fields={"organisation": "credit_code"})
def check_mandate(visit: Visit) -> Response:
    """Show what would be given, and to whom, before it is given."""
    visit.require("credit_code", "until")
    found = organisations.find_agency(visit.core, visit.call.who, visit.text("credit_code"))
    _ends_at(visit)
    return visit.page("staff/check_mandate.html", agency=found, until=visit.text("until"))


@pages.post("mandates/give", with_right("mandate.give"), form=new_mandate_page, fields={"organisation": "credit_code"})
def give_mandate(visit: Visit) -> Response:
    """Let an agency act for one's own organisation, from now on."""
    visit.require("credit_code", "until")
    call = visit.call
    agency = organisations.find_agency(call.core, call.who, visit.text("credit_code"))
    own, ends = call.who.organisation_id or "", _ends_at(visit)
    once(
        call,
        lambda request: (
            mandates.give_mandate(call.core, call.who, agency.organisation_id, own, visit.now, ends, request).mandate_id
        ),
        lambda mandate_id: mandate_id,
    )
    return visit.go("mandates", done="mandate_given")


@pages.get("mandates/{mandate_id}", _ONE_MANDATE)
def show_mandate(visit: Visit, mandate_id: str) -> Response:
    """A mandate and its handlers."""
    call, t = visit.call, visit.words
    found = mandates.show_mandate(call.core, call.who, mandate_id)
    handlers = mandate_handlers.list_handlers(call.core, call.who, mandate_id)
    acting = [one for one in handlers if one.ended_at is None]
    shown = _shown_mandates(visit, [found])[0]
    names = call.who.organisation_id == found.agency_id and shown["may_end"]
    taken = {one.account_id for one in acting}
    choices = [
        Choice(one.account_id, one.name or one.account_id)
        for one in (mandate_handlers.list_colleagues(call.core, call.who) if names else ())
        if one.account_id not in taken
    ]
    return visit.page(
        "staff/mandate.html",
        mandate=shown,
        acting=[(one.handler_id, one.name or "–", t("mandate.since", day=t.day(one.named_at))) for one in acting],
        ended=[
            (
                one.name or "–",
                t("mandate.period", begin=t.day(one.named_at, short=True), end=t.day(one.ended_at, short=True)),
            )
            for one in handlers
            if one.ended_at is not None
        ],
        named=bool(handlers),
        names=names,
        choices=[Choice("", t("filing.choose")), *choices] if choices else [],
        full=len(acting) >= mandate_handlers.MOST,
        most=mandate_handlers.MOST,
        address=f"{BASE}mandates/{mandate_id}",
    )


@pages.post(
    "mandates/{mandate_id}/handlers",
    Access("person", ("mandate.read_own",), owned="mandate"),
    form=show_mandate,
    fields={"account": "account_id", "mandate": "account_id"},
)
def name_handler(visit: Visit, mandate_id: str) -> Response:
    """Name somebody of one's own agency."""
    visit.require("account_id")
    call = visit.call
    once(
        call,
        lambda request: (
            mandate_handlers.name_handler(call.core, call.who, mandate_id, visit.text("account_id"), request).handler_id
        ),
        lambda handler_id: handler_id,
    )
    return visit.go(f"mandates/{mandate_id}", done="handler_named")


@pages.post("mandates/{mandate_id}/handlers/{handler}/end", _ONE_MANDATE)
def end_handler(visit: Visit, mandate_id: str, handler: str) -> Response:
    """End a handler now."""
    mandate_handlers.end_handler(visit.core, visit.call.who, mandate_id, handler)
    return visit.go(f"mandates/{mandate_id}", done="handler_ended")


@pages.get("mandates/{mandate_id}/end", _ONE_MANDATE)
def end_mandate_page(visit: Visit, mandate_id: str) -> Response:
    """What ending a mandate does, before it is done."""
    found = mandates.show_mandate(visit.core, visit.call.who, mandate_id)
    return visit.page("staff/end_mandate.html", mandate=_shown_mandates(visit, [found])[0])


@pages.post("mandates/{mandate_id}/end", _ONE_MANDATE)
def end_mandate(visit: Visit, mandate_id: str) -> Response:
    """End a mandate now."""
    mandates.end_mandate(visit.core, visit.call.who, mandate_id)
    return visit.go("mandates", done="mandate_ended")


def _cards(visit: Visit, most: int) -> list[list[Cell]]:
    return _rows(visit, own_cards(visit.core, visit.call.who, limit=most))


def _rows(visit: Visit, names: list[str]) -> list[list[Cell]]:
    t, found = visit.words, []
    agency = visit.call.who.role.organisation == "agency"
    for name in names:
        view = read_card(visit.call, name)
        holder, permit = view.card.holder, view.card.permit
        insurance = card_rows(view, t, visit.now)[1]
        until = t.day(permit.valid_until, short=True) if permit and permit.valid_until else "–"
        found.append(
            [
                Cell(
                    (holder.name if holder else None) or name,
                    f"{BASE}cards/{name}",
                    more=(permit and permit.employer) or "" if agency else "",
                ),
                Cell(until),
                Cell("", tag=card_state(view, t, visit.now)),
                Cell(insurance[2]),
            ]
        )
    return found


def _shown_mandates(visit: Visit, found: list[MandateView]) -> list[dict[str, object]]:
    """Mandates with the names of both sides, and the state of them."""
    sides = {side for one in found for side in (one.agency_id, one.employer_id)}
    names = organisations.names_of(visit.core, visit.call.who, sides)
    now, t = visit.now, visit.words
    shown: list[dict[str, object]] = []
    for one in found:
        live = one.ended_at is None and one.begins_at <= now < one.ends_at
        word = "ended" if one.ended_at is not None else "live" if live else "over" if one.ends_at <= now else "later"
        tone = {"live": "ok", "later": "info"}.get(word, "neutral")
        shown.append(
            {
                "id": one.mandate_id,
                "agency": names.get(one.agency_id, ""),
                "employer": names.get(one.employer_id, ""),
                "period": t(
                    "mandate.period", begin=t.day(one.begins_at, short=True), end=t.day(one.ends_at - 1, short=True)
                ),
                "until": t.day(one.ends_at - 1),
                "tag": Tag(t(f"mandate.{word}"), tone),  # type: ignore[arg-type]
                "live": live,
                "may_end": one.ended_at is None and one.ends_at > now,
            }
        )
    return shown


def _ends_at(visit: Visit) -> int:
    """The end of the last day that was typed, Unix time.

    Raises:
        FormFault
    """
    try:
        day = datetime.strptime(visit.text("until"), "%Y-%m-%d").replace(tzinfo=BEIJING)
    except ValueError:
        raise visit.refuse("until", "mandate.day_form") from None
    end = int((day + ONE_DAY).timestamp())
    if not visit.now < end <= visit.now + _LONGEST_DAYS * DAY:
        raise visit.refuse("until", "mandate.day_range")
    return end
