"""A process that does with marked cards whatever a service does, and is killed before it can tidy up.

``python -m tests.kit.marked_process`` reads one JSON object on standard input: ``folder`` and ``url`` of a new service,
two cards, who acts and why, where the codes are handed to, a file of many cards. Every logger writes to standard error,
down to the last detail.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import typer

from icard_crypto import qr
from icard_crypto.card.card import Card
from icard_crypto.errors import IcardError
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, Reissue
from issuer.cli.commands import app
from issuer.db.idempotency import Request
from issuer.processes import rewrap
from issuer.worker.loop import Worker
from tests.kit.issuing_service import PREFIX
from tests.kit.signed_domain import published_core

__all__: list[str] = []


def main() -> None:
    asked = json.load(sys.stdin)
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    folder = Path(asked["folder"])
    core = published_core(folder, asked["url"], passphrase=asked["passphrase"])
    first, second = (Card.from_json(card) for card in asked["cards"])
    by = Actor(asked["operator"], asked["reason"], break_glass=True)
    body = json.dumps(asked["cards"][0], ensure_ascii=False).encode()
    request = Request("account:7", "cards", asked["reason"], body)

    issued = cards.issue(core, [NewCard(first, request=request)], by)
    issued += cards.issue(core, [NewCard(second)], by)
    try:
        cards.issue(core, [NewCard(first)], by)
    except IcardError as fault:
        # What an uncaught refusal would print, with its hints.
        traceback.print_exc()
        print(fault.message(), fault.hint(), fault.path, fault.expected, fault.found)
    changed = cards.replace(core, Reissue(issued[0].card_id, second_name(first)), by)
    found = cards.find_cards(core, "name", asked["cards"][0]["holder"]["name"])
    found += cards.find_cards(core, "permit", asked["cards"][0]["permit"]["number"])
    if found != [issued[0].card_id] * 2:
        raise SystemExit("the marked card is not found")
    cards.show(core, issued[0].card_id)
    cards.set_insurance(core, issued[0].card_id, "lapsed", by)
    cards.revoke(core, issued[1].card_id, by)
    for code in changed.codes:
        qr.draw_png(code.text)
    worker = Worker(core, folder / "published", print)
    _turn(worker)
    many = bulk(asked)
    _turn(worker)
    rewrap.prepare(core, asked["operator"])
    rewrap.switch(core, asked["operator"], print)

    texts = [code.text for card in (*issued, changed) for code in card.codes]
    Path(asked["handed"]).write_text("\n".join([*texts, *many]), "ascii")
    sys.stdout.flush()
    # Nothing is closed: the database's log of changes stays as it is in the midst of work.
    os.kill(os.getpid(), signal.SIGKILL)


def _turn(worker: Worker) -> None:
    for job in worker.jobs():
        job.run(threading.Event())


def bulk(asked: dict[str, Any]) -> list[str]:
    """Run a file of good and bad rows through the real command; the report of the bad ones stays with the service. The
    codes of the good ones.
    """
    folder, codes = Path(asked["folder"]), Path(asked["handed"]).with_suffix(".jsonl")
    os.environ |= {
        "ICARD_ISSUER_FOLDER": str(folder),
        "ICARD_ISSUER_DATABASE_URL": asked["url"],
        "ICARD_ISSUER_PASSPHRASE": asked["passphrase"],
        "ICARD_ISSUER_ISSUER": "cn.310000",
        "ICARD_ISSUER_REGIONS": "310000",
        "ICARD_ISSUER_STATUS_PREFIX": PREFIX,
    }
    words = ["bulk", "issue", asked["file"], "--codes", str(codes), "--refused", str(folder / "refused.csv")]
    try:
        typer.main.get_command(app).main([*words, "--operator", asked["operator"], "--reason", asked["reason"]])
    except SystemExit as ended:
        if ended.code != 1:
            raise
    lines = [json.loads(line) for line in codes.read_text("ascii").splitlines()]
    return [text for line in lines for text in line["codes"].values()]


def second_name(card: Card) -> Card:
    """The same person, in other letters: the record and the keyed hashes are written again."""
    obj = card.to_json()
    obj["holder"]["name"] = obj["holder"]["name"].title()
    return Card.from_json(obj)


if __name__ == "__main__":
    main()
