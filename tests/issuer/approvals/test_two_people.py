"""What two people confirm: who may not, what is done once, and what the audit says."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError, Unavailable
from issuer import cards
from issuer.accounts import directory, host, invitations, mandates, own_account, sessions, tokens
from issuer.accounts.login import login, step_up
from issuer.accounts.models import Account
from issuer.accounts.principals import FRESH, Principal
from issuer.accounts.roles import SCOPES
from issuer.approvals import engine, floods
from issuer.approvals.acts import Done
from issuer.approvals.models import Confirmation
from issuer.cards import NewCard, Reissue, parties, states
from issuer.notices.models import NoticeRow
from tests.kit.issuing_service import person
from tests.kit.people import (
    HOME,
    HOST,
    PASSWORD,
    ServiceUnderTest,
    acts,
    at_once,
    by_two,
    count,
    make,
    new_service_under_test,
    organisation,
    take_up,
)

DAY = 86_400


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service with signing keys."""
    made = new_service_under_test(tmp_path, database_url, keys=True)
    yield made
    made.core.close()


def card(issuing_service: ServiceUnderTest, number: int = 1) -> str:
    return cards.issue(issuing_service.core, [NewCard(person(number))], HOST)[0].card_id


def ask_revocation(issuing_service: ServiceUnderTest, who: Principal, card_id: str) -> str:
    return engine.ask(issuing_service.core, who, "card.revoke", {"card_id": card_id}, "lost").confirmation_id


def new_officer(login_name: str = "officer-9", **more: Any) -> dict[str, Any]:
    return {"role": "permit_officer", "login": login_name, "name": "Nine", "identity": "ID-NINE", **more}


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(StateError) as caught:
        act()
    return caught.value.code


def standing(issuing_service: ServiceUnderTest, card_id: str) -> str:
    return cards.show(issuing_service.core, card_id).status


