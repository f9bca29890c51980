"""The life of keys: on both databases."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto.errors import KeyFault
from icard_crypto.moments import DAY, moment_text
from icard_crypto.signing.algorithms import ED25519, ES256
from issuer.acts import Actor
from issuer.audit.models import AuditRow
from issuer.core import Core
from issuer.keys import states as key_states
from issuer.keys.models import KeyRow
from issuer.published import activation
from tests.kit.issuing_service import FakeClock, new_core, unlisted


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_123)


@pytest.fixture
def core(tmp_path: Path, database_url: str, clock: FakeClock) -> Core:
    return new_core(tmp_path, database_url, keys=False, clock=clock.clock())


def states(core: Core) -> list[tuple[str, str]]:
    return [(key.usage, key.state) for key in core.database.read(key_states.all_keys)]


def made(core: Core) -> str:
    return key_states.generate(core, "card", ED25519, "host:a").thumbprint


def test_a_key_waits_fourteen_days(core: Core, clock: FakeClock) -> None:
    """Published, too early, active; its window begins with the hour of its publication."""
    name = made(core)
    row = key_states.publish(core, name, "host:a")
    assert row.valid_from == 1_800_000_000
    clock.at += 14 * DAY - 1
    with pytest.raises(KeyFault) as caught:
        key_states.activate(core, name, "host:a", unlisted)
    assert (caught.value.code, caught.value.found) == ("keystore.too_early", moment_text(int(clock.at)))
    assert "14 days" in caught.value.message()
    clock.at += 1
    assert key_states.activate(core, name, "host:a", unlisted).emergency is False
    assert states(core) == [("card", "active")]


def test_an_emergency_is_in_the_audit(core: Core) -> None:
    """At once, marked on the key, and with a row of its own."""
    name = made(core)
    key_states.publish(core, name, "host:a")
    assert key_states.activate(core, name, "host:a", unlisted, emergency=True, reason="stolen").emergency is True
    acts = core.database.read(lambda session: list(session.scalars(select(AuditRow.action).order_by(AuditRow.seq))))
    assert acts == ["service.init", "key.generate", "key.publish", "key.activate"]


def test_activating_the_next_retires_the_one_before(core: Core, clock: FakeClock) -> None:
    """One active key of a usage; keys of other usages are untouched."""
    names = [made(core), made(core)]
    status = key_states.generate(core, "status", ES256, "host:a").thumbprint
    for name in (*names, status):
        key_states.publish(core, name, "host:a")
        key_states.activate(core, name, "host:a", unlisted, emergency=True)
        clock.at += 60
    found = {key.thumbprint: key.state for key in core.database.read(key_states.all_keys)}
    assert found == {names[0]: "retired", names[1]: "active", status: "active"}


@pytest.mark.parametrize("emergency", [False, True])
def test_a_draft_is_never_activated(core: Core, emergency: bool) -> None:
    """What no trust list could have named signs nothing, emergency or not."""
    name = made(core)
    with pytest.raises(KeyFault) as caught:
        key_states.activate(core, name, "host:a", unlisted, emergency=emergency)
    assert (caught.value.code, caught.value.expected, caught.value.found) == (
        "keystore.state",
        "published or retired",
        "draft",
    )


def test_a_revoked_key_comes_back_never(core: Core) -> None:
    """No step leads out of revoked."""
    name = made(core)
    key_states.publish(core, name, "host:a")
    key_states.revoke(core, name, "host:a", kind="compromised", reason="stolen")
    for step in (key_states.publish, partial(key_states.activate, check=unlisted), key_states.retire):
        with pytest.raises(KeyFault) as caught:
            step(core, name, "host:a")
        assert (caught.value.code, caught.value.found) == ("keystore.state", "revoked")
    assert states(core) == [("card", "revoked")]


def test_a_key_is_named_by_the_start_of_its_thumbprint(core: Core) -> None:
    """Eight digits at least, and one key only; wildcards are letters."""
    name = made(core)
    assert core.database.read(lambda session: key_states.find(session, name[:8].upper()).thumbprint) == name
    for wrong in (name[:7], "%%%%%%%%", "0" * 64, ""):
        with pytest.raises(KeyFault) as caught:
            core.database.read(partial(key_states.find, name=wrong))
        assert (caught.value.code, caught.value.found) == ("keystore.not_found", "0 keys")


def test_a_key_whose_file_is_gone_is_not_activated(core: Core) -> None:
    """The file is looked at before anything depends on it."""
    name = made(core)
    key_states.publish(core, name, "host:a")
    (core.keystore.folder / f"{name}.json").unlink()
    with pytest.raises(KeyFault) as caught:
        activation.activate(core, name, Actor("host:a"), emergency=True)
    assert (caught.value.code, caught.value.expected) == ("keystore.not_in_keystore", name[:16])
    assert states(core) == [("card", "published")]


def test_the_database_itself_refuses_two_active_keys(core: Core) -> None:
    """Behind the code stands a unique index."""
    from sqlalchemy.exc import IntegrityError

    for _ in range(2):
        key_states.publish(core, made(core), "host:a")

    def both(session: object) -> None:
        for row in session.scalars(select(KeyRow)):  # type: ignore[attr-defined]
            row.state = "active"

    with pytest.raises(IntegrityError):
        core.database.transact(both)
