"""Notices are written with their cause, to whom they concern, and say ids alone; on both databases."""

from __future__ import annotations

import json
import re
import secrets
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts.models import Account, Mandate
from issuer.accounts.preferences import set_preference
from issuer.cards import Reissue
from issuer.core import Core
from issuer.db.base import sealed_columns
from issuer.delivery import outbox_admin, webhooks
from issuer.notices import kinds as kinds_module
from issuer.notices import outbox as outbox_module
from issuer.notices.inbox import inbox, mark_read, preferences, unread
from issuer.notices.kinds import kind_of_act, kinds
from issuer.notices.models import NoticeRow, Outbox
from issuer.notices.outbox import Notice, notify
from tests.kit.notified_service import BY, add_account, add_organisation, card_of, outbox, tell

ROOT = Path(__file__).parent.parent.parent.parent


def told(core: Core, account: Account) -> list[str]:
    """The kinds in an account's inbox, oldest first."""
    return [notice.kind for notice in reversed(inbox(core, account.id))]


def test_every_change_of_a_card_tells_its_holder(issuing_service: Core) -> None:
    """Issued, replaced, renewed, suspended, resumed, both states, revoked: each one notice with the card's id, in the
    inbox and for e-mail; a change that changes nothing makes none."""
    holder = add_account(issuing_service)
    card = card_of(issuing_service, 1, holder)
    cards.replace(issuing_service, Reissue(card), BY)
    cards.renew(issuing_service, Reissue(card), BY)
    cards.suspend(issuing_service, card, BY)
    cards.suspend(issuing_service, card, BY)
    cards.resume(issuing_service, card, BY)
    cards.set_permit(issuing_service, card, "suspended", BY)
    cards.set_permit(issuing_service, card, "good", BY)
    cards.set_insurance(issuing_service, card, "lapsed", BY)
    cards.set_insurance(issuing_service, card, "good", BY)
    cards.revoke(issuing_service, card, BY)
    wanted = [
        *("card.issued", "card.replaced", "card.renewed", "card.suspended", "card.resumed"),
        *("permit.suspended", "permit.restored", "insurance.lapsed", "insurance.restored", "card.revoked"),
    ]
    assert sorted(told(issuing_service, holder)) == sorted(wanted)
    assert sorted(row.kind for row in outbox(issuing_service)) == sorted(wanted)
    assert {notice.facts["card"] for notice in inbox(issuing_service, holder.id)} == {card}
    assert {row.channel for row in outbox(issuing_service)} == {"email"}


def test_who_is_told(issuing_service: Core) -> None:
    """The holder and the accounts of the employer; not other roles, other people, those who never came or left; a card
    without anybody tells nobody."""
    employer = add_organisation(issuing_service)
    holder = add_account(issuing_service)
    staff = [add_account(issuing_service, "employer", organisation=employer) for _ in range(2)]
    others = [
        add_account(issuing_service),
        add_account(issuing_service, "employer", organisation=add_organisation(issuing_service)),
        add_account(issuing_service, "agency", organisation=employer),
        add_account(issuing_service, "employer", organisation=employer, state="invited"),
        add_account(issuing_service, "employer", organisation=employer, state="closed"),
    ]
    locked = add_account(issuing_service, "employer", organisation=employer, state="locked")
    card_of(issuing_service, 1)
    assert outbox(issuing_service) == []
    card_of(issuing_service, 2, holder, employer)
    assert [told(issuing_service, each) for each in (holder, *staff, locked)] == [["card.issued"]] * 4
    assert [told(issuing_service, each) for each in others] == [[]] * 5