def test_two_officers_revoke_a_card(issuing_service: ServiceUnderTest) -> None:
    """One asks, another confirms; the card is withdrawn with its codes, and the audit has both under its pseudonym."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    assert standing(issuing_service, card_id) == "active"
    shown = engine.list_waiting(issuing_service.core, two.who())
    assert [(view.confirmation_id, view.reason, view.own) for view in shown] == [(request, "lost", False)]
    done = engine.confirm(issuing_service.core, two.who(), request)
    assert done == Done("card.revoke", card_id)
    assert standing(issuing_service, card_id) == "revoked"
    assert {entry[3] for entry in cards.show(issuing_service.core, card_id).entries} == {1}
    name = issuing_service.core.at_rest.pseudonym
    about = [
        (action, actor) for action, actor, subject in acts(issuing_service.core) if subject == name("subject", card_id)
    ]
    first, second = (name("actor", f"account:{officer.account_id}") for officer in (one, two))
    assert about[1:] == [("card.revoke.asked", first), ("card.revoke", first), ("card.revoke.confirmed", second)]
    assert refused(lambda: engine.confirm(issuing_service.core, two.who(), request)) == "confirm.decided"


def test_nobody_confirms_himself(issuing_service: ServiceUnderTest) -> None:
    """Neither in the same session, nor in another, nor under another account of the same person."""
    one = make(issuing_service, "permit_officer", "one", identity="STAFF-1")
    again = make(issuing_service, "permit_officer", "one-again", identity="STAFF-1")
    assert one.person_id == again.person_id
    card_id = card(issuing_service)
    issuing_service.later()
    who = one.who()
    request = ask_revocation(issuing_service, who, card_id)
    askers = (who, one.who(), again.who())
    found = [refused(lambda w=w: engine.confirm(issuing_service.core, w, request)) for w in askers]  # type: ignore[misc]
    assert found == ["confirm.same_person"] * 3
    assert standing(issuing_service, card_id) == "active"


def test_an_administrator_confirms_nobody_of_his_own(issuing_service: ServiceUnderTest) -> None:
    """He asks and confirms himself; asks for an account of his own; another confirms what is about that one."""
    make(issuing_service, "administrator", "one")
    one = make(issuing_service, "administrator", "two", identity="STAFF-2")
    other = make(issuing_service, "administrator", "three")
    issuing_service.later()
    request = engine.ask(
        issuing_service.core, one.who(), "account.create", new_officer(), "new colleague"
    ).confirmation_id
    assert refused(lambda: engine.confirm(issuing_service.core, one.who(), request)) == "confirm.same_person"
    own = {"role": "administrator", "login": "two-b", "name": "x", "identity": "STAFF-2"}
    assert refused(lambda: engine.ask(issuing_service.core, one.who(), "account.create", own, "mine")) == "account.self"
    about = {"account_id": other.account_id}
    reset = engine.ask(issuing_service.core, one.who(), "account.reset", about, "lost phone").confirmation_id
    assert refused(lambda: engine.confirm(issuing_service.core, other.who(), reset)) == "account.self"
    assert refused(lambda: directory.lock_account(issuing_service.core, one.who(), one.account_id)) == "account.self"


def test_an_account_younger_than_the_request_confirms_nothing(issuing_service: ServiceUnderTest) -> None:
    """Made after it, or raised to its role after it; one second counts, in the same one is too late."""
    one, old = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "old")
    card_id = card(issuing_service)
    issuing_service.later()
    who = one.who()
    request = ask_revocation(issuing_service, who, card_id)
    young = make(issuing_service, "permit_officer", "young")
    assert refused(lambda: engine.confirm(issuing_service.core, young.who(), request)) == "confirm.younger_account"

    def moved(session: Any) -> None:
        account = session.get(Account, young.account_id)
        row = session.get(Confirmation, request)
        account.created_at, account.role_at = row.created_at - 100, row.created_at

    issuing_service.core.database.transact(moved)
    assert refused(lambda: engine.confirm(issuing_service.core, young.who(), request)) == "confirm.younger_account"
    assert standing(issuing_service, card_id) == "active"
    engine.confirm(issuing_service.core, old.who(), request)
    assert standing(issuing_service, card_id) == "revoked"


def test_a_token_neither_asks_nor_confirms(issuing_service: ServiceUnderTest) -> None:
    """Whatever scopes it has; and none can be made that revokes."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    who = two.who()
    made = tokens.make_token(issuing_service.core, who, "robot", sorted(SCOPES & who.role.rights), 30)
    robot = tokens.authenticate_token(issuing_service.core, made.text)
    assert refused(lambda: engine.confirm(issuing_service.core, robot, request)) == "access.people_only"
    assert refused(lambda: engine.refuse(issuing_service.core, robot, request)) == "access.people_only"
    assert refused(lambda: ask_revocation(issuing_service, robot, card_id)) == "access.people_only"
    assert refused(lambda: robot.require("card.revoke")) == "access.scope"
    assert (
        refused(lambda: tokens.make_token(issuing_service.core, two.who(), "robot", ["card.revoke"], 30))
        == "token.scope"
    )


def test_a_code_has_to_be_fresh(issuing_service: ServiceUnderTest) -> None:
    """Of the last five minutes, for asking and for confirming; a recovery code is none."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    who, second = one.who(), two.enter()
    issuing_service.later(FRESH + 1)
    assert refused(lambda: ask_revocation(issuing_service, who, card_id)) == "access.fresh_code"
    request = ask_revocation(issuing_service, one.who(), card_id)
    assert refused(lambda: engine.confirm(issuing_service.core, second.who, request)) == "access.fresh_code"
    token = login(issuing_service.core, "two", PASSWORD, HOME).token
    recovered = step_up(issuing_service.core, token, two.recovery[0], HOME)
    assert recovered.who.full
    assert refused(lambda: engine.confirm(issuing_service.core, recovered.who, request)) == "access.fresh_code"
    # The app may be in other hands: the account is told, and confirms nothing for a day.
    again = two.step_up(recovered.token)
    assert refused(lambda: engine.confirm(issuing_service.core, again.who, request)) == "confirm.waits"
    assert refused(lambda: ask_revocation(issuing_service, again.who, card(issuing_service, 2))) == "confirm.waits"
    assert "account.recovery_used" in told(issuing_service, two.account_id)
    issuing_service.later(24 * 3600)
    engine.confirm(issuing_service.core, two.who(), request)


def told(issuing_service: ServiceUnderTest, account_id: str) -> list[str]:
    """The kinds of an account's notices."""
    query = select(NoticeRow).where(NoticeRow.account_id == account_id)
    return issuing_service.core.database.read(lambda session: [row.kind for row in session.scalars(query)])


