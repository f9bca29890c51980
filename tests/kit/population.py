"""A service with everything in it that an endpoint can name: people of every role, cards, notices, and what goes with
them; and for each endpoint a request that succeeds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyotp
from sqlalchemy import ColumnElement, Select, select, true, update

from issuer import cards
from issuer.accounts import host, own_account
from issuer.accounts.changes import NewAccount
from issuer.accounts.mandates import give_mandate
from issuer.accounts.models import Account, ApiToken, LoginSession, Mandate, Organisation
from issuer.accounts.organisations import NewOrganisation, create_organisation
from issuer.accounts.roles import ROLES, SCOPES
from issuer.accounts.sessions import Entered, authenticate
from issuer.accounts.tokens import NewToken, make_token
from issuer.approvals import engine
from issuer.approvals.models import Confirmation
from issuer.cards import NewCard
from issuer.cards.models import CardParty, CardRow, CodeRow
from issuer.delivery import webhooks
from issuer.notices.kinds import kinds
from issuer.notices.models import NoticeRow, Outbox, Webhook
from issuer.publication import checkpoints
from issuer.publication.publish import publish
from issuer.published.models import Artefact
from tests.kit.issuing_api import headers_of
from tests.kit.issuing_service import person
from tests.kit.people import HOST, PASSWORD, ServiceUnderTest, Somebody, credit_code, make, organisation, tried

__all__ = ["Population"]

Headers = dict[str, str]
_HOURS = 3600
#: Objects that a path or a body names, and whose they are where they are an account's own.
_TABLES: dict[str, tuple[Any, Any]] = {
    "card_id": (CardRow, None),
    "account_id": (Account, None),
    "session_id": (LoginSession, LoginSession.account_id),
    "token_id": (ApiToken, ApiToken.account_id),
    "confirmation_id": (Confirmation, None),
    "mandate_id": (Mandate, None),
    "organisation_id": (Organisation, None),
    "webhook_id": (Webhook, Webhook.account_id),
    "letter_id": (Outbox, None),
}


@dataclass
class Population:
    """Who and what there is.

    Attributes:
        people: somebody of each role.
    """

    issuing_service: ServiceUnderTest
    people: dict[str, Somebody] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)
    _entered: dict[str, tuple[Entered, float]] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _number: int = 0

    @classmethod
    def of(cls, issuing_service: ServiceUnderTest) -> Population:
        """People of every role, some of whom did something that others may decide on, read or undo."""
        made = cls(issuing_service)
        core = issuing_service.core
        for number, kind in enumerate(("employer", "agency")):
            made.organisations[kind] = organisation(issuing_service, kind, number)
        for role in ROLES:
            made.people[role] = made._somebody(role)
        made.more()
        publish(core)
        checkpoints.make(core, checkpoints.default_folder(core))
        return made

    def more(self) -> None:
        """Objects of every kind, to be looked at, changed and ended."""
        core, chance = self.issuing_service.core, random.Random(self.number())
        for role, somebody in self.people.items():
            who = self.session(role, fresh=True).who
            webhooks.add(core, somebody.account_id, "https://hooks.example/icard", "test")
            if who.may("token.own"):
                self._token(role)
        for act, role in (("card.revoke", "permit_officer"), ("account.create", "administrator")):
            for _ in range(3):
                asker = make(self.issuing_service, role, f"asker.{self.number()}").who()
                arguments = self._arguments(act, chance)
                engine.ask(core, asker, act, arguments, "a request")
        give_mandate(core, self.session("employer").who, *self._mandate().values())
        for _ in range(3):
            self._card(chance)
        host.change(core, make(self.issuing_service, "holder", f"locked.{self.number()}").login, "lock", HOST)
        core.database.transact(
            lambda session: session.execute(update(Outbox).where(Outbox.channel == "webhook").values(state="dead"))
        )

    def number(self) -> int:
        """Another each time."""
        self._number += 1
        return self._number

    def session(self, role: str, *, fresh: bool = False) -> Entered:
        """A session of somebody with that role, whoever that may be by now."""
        entered, at = self._entered.get(role, (None, 0.0))
        ended = entered is None or isinstance(
            tried(partial(authenticate, self.issuing_service.core, entered.token)), str
        )
        if entered is None or ended or (fresh and self.issuing_service.clock.at - at > 200):
            again = tried(self.people[role].enter)
            if isinstance(again, str) or not again.who.full:
                # Locked out, closed, with another password or second factor by what was done before.
                self.people[role] = self._somebody(role)
                again = self.people[role].enter()
            entered = again
            self._entered[role] = entered, self.issuing_service.clock.at
        return entered

    def headers(self, role: str, *, token: bool = False, fresh: bool = False) -> Headers:
        """What a request of somebody with that role carries."""
        if not token:
            return headers_of(self.session(role, fresh=fresh))
        if role not in self._tokens:
            self._tokens[role] = self._token(role).text
        return {"Authorization": f"Bearer {self._tokens[role]}"}

    def forget(self, role: str) -> None:
        """Session and token of that role are of no use any more."""
        self._entered.pop(role, None)
        self._tokens.pop(role, None)

    def path(self, template: str, name: str, role: str, chance: random.Random) -> str | None:
        """A value of a path's parameter by which something is found; None: any that fits is as good."""
        if name in _TABLES:
            return self._id(name, template, role, chance)
        if name == "name":
            folder = template.split("/")[1]
            query = select(Artefact.path).where(Artefact.path.like(f"{folder}/%"))
            return str(chance.choice(self._all(query))).partition("/")[2]
        return None

    def version(self, row_id: str) -> int | None:
        """The version of whatever has that id and has versions."""
        for column, name in (
            (CardRow.revision, CardRow.id),
            (Account.version, Account.id),
            (Organisation.version, Organisation.id),
            (Webhook.version, Webhook.id),
        ):
            found = self._all(select(column).where(name == row_id))
            if found:
                return int(found[0])
        return None

    def body(self, label: str, role: str, chance: random.Random) -> dict[str, Any] | None:
        """A body with which a request succeeds; None: any that fits the description will."""
        make_it = _BODIES.get(label)
        return None if make_it is None else make_it(self, role, chance)

    def _token(self, role: str) -> NewToken:
        def make_it() -> NewToken:
            who = self.session(role, fresh=True).who
            return make_token(self.issuing_service.core, who, "a program", SCOPES & who.role.rights, 30)

        made = tried(make_it)
        if isinstance(made, str):
            # There are as many as an account may have.
            self.people[role] = self._somebody(role)
            self.forget(role)
            made = make_it()
        return made

    def _somebody(self, role: str) -> Somebody:
        kind = ROLES[role].organisation
        more = {"organisation_id": self.organisations[kind]} if kind else {}
        if kind == "employer" and role in self.people:
            # An employer has few handlers: the one before makes room.
            tried(partial(host.change, self.issuing_service.core, self.people[role].login, "close", HOST))
        return make(self.issuing_service, role, f"{role}.{self.number()}".replace("_", "."), **more)

    def _card(self, chance: random.Random) -> str:
        new = NewCard(
            person(self.number()),
            holder=self.people["holder"].person_id,
            employer=self.organisations["employer"],
        )
        return cards.issue(self.issuing_service.core, [new], HOST)[0].card_id

    def _all(self, query: Select[Any]) -> list[Any]:
        return list(self.issuing_service.core.database.read(lambda session: session.scalars(query).all()))

    def _id(self, name: str, template: str, role: str, chance: random.Random) -> str:
        table, owner = _TABLES[name]
        query = select(table.id).where(self._fits(name, template, role))
        if owner is not None:
            query = query.where(owner == self.people[role].account_id)
        found = self._all(query.order_by(table.id)) or self._all(select(table.id).order_by(table.id))
        return str(chance.choice(found)) if found else "0" * 32

    def _fits(self, name: str, template: str, role: str) -> ColumnElement[bool]:
        """Of those objects the ones with which something can be done there."""
        ending = template.rpartition("/")[2]
        if name == "card_id":
            own = select(CardParty.card_id).where(CardParty.holder_id == self.people["holder"].person_id)
            return (CardRow.status == "active") & CardRow.id.in_(own)
        if name == "account_id":
            known = [each.account_id for each in self.people.values()]
            wanted = ("locked",) if ending == "unlock" else ("active", "invited")
            return Account.id.not_in(known) & (Account.role == "holder") & Account.state.in_(wanted)
        if name == "confirmation_id":
            mine = "card.%" if role == "permit_officer" else "account.%"
            return (Confirmation.state == "waiting") & Confirmation.act.like(mine)
        if name == "organisation_id":
            known = list(self.organisations.values())
            return Organisation.id.not_in(known) if ending == "close" else Organisation.id.in_(known)
        if name == "letter_id":
            return Outbox.state == ("dead" if ending == "retry" else "waiting")
        return true()

    def _holder(self) -> str:
        """An account that somebody may change, its person invited; the invitation's token."""
        name = f"holder.{self.number()}"
        new = NewAccount("holder", name, "Name", identity=f"ID-{self.number()}")
        invited = host.add(self.issuing_service.core, new, HOST)
        assert invited.token is not None
        return invited.token

    def _new_account(self, role: str) -> dict[str, Any]:
        number = self.number()
        return {"role": role, "login": f"new.{number}", "name": "Name", "identity": f"NEW-{number}", "language": "en"}

    def _arguments(self, act: str, chance: random.Random) -> dict[str, Any]:
        if act == "card.revoke":
            return {"card_id": self._card(chance)}
        return self._new_account("inspector")

    def _mandate(self) -> dict[str, Any]:
        now = int(self.issuing_service.clock.at)
        agency = NewOrganisation("agency", credit_code(5000 + self.number()), "An agency")
        made = create_organisation(self.issuing_service.core, self.session("administrator").who, agency)
        parties = {"agency_id": made.organisation_id, "employer_id": self.organisations["employer"]}
        return {**parties, "begins_at": now, "ends_at": now + 100 * 24 * _HOURS}