def test_an_agency_is_told_while_it_may_act(issuing_service: Core) -> None:
    """Of its client's cards, once for however many mandates; not before the first begins, nor after the last ended."""
    employer, now = add_organisation(issuing_service), int(issuing_service.clock.local())
    periods: dict[str, list[tuple[int, int, int | None]]] = {
        "in force": [(now - 10, now + 10**6, None), (now - 20, now + 10**6, None)],
        "to come": [(now + 10**5, now + 10**6, None)],
        "over": [(now - 10**6, now - 10, None)],
        "ended": [(now - 10, now + 10**6, now - 5)],
        "another's": [],
    }
    agents = {}
    for name, spans in periods.items():
        agency = add_organisation(issuing_service, "agency")
        agents[name] = add_account(issuing_service, "agency", organisation=agency)
        rows = [
            Mandate(
                id=secrets.token_hex(16),
                agency_id=agency,
                employer_id=employer,
                begins_at=begins,
                ends_at=ends,
                created_at=1,
                ended_at=ended,
            )
            for begins, ends, ended in spans
        ]
        issuing_service.database.transact(lambda session, rows=rows: session.add_all(rows))  # type: ignore[misc]
    holder = add_account(issuing_service)
    cards.suspend(issuing_service, card_of(issuing_service, 1, holder, employer), BY)
    assert sorted(told(issuing_service, agents.pop("in force"))) == ["card.issued", "card.suspended"]
    assert [told(issuing_service, each) for each in agents.values()] == [[]] * 4
    assert len(told(issuing_service, holder)) == 2


