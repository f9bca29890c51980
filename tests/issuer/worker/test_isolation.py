"""Everything that can fail fails at once, and revocations still go out. On both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from issuer import cards
from issuer.cards import NewCard, codes
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.keys.signer import SignerBusy
from issuer.notices.models import Outbox
from issuer.worker import loop, states
from issuer.worker.loop import Worker
from issuer.worker.states import JobReport, read_jobs, trouble
from tests.kit.issuing_service import person
from tests.kit.notified_service import BY, add_account
from tests.kit.signed_domain import published_core, verdicts


def core_in_trouble(folder: Path, url: str) -> Core:
    """A service with an intent that cannot be finished, a mail server that does not answer, and a holder to be told."""
    mail: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": 9,
        "smtp_security": "none",
        "mail_from": "notices@cards.example",
    }
    core = published_core(folder, url, public_url="https://cards.example/", **mail)
    core.signer.fault = SignerBusy("signer.unavailable")  # type: ignore[attr-defined]
    with pytest.raises(SignerBusy):
        cards.issue(core, [NewCard(person(10_000))], BY)
    core.signer.fault = None  # type: ignore[attr-defined]
    damaged = update(CodeRow).where(CodeRow.state == "intent").values(payload=b"damaged", created_at=1)
    core.database.transact(lambda session: session.execute(damaged) and None)
    return core


@contextmanager
def working(core: Core, folder: Path) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """A worker whose tree has nowhere to go: a file stands where its folder should be."""
    (folder / "full").write_bytes(b"")
    told: list[tuple[str, dict[str, Any]]] = []
    stop = threading.Event()
    worker = Worker(core, folder / "full" / "www", lambda event, facts: told.append((event, facts)), 0.05)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


def revoked_one_by_one(core: Core, number: int) -> list[float]:
    """Revoke so many cards, each once the one before reads revoked in what is published; seconds that each took."""
    holder = add_account(core)
    issued = [cards.issue(core, [NewCard(person(each), holder=holder.person_id)], BY)[0] for each in range(number)]
    took = []
    for card in issued:
        text = card.codes[0].text
        cards.revoke(core, card.card_id, BY)
        begun = time.monotonic()
        for _ in range(1200):
            if [str(verdict.reason) for verdict in verdicts(core, [text])] == ["revoked"]:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("a revocation was not published")
        took.append(time.monotonic() - begun)
    return took


def jobs_when(core: Core, good: Any) -> dict[str, JobReport]:
    """The jobs as their heartbeats say, once that is so."""
    for _ in range(600):
        found = {job.name: job for job in read_jobs(core)}
        if good(found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"the jobs are {found}")


def test_faults_of_other_jobs_hold_back_no_revocation(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged intent, a tree that cannot be written and a mail server that is away: each revocation is published, the
    other jobs run, and every fault is named."""
    monkeypatch.setattr(loop, "RECOVERY", 0.05)
    monkeypatch.setattr(states, "HEARTBEAT", 0.1)
    monkeypatch.setattr(codes, "LEFT_BEHIND", 0)
    core = core_in_trouble(tmp_path, database_url)
    with working(core, tmp_path) as told:
        revoked_one_by_one(core, 5)
        found = jobs_when(
            core,
            lambda jobs: (
                {"recover", "export"} <= {name for name, job in jobs.items() if job.trouble}
                and jobs["prune"].succeeded_at
            ),
        )
        assert trouble(list(found.values())) == found["export"].trouble == "file.unwritable"
        assert {name for name, job in found.items() if job.trouble} == {"export", "recover"}
        assert found["checkpoint"].succeeded_at is not None
        assert sum(event == "published" for event, _ in told) >= 5
        letters = core.database.read(lambda session: list(session.query(Outbox.attempts, Outbox.state)))
        assert letters
        assert {state for _, state in letters} == {"waiting"}
    assert [event for event, _ in told][-1] == "ended"
    # Each fault is logged once, however often it was tried.
    faults = [facts["job"] for event, facts in told if event == "held_back"]
    assert sorted(faults) == ["export", "recover"]


@pytest.mark.soak
def test_sixty_revocations_reach_the_origin_in_time(
    tmp_path: Path, database_url: str, record_property: Callable[[str, object], None]
) -> None:
    """With a damaged intent, a full export disk and an unreachable mail server at once, each of 60 revocations in a row
    is published within 5 s."""
    core = core_in_trouble(tmp_path, database_url)
    with working(core, tmp_path):
        took = revoked_one_by_one(core, 60)
    record_property("longest", f"{max(took):.2f} s")
    assert max(took) <= 5