Maker = Callable[[Population, str, random.Random], dict[str, Any]]


def _issue(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    parties = {"holder_id": here.people["holder"].person_id, "employer_id": here.organisations["employer"]}
    return {"card": person(here.number()).to_json(), **(parties if chance.random() < 0.7 else {})}


def _confirmable(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    act = "card.revoke" if role == "permit_officer" else "account.create"
    return {"act": act, "arguments": here._arguments(act, chance), "reason": "why"}


def _accept(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    return {"token": here._holder(), "password": PASSWORD, "code": None}


def _totp(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    offer = own_account.begin_totp(here.issuing_service.core, here.session(role).who)
    code = pyotp.TOTP(offer.secret).at(int(here.issuing_service.clock.at))
    return {"password": PASSWORD, "proof": offer.proof, "code": code}


def _second_factor(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    somebody = here.people[role]
    return {"code": somebody.code() if somebody.secret else "000000"}


def _code(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    return {"cti": chance.choice(here._all(select(CodeRow.cti)))}


def _token(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    return {"label": "night run", "scopes": sorted(SCOPES & ROLES[role].rights), "days": 7}


def _read(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    mine = select(NoticeRow.id).where(NoticeRow.account_id == here.people[role].account_id)
    return {"notices": here._all(mine)[:10]}


def _preference(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    free = sorted(name for name, kind in kinds().items() if "webhook" in kind.channels and "webhook" not in kind.fixed)
    return {"kind": chance.choice(free), "channel": "webhook", "on": chance.random() < 0.5}


def _reissue(here: Population, role: str, chance: random.Random) -> dict[str, Any]:
    return {"card": person(here.number()).to_json() if chance.random() < 0.5 else None, "reason": "lost"}


_BODIES: dict[str, Maker] = {
    "POST /v1/sessions": lambda here, role, _: {"login": here.people[role or "holder"].login, "password": PASSWORD},
    "POST /v1/session/second-factor": _second_factor,
    "POST /v1/invitations/open": lambda here, *_: {"token": here._holder()},
    "POST /v1/invitations/accept": _accept,
    "POST /v1/account/password": lambda *_: {"old": PASSWORD, "new": "another good password 7"},
    "PUT /v1/account/totp": _totp,
    "POST /v1/account/recovery-codes": lambda *_: {"password": PASSWORD},
    "PUT /v1/account/contact": lambda *_: {"password": PASSWORD, "email": "x@post.example", "language": "en"},
    "POST /v1/tokens": _token,
    "POST /v1/cards": _issue,
    "POST /v1/cards/search": lambda here, *_: {"kind": "permit", "value": f"R3101152026{here.number():09d}"},
    "PUT /v1/cards/{card_id}/parties": lambda *_: {"holder_id": None, "employer_id": None},
    "POST /v1/cards/by-code": _code,
    "POST /v1/cards/{card_id}/replace": _reissue,
    "POST /v1/cards/{card_id}/renew": _reissue,
    "POST /v1/confirmations": _confirmable,
    "POST /v1/accounts/search": lambda here, *_: {"login": here.people["holder"].login},
    "POST /v1/organisations": lambda here, *_: {
        "kind": "employer",
        "code": credit_code(1000 + here.number()),
        "name": "A firm",
    },
    "POST /v1/mandates": lambda here, *_: here._mandate(),
    "POST /v1/mandates/{mandate_id}/handlers": lambda here, *_: {"account_id": here.people["agency"].account_id},
    "POST /v1/webhooks": lambda *_: {"url": "https://hooks.example/more"},
    "POST /v1/notices/read": _read,
    "PUT /v1/notices/preferences": _preference,
}