def test_a_new_second_factor_waits_and_what_changes_is_told(issuing_service: ServiceUnderTest) -> None:
    """Another app, address, token, password: the account hears of each; tokens end with the password."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    made = tokens.make_token(issuing_service.core, two.who(), "robot", ["card.issue"], 30)
    who = two.who()
    own_account.change_contact(issuing_service.core, who, PASSWORD, "new@cards.example", "en")
    offer = own_account.begin_totp(issuing_service.core, who)
    code = pyotp.TOTP(offer.secret).at(int(issuing_service.clock.at))
    own_account.finish_totp(issuing_service.core, who, PASSWORD, offer.proof, code)
    two.secret = offer.secret
    assert refused(lambda: engine.confirm(issuing_service.core, two.who(), request)) == "confirm.waits"
    tokens.authenticate_token(issuing_service.core, made.text)
    own_account.change_password(issuing_service.core, two.who(), PASSWORD, "entirely different words 4 it")
    assert refused(lambda: tokens.authenticate_token(issuing_service.core, made.text)) == "token.unknown"
    kinds = ["account.token_made", "account.contact_changed", "account.totp_changed", "account.password_changed"]
    assert set(kinds) <= set(told(issuing_service, two.account_id))


def test_an_expired_request_is_done_no_more(issuing_service: ServiceUnderTest) -> None:
    """And it stands in nobody's way: the same may be asked for again."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    assert refused(lambda: ask_revocation(issuing_service, two.who(), card_id)) == "confirm.waiting"
    issuing_service.later(72 * 3600)
    assert refused(lambda: engine.confirm(issuing_service.core, two.who(), request)) == "confirm.expired"
    assert engine.list_waiting(issuing_service.core, two.who()) == []
    engine.confirm(issuing_service.core, two.who(), ask_revocation(issuing_service, one.who(), card_id))
    assert standing(issuing_service, card_id) == "revoked"


def test_who_asked_must_still_be_allowed_to(issuing_service: ServiceUnderTest) -> None:
    """An officer who was locked out meanwhile revokes nothing; nor does one confirm whose session was ended."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    second = two.enter()
    sessions.log_out(issuing_service.core, second.token)
    assert refused(lambda: engine.confirm(issuing_service.core, second.who, request)) == "session.unknown"
    host.change(issuing_service.core, "one", "lock", HOST)
    assert refused(lambda: engine.confirm(issuing_service.core, two.who(), request)) == "confirm.asker_gone"
    assert standing(issuing_service, card_id) == "active"


def test_who_asked_and_had_another_role_meanwhile_has_to_ask_again(issuing_service: ServiceUnderTest) -> None:
    """A request goes with the role it was made in, though the account has the same role again when it is confirmed."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id, core = card(issuing_service), issuing_service.core
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    issuing_service.later()

    def change(session: Session) -> None:
        session.get_one(Account, one.account_id).role_at = core.clock.now(session)

    core.database.transact(change)
    assert refused(lambda: engine.confirm(core, two.who(), request)) == "confirm.asker_gone"
    assert standing(issuing_service, card_id) == "active"


def test_four_confirm_at_once(issuing_service: ServiceUnderTest) -> None:
    """One does it; the others are told that it was decided. The card has one act of revocation."""
    officers = [make(issuing_service, "permit_officer", f"officer-{place}") for place in range(5)]
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, officers[0].who(), card_id)
    ready = [officer.who() for officer in officers[1:]]
    found = at_once([partial(engine.confirm, issuing_service.core, who, request) for who in ready])
    assert sorted(getattr(each, "code", "done") for each in found) == ["confirm.decided"] * 3 + ["done"]
    assert [action for action, _, _ in acts(issuing_service.core)].count("card.revoke") == 1


