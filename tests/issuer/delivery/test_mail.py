"""Notices by e-mail against a real SMTP server process that is away, slow, or refuses."""

from __future__ import annotations

import re
import threading
import tracemalloc
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts.models import Account
from issuer.accounts.people import contact
from issuer.core import Core
from issuer.delivery import mail, queue, smtp
from issuer.delivery.courier import Courier
from issuer.delivery.mail import MailChannel
from issuer.delivery.outbox_admin import drop, figures, listed, retry, show
from issuer.notices.models import Outbox
from issuer.settings import Settings
from tests.kit.issuing_service import settings_for
from tests.kit.mail_server import MailServer, running_mail_server
from tests.kit.notified_service import BY, add_account, card_of, outbox, tell
from tests.kit.origin import Authority


def deliver(core: Core, *, seconds: float = 20.0) -> dict[str, int]:
    """One turn of the e-mail lane; how many letters came to which end."""
    channel = MailChannel(core, lambda account: contact(core, account), seconds=seconds)
    courier = Courier(core, [channel], lambda *_: None)
    return dict(courier.turn(channel, threading.Event()))


def due_now(core: Core) -> None:
    """The pauses of all waiting letters are over."""
    core.database.transact(lambda session: session.execute(update(Outbox).values(due_at=1)))


def some(core: Core, count: int, **account: str) -> None:
    """So many notices to accounts of their own."""
    for number in range(count):
        who = add_account(core, email=f"holder{number}@post.example")
        tell(core, who, "card.suspended", {"card": f"card{number}"})


def test_a_message_says_ids_and_links(issuing_service: Core, mail_server: MailServer) -> None:
    """Subject in UTF-8 and without personal data, text with link and reference, a stable Message-ID, Auto-Submitted; in
    the account's language; nothing of the card."""
    english, chinese = (
        add_account(issuing_service),
        add_account(issuing_service, email="zh@post.example", language="zh"),
    )
    card = card_of(issuing_service, 1, english)
    tell(issuing_service, chinese, "card.suspended", {"card": card})
    assert deliver(issuing_service) == {"sent": 2}
    by_name = {str(message["To"]): message for message in mail_server.messages()}
    plain, other = by_name["holder@post.example"], by_name["zh@post.example"]
    assert plain["Subject"] == "An Integrated Card was issued"
    assert other["Subject"] == "集成卡已暂停"
    assert other["From"] == "上海 <notices@cards.example>"
    for message in (plain, other):
        assert message["Auto-Submitted"] == "auto-generated"
        assert re.fullmatch(r"<[0-9a-f]{32}@cards\.example>", message["Message-ID"])
        assert message.get_content_type() == "text/plain"
        assert f"https://cards.example/cards/{card}" in message.get_content()
        assert message["Message-ID"][1:33] in message.get_content()
    raw = "".join(each["content"] for each in mail_server.taken())
    assert raw.isascii()
    for mark in ("MARKED", "VOGEL", "HANNELORE", "R3101152026"):
        assert mark not in raw + str(plain) + str(other) + plain.get_content() + other.get_content()
    assert {row.state for row in outbox(issuing_service)} == {"sent"}


def test_an_invitation_has_its_secret_in_the_link_alone(issuing_service: Core, mail_server: MailServer) -> None:
    """Behind the #, so that no server's log has it; without a portal it stands by itself."""
    guest = add_account(issuing_service, state="invited")
    tell(issuing_service, guest, "account.invited", {"account": guest.id}, "one-time")
    assert deliver(issuing_service) == {"sent": 1}
    assert "https://cards.example/invitations/#one-time\n" in text_of(mail_server)
    object.__setattr__(issuing_service.settings, "public_url", "")
    tell(issuing_service, guest, "account.invited", {"account": guest.id}, "two-time")
    assert deliver(issuing_service) == {"sent": 1}
    assert "Your one-time code:\ntwo-time\n" in text_of(mail_server)


def text_of(server: MailServer) -> str:
    """The text of the newest message."""
    message = server.messages()[-1]
    assert isinstance(message, EmailMessage)
    return str(message.get_content()).replace("\r\n", "\n")


