"""Logging in: what is refused, for what work, and what an attempt leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select

from icard_crypto.errors import StateError
from issuer.accounts import directory, host, own_account, sessions
from issuer.accounts.attempts import Origin
from issuer.accounts.login import login
from issuer.accounts.models import Account, LoginAttempts, LoginSession
from issuer.accounts.people import open_password
from issuer.vault.passwords import Passwords
from tests.kit.issuing_service import new_core
from tests.kit.people import AWAY, HOME, HOST, PASSWORD, ServiceUnderTest, acts, at_once, count, make


class Noting:
    """argon2, noting which parameters it computes with."""

    def __init__(self, hasher: PasswordHasher, computed: list[str]) -> None:
        self.hasher = hasher
        self.computed = computed

    def verify(self, stored: str, password: str) -> bool:
        self.computed.append(str(extract_parameters(stored)))
        return self.hasher.verify(stored, password)

    def hash(self, password: str) -> str:
        self.computed.append("hash")
        return self.hasher.hash(password)

    def check_needs_rehash(self, stored: str) -> bool:
        return self.hasher.check_needs_rehash(stored)


class Counted(Passwords):
    """Notes the cost of each hash that argon2 is asked for, and calls ``meanwhile`` after each verification."""

    def __init__(self, meanwhile: Callable[[], Any] = lambda: None) -> None:
        super().__init__(memory_kib=7168, passes=1, lanes=1, at_once=4)
        self.computed: list[str] = []
        self.meanwhile = meanwhile
        self._hasher = Noting(self._hasher, self.computed)  # type: ignore[assignment]

    def verify(self, stored: str | None, password: str, *, stranger: bool = False) -> bool:
        found = super().verify(stored, password, stranger=stranger)
        self.meanwhile()
        return found


def refused(issuing_service: ServiceUnderTest, name: str, password: str, origin: Origin = AWAY) -> StateError:
    with pytest.raises(StateError) as caught:
        login(issuing_service.core, name, password, origin)
    return caught.value


def test_a_holder_logs_in_with_a_password(issuing_service: ServiceUnderTest) -> None:
    """Without a second factor, where the role needs none; the login name in any case; the act is in the audit."""
    holder = make(issuing_service, "holder", "zhang.wei@example.cn")
    entered = login(issuing_service.core, " Zhang.Wei@Example.CN ", PASSWORD, HOME)
    assert entered.who.full
    assert entered.who.account_id == holder.account_id
    assert entered.device is not None
    assert sessions.authenticate(issuing_service.core, entered.token) == entered.who
    action, actor, _ = acts(issuing_service.core)[-1]
    assert (action, actor) == (
        "session.begin",
        issuing_service.core.at_rest.pseudonym("actor", f"account:{holder.account_id}"),
    )


def test_refusals_are_the_same_in_content_and_work(issuing_service: ServiceUnderTest) -> None:
    """An unknown name, an impossible one, a wrong password, a locked account: one answer, one hash, three counters."""
    make(issuing_service, "holder", "known")
    make(issuing_service, "holder", "locked")
    host.change(issuing_service.core, "locked", "lock", HOST)
    tries = [("known", "wrong password"), ("nobody", PASSWORD), ("\0' OR 1=1", PASSWORD), ("locked", PASSWORD)]
    answers, work = [], []
    for place, (name, password) in enumerate(tries):
        passwords = Counted()
        core = replace(issuing_service.core, passwords=passwords)
        before = count(core, LoginAttempts)
        fault = refused(replace(issuing_service, core=core), name, password, Origin(f"203.0.{place}.1"))
        answers.append((fault.to_dict(), str(fault)))
        work.append((passwords.computed, count(core, LoginAttempts) - before))
    assert [answer[0]["code"] for answer in answers] == ["login.refused"] * 4
    assert len({str(answer) for answer in answers}) == 1
    assert [len(computed) for computed, _ in work] == [1] * 4
    assert "memory_cost=7168" in work[0][0][0]
    assert work == [work[0]] * 4
    assert work[0][1] == 3


def test_a_long_password_costs_no_hash(issuing_service: ServiceUnderTest) -> None:
    """It is refused before anything is computed or counted, whoever's it is."""
    core = replace(issuing_service.core, passwords=Counted())
    for name in ("nobody", "x" * 10_000):
        fault = refused(replace(issuing_service, core=core), name, "a" * 100_000)
        assert fault.code == "password.too_long"
        assert fault.message() == "The password is too long."
    assert core.passwords.computed == []  # type: ignore[attr-defined]
    assert count(core, LoginAttempts) == 0


def test_a_password_changed_meanwhile_logs_nobody_in(issuing_service: ServiceUnderTest) -> None:
    """The old password was right when it was verified: the account changed before the session began."""
    own = make(issuing_service, "holder", "zhang").who()

    def change() -> None:
        own_account.change_password(issuing_service.core, own, PASSWORD, "another 7 words that nobody knows")

    core = replace(issuing_service.core, passwords=Counted(meanwhile=change))
    assert refused(replace(issuing_service, core=core), "zhang", PASSWORD, HOME).code == "login.refused"
    assert count(core, LoginSession) == 0