def test_others_neither_ask_nor_confirm(issuing_service: ServiceUnderTest) -> None:
    """By role: an administrator touches no card, an officer makes no account, an unknown act is none."""
    officer, admin = make(issuing_service, "permit_officer", "one"), make(issuing_service, "administrator", "admin")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, officer.who(), card_id)
    assert refused(lambda: engine.confirm(issuing_service.core, admin.who(), request)) == "confirm.none"
    assert refused(lambda: engine.show_confirmation(issuing_service.core, admin.who(), request)) == "confirm.none"
    assert engine.list_waiting(issuing_service.core, admin.who()) == []
    ask = engine.ask
    assert (
        refused(lambda: ask(issuing_service.core, officer.who(), "account.create", new_officer(), "x"))
        == "access.not_allowed"
    )
    assert refused(lambda: ask(issuing_service.core, officer.who(), "card.nothing", {}, "x")) == "confirm.act"
    assert (
        refused(lambda: ask(issuing_service.core, officer.who(), "card.revoke", {"card_id": 7}, "x")) == "account.field"
    )
    assert refused(lambda: engine.confirm(issuing_service.core, officer.who(), "f" * 32)) == "confirm.none"


def test_two_administrators_make_an_officer(issuing_service: ServiceUnderTest) -> None:
    """Each has one part of the invitation, worth nothing alone; together its person takes the account up."""
    one, two = make(issuing_service, "administrator", "one"), make(issuing_service, "administrator", "two")
    issuing_service.later()
    asked = engine.ask(issuing_service.core, one.who(), "account.create", new_officer(), "new colleague")
    before = count(issuing_service.core, Account)
    done = engine.confirm(issuing_service.core, two.who(), asked.confirmation_id)
    assert count(issuing_service.core, Account) == before + 1
    assert done.invited is not None
    parts = asked.invitation_part or "", done.invited.token or ""
    for part in parts:
        assert refused(partial(invitations.open_invitation, issuing_service.core, part)) == "invitation.unknown"
        assert (
            refused(partial(invitations.open_invitation, issuing_service.core, f"{part}.{part}"))
            == "invitation.unknown"
        )
    assert engine.show_confirmation(issuing_service.core, one.who(), asked.confirmation_id).invitation_part is None
    officer = take_up(issuing_service, f"{parts[1]}.{parts[0]}", "officer-9")
    assert officer.who().role.name == "permit_officer"
    again = by_two(issuing_service, "account.reset", {"account_id": officer.account_id})
    assert refused(officer.enter) == "login.refused"
    take_up(issuing_service, again, "officer-9").enter()


def test_two_officers_end_a_card_early_and_bring_it_back(issuing_service: ServiceUnderTest) -> None:
    """A record that ends sooner, and a card again after a withdrawal; the codes are signed at once."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id, record = card(issuing_service), person(1)
    issuing_service.later()
    tomorrow = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    sooner = replace(record, permit=replace(record.permit, valid_until=tomorrow))
    wanted = {"card_id": card_id, "card": json.dumps(sooner.to_json())}
    assert (
        refused(lambda: cards.replace(issuing_service.core, Reissue(card_id, sooner), one.who().by("x")))
        == "issue.two_needed"
    )
    request = engine.ask(issuing_service.core, one.who(), "card.replace", wanted, "the permit ends").confirmation_id
    assert refused(lambda: engine.confirm(issuing_service.core, one.who(), request)) == "confirm.same_person"
    engine.confirm(issuing_service.core, two.who(), request)
    shown = cards.show(issuing_service.core, card_id)
    assert (shown.card, len(shown.codes)) == (sooner, 3)
    issuing_service.later(60)
    request = ask_revocation(issuing_service, one.who(), card_id)
    engine.confirm(issuing_service.core, two.who(), request)
    issuing_service.later(60)
    again = {"card": json.dumps(record.to_json()), "holder_id": None}
    asked = engine.ask(issuing_service.core, two.who(), "card.issue", again, "withdrawn by mistake")
    done = engine.confirm(issuing_service.core, one.who(), asked.confirmation_id)
    assert len(cards.show(issuing_service.core, done.subject).codes) == 3
    assert (
        engine.show_confirmation(issuing_service.core, one.who(), asked.confirmation_id).arguments.get("card") is None
    )
    for bad in ("", "[]", "{", "x" * 300_000):
        wrong = {"card": bad}
        assert (
            refused(lambda w=wrong: engine.ask(issuing_service.core, one.who(), "card.issue", w, "x"))  # type: ignore[misc]
            == "account.field"
        )


def test_nobody_decides_on_his_own_card(issuing_service: ServiceUnderTest) -> None:
    """Neither by asking, nor confirming, nor refusing; and no official makes one for himself."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=one.person_id)], HOST)
    issuing_service.later()
    assert refused(lambda: ask_revocation(issuing_service, one.who(), issued.card_id)) == "account.self"
    request = ask_revocation(issuing_service, two.who(), issued.card_id)
    assert refused(lambda: engine.confirm(issuing_service.core, one.who(), request)) == "account.self"
    assert refused(lambda: engine.refuse(issuing_service.core, one.who(), request)) == "account.self"
    assert refused(lambda: parties.refuse_own(one.who(), one.person_id)) == "account.self"
    parties.refuse_own(two.who(), one.person_id)
    engine.refuse(issuing_service.core, two.who(), request)


