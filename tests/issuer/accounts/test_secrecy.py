"""What accounts leave in the database: marked names, addresses and secrets are searched for in every column."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.accounts import directory, host, invitations, own_account, tokens
from issuer.accounts.attempts import Origin
from issuer.accounts.changes import NewAccount
from issuer.accounts.login import login, step_up
from issuer.accounts.models import ApiToken, Invitation, KnownPlace, LoginAttempts, LoginSession
from issuer.accounts.retention import prune
from issuer.acts import Actor
from issuer.approvals import engine
from issuer.approvals import retention as approval_retention
from issuer.approvals.models import Confirmation
from issuer.core import Core
from issuer.db.base import Base
from issuer.processes import rewrap
from tests.kit.people import PASSWORD, ServiceUnderTest, count, make

MARK = "QJXKVWZYPLMN"


def everything(session: Session) -> bytes:
    parts: list[bytes] = []
    for table in Base.metadata.sorted_tables:
        for row in session.execute(select(table)):
            parts += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(parts)


def test_nothing_personal_and_no_secret_is_kept_in_clear(
    issuing_service: ServiceUnderTest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Names, address, document, network, browser, reasons, passwords, codes, tokens; in rows, files and logs."""
    caplog.set_level(logging.DEBUG)
    core = issuing_service.core
    by = Actor(f"host:{MARK}", f"{MARK} reason", break_glass=True)
    place = Origin("203.0.113.77", f"{MARK} browser")
    new = NewAccount("permit_officer", f"{MARK}.login", f"{MARK} Name", f"{MARK}-1", email=f"{MARK}@cards.example")
    invited = host.add(core, new, by)
    assert invited.token is not None
    offer = invitations.open_invitation(core, invited.token).totp
    assert offer is not None
    password = f"{MARK} and seven more words"
    with pytest.raises(StateError) as caught:
        invitations.accept(core, invited.token, f"{MARK.lower()}.login", "0", place)
    assert MARK.lower() not in str(caught.value).lower()
    recovery = invitations.accept(
        core, invited.token, password, pyotp.TOTP(offer.secret).at(int(issuing_service.clock.at)), place, offer.proof
    )
    issuing_service.later()
    first = login(core, f"{MARK}.login", password, place)
    code = pyotp.TOTP(offer.secret).at(int(issuing_service.clock.at))
    entered = step_up(core, first.token, code, place)
    token = tokens.make_token(core, entered.who, f"{MARK} label", ["card.read"], 30)
    admin, _ = make(issuing_service, "administrator", "one"), make(issuing_service, "administrator", "two")
    asked = {"role": "inspector", "login": f"{MARK}.two", "name": f"{MARK} Two", "identity": f"{MARK}-2"}
    issuing_service.later()
    engine.ask(core, admin.who(), "account.create", asked, f"{MARK} reason")
    own_account.change_contact(core, entered.who, password, f"{MARK}2@cards.example", "en")
    found = directory.find_account(core, admin.who(), f"{MARK}.login")
    assert (found.name, found.email) == (f"{MARK} Name", f"{MARK}2@cards.example")
    secrets = [offer.secret, *recovery, first.token, entered.token, entered.csrf, entered.device or "", token.text]
    secrets += [token.text.split("_", 2)[2], invited.token, password, "203.0.113"]
    marks = [MARK.lower().encode(), *(secret.lower().encode() for secret in secrets)]
    content = core.database.read(everything)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content += path.read_bytes()
    content += caplog.text.encode()
    assert len(content) > 10_000
    assert [mark for mark in marks if mark in content.lower()] == []
    assert not [word for word in secrets if word and word in repr(entered) + repr(token) + repr(invited) + repr(offer)]


def test_a_new_master_key_covers_accounts(issuing_service: ServiceUnderTest) -> None:
    """After rewrapping everybody logs in as before, the old key is gone, and a TOTP secret is under the new one."""
    officer = make(issuing_service, "permit_officer", "officer")
    path = issuing_service.core.settings.master_key_path
    before = json.loads(path.read_text())["keys"][0]["id"]
    rewrap.prepare(issuing_service.core, "host:test")
    rewrap.switch(issuing_service.core, "host:test", lambda *_: None)
    issuing_service.core.close()
    issuing_service.core = Core.open(issuing_service.core.settings, clock=issuing_service.clock.clock())
    rewrap.finish(issuing_service.core, "host:test", lambda *_: None)
    assert [entry["id"] for entry in json.loads(path.read_text())["keys"]] != [before]
    assert bytes.fromhex(before) not in issuing_service.core.database.read(everything)
    assert officer.who().full


def test_what_is_over_is_pruned(issuing_service: ServiceUnderTest) -> None:
    """Sessions, failures, invitations, places, tokens, requests; what still counts stays."""
    core = issuing_service.core
    one, _ = make(issuing_service, "administrator", "one"), make(issuing_service, "administrator", "two")
    officer = make(issuing_service, "permit_officer", "officer")
    host.add(core, NewAccount("holder", "zhang", "x"), Actor("host:test"))
    with pytest.raises(StateError):
        login(core, "officer", "wrong password", Origin("203.0.113.1"))
    tokens.make_token(core, officer.who(), "x", ["card.read"], 1)
    issuing_service.later()
    engine.ask(core, one.who(), "account.reset", {"account_id": officer.account_id}, "x")
    tables = [LoginSession, LoginAttempts, Invitation, KnownPlace, ApiToken, Confirmation]
    # Three invitations were used and go at once.
    assert prune(core).rows == 3
    assert [bool(count(core, table)) for table in tables] == [True] * 6
    issuing_service.later(4 * 86_400)
    prune(core)
    approval_retention.prune(core)
    assert [bool(count(core, table)) for table in tables] == [False, False, False, True, True, True]
    issuing_service.later(92 * 86_400)
    prune(core)
    approval_retention.prune(core)
    assert [count(core, table) for table in tables] == [0] * 6
    with pytest.raises(StateError):
        login(core, "zhang", PASSWORD, Origin("203.0.113.1"))
