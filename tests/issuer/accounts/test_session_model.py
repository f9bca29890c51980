"""Sessions against a model: whatever people do in whatever order, a token is worth what the model says, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from issuer.accounts import attempts, host, own_account, sessions
from issuer.accounts.login import login, step_up
from issuer.accounts.sessions import Entered, check_csrf, csrf_token
from tests.kit.account_lives import live
from tests.kit.people import HOME, HOST, PASSWORD, ServiceUnderTest, Somebody, make, new_service_under_test, tried

Record = Callable[[str, object], None]
WHO = st.integers(0, 1)
WHICH = st.integers(0, 1000)
_MOST = 20
_SEEN = 60
_TRIES = 3


@pytest.fixture(autouse=True)
def one_roomy_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is in one network here; when it has to wait is tested elsewhere."""
    monkeypatch.setitem(attempts._FREE, "anyone", 10**6)


@dataclass
class Known:
    """What the model knows of a session that was begun."""

    token: str
    session_id: str
    person: int
    full: bool
    begun: int
    seen: int
    ended: bool = False


class Sessions(RuleBasedStateMachine):
    """A holder without a second factor and an officer with one."""

    issuing_service: ServiceUnderTest
    numbers = iter(range(10**9))

    @initialize()
    def people_come(self) -> None:
        number = next(self.numbers)
        roles = ("holder", "permit_officer")
        self.people: list[Somebody] = [make(self.issuing_service, role, f"{role[:6]}.{number}") for role in roles]
        self.passwords = [PASSWORD, PASSWORD]
        self.locked = [False, False]
        self.failures = [0, 0]
        self.code = ""
        self.known: list[Known] = []
        for place, person in enumerate(self.people):
            self._begun(place, person.enter())

    @property
    def now(self) -> int:
        return int(self.issuing_service.clock.at)

    def _alive(self, one: Known) -> bool:
        limits = self.issuing_service.core.settings
        return (
            not one.ended
            and not self.locked[one.person]
            and one.begun + limits.session_longest > self.now
            and one.seen > self.now - limits.session_idle
        )

    def _begun(self, place: int, entered: Entered) -> None:
        assert entered.who.session_id is not None
        self._make_room(place)
        one = Known(entered.token, entered.who.session_id, place, entered.who.full, self.now, self.now)
        self.known.append(one)
        self.failures[place] = 0
        # One session a second: which one is the oldest is never a draw.
        self.issuing_service.later(1)

    def _make_room(self, place: int) -> None:
        # A log-in clears up behind those that time has ended.
        self._end(lambda one: one.person == place and not self._alive(one))
        live = [one for one in self.known if one.person == place and self._alive(one)]
        for one in live[: max(0, len(live) - _MOST + 1)]:
            one.ended = True

    def _pick(self, which: int) -> Known:
        return self.known[which % len(self.known)]

    @rule(place=WHO)
    def log_in(self, place: int) -> None:
        """The right password begins a session, unless the account is locked."""
        if self.locked[place]:
            if self.failures[place] < _TRIES:
                self.failures[place] += 1
                assert self._refused(place, self.passwords[place]) == "login.refused"
            return
        entered = login(self.issuing_service.core, self.people[place].login, self.passwords[place], HOME)
        assert entered.who.full == (self.people[place].secret is None)
        self._begun(place, entered)

    @rule(place=WHO)
    def guess(self, place: int) -> None:
        """A wrong password begins nothing."""
        if self.failures[place] < _TRIES:
            self.failures[place] += 1
            assert self._refused(place, "a wrong guess at it") == "login.refused"

    def _refused(self, place: int, password: str) -> str:
        found = tried(lambda: login(self.issuing_service.core, self.people[place].login, password, HOME))
        assert isinstance(found, str)
        return found

    @rule(which=WHICH, kind=st.sampled_from(["right", "wrong", "used"]))
    def second_factor(self, which: int, kind: str) -> None:
        """A right code makes the session full under a new token; a wrong or used one changes nothing."""
        one = self._pick(which)
        person = self.people[one.person]
        code = person.code() if person.secret and kind == "right" else self.code if kind == "used" else "12345x"
        if not self._alive(one):
            expected: str | None = "session.unknown"
        elif person.secret is None:
            expected = "totp.none"
        else:
            expected = None if kind == "right" else "totp.wrong"
        entered = tried(lambda: step_up(self.issuing_service.core, one.token, code, HOME))
        if isinstance(entered, str):
            # Those who fail too often have to wait, which is tested elsewhere.
            assert entered in (expected, "login.wait")
            return
        assert expected is None
        assert entered.token != one.token
        assert entered.who.session_id == one.session_id
        self.known.append(Known(entered.token, one.session_id, one.person, True, one.begun, self.now))
        one.ended = True
        self.code = code

    @rule(which=WHICH)
    def use(self, which: int) -> None:
        """A token is worth what the model says; its CSRF token fits no other."""
        one = self._pick(which)
        if not self._alive(one):
            assert tried(lambda: sessions.authenticate(self.issuing_service.core, one.token)) == "session.unknown"
            return
        who = sessions.authenticate(self.issuing_service.core, one.token)
        assert (who.account_id, who.session_id) == (self.people[one.person].account_id, one.session_id)
        assert who.full == one.full
        assert who.rights == (who.role.rights if one.full else frozenset())
        if self.now - one.seen > _SEEN:
            one.seen = self.now
        check_csrf(one.token, csrf_token(one.token))
        for other in self.known:
            fits = tried(partial(check_csrf, one.token, csrf_token(other.token)))
            assert fits == (None if other is one else "session.csrf")

    @rule(which=WHICH)
    def list_them(self, which: int) -> None:
        """Its owner sees the sessions that live, and this one marked."""
        one = self._pick(which)
        if self._alive(one):
            self.use(which)
            who = sessions.authenticate(self.issuing_service.core, one.token)
            shown = sessions.list_sessions(self.issuing_service.core, who)
            live = {each.session_id for each in self.known if each.person == one.person and self._alive(each)}
            assert {view.session_id for view in shown} == live
            assert [view.session_id for view in shown if view.current] == [one.session_id]

    @rule(which=WHICH, other=WHICH)
    def end(self, which: int, other: int) -> None:
        """One's own session can be ended, nobody else's."""
        one, target = self._pick(which), self._pick(other)
        if not self._alive(one):
            return
        who = sessions.authenticate(self.issuing_service.core, one.token)
        mine = target.person == one.person and self._there(target)
        if mine:
            sessions.end(self.issuing_service.core, who, target.session_id)
            self._end(lambda each: each.session_id == target.session_id)
        else:
            assert tried(lambda: sessions.end(self.issuing_service.core, who, target.session_id)) == "session.none"

    def _there(self, target: Known) -> bool:
        """Whether its row is there: one that only time has ended is, until somebody clears up."""
        return any(each.session_id == target.session_id and not each.ended for each in self.known)

    @rule(which=WHICH)
    def end_others(self, which: int) -> None:
        """All but this one."""
        one = self._pick(which)
        if self._alive(one):
            sessions.end_others(self.issuing_service.core, sessions.authenticate(self.issuing_service.core, one.token))
            self._end(lambda each: each.person == one.person and each.session_id != one.session_id)

    @rule(which=WHICH)
    def log_out(self, which: int) -> None:
        """The token's session; a token that is nothing any more ends nothing."""
        one = self._pick(which)
        sessions.log_out(self.issuing_service.core, one.token)
        one.ended = True

    @rule(which=WHICH)
    def change_password(self, which: int) -> None:
        """Ends every session of the account, and the password before."""
        one = self._pick(which)
        if not self._alive(one) or not one.full:
            return
        old, new = self.passwords[one.person], f"another good password {next(self.numbers)}"
        own_account.change_password(
            self.issuing_service.core, sessions.authenticate(self.issuing_service.core, one.token), old, new
        )
        self.passwords[one.person] = new
        self._end(lambda each: each.person == one.person)

    @rule(place=WHO)
    def lock_or_unlock(self, place: int) -> None:
        """A lock ends every session, and they stay ended behind it."""
        act = "unlock" if self.locked[place] else "lock"
        host.change(self.issuing_service.core, self.people[place].login, act, HOST)  # type: ignore[arg-type]
        self.locked[place] = not self.locked[place]
        self._end(lambda each: each.person == place)

    @precondition(lambda self: len(self.known) > 1)
    @rule(seconds=st.sampled_from([1, 61, 900, 1801, 43_201]))
    def time_goes_by(self, seconds: int) -> None:
        self.issuing_service.later(seconds)

    def _end(self, which: Callable[[Known], bool]) -> None:
        for one in self.known:
            if which(one):
                one.ended = True

    def teardown(self) -> None:
        """At the end every token is tried once more."""
        for place in range(len(getattr(self, "known", ()))):
            self.use(place)


def test_a_token_is_worth_what_the_model_says(tmp_path: Path, database_url: str) -> None:
    """Lives of thirty steps: log-ins, codes, ends, locks, passwords, and time."""
    lives = 25 if database_url.startswith("sqlite") else 5
    live(Sessions, new_service_under_test(tmp_path, database_url), lives, 30).issuing_service.core.close()


@pytest.mark.soak
def test_a_token_is_worth_what_the_model_says_at_length(
    tmp_path: Path, database_url: str, record_property: Record
) -> None:
    """Three hundred lives of eighty steps: log-ins, codes, ends, locks, passwords, and time."""
    live(Sessions, new_service_under_test(tmp_path, database_url), 300, 80).issuing_service.core.close()
    record_property("lives", 300)