def test_what_was_decided_names_nobody(issuing_service: ServiceUnderTest) -> None:
    """Done or refused: reason, ids and role stay; name, number, login name and address do not."""
    one, two = make(issuing_service, "administrator", "one"), make(issuing_service, "administrator", "two")
    issuing_service.later()
    for decide in (engine.confirm, engine.refuse):
        asked = engine.ask(
            issuing_service.core, one.who(), "account.create", new_officer(f"officer-{decide.__name__}"), "why"
        )
        assert asked.arguments["name"] == "Nine"
        decide(issuing_service.core, two.who(), asked.confirmation_id)
        shown = engine.show_confirmation(issuing_service.core, two.who(), asked.confirmation_id)
        assert (set(shown.arguments), shown.reason) == ({"role", "person_id", "organisation_id"}, "why")


def test_two_administrators_raise_a_holder(issuing_service: ServiceUnderTest) -> None:
    """The account begins anew with TOTP; its old password is worth nothing."""
    holder = make(issuing_service, "holder", "zhang")
    token = by_two(issuing_service, "account.role", {"account_id": holder.account_id, "role": "inspector"})
    assert refused(lambda: login(issuing_service.core, "zhang", PASSWORD, HOME)) == "login.refused"
    assert take_up(issuing_service, token, "zhang").secret is not None


def test_no_administrator_reads_a_card_by_way_of_an_account(issuing_service: ServiceUnderTest) -> None:
    """A second account of a holder, one for an agency, a reset, a mandate: none is one administrator's, and who holds
    another account of the person is told.
    """
    holder = make(issuing_service, "holder", "zhang", email="zhang@cards.example")
    admin = make(issuing_service, "administrator", "admin").who()
    issuing_service.later()
    twin = {"role": "holder", "login": "twin", "person_id": holder.person_id}
    request = engine.ask(issuing_service.core, admin, "account.create", twin, "x").confirmation_id
    assert refused(lambda: engine.confirm(issuing_service.core, admin, request)) == "confirm.same_person"
    engine.refuse(issuing_service.core, admin, request)
    assert refused(lambda: by_two(issuing_service, "account.create", twin)) == "account.conflict"
    employer, agency = organisation(issuing_service, "employer", 1), organisation(issuing_service, "agency", 2)
    now = int(issuing_service.clock.at)
    give = partial(mandates.give_mandate, issuing_service.core, admin, agency, employer, now, now + 1000)
    assert refused(give) == "access.not_allowed"
    told = count(issuing_service.core, NoticeRow)
    by_two(
        issuing_service, "account.create", {**twin, "login": "staff", "role": "employer", "organisation_id": employer}
    )
    kinds = issuing_service.core.database.read(
        lambda session: [
            (row.account_id, row.kind)
            for row in session.scalars(select(NoticeRow))
            if row.kind == "account.access_given"
        ]
    )
    assert kinds == [(holder.account_id, "account.access_given")]
    assert count(issuing_service.core, NoticeRow) > told