def test_a_server_that_is_away_loses_nothing(issuing_service: Core, mail_server: MailServer) -> None:
    """All wait, each for longer after each failure; when the server is back, all arrive; figures say how many wait."""
    some(issuing_service, 3)
    port = issuing_service.settings.smtp_port
    object.__setattr__(issuing_service.settings, "smtp_port", 9)
    pauses = []
    for _ in range(3):
        due_now(issuing_service)
        before = issuing_service.database.read(issuing_service.clock.now)
        assert deliver(issuing_service) == {"mail.unreachable": 3}
        pauses.append(min(row.due_at - before for row in outbox(issuing_service)))
    assert {(row.state, row.attempts, row.last_fault) for row in outbox(issuing_service)} == {
        ("waiting", 3, "mail.unreachable")
    }
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 10
    assert figures(issuing_service)["email"].waiting == 3
    object.__setattr__(issuing_service.settings, "smtp_port", port)
    due_now(issuing_service)
    assert deliver(issuing_service) == {"sent": 3}
    assert sorted(to for each in mail_server.taken() for to in each["to"]) == [
        f"holder{n}@post.example" for n in range(3)
    ]
    assert figures(issuing_service)["email"] == type(figures(issuing_service)["email"])(0, 0, 0)


@pytest.mark.parametrize("mood", ["silent", "drip", "stall", "endless"])
def test_a_slow_server_is_cut_off(issuing_service: Core, mail_server: MailServer, mood: str) -> None:
    """One that says nothing, drips, never answers, or answers without end holds nobody beyond the connection's seconds
    and takes no memory; the letters wait."""
    some(issuing_service, 2)
    mail_server.mood(mood)
    tracemalloc.start()
    made = deliver(issuing_service, seconds=1.0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made in ({"mail.deadline": 2}, {"mail.unreachable": 2} if mood == "endless" else {})
    assert most < 8_000_000
    assert {row.state for row in outbox(issuing_service)} == {"waiting"}
    mail_server.mood("fine")
    due_now(issuing_service)
    assert deliver(issuing_service) == {"sent": 2}


@pytest.mark.parametrize(
    ("mood", "fault", "answer", "state"),
    [
        ("rcpt 451", "mail.refused_for_now", 451, "waiting"),
        ("data 452", "mail.refused_for_now", 452, "waiting"),
        ("rcpt 550", "mail.refused", 550, "dead"),
        ("data 554", "mail.refused", 554, "dead"),
        ("mail 553", "mail.server", 553, "waiting"),
        ("greet 554", "mail.server", 554, "waiting"),
        ("greet 421", "mail.server", 421, "waiting"),
        ("rcpt 421", "mail.server", 421, "waiting"),
    ],
)
def test_refusals(
    issuing_service: Core, mail_server: MailServer, mood: str, fault: str, answer: int, state: str
) -> None:
    """A message refused for now waits, one refused for good is a dead letter at once; a server that refuses us keeps
    the messages waiting, whatever its number."""
    some(issuing_service, 1)
    mail_server.mood(mood)
    assert deliver(issuing_service) == {fault: 1}
    (row,) = outbox(issuing_service)
    assert (row.state, row.last_fault, row.last_answer) == (state, fault, answer)
    mail_server.mood("fine")


def test_one_refused_address_keeps_no_other_waiting(issuing_service: Core, mail_server: MailServer) -> None:
    """Of three letters on one connection the bad one dies, the others arrive; an account without an address, or closed,
    makes a dead letter and no connection."""
    some(issuing_service, 1)
    for email, state in (("no at", "active"), (None, "active"), ("gone@post.example", "closed")):
        tell(issuing_service, add_account(issuing_service, email=email, state=state), "card.suspended", {"card": "c"})
    some(issuing_service, 1)
    assert deliver(issuing_service) == {"sent": 2, "mail.address": 3}
    assert sorted(row.state for row in outbox(issuing_service)) == ["dead", "dead", "dead", "sent", "sent"]


def test_a_server_that_closes_after_some_gets_the_rest_later(issuing_service: Core, mail_server: MailServer) -> None:
    """Two arrive, the third is told to come again, those behind it were not tried and are due at once."""
    some(issuing_service, 5)
    mail_server.mood("close 2")
    assert deliver(issuing_service) == {"sent": 2, "mail.server": 1}
    assert sorted((row.state, row.attempts) for row in outbox(issuing_service)) == [
        *[("sent", 1)] * 2,
        *[("waiting", 0)] * 2,
        ("waiting", 1),
    ]
    assert deliver(issuing_service) == {"sent": 2}


def test_it_is_given_up_in_the_end_and_stays_visible(issuing_service: Core, mail_server: MailServer) -> None:
    """After its time a letter gets a last attempt, then it is dead; a person may retry it, with its whole time anew, or
    drop it; the audit has both."""
    some(issuing_service, 1)
    mail_server.mood("rcpt 451")
    issuing_service.database.transact(lambda session: session.execute(update(Outbox).values(give_up_at=1, due_at=1)))
    assert deliver(issuing_service) == {"mail.refused_for_now": 1}
    (dead,) = listed(issuing_service)
    assert (dead.state, dead.fault, dead.answer, dead.attempts) == ("dead", "mail.refused_for_now", 451, 1)
    assert figures(issuing_service)["email"].dead == 1
    assert retry(issuing_service, [dead.id], BY) == 1
    again = show(issuing_service, dead.id)
    assert (again.state, again.attempts) == ("waiting", 0)
    assert again.give_up_at > again.due_at
    assert drop(issuing_service, [dead.id], BY) == 1
    assert show(issuing_service, dead.id).state == "dropped"
    assert listed(issuing_service) == []
    with pytest.raises(StateError) as caught:
        drop(issuing_service, [dead.id], BY)
    assert (caught.value.code, caught.value.found) == ("notice.state", "dropped")
    with pytest.raises(StateError) as caught:
        retry(issuing_service, ["0" * 32], BY)
    assert caught.value.code == "notice.none"


def test_a_letter_that_cannot_be_opened_stops_no_other(issuing_service: Core, mail_server: MailServer) -> None:
    """A damaged body is a dead letter with its code; the others are sent."""
    some(issuing_service, 2)
    victim = outbox(issuing_service)[0].id
    issuing_service.database.transact(
        lambda session: session.execute(update(Outbox).where(Outbox.id == victim).values(body=b"\x01broken"))
    )
    assert deliver(issuing_service) == {"sent": 1}
    assert show(issuing_service, victim).fault == "at_rest.damaged"
    assert show(issuing_service, victim).state == "dead"


def test_a_letter_whose_account_cannot_be_opened_stops_no_other(issuing_service: Core, mail_server: MailServer) -> None:
    """A damaged record of an account, a letter that somebody gave to another account: each is dead with its code."""
    some(issuing_service, 4)
    letters = outbox(issuing_service)

    def damage(session: Session) -> None:
        broken = update(Account).where(Account.id == letters[0].account_id).values(record=b"\x01broken")
        moved = update(Outbox).where(Outbox.id == letters[1].id).values(account_id=letters[2].account_id)
        session.execute(broken)
        session.execute(moved)

    issuing_service.database.transact(damage)
    assert deliver(issuing_service) == {"at_rest.damaged": 1, "sent": 2}
    assert show(issuing_service, letters[0].id).state == "dead"
    query = select(Outbox.state, Outbox.last_fault).where(Outbox.id == letters[1].id)
    assert issuing_service.database.read(lambda session: tuple(session.execute(query).one())) == (
        "dead",
        "at_rest.altered",
    )


def test_a_fault_nobody_foresaw_ends_no_lane(issuing_service: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """The letter waits with a code, like any other that failed."""
    some(issuing_service, 2)
    monkeypatch.setattr(mail, "compose", lambda *_: 1 / 0)
    assert deliver(issuing_service) == {"notice.fault": 2}
    assert {(row.state, row.attempts) for row in outbox(issuing_service)} == {("waiting", 1)}


def test_an_outcome_that_comes_too_late_is_not_recorded(issuing_service: Core) -> None:
    """A letter that was taken again after its lease belongs to the second taker; the first one's outcome changes
    nothing."""
    some(issuing_service, 1)
    (first,) = queue.take(issuing_service, "email", 10, 1.0)
    assert queue.take(issuing_service, "email", 10, 60.0) == []
    due_now(issuing_service)
    (second,) = queue.take(issuing_service, "email", 10, 60.0)
    assert (first.id, first.attempt, second.attempt) == (second.id, 1, 2)
    queue.record(issuing_service, first, queue.refused("mail.refused", 550))
    assert show(issuing_service, first.id).state == "waiting"
    queue.record(issuing_service, second, queue.sent())
    queue.record(issuing_service, second, queue.later("mail.deadline"))
    assert show(issuing_service, first.id).state == "sent"


def test_no_transaction_is_open_while_the_server_is_talked_to(issuing_service: Core, mail_server: MailServer) -> None:
    """While the mail server makes a courier wait, another writes and takes what is not taken, without waiting."""
    some(issuing_service, 1)
    mail_server.mood("stall")
    lane = threading.Thread(target=deliver, args=(issuing_service,), kwargs={"seconds": 3.0})
    lane.start()
    wait_until(lambda: outbox(issuing_service)[0].attempts == 1)
    some(issuing_service, 1)
    assert len(queue.take(issuing_service, "email", 10, 60.0)) == 1
    assert lane.is_alive()
    lane.join(60)


def wait_until(good: Callable[[], bool]) -> None:
    """Ask again and again, for a minute at most."""
    pause = threading.Event()
    for _ in range(1200):
        if good():
            return
        pause.wait(0.05)
    raise AssertionError("not within a minute")


# TLS and login


def secured(folder: Path, server: MailServer, authority: Authority | None, security: str, **more: Any) -> Settings:
    """The settings of a service with that server."""
    values = {
        "mail_from": "notices@cards.example",
        "smtp_host": "localhost",
        "smtp_port": server.port,
        "smtp_security": security,
        "smtp_ca_file": None if authority is None else authority.ca_file,
        **more,
    }
    return settings_for(folder, "sqlite:///none", **values)


def attempt(settings: Settings) -> str:
    """Connect once: ``sent``, or the fault."""
    smtp.check_settings(settings)
    message = EmailMessage()
    message["Subject"] = "a"
    try:
        with smtp.connected(settings, 20.0) as connection:
            return smtp.send(connection, message, settings.mail_from, "a@post.example").state
    except smtp.Down as down:
        return down.fault


@pytest.fixture(scope="module")
def certificate(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    authority.server_context("localhost")
    return authority._folder / "localhost.pem"


@pytest.fixture(scope="module")
def other_certificate(authority: Authority) -> Path:
    authority.server_context("other.example")
    return authority._folder / "other.example.pem"


def test_starttls_and_login(tmp_path: Path, authority: Authority, certificate: Path) -> None:
    """STARTTLS with a checked certificate and a login from a file; a wrong password, a server that refuses the login, a
    certificate that is not trusted, and one of another name are told apart, and nothing is sent."""
    password = tmp_path / "password"
    password.write_text("s3cret-word\n")
    with running_mail_server(tmp_path / "mail", certificate) as server:
        login = {"smtp_user": "icard", "smtp_password_file": password}
        assert attempt(secured(tmp_path, server, authority, "starttls", **login)) == "sent"
        assert attempt(secured(tmp_path, server, None, "starttls", **login)) == "mail.tls"
        assert attempt(secured(tmp_path, server, authority, "starttls", **login, smtp_host="127.0.0.1")) == "mail.tls"
        password.write_text("wrong-word")
        assert attempt(secured(tmp_path, server, authority, "starttls", **login)) == "mail.login"
        assert attempt(secured(tmp_path, server, authority, "none")) == "mail.server"
        assert len(server.taken()) == 1


def test_tls_from_the_first_byte(
    tmp_path: Path, authority: Authority, certificate: Path, other_certificate: Path
) -> None:
    """Implicit TLS with a checked certificate; one of another name, and a server without TLS, are refused."""
    with running_mail_server(tmp_path / "mail", certificate, "implicit") as server:
        assert attempt(secured(tmp_path, server, authority, "tls")) == "sent"
        assert attempt(secured(tmp_path, server, None, "tls")) == "mail.tls"
    with running_mail_server(tmp_path / "other", other_certificate, "implicit") as server:
        assert attempt(secured(tmp_path, server, authority, "tls")) == "mail.tls"
    with running_mail_server(tmp_path / "plain") as server:
        assert attempt(secured(tmp_path, server, authority, "tls")) == "mail.tls"
        assert attempt(secured(tmp_path, server, authority, "starttls")) == "mail.tls"
        assert server.taken() == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"mail_from": ""}, "mail_from"),
        ({"smtp_security": "none", "smtp_host": "mail.example"}, "smtp_security"),
        ({"smtp_security": "none", "smtp_user": "icard"}, "smtp_security"),
        ({"smtp_security": "tls", "smtp_user": "icard"}, "smtp_password_file"),
        ({"smtp_ca_file": Path("/nowhere.pem")}, "smtp_ca_file"),
    ],
)
def test_wrong_settings_show_before_anything_is_sent(
    issuing_service: Core, changes: dict[str, object], path: str
) -> None:
    """No mail in clear over a network, no password in clear at all, no login without a password: refused at start."""
    for name, value in changes.items():
        object.__setattr__(issuing_service.settings, name, value)
    with pytest.raises(StateError) as caught:
        MailChannel(issuing_service, lambda account: None)
    assert (caught.value.code, caught.value.path) == ("settings.value", path)


def test_a_repeated_notice_is_recognised(issuing_service: Core, mail_server: MailServer) -> None:
    """Sent twice because nobody recorded the first time: the same Message-ID."""
    holder = add_account(issuing_service)
    card = card_of(issuing_service, 1, holder)
    assert deliver(issuing_service) == {"sent": 1}
    issuing_service.database.transact(lambda session: session.execute(update(Outbox).values(state="waiting", due_at=1)))
    assert deliver(issuing_service) == {"sent": 1}
    cards.suspend(issuing_service, card, BY)
    assert deliver(issuing_service) == {"sent": 1}
    first, second, third = (message["Message-ID"] for message in mail_server.messages())
    assert first == second != third