def test_a_cause_that_fails_makes_no_notice(issuing_service: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice and cause are one transaction: where the last step of it fails, neither is there; and no cause without its
    notice, where writing that fails."""
    holder = add_account(issuing_service)
    card = card_of(issuing_service, 1, holder)
    with monkeypatch.context() as patched:
        patched.setattr("issuer.core.append_audit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            cards.suspend(issuing_service, card, BY)
    with monkeypatch.context() as patched:
        patched.setattr("issuer.notices.outbox._to_send", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            cards.suspend(issuing_service, card, BY)
    assert cards.show(issuing_service, card).status == "active"
    assert told(issuing_service, holder) == ["card.issued"]
    assert len(outbox(issuing_service)) == 1


def test_what_was_turned_off_is_not_sent(issuing_service: Core) -> None:
    """A kind that is off for e-mail still comes to the inbox; on again, it is sent again; what a kind fixes stays on,
    and is refused by name."""
    holder = add_account(issuing_service)
    card = card_of(issuing_service, 1, holder)
    set_preference(issuing_service, holder.id, "card.resumed", "email", False, "account:1")
    set_preference(issuing_service, holder.id, "card.resumed", "email", False, "account:1")
    cards.suspend(issuing_service, card, BY)
    cards.resume(issuing_service, card, BY)
    assert [row.kind for row in outbox(issuing_service)].count("card.resumed") == 0
    assert told(issuing_service, holder).count("card.resumed") == 1
    set_preference(issuing_service, holder.id, "card.resumed", "email", True, "account:1")
    cards.suspend(issuing_service, card, BY)
    cards.resume(issuing_service, card, BY)
    assert [row.kind for row in outbox(issuing_service)].count("card.resumed") == 1
    off = {(each.kind, each.channel) for each in preferences(issuing_service, holder.id, "holder") if not each.on}
    assert off == set()
    with pytest.raises(StateError) as caught:
        set_preference(issuing_service, holder.id, "card.revoked", "email", False, "account:1")
    assert (caught.value.code, caught.value.message()) == (
        "notice.fixed",
        "This kind of notice cannot be turned off there.",
    )
    for kind, channel, code in (("card.revoked", "fax", "notice.channel"), ("card.born", "email", "notice.kind")):
        with pytest.raises(StateError) as caught:
            set_preference(issuing_service, holder.id, kind, channel, False, "account:1")  # type: ignore[arg-type]
        assert caught.value.code == code


def test_a_mute_that_is_left_from_before_does_not_hide_what_is_fixed_now(issuing_service: Core) -> None:
    """A preference in the database that the kind no longer allows changes nothing."""
    holder = add_account(issuing_service)
    card = card_of(issuing_service, 1, holder)
    issuing_service.database.transact(
        lambda session: session.execute(
            text("INSERT INTO notice_mutes (account_id, kind, channel) VALUES (:account, 'card.revoked', 'email')"),
            {"account": holder.id},
        )
    )
    cards.revoke(issuing_service, card, BY)
    assert [row.kind for row in outbox(issuing_service)].count("card.revoked") == 1
    assert {each.on for each in preferences(issuing_service, holder.id, "holder") if each.kind == "card.revoked"} == {
        True
    }


def test_an_inbox_is_ones_own(issuing_service: Core) -> None:
    """Pages come newest first, whole and without doubles; another's notice cannot be a cursor, and is not marked read
    by anybody else."""
    first, second = add_account(issuing_service), add_account(issuing_service)
    for number in range(7):
        tell(issuing_service, first, "confirmation.wanted", {"confirmation": f"c{number}"})
    tell(issuing_service, second, "confirmation.wanted", {"confirmation": "theirs"})
    pages: list[str] = []
    after = None
    while page := inbox(issuing_service, first.id, after=after, most=3):
        pages += [notice.id for notice in page]
        after = page[-1].id
    assert len(pages) == len(set(pages)) == 7
    theirs = inbox(issuing_service, second.id)[0].id
    with pytest.raises(StateError) as caught:
        inbox(issuing_service, first.id, after=theirs)
    assert caught.value.code == "notice.none"
    assert mark_read(issuing_service, first.id, [*pages[:2], theirs]) == 2
    assert mark_read(issuing_service, first.id, pages[:2]) == 0
    assert (unread(issuing_service, first.id), unread(issuing_service, second.id)) == (5, 1)
    assert len(inbox(issuing_service, first.id, unread_only=True)) == 5


NOT_IDS = [
    {},
    {"card": "a", "name": "b"},
    {"card": "H VOGEL"},
    {"card": "何"},
    {"card": ""},
    {"card": "a" * 65},
]


def test_facts_are_ids(issuing_service: Core) -> None:
    """A name, a sentence or a fact that the kind does not know is refused where the notice is written."""
    holder = add_account(issuing_service)
    for facts in NOT_IDS:
        with pytest.raises(StateError) as caught:
            tell(issuing_service, holder, "card.issued", facts)
        assert (caught.value.code, caught.value.path) == ("notice.facts", "card.issued"), facts
        assert "VOGEL" not in str(caught.value)
    assert told(issuing_service, holder) == []


def test_without_a_mail_server_nothing_waits_for_e_mail(issuing_service: Core) -> None:
    """The inbox has the notice; no row is written that nobody could deliver."""
    holder = add_account(issuing_service)
    object.__setattr__(issuing_service.settings, "smtp_host", "")
    card_of(issuing_service, 1, holder)
    assert (told(issuing_service, holder), outbox(issuing_service)) == (["card.issued"], [])


def test_contents_are_sealed(issuing_service: Core) -> None:
    """Facts, bodies with their one-time secret, addresses and secrets of webhooks stand in sealed columns, and in no
    column in clear."""
    holder = add_account(issuing_service)
    card = card_of(issuing_service, 1, holder)
    made = webhooks.add(issuing_service, holder.id, "https://hr.example/marked-path", "account:1")
    tell(issuing_service, holder, "account.invited", {"account": holder.id}, "marked-one-time-secret")
    cards.suspend(issuing_service, card, BY)
    found: list[str] = []

    def look(session: Session) -> None:
        for table in ("notices", "outbox", "webhooks"):
            found.extend(repr(tuple(row)) for row in session.execute(text(f"SELECT * FROM {table}")))  # noqa: S608

    issuing_service.database.read(look)
    assert len(found) == 3 + 4 + 1
    for mark in ("marked", "hr.example", made.secret.removeprefix("whsec_")[:20], card):
        assert [line for line in found if mark in line] == [], mark
    sealed = {f"{table.name}.{column.name}" for table, column in sealed_columns()}
    assert {"notices.facts", "outbox.body", "webhooks.url", "webhooks.secrets"} <= sealed


def test_a_removed_webhook_takes_its_rows_along(issuing_service: Core) -> None:
    """What was to be sent there goes, the inbox keeps the notices; nobody else can remove it."""
    holder, other = add_account(issuing_service), add_account(issuing_service)
    card = card_of(issuing_service, 1, holder)
    made = webhooks.add(issuing_service, holder.id, "https://hr.example/", "account:1")
    cards.suspend(issuing_service, card, BY)
    assert [row.channel for row in outbox(issuing_service)].count("webhook") == 1
    with pytest.raises(StateError) as caught:
        webhooks.remove(issuing_service, other.id, made.webhook, "account:2")
    assert caught.value.code == "webhook.none"
    webhooks.remove(issuing_service, holder.id, made.webhook, "account:1")
    cards.resume(issuing_service, card, BY)
    assert [row.channel for row in outbox(issuing_service)].count("webhook") == 0
    assert sorted(told(issuing_service, holder)) == ["card.issued", "card.resumed", "card.suspended"]


def test_removing_a_webhook_waits_for_a_cause_that_knows_it(
    issuing_service: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of a card that has just found the webhook is not broken by its removal: that waits for the commit, and
    then takes the new row along."""
    holder = add_account(issuing_service)
    made = webhooks.add(issuing_service, holder.id, "https://hr.example/", "account:1")
    remover = threading.Thread(target=webhooks.remove, args=(issuing_service, holder.id, made.webhook, "account:1"))
    write = outbox_module._to_send

    def between(*arguments: Any) -> Any:
        # The webhook was found, its row is not written yet.
        remover.start()
        remover.join(0.5)
        assert remover.is_alive()
        return write(*arguments)

    monkeypatch.setattr(outbox_module, "_to_send", between)
    tell(issuing_service, holder, "card.suspended", {"card": "c1"})
    remover.join(60)
    assert [row.channel for row in outbox(issuing_service)] == ["email"]
    assert told(issuing_service, holder) == ["card.suspended"]


def test_old_rows_are_purged(issuing_service: Core) -> None:
    """What was sent or dropped goes after its days, dead letters and inboxes after theirs; what waits stays, however
    old, and its notice with it."""
    holder = add_account(issuing_service)
    states = ["sent", "dropped", "dead", "waiting"]
    for state in states:
        tell(issuing_service, holder, "account.password_changed", {"account": state})
    rows = {inbox_notice.facts["account"]: inbox_notice.id for inbox_notice in inbox(issuing_service, holder.id)}

    def age(days: int) -> list[str]:
        def work(session: Session) -> None:
            now = issuing_service.clock.now(session)
            for row in session.scalars(select(Outbox)):
                state = next(name for name, notice in rows.items() if notice == row.notice_id)
                row.state, row.created_at = state, now - days * 86400
                row.ended_at = None if state == "waiting" else now - days * 86400
            for notice in session.scalars(select(NoticeRow)):
                notice.created_at = now - days * 86400

        issuing_service.database.transact(work)
        outbox_admin.purge(issuing_service)
        return sorted(row.state for row in outbox(issuing_service))

    assert age(29) == sorted(states)
    assert age(31) == ["dead", "waiting"]
    assert len(inbox(issuing_service, holder.id)) == 4
    assert age(401) == ["waiting"]
    outbox_admin.purge(issuing_service)
    assert [notice.id for notice in inbox(issuing_service, holder.id)] == [rows["waiting"]]


def test_every_kind_is_caused_somewhere_and_has_whole_words() -> None:
    """Each kind's subject and texts stand in both languages, none has a place for a fact; every kind with an act is one
    that cards record; links use only the kind's own facts."""
    source = "".join(path.read_text("utf-8") for path in (ROOT / "issuer").rglob("*.py"))
    for kind in kinds().values():
        assert set(kind.words) == {"en", "zh"}
        for words in kind.words.values():
            assert "{" not in words.subject + words.text
            assert words.text.endswith((".", "。"))
        assert re.search("[\u4e00-\u9fff]", kind.words["zh"].subject)
        used = set(re.findall(r"{(\w+)}", kind.link)) - {"secret"}
        assert used <= kind.facts
    for act in kinds_module._acts():
        assert kind_of_act(act).name in kinds()
        assert act in source or act.partition(".")[0] + ".{state}" in source
    assert json.loads((ROOT / "issuer/notices/mail.json").read_text("utf-8")).keys() == {"en", "zh"}


def test_an_unknown_kind_is_a_fault_of_the_program(issuing_service: Core) -> None:
    """It is refused where it is written."""
    holder = add_account(issuing_service)
    with pytest.raises(StateError) as caught:
        issuing_service.database.transact(
            lambda session: notify(issuing_service, session, 1, [Notice("card.born", holder.id, {})])
        )
    assert (caught.value.code, caught.value.found) == ("notice.kind", "card.born")
