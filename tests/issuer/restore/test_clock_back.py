"""A clock that was ahead for a while: the way back takes minutes, and neither un-revokes nor reuses anything."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto.errors import StateError
from icard_crypto.lists import tree
from issuer import cards
from issuer.acts import Actor
from issuer.audit.reads import close_days, note_read
from issuer.audit.verify import verify
from issuer.cards import NewCard
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.publication.export import export
from issuer.restore.clock_back import put_back, renew_early
from tests.kit.issuing_service import FakeClock, person
from tests.kit.signed_domain import file_of, published_core, step, verdicts

DAY = 86_400
BY = Actor("host:test", "the time server was wrong", break_glass=True)


def texts(issued: cards.IssuedCard) -> list[str]:
    return [code.text for code in issued.codes]


def refused(act: object) -> str:
    with pytest.raises(StateError) as caught:
        act()  # type: ignore[operator]
    return caught.value.code


def places(core: Core) -> list[tuple[str, int]]:
    rows = core.database.read(lambda session: session.execute(select(CodeRow.list_name, CodeRow.idx)).all())
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("ahead", [2 * 3600, 2 * DAY])
def test_after_the_way_back_everything_goes_on_and_what_was_revoked_stays_so(
    tmp_path: Path, database_url: str, ahead: int
) -> None:
    """Ahead, cards are issued, one is revoked, one is replaced; back, they verify within minutes, and the revoked one
    is revoked. The published folder, the audit and a start of the service go along."""
    clock = FakeClock(at=time.time() // DAY * DAY + DAY / 2)
    folder = tmp_path / "published"
    core = published_core(tmp_path, database_url, clock, published=folder)
    (before, lost, kept) = cards.issue(core, [NewCard(person(number)) for number in (1, 2, 3)], BY)
    step(core, clock)
    export(core, folder)
    note_read(core, "account:1", "auditor", "audit.entries")
    true = clock.at
    clock.at += ahead
    (new,) = cards.issue(core, [NewCard(person(4))], BY)
    cards.revoke(core, lost.card_id, BY)
    cards.replace(core, cards.Reissue(kept.card_id), BY)
    step(core, clock)
    close_days(core)
    export(core, folder)
    given = places(core)
    clock.at = true + 600
    assert refused(lambda: cards.issue(core, [NewCard(person(5))], BY)) == "clock.behind"
    done = put_back(core, BY)
    assert sorted(done.cards) == sorted([new.card_id, kept.card_id])
    assert done.acts["card.revoke"] == 1
    assert put_back(core, BY).cards == done.cards
    step(core, clock)
    export(core, folder)
    assert renew_early(core, done.cards, BY) == []
    assert refused(lambda: put_back(core, BY)) == "clock.not_ahead"
    (later,) = cards.issue(core, [NewCard(person(6))], BY)
    step(core, clock)
    export(core, folder)
    assert (folder / tree.TIMESTAMP).read_bytes() == file_of(core, tree.TIMESTAMP)
    shown = [cards.show(core, card_id).codes for card_id in (new.card_id, kept.card_id)]
    good = [texts(before), texts(later), *([code.text for code in codes] for codes in shown)]
    for found in good:
        assert [one.outcome for one in verdicts(core, found, "gate")] == ["VALID"] * 3
    assert {one.reason for one in verdicts(core, texts(lost))} == {"revoked"}
    assert {one.reason for one in verdicts(core, texts(kept))} == {"replaced"}
    now = places(core)
    assert now[: len(given)] == given or set(given) <= set(now)
    assert len(set(now)) == len(now)
    note_read(core, "account:1", "auditor", "audit.entries")
    clock.at += DAY
    # The day was closed by the wrong clock, before it was over: it is closed again, with all its rows.
    assert int(true // DAY * DAY) in close_days(core)
    report = verify(core)
    assert report.whole, report.faults
    settings = core.settings
    core.close()
    Core.open(settings, clock=clock.clock()).close()
