"""The physical social security card over API and portal: its life, who sees it, and that no code depends on it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from issuer.accounts.models import Account
from issuer.permits.models import Permit
from issuer.permits.processes import SOCIAL_CARD
from issuer.portal import BASE, make_portal
from issuer.service.app import make_service
from tests.issuer.permits.test_permit_life import extension
from tests.issuer.portal.test_guard import Person
from tests.kit.callers import problem
from tests.kit.forms import words
from tests.kit.people import Somebody, make
from tests.kit.permit_office import PermitOffice, person_record
from verifier.runtime import http

pytestmark = pytest.mark.slow

BANK = {"bank": "Bank of Shanghai, Pudong branch"}


def ordered(office: PermitOffice, permit: dict[str, Any], by: Somebody | None = None) -> dict[str, Any]:
    return office.ok(by or office.officer, "POST", f"/v1/permits/{permit['permit_id']}/social-cards", BANK)


def moved(office: PermitOffice, card: dict[str, Any], name: str, by: Somebody | None = None, **more: Any) -> Any:
    """A move of the card as it stands."""
    path, by = f"/v1/social-cards/{card['social_card_id']}", by or office.officer
    revision = office.ok(office.officer, "GET", path)["revision"]
    return office.ask(by, "POST", f"{path}/state", {"move": name, **more}, version=f'"{revision}"')


def state(office: PermitOffice, card: dict[str, Any]) -> str:
    return str(office.ok(office.officer, "GET", f"/v1/social-cards/{card['social_card_id']}")["state"])


def kinds(office: PermitOffice, somebody: Somebody) -> list[str]:
    return [one["kind"] for one in office.ok(somebody, "GET", "/v1/notices")["items"]]


def test_card_is_ordered_made_handed_out_lost_and_replaced_while_the_codes_stay_valid(office: PermitOffice) -> None:
    permit = office.employed(1)
    holder, codes = office.holder(permit), [office.code(permit, name) for name in ("public", "work", "authority")]
    card = ordered(office, permit, holder)
    assert (card["state"], card["bank"], card["due"], card["moves"]) == ("ORDERED", BANK["bank"], None, ["withdraw"])
    assert moved(office, card, "make", last4="4711").json()["last4"] == "4711"
    for name, found in (
        ("hand_out", "NOT_ACTIVATED"),
        ("activate", "NORMAL"),
        ("freeze", "FROZEN"),
        ("unfreeze", "NORMAL"),
    ):
        reason: dict[str, Any] = {"reason": "The bank asked for it."} if name == "freeze" else {}
        assert moved(office, card, name, **reason).json()["state"] == found
    assert moved(office, card, "report_loss", holder).json()["state"] == "ORAL_LOSS"
    again = office.ask(holder, "POST", f"/v1/permits/{permit['permit_id']}/social-cards", BANK)
    assert problem(again) == (409, "social_card.there"), "a loss is confirmed in writing first"
    assert moved(office, card, "confirm_loss", reason="A signed statement.").json()["state"] == "WRITTEN_LOSS"
    assert office.verdict(*codes) == ["VALID"] * 3
    new = ordered(office, permit, holder)
    assert (new["replaces"], state(office, card)) == (card["social_card_id"], "REPLACED")
    listed = office.ask(holder, "GET", f"/v1/permits/{permit['permit_id']}/social-cards").json()
    assert {one["state"] for one in listed} == {"ORDERED", "REPLACED"}
    assert moved(office, new, "withdraw", holder).json()["state"] == "WITHDRAWN"
    assert office.verdict(*codes) == ["VALID"] * 3
    told = {f"social_card.{name}" for name in ("order", "make", "hand_out", "activate", "report_loss", "confirm_loss")}
    assert told <= set(kinds(office, holder))
    assert not [kind for kind in kinds(office, office.employer) if kind.startswith("social_card.")]


def test_extension_and_first_code_never_ask_for_a_physical_card(office: PermitOffice) -> None:
    """Nobody has one, or it was lost, and everything goes on."""
    without, lost = office.employed(1), office.employed(2)
    card = ordered(office, lost)
    assert moved(office, card, "make", last4="4711").status_code == 200
    for name in ("hand_out", "activate", "report_loss"):
        assert moved(office, card, name).status_code == 200
    assert office.verdict(office.code(without), office.code(lost)) == ["VALID", "VALID"]
    office.travel("2026-04-13")
    for permit in (without, lost):
        record = extension(office, permit)
        filing = office.approved("extension", record, permit_id=permit["permit_id"])
        codes = {item["code"]: item["need"] for item in filing["checklist"]}
        assert [code for code, need in codes.items() if need == "required"] == ["M01", "M06", "M07", "M09"]
        extended = office.permit(permit["permit_id"])
        assert extended["until"] == record["until"]
        assert office.verdict(office.code(extended)) == ["VALID"]
    assert office.ask(office.officer, "GET", f"/v1/permits/{without['permit_id']}/social-cards").json() == []


def test_the_bank_s_day_is_the_region_s_rule(office: PermitOffice) -> None:
    """Twelve working days in Guangzhou, ten days in Jiaxing; elsewhere no day is known and none is made up."""
    permit = office.employed(1)
    path = f"/v1/social-cards/{ordered(office, permit)['social_card_id']}"
    assert office.ok(office.officer, "GET", path)["due"] is None
    for region, due in (("440103", "2026-03-18"), ("330400", "2026-03-12")):
        there = make(office.issuing_service, "permit_officer", f"officer.{region}")
        place = office.ok(office.admin, "POST", "/v1/offices", {"region": region, "name_en": "A", "name_zh": "甲"})
        body = {"account_id": there.account_id}
        office.ok(office.admin, "PUT", f"/v1/offices/{place['office_id']}/members", body)

        def move(session: Session, region: str = region) -> None:
            session.get_one(Permit, permit["permit_id"]).region = region

        office.core.database.transact(move)
        seen = office.ok(there, "GET", path)
        assert (seen["due"], "social-card" in seen["rule"]["en"]) == (due, True)


def test_what_may_not_be_done_is_refused(office: PermitOffice) -> None:
    permit, granted = office.employed(1), office.approved("overseas", person_record(office.today, 2))
    path = f"/v1/permits/{permit['permit_id']}/social-cards"
    for by in (office.employer, office.head):
        assert problem(office.ask(by, "POST", path, BANK))[0] == 403
        assert problem(office.ask(by, "GET", path))[0] == 403
    early = office.ask(office.officer, "POST", f"/v1/permits/{granted['permit_id']}/social-cards", BANK)
    assert problem(early) == (409, "social_card.no_permit")
    assert problem(office.ask(office.officer, "POST", path, {"bank": "A\u202eB"})) == (422, "account.field")
    card, holder = ordered(office, permit), office.holder(permit)
    assert problem(office.ask(office.officer, "POST", path, BANK)) == (409, "social_card.there")
    assert problem(moved(office, card, "make", holder, last4="1234")) == (409, "process.move")
    assert problem(moved(office, card, "make")) == (422, "filing.field")
    assert problem(moved(office, card, "activate")) == (409, "process.move")
    moved(office, card, "make", last4="4711")
    assert problem(moved(office, card, "cancel")) == (422, "account.field"), "a reason"
    stale = office.ask(
        office.officer,
        "POST",
        f"/v1/social-cards/{card['social_card_id']}/state",
        {"move": "hand_out"},
        version='"1"',
    )
    assert problem(stale) == (412, "social_card.changed")
    stranger = make(office.issuing_service, "holder", "a.stranger")
    assert problem(office.ask(stranger, "GET", f"/v1/social-cards/{card['social_card_id']}")) == (
        404,
        "social_card.none",
    )


def test_officer_handles_no_card_of_their_own(office: PermitOffice) -> None:
    permit = office.employed(1)

    def bind(session: Session) -> None:
        person_id = session.get_one(Permit, permit["permit_id"]).person_id
        session.get_one(Account, office.second.account_id).person_id = person_id

    office.core.database.transact(bind)
    path = f"/v1/permits/{permit['permit_id']}/social-cards"
    assert problem(office.ask(office.second, "POST", path, BANK)) == (403, "filing.own")


def test_pages_of_holder_and_officer_offer_what_each_may_do(office: PermitOffice) -> None:
    app = make_service(office.core, http.Drain(), [make_portal(office.core)])
    permit = office.employed(1)
    holder, officer = Person(app, office.holder(permit).enter()), Person(app, office.officer.enter())
    path = f"permits/{permit['permit_id']}/social-card"
    assert f'href="{BASE}{path}"' in holder.get(f"permits/{permit['permit_id']}").text
    assert Person(app, office.employer.enter()).get(path).status_code == 403
    page = holder.get(f"{path}?lang=en")
    assert "The electronic card works without it" in words(page.text)
    empty = holder.post(f"{path}/order", key="1" * 32, bank="")
    assert (empty.status_code, 'href="#f-bank"' in empty.text) == (422, True)
    assert holder.post(f"{path}/order", key="2" * 32, **BANK).status_code == 303
    (card,) = office.ask(office.officer, "GET", f"/v1/permits/{permit['permit_id']}/social-cards").json()
    move = f"social-cards/{card['social_card_id']}/move"
    assert "The bank has made it" not in words(holder.get(path).text)
    assert "The bank has made it" in words(officer.get(f"{path}?lang=en").text)
    wrong = officer.post(move, key="3" * 32, version=str(card["revision"]), move="make", last4="12")
    assert (wrong.status_code, 'href="#f-last4"' in wrong.text) == (422, True)
    made = officer.post(move, key="4" * 32, version=str(card["revision"]), move="make", last4="4711")
    assert made.status_code == 303
    assert "4711" in words(holder.get(path).text)
    nonsense = officer.post(move, key="5" * 32, version="2", move="fly")
    assert nonsense.status_code == 422


@pytest.mark.parametrize("move", [one for one in SOCIAL_CARD.moves if one.by != ("officer",)], ids=lambda one: one.name)
def test_holder_moves_nothing_but_order_loss_and_withdrawal(move: Any) -> None:
    assert move.name in ("withdraw", "report_loss", "replace")
