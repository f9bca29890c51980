"""Confirmations against a model: whatever officers do in whatever order, a card is revoked when the model says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from issuer import cards
from issuer.accounts import host
from issuer.accounts.principals import FRESH, Principal
from issuer.approvals import engine
from issuer.approvals.models import Confirmation
from issuer.audit.models import AuditRow
from issuer.cards import NewCard
from issuer.cards.models import CardRow
from tests.kit.account_lives import live
from tests.kit.issuing_kills import check_chain
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, Somebody, make, new_service_under_test, tried

Record = Callable[[str, object], None]
WHICH = st.integers(0, 1000)
#: In CI; PostgreSQL takes longer and differs in the locks alone.
LIVES = {"sqlite": 16, "postgr": 3}
KINDS = st.sampled_from([*["confirm"] * 6, *["ask"] * 3, "refuse", "come", "come", "lock", "time"])
#: Whether a session with a fresh code is begun first; mostly.
ANEW = st.sampled_from([True, True, False])


@dataclass
class Officer:
    """An account, its person, and its session as the model knows them."""

    somebody: Somebody
    identity: str
    since: int
    who: Principal
    stands: bool = True
    locked: bool = False


@dataclass
class Asked:
    """A request as the model knows it."""

    request: str
    card: str
    asker: Officer
    at: int
    ends: int
    state: str = "waiting"


class Confirmations(RuleBasedStateMachine):
    """Two officers, a second account of the first one, and whoever comes later."""

    issuing_service: ServiceUnderTest
    numbers = iter(range(1, 10**9))
    done = 0

    @initialize()
    def people_come(self) -> None:
        number = next(self.numbers)
        self.officers: list[Officer] = []
        self.requests: list[Asked] = []
        self.revoked: set[str] = set()
        new = [NewCard(person(10 * number + each)) for each in range(3)]
        self.cards = [issued.card_id for issued in cards.issue(self.issuing_service.core, new, HOST)]
        for name, identity in (("one", "ONE"), ("two", "TWO"), ("one.again", "ONE")):
            self._come(f"{name}.{number}", f"{identity}-{number}")
        self.issuing_service.later(1)
        # However few and short lives are, each sees a revocation.
        self._ask(self.officers[0], self.cards[0])
        self._confirm(self.officers[1], self.requests[0])

    @property
    def now(self) -> int:
        return int(self.issuing_service.clock.at)

    def _come(self, name: str, identity: str) -> None:
        somebody = make(self.issuing_service, "permit_officer", name, identity=identity)
        since = self.now
        self.officers.append(Officer(somebody, identity, since, somebody.who()))

    def _officer(self, which: int) -> Officer:
        return self.officers[which % len(self.officers)]

    def _may(self, officer: Officer) -> bool:
        """Whether the officer's session stands and its code is fresh."""
        assert officer.who.totp_at is not None
        idle = self.issuing_service.core.settings.session_idle
        return officer.stands and self.now - officer.who.totp_at <= FRESH < idle

    def _enter_if(self, officer: Officer, anew: bool) -> None:
        """A new session with a fresh code."""
        if anew and not officer.locked:
            officer.who, officer.stands = officer.somebody.who(), True

    # One rule, for of several hypothesis leaves some out of a life, and without all of them little happens.
    @rule(kind=KINDS, which=WHICH, what=WHICH, anew=ANEW)
    def happen(self, kind: str, which: int, what: int, anew: bool) -> None:
        """Somebody asks, confirms, refuses, comes, is locked out or let in again; or time goes by."""
        officer = self._officer(which)
        if kind == "time":
            self.issuing_service.later((1, 200, FRESH + 1, 3601)[what % 4])
        elif kind == "come" and len(self.officers) < 5:
            number = next(self.numbers)
            self._come(f"young.{number}", f"YOUNG-{number}")
        elif kind == "lock":
            self._lock_or_unlock(officer)
        elif kind == "ask":
            self._enter_if(officer, anew)
            self._ask(officer, self.cards[what % len(self.cards)])
        elif self.requests:
            self._enter_if(officer, anew)
            asked = self.requests[-1 - what % min(3, len(self.requests))]
            (self._refuse if kind == "refuse" else self._confirm)(officer, asked)

    def _ask(self, officer: Officer, card_id: str) -> None:
        """For a card that is not revoked and for which nobody waits."""
        waits = any(each.card == card_id and self._waits(each) for each in self.requests)
        allowed = self._may(officer) and card_id not in self.revoked and not waits
        wanted = {"card_id": card_id}
        view = tried(lambda: engine.ask(self.issuing_service.core, officer.who, "card.revoke", wanted, "lost"))
        assert allowed == (not isinstance(view, str)), view
        if isinstance(view, str):
            return
        self.requests.append(Asked(view.confirmation_id, card_id, officer, self.now, view.expires_at))

    def _waits(self, asked: Asked) -> bool:
        return asked.state == "waiting" and asked.ends > self.now

    def _confirm(self, officer: Officer, asked: Asked) -> None:
        """By another person, older than the request, in a fresh session, while its asker may still ask."""
        allowed = (
            self._waits(asked)
            and self._may(officer)
            and officer.identity != asked.asker.identity
            and officer.since < asked.at
            and not asked.asker.locked
            and asked.card not in self.revoked
        )
        done = tried(lambda: engine.confirm(self.issuing_service.core, officer.who, asked.request))
        assert allowed == (not isinstance(done, str)), done
        if allowed:
            asked.state = "done"
            self.revoked.add(asked.card)
            type(self).done += 1

    def _refuse(self, officer: Officer, asked: Asked) -> None:
        """By whoever may decide, also by who asked."""
        found = tried(lambda: engine.refuse(self.issuing_service.core, officer.who, asked.request))
        assert self._waits(asked) == (found is None), found
        if found is None:
            asked.state = "refused"

    def _lock_or_unlock(self, officer: Officer) -> None:
        """A lock ends sessions, and what its owner asked for is not done meanwhile."""
        act = "unlock" if officer.locked else "lock"
        host.change(self.issuing_service.core, officer.somebody.login, act, HOST)  # type: ignore[arg-type]
        officer.locked, officer.stands = not officer.locked, False

    @invariant()
    def the_database_says_the_same(self) -> None:
        """Cards, requests and acts are what the model says."""
        if not hasattr(self, "cards"):
            return
        query = select(CardRow.id).where(CardRow.id.in_(self.cards), CardRow.status == "revoked")
        found = self.issuing_service.core.database.read(lambda session: set(session.scalars(query).all()))
        assert found == self.revoked
        for asked in self.requests:
            state = self.issuing_service.core.database.read(
                lambda s, name=asked.request: s.get_one(Confirmation, name).state  # type: ignore[misc]
            )
            # Whose time is over is marked so when somebody asks again.
            assert state == asked.state or (state == "expired" and asked.state == "waiting" and asked.ends <= self.now)

    def teardown(self) -> None:
        """Every act that was done is in the audit, once under each of two people."""
        counted = select(func.count()).select_from(AuditRow)
        for action in ("card.revoke", "card.revoke.confirmed"):
            query = counted.where(AuditRow.action == action)
            assert (
                self.issuing_service.core.database.read(lambda session, q=query: session.scalar(q)) == type(self).done  # type: ignore[misc]
            )


def run(folder: Path, url: str, examples: int, steps: int) -> int:
    """So many lives of so many steps on one service; how many cards were revoked."""
    lived = live(Confirmations, new_service_under_test(folder, url, keys=True, confirmation_hours=1), examples, steps)
    check_chain(lived.issuing_service.core)
    lived.issuing_service.core.close()
    return int(lived.done)


def test_a_card_is_revoked_when_the_model_says_so(tmp_path: Path, database_url: str) -> None:
    """Lives of thirty steps: asking, confirming, refusing, locks, newcomers, and time."""
    lives = LIVES[database_url[:6]]
    assert run(tmp_path, database_url, lives, 30) >= lives


@pytest.mark.soak
def test_a_card_is_revoked_when_the_model_says_so_at_length(
    tmp_path: Path, database_url: str, record_property: Record
) -> None:
    """Two hundred lives of eighty steps: asking, confirming, refusing, locks, newcomers, and time."""
    record_property("cards revoked", run(tmp_path, database_url, 200, 80))
