"""Couriers at work beside each other and as a process of the service; what they say and leave behind names nobody."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from icard_crypto.card.card import Card
from icard_crypto.errors import Unavailable
from issuer import cards
from issuer.accounts.models import Account
from issuer.accounts.people import contact
from issuer.cards import NewCard
from issuer.core import Core
from issuer.delivery import webhooks
from issuer.delivery.courier import Courier
from issuer.delivery.mail import MailChannel
from issuer.delivery.outbox_admin import figures
from issuer.processes import rewrap
from tests.issuer.test_personal_data import Marks
from tests.kit import postgres
from tests.kit.issuing_service import person
from tests.kit.mail_server import MailServer
from tests.kit.notified_service import BY, add_account, outbox, tell
from tests.kit.signed_domain import published_core, write_settings

_RUN = "from issuer.cli import main; import sys; sys.argv[0] = 'icard-issuer'; main()"


def wait_until(good: Callable[[], bool]) -> None:
    """Ask again and again, for a minute at most."""
    pause = threading.Event()
    for _ in range(600):
        if good():
            return
        pause.wait(0.1)
    raise AssertionError("not within a minute")


def test_couriers_beside_each_other_send_each_letter_once(issuing_service: Core, mail_server: MailServer) -> None:
    """Three couriers on one database: nothing is sent twice, nothing is left."""
    holder = add_account(issuing_service)
    for number in range(60):
        tell(issuing_service, holder, "card.suspended", {"card": f"c{number}"})
    told: list[str] = []
    find = partial(contact, issuing_service)
    couriers = [
        Courier(
            issuing_service, [MailChannel(issuing_service, find)], lambda event, _: told.append(event), interval=0.02
        )
        for _ in range(3)
    ]
    with couriers[0].running(), couriers[1].running(), couriers[2].running():
        wait_until(lambda: figures(issuing_service)["email"].waiting == 0)
    sent = Counter(message["Message-ID"] for message in mail_server.messages())
    assert (len(sent), set(sent.values())) == (60, {1})
    assert set(told) == {"letters_tried"}


def test_letters_are_opened_after_a_new_master_key(issuing_service: Core, mail_server: MailServer) -> None:
    """Rewrapping takes notices, letters, addresses and secrets along; a courier that runs meanwhile reads the new
    key."""
    holder = add_account(issuing_service)
    webhooks.add(issuing_service, holder.id, "https://hr.example/", "account:1")
    tell(issuing_service, holder, "card.suspended", {"card": "c1"})
    rewrap.prepare(issuing_service, "host:test")
    assert rewrap.switch(issuing_service, "host:test", lambda *_: None) > 0
    tell(issuing_service, holder, "card.resumed", {"card": "c1"})
    rewrap.finish(issuing_service, "host:test", lambda *_: None)
    courier = Courier(
        issuing_service,
        [MailChannel(issuing_service, partial(contact, issuing_service))],
        lambda *_: None,
        interval=0.02,
    )
    with courier.running():
        wait_until(lambda: figures(issuing_service)["email"].waiting == 0)
    assert len(mail_server.taken()) == 2
    assert len(webhooks.listed(issuing_service, holder.id)) == 1


def test_a_worker_delivers_and_names_nobody(tmp_path: Path, database_url: str, mail_server: MailServer) -> None:
    """``icard-issuer worker`` sends what a card's change causes, and what is refused is a dead letter; neither its log
    nor the database nor any subject has the address, the name, the receiver's address or the server's words."""
    core = published_core(
        tmp_path,
        database_url,
        smtp_host="127.0.0.1",
        smtp_port=mail_server.port,
        smtp_security="none",
        mail_from="notices@cards.example",
    )
    write_settings(core, tmp_path)
    with (tmp_path / "icard-issuer.toml").open("a") as file:
        file.write(f'smtp_host = "127.0.0.1"\nsmtp_port = {mail_server.port}\nsmtp_security = "none"\n')
        file.write('mail_from = "notices@cards.example"\n')
    holder = add_account(core, email="MARKEDADDRESS@post.example")
    webhooks.add(core, holder.id, "https://127.0.0.1:9/MARKEDPATH", "account:1")
    card = issue_marked(core, holder)
    said = run_worker(tmp_path, lambda: len(mail_server.taken()) == 1)
    mail_server.mood("rcpt 550")
    cards.suspend(core, card, BY)
    said += run_worker(tmp_path, lambda: figures(core)["email"].dead == 1)
    wanted = {"letters_tried", "started", "ended"}
    assert wanted <= {json.loads(line)["event"] for line in said.splitlines()}
    assert "webhook.address" in said
    assert "mail.refused" in said
    marks = Marks({word: f"MARKED{word}" for word in ("ADDRESS", "NAME", "PATH", "WORDS")})
    left = {"log": said.encode(), **files_of(tmp_path, database_url)}
    assert {name: found for name, content in left.items() if (found := marks.in_(content))} == {}
    assert marks.in_("".join(str(message["Subject"]) for message in mail_server.messages()).encode()) == []
    core.close()


def issue_marked(core: Core, holder: Account) -> str:
    """A card whose holder's name is a mark."""
    obj = person(1).to_json()
    obj["holder"]["name"] = "MARKEDNAME HERE"
    (issued,) = cards.issue(core, [NewCard(Card.from_json(obj), holder=holder.person_id)], BY)
    return issued.card_id


def run_worker(folder: Path, until: Callable[[], bool]) -> str:
    """What a worker says until something is so, and until SIGTERM has ended it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, "worker", "-C", str(folder), "--json", "--interval", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: until() or process.poll() is not None)
        process.terminate()
        out, _ = process.communicate(timeout=90)
    finally:
        process.kill()
    assert process.returncode == 0, out
    return out


def files_of(folder: Path, url: str) -> dict[str, bytes]:
    """What the database keeps: SQLite's files, or PostgreSQL's dump."""
    if url.startswith("sqlite"):
        return {path.name: path.read_bytes() for path in folder.glob("issuer.db*")}
    return {"dump": postgres.server().dump(url)}


def test_a_lane_that_meets_no_database_goes_on(issuing_service: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away is told once, and delivery goes on when it is back."""
    holder = add_account(issuing_service)
    tell(issuing_service, holder, "card.suspended", {"card": "c1"})
    told: list[str] = []
    courier = Courier(
        issuing_service,
        [MailChannel(issuing_service, partial(contact, issuing_service))],
        lambda event, facts: told.append(f"{event} {facts.get('code', '')}".strip()),
        interval=0.02,
    )
    failures = iter(range(3))
    read = issuing_service.database.read

    def flaky(work: Callable[..., object]) -> object:
        if threading.current_thread().name.startswith("send-email") and next(failures, None) is not None:
            raise Unavailable("database.unreachable")
        return read(work)

    monkeypatch.setattr(issuing_service.database, "read", flaky)
    with courier.running():
        wait_until(lambda: outbox(issuing_service)[0].state == "sent")
    assert told == ["held_back database.unreachable", "letters_tried", "recovered"]