def test_one_person_is_known_however_the_number_is_written(issuing_service: ServiceUnderTest) -> None:
    """Hyphens, spaces, case, leading zeros: no second person, who could confirm what the first has asked for."""
    one = make(issuing_service, "permit_officer", "one", identity="S-1001")
    for number, written in enumerate(("S1001", "s--1001", " S 10-01", "Ｓ-1001")):
        same = make(issuing_service, "permit_officer", f"same-{number}", identity=written)
        assert same.person_id == one.person_id, written
    assert make(issuing_service, "permit_officer", "zeros", identity="00S-1001").person_id == one.person_id
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    assert refused(lambda: engine.confirm(issuing_service.core, same.who(), request)) == "confirm.same_person"
    german = make(issuing_service, "permit_officer", "german", identity="passport:DEU:C01X-00T4")
    assert (
        make(issuing_service, "permit_officer", "french", identity="passport:FRA:C01X-00T4").person_id
        != german.person_id
    )


def test_a_refused_request_is_done_no_more(issuing_service: ServiceUnderTest) -> None:
    """By another, or withdrawn by whoever asked."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    for decider in (one, two):
        request = ask_revocation(issuing_service, one.who(), card_id)
        engine.refuse(issuing_service.core, decider.who(), request)
        assert refused(lambda r=request: engine.confirm(issuing_service.core, two.who(), r)) == "confirm.decided"  # type: ignore[misc]
    assert standing(issuing_service, card_id) == "active"


def test_a_failure_in_the_act_decides_nothing(
    issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confirmation and act are one transaction: the request still waits, and can be confirmed afterwards."""
    one, two = make(issuing_service, "permit_officer", "one"), make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)

    def broken(*_: object) -> None:
        raise Unavailable("signer.unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(states, "_set_entries", broken)
        assert refused(lambda: engine.confirm(issuing_service.core, two.who(), request)) == "signer.unavailable"
    assert standing(issuing_service, card_id) == "active"
    engine.confirm(issuing_service.core, two.who(), request)
    assert standing(issuing_service, card_id) == "revoked"


def test_nobody_floods_those_who_decide(issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking and withdrawing again and again ends, under another account of the same person too; so does asking for
    more and more; others still ask, and a day later it may be asked again."""
    one = make(issuing_service, "permit_officer", "one", identity="STAFF-1")
    again = make(issuing_service, "permit_officer", "one-again", identity="STAFF-1")
    other = make(issuing_service, "permit_officer", "other")
    issuing_service.later()
    name = card(issuing_service)
    monkeypatch.setattr(floods, "MOST_WITHDRAWN", 2)
    who = one.who()
    for _ in range(2):
        engine.refuse(issuing_service.core, who, ask_revocation(issuing_service, who, name))
    assert refused(lambda: ask_revocation(issuing_service, who, name)) == "confirm.too_often"
    assert refused(lambda: ask_revocation(issuing_service, again.who(), name)) == "confirm.too_often"
    ask_revocation(issuing_service, other.who(), name)
    issuing_service.later(DAY)
    monkeypatch.setattr(floods, "MOST_WAITING", 2)
    who = one.who()
    for number in (2, 3):
        ask_revocation(issuing_service, who, card(issuing_service, number))
    assert (
        refused(lambda: ask_revocation(issuing_service, again.who(), card(issuing_service, 4))) == "confirm.too_often"
    )


def test_a_second_factor_from_a_reset_waits(issuing_service: ServiceUnderTest) -> None:
    """Whoever takes up the invitation of a reset takes part in nothing that two people do, for a day."""
    one = make(issuing_service, "permit_officer", "one")
    make(issuing_service, "permit_officer", "two")
    card_id = card(issuing_service)
    issuing_service.later()
    request = ask_revocation(issuing_service, one.who(), card_id)
    token = host.reset(issuing_service.core, "two", HOST).token
    issuing_service.later()
    assert token is not None
    again = take_up(issuing_service, token, "two")
    assert refused(lambda: engine.confirm(issuing_service.core, again.who(), request)) == "confirm.waits"
    assert refused(lambda: ask_revocation(issuing_service, again.who(), card(issuing_service, 2))) == "confirm.waits"
    issuing_service.later(DAY)
    engine.confirm(issuing_service.core, again.who(), request)
    assert standing(issuing_service, card_id) == "revoked"
