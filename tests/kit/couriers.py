"""Processes that change cards and deliver the notices of it, until they are killed.

``python -m tests.kit.couriers FOLDER URL PORT`` forks one for each number that it reads; ``PORT`` is the
mail server's. Each changes cards of its own holder in one thread and delivers whatever is due in another, so that a
kill meets both at any point.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from issuer.accounts.people import contact
from issuer.audit.models import AuditRow
from issuer.core import Core
from issuer.delivery.courier import Courier
from issuer.delivery.mail import MailChannel
from issuer.notices import kinds
from issuer.notices.models import NoticeRow, Outbox
from tests.kit.issuing_process import CHANGES, Journal, fork_for_each_line, open_core
from tests.kit.mail_server import MailServer
from tests.kit.notified_service import add_account, card_of

__all__ = ["check", "courier", "deliver_the_rest", "open_house"]

#: Seconds after which what a killed process had in hand is due again.
LEASE = 2.0


def open_house(folder: Path, url: str, port: int, name: str) -> Core:
    """The service of the test, as one more process sees it."""
    return open_core(
        folder,
        url,
        name,
        smtp_host="127.0.0.1",
        smtp_port=port,
        smtp_security="none",
        mail_from="notices@cards.example",
    )


def courier(core: Core) -> Courier:
    """A courier in a hurry."""
    channel = MailChannel(core, partial(contact, core), seconds=1.0)
    return Courier(core, [channel], lambda *_: None, interval=0.02, lease=LEASE)


def work(folder: Path, url: str, port: int, number: int) -> None:
    """Change cards and deliver, until the process ends."""
    core = open_house(folder, url, port, str(number))
    journal = Journal.open(folder / f"journal.{number}")
    chance = random.Random(number)
    with courier(core).running():
        holder = add_account(core, email=f"holder{number}@post.example")
        mine: list[str] = []
        turn = 0
        while True:
            turn += 1
            if not mine or chance.random() < 0.2:
                mine.append(card_of(core, number * 10_000 + turn, holder))
                change = "issue"
            else:
                card = chance.choice(mine)
                change = chance.choice(sorted(CHANGES))
                CHANGES[change](core, card)
                if change == "revoke":
                    mine.remove(card)
            journal.write(json.dumps({"done": change}))


def deliver_the_rest(core: Core) -> None:
    """Deliver until nothing waits; a minute at most."""
    waiting = select(func.count()).select_from(Outbox).where(Outbox.state == "waiting")
    pause = threading.Event()
    with courier(core).running():
        for _ in range(1200):
            if core.database.read(lambda session: session.scalar(waiting)) == 0:
                return
            pause.wait(0.05)
    raise AssertionError("letters still wait")


def check(core: Core, folder: Path, server: MailServer) -> Counter[str]:
    """After all was delivered: one notice for each act on record, each taken by the server, and none without an act."""
    faults = [path.read_text("utf-8") for path in folder.glob("fault.*")]
    assert faults == [], faults
    acts = sorted(kinds._acts())

    def look(session: Session) -> tuple[int, set[str], list[tuple[str, str]]]:
        recorded = session.scalar(select(func.count()).select_from(AuditRow).where(AuditRow.action.in_(acts)))
        rows = [(row.notice_id, row.state) for row in session.scalars(select(Outbox))]
        return recorded or 0, set(session.scalars(select(NoticeRow.id))), rows

    with closing(core):
        recorded, notices, rows = core.database.read(look)
    assert len(notices) == len(rows) == recorded
    assert {state for _, state in rows} == {"sent"}
    taken = Counter(message["Message-ID"].partition("@")[0].lstrip("<") for message in server.messages())
    assert notices - set(taken) == set(), "notices are lost"
    assert set(taken) - notices == set(), "notices without a cause"
    return Counter(notices=len(notices), taken=taken.total())


if __name__ == "__main__":
    place, address, mail_port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    fork_for_each_line(place, lambda number: work(place, address, mail_port, number))