def test_an_account_locked_meanwhile_gets_no_session(issuing_service: ServiceUnderTest) -> None:
    """Whichever comes first, no session outlives the lock."""
    holder = make(issuing_service, "holder", "zhang")
    core = replace(
        issuing_service.core,
        passwords=Counted(meanwhile=lambda: host.change(issuing_service.core, "zhang", "lock", HOST)),
    )
    assert refused(replace(issuing_service, core=core), "zhang", PASSWORD, HOME).code == "login.refused"
    assert count(core, LoginSession) == 0
    assert holder.account_id


def test_log_ins_race_a_lock(issuing_service: ServiceUnderTest) -> None:
    """Four log-ins and a lock at once: whatever got in before is ended, whatever came after is refused."""
    make(issuing_service, "holder", "zhang")
    jobs: list[Callable[[], Any]] = [lambda: login(issuing_service.core, "zhang", PASSWORD, HOME) for _ in range(4)]
    found = at_once([*jobs, lambda: host.change(issuing_service.core, "zhang", "lock", HOST)])
    assert found[-1] is None
    for entered in found[:-1]:
        if isinstance(entered, Exception):
            assert isinstance(entered, StateError)
            assert entered.code == "login.refused"
        else:
            with pytest.raises(StateError) as caught:
                sessions.authenticate(issuing_service.core, entered.token)
            assert caught.value.code == "session.unknown"
    assert count(issuing_service.core, LoginSession) == 0


def test_an_outdated_hash_is_made_anew(issuing_service: ServiceUnderTest, tmp_path: Path) -> None:
    """At the next log-in, with the parameters that the settings have now; the password stays."""
    make(issuing_service, "holder", "zhang")
    stronger = Passwords(memory_kib=8192, passes=2, lanes=1, at_once=2)
    core = replace(issuing_service.core, passwords=stronger)

    def stored() -> str:
        account = issuing_service.core.database.read(lambda session: session.scalars(select(Account)).one())
        return open_password(issuing_service.core, account) or ""

    before = stored()
    assert "m=7168,t=1,p=1" in before
    login(core, "zhang", PASSWORD, HOME)
    after = stored()
    assert "m=8192,t=2,p=1" in after
    login(core, "zhang", PASSWORD, HOME)
    assert stored() == after
    assert refused(replace(issuing_service, core=core), "zhang", "wrong password", HOME).code == "login.refused"


def test_the_defaults_are_those_of_the_rfc(tmp_path: Path) -> None:
    """RFC 9106, section 4, second recommended option: 64 MiB, three passes, four lanes, argon2id."""
    core = new_core(tmp_path, f"sqlite:///{tmp_path}/issuer.db", keys=False)
    encoded = core.passwords.hash(PASSWORD)
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert core.passwords.verify(encoded, PASSWORD)
    assert not core.passwords.verify(encoded, PASSWORD + "x")
    assert not core.passwords.verify(None, PASSWORD)
    core.close()


def test_hashes_take_no_more_than_their_slots(issuing_service: ServiceUnderTest) -> None:
    """Beyond the slots logins wait, beyond the waiting places they are told to come back; nothing is counted then."""
    busy, go = threading.Semaphore(0), threading.Event()

    class Slow(Passwords):
        most = running = 0

        def verify(self, stored: str | None, password: str, *, stranger: bool = False) -> bool:
            with self._slot():
                Slow.running += 1
                Slow.most = max(Slow.most, Slow.running)
                busy.release()
                go.wait()
                Slow.running -= 1
                return False

    make(issuing_service, "holder", "zhang")
    core = replace(issuing_service.core, passwords=Slow(memory_kib=7168, passes=1, lanes=1, at_once=2))
    faults: list[str] = []

    def attempt(place: int) -> None:
        try:
            login(core, f"name{place}", PASSWORD, Origin(f"203.0.{place}.1"))
        except StateError as fault:
            faults.append(fault.code)
            busy.release()

    threads = [threading.Thread(target=attempt, args=(place,)) for place in range(20)]
    for thread in threads:
        thread.start()
    for _ in range(2 + 2):
        assert busy.acquire(timeout=60)
    assert faults == ["login.busy"] * 2
    go.set()
    for thread in threads:
        thread.join()
    assert Slow.most == 2
    assert sorted(faults) == ["login.busy"] * 2 + ["login.refused"] * 18
    failures = select(LoginAttempts.failures).where(LoginAttempts.key.like("password:name:%"))
    assert sorted(core.database.read(lambda session: session.scalars(failures).all())) == [0, 0] + [1] * 18


def test_a_log_in_ends_the_session_that_it_replaces(issuing_service: ServiceUnderTest) -> None:
    """The token that came with the request is worth nothing afterwards, and is never the one that was logged in."""
    make(issuing_service, "holder", "zhang")
    first = login(issuing_service.core, "zhang", PASSWORD, HOME)
    second = login(issuing_service.core, "zhang", PASSWORD, HOME, replaces=first.token)
    assert second.token != first.token
    with pytest.raises(StateError):
        sessions.authenticate(issuing_service.core, first.token)
    planted = "p" * 43
    third = login(issuing_service.core, "zhang", PASSWORD, HOME, replaces=planted)
    assert third.token != planted
    with pytest.raises(StateError) as caught:
        sessions.authenticate(issuing_service.core, planted)
    assert caught.value.code == "session.unknown"
    assert directory.own_account(issuing_service.core, third.who).login == "zhang"
