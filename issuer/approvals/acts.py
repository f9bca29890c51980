"""The acts that need dual control: a closed table.

Each act checks its arguments when it is requested and again when it is confirmed, against the state at that time, and
is done within the transaction of the confirmation. Arguments are JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from issuer import cards
from issuer.accounts import changes, employer_handlers
from issuer.accounts.changes import NewAccount
from issuer.accounts.invitations import Parts
from issuer.accounts.models import Account, Person
from issuer.accounts.people import identity_keys
from issuer.accounts.roles import role_named
from issuer.cards import deferrals
from issuer.cards.models import CardParty, CardRow
from issuer.core import Core
from issuer.permits import activation, ending, restoring
from issuer.permits.models import Permit
from issuer.rules import store
from issuer.rules.days import day_of, parse_day

from . import passports
from .employer_acts import EMPLOYER_ACTS
from .json_arguments import card_of, rule_of
from .kinds import Done, Kind, Prepared, require_only
from .person_acts import PERSON_ACTS
from .regions import permit_regions

__all__ = ["ACTS", "Done", "Kind"]


def _prepare_revocation(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``card_id``: the card to withdraw."""
    require_only(arguments, {"card_id"})
    row = session.get(CardRow, arguments["card_id"])
    if row is None:
        raise NotFound("issue.no_card")
    if row.status == "revoked":
        raise Conflict("issue.card_revoked")
    return Prepared(row.id, dict(arguments), _holder(session, row.id))


def _holder(session: Session, card_id: str) -> str | None:
    party = session.get(CardParty, card_id)
    return None if party is None else party.holder_id


def _prepare_replacement(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``card_id``; ``card``: its new record, JSON text; ``remove``: paths of fields that it may lose, with spaces."""
    require_only(arguments, {"card_id", "card"}, frozenset({"remove"}))
    cards.require_direct(core)
    row = session.get(CardRow, arguments["card_id"])
    if row is None:
        raise NotFound("issue.no_card")
    if row.status == "revoked":
        raise Conflict("issue.card_revoked")
    cards.check_card(core, card_of(arguments))
    return Prepared(row.id, dict(arguments), _holder(session, row.id))


def _replace(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    remove = frozenset((prepared.arguments.get("remove") or "").split())
    cards.replace_within(core, session, cards.Reissue(prepared.subject, card_of(prepared.arguments), remove=remove))
    return Done("card.replace", prepared.subject)


def _prepare_issue(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``card``: the record, JSON text; ``holder_id`` and ``employer_id``, where the service knows them."""
    require_only(arguments, {"card"}, frozenset({"holder_id", "employer_id"}))
    cards.require_direct(core)
    read = card_of(arguments)
    cards.check_card(core, read)
    subject = hashlib.sha256(core.at_rest.digest("new card", read.permit.number or "").encode()).hexdigest()[:32]
    return Prepared(subject, dict(arguments), arguments.get("holder_id"))


def _issue(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    card_id = _new_id(parts, b"card")
    said = prepared.arguments
    new = cards.NewCard(card_of(said), holder=said.get("holder_id"), employer=said.get("employer_id"))
    cards.issue_within(core, session, new, card_id)
    return Done("card.issue", card_id)


def _sign(core: Core, done: Done) -> None:
    cards.finish_card(core, done.subject)


def _revoke(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    cards.revoke_within(core, session, now, prepared.subject)
    return Done("card.revoke", prepared.subject)


def _prepare_creation(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """The fields of :class:`issuer.accounts.changes.NewAccount`."""
    optional = frozenset({"name", "identity", "person_id", "email", "language", "organisation_id"})
    require_only(arguments, {"role", "login"}, optional)
    new, role = changes.checked(NewAccount(**{"language": "zh", **arguments}))
    employer_handlers.require_room(session, role.name, new.organisation_id, core.clock.now(session))
    if new.identity is not None:
        person = changes.find_person(session, identity_keys(core, new.identity))
    else:
        person = session.scalars(select(Person).where(Person.id == new.person_id).with_for_update()).one_or_none()
    content = new.to_json()
    # The new account's id is made of what was asked for: asking twice for the same login waits for one decision.
    subject = hashlib.sha256(core.at_rest.digest("new account", new.login).encode()).hexdigest()[:32]
    return Prepared(subject, content, None if person is None else person.id)


def _create(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    account_id = _new_id(parts, b"account")
    invited = changes.create(core, session, NewAccount(**prepared.arguments), account_id, parts, now)
    return Done("account.create", account_id, invited)


def _prepare_opening(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``permit_id``: of the person whom each officer has before them, with the passport; ``login``, ``email`` and
    ``language`` of their account."""
    require_only(arguments, {"permit_id", "login"}, frozenset({"email", "language"}))
    permit = activation.prepare_account(core, session, arguments["permit_id"], _holder_wanted(arguments))
    return Prepared(permit.id, dict(arguments), permit.person_id)


def _open(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    permit, holder = session.get_one(Permit, prepared.subject), _holder_wanted(prepared.arguments)
    account_id = _new_id(parts, b"account")
    return Done(
        "account.open",
        account_id,
        activation.give_account(core, session, now, permit, holder, account_id, parts),
    )


def _holder_wanted(arguments: Mapping[str, Any]) -> activation.NewHolder:
    language: Any = arguments.get("language") or "zh"
    return activation.NewHolder(arguments["login"], arguments.get("email"), language)


def _new_id(parts: Parts, what: bytes) -> str:
    """The id of a new account or card, the same however often the transaction runs."""
    return hashlib.sha256(parts.mine.encode() + what).hexdigest()[:32]


def _prepare_role(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``account_id``, the ``role`` that it is to have, and the ``organisation_id`` that the role needs."""
    require_only(arguments, {"account_id", "role"}, frozenset({"organisation_id"}))
    role_named(arguments["role"])
    return _about(session, arguments)


def _raise(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    role = role_named(prepared.arguments["role"])
    return Done(
        "account.role",
        prepared.subject,
        changes.change_role(
            core, session, prepared.subject, role, prepared.arguments.get("organisation_id"), parts, now
        ),
    )


def _prepare_account(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``account_id``: the account."""
    require_only(arguments, {"account_id"})
    return _about(session, arguments)


def _reset(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    return Done("account.reset", prepared.subject, changes.reset(core, session, prepared.subject, parts, now))


def _unlock(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    changes.unlock(session, prepared.subject, now)
    return Done("account.unlock", prepared.subject)


def _prepare_rule(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``rule``: the row as JSON, with its kind."""
    require_only(arguments, {"rule"})
    return Prepared(_rule_subject(store.prepare_rule(session, rule_of(arguments)).name), dict(arguments))


def _add_rule(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    store.write(session, "add", store.prepare_rule(session, rule_of(prepared.arguments)), now)
    return Done("rule.add", prepared.subject)


def _prepare_rule_end(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``name`` of the row, and ``last``: its last day."""
    require_only(arguments, {"name", "last"})
    store.prepare_end(session, arguments["name"], _day(arguments["last"]), day_of(core.clock.now(session)))
    return Prepared(_rule_subject(arguments["name"]), dict(arguments))


def _end_rule(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    last = _day(prepared.arguments["last"])
    store.write(session, "end", store.prepare_end(session, prepared.arguments["name"], last, day_of(now)), now)
    return Done("rule.end", prepared.subject)


def _prepare_permit_end(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``permit_id``, and ``end``: kind and ground, as the rules of kind ``ends`` have them."""
    require_only(arguments, {"permit_id", "end"})
    permit = ending.prepare_end(core, session, arguments["permit_id"], arguments["end"])
    return Prepared(permit.id, dict(arguments), permit.person_id)


def _end_permit(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    permit = session.get_one(Permit, prepared.subject)
    by = {"account_id": prepared.asked_by, "second_id": prepared.confirmed_by}
    end = ending.End(prepared.arguments["end"], day_of(now), "officers", **by)
    ending.end_permit(core, session, now, permit, end)
    return Done("permit.end", permit.id)


def _prepare_readmission(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``permit_id``: of a person who may apply again although the permit was revoked or withdrawn."""
    require_only(arguments, {"permit_id"})
    permit = ending.prepare_readmission(session, arguments["permit_id"])
    return Prepared(permit.id, dict(arguments), permit.person_id)


def _readmit(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    ending.readmit(core, session, now, prepared.subject)
    return Done("permit.readmit", prepared.subject)


def _prepare_restoration(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``permit_id``, and ``objection_id``: of what has succeeded against its end, or stays it."""
    require_only(arguments, {"permit_id", "objection_id"})
    permit = restoring.prepare_restoration(core, session, arguments["permit_id"], arguments["objection_id"])
    return Prepared(permit.id, dict(arguments), permit.person_id)


def _restore(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    card_id = _new_id(parts, b"card")
    restoring.restore(core, session, now, prepared.subject, prepared.arguments["objection_id"], card_id)
    return Done("permit.restore", prepared.subject)


def _sign_restored(core: Core, done: Done) -> None:
    card_id = core.database.read(lambda session: session.get_one(Permit, done.subject).card_id)
    if card_id is not None:
        cards.finish_card(core, card_id)


def _prepare_passport(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``account_id`` of somebody who works here; ``nationality`` and ``number`` of a passport of theirs."""
    require_only(arguments, {"account_id", "nationality", "number"})
    passports.check(arguments)
    return _about(session, arguments)


def _note_passport(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    passports.change(core, session, prepared.person_id, prepared.arguments, add=True)
    return Done("account.passport", prepared.subject)


def _drop_passport(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    passports.change(core, session, prepared.person_id, prepared.arguments, add=False)
    return Done("account.no_passport", prepared.subject)


def _rule_subject(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise Invalid("rules.field", path="last", expected="a day as YYYY-MM-DD") from None


def _prepare_deferral(core: Core, session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """``card_id`` or ``person_id``, ``account_id`` of the official, ``shown_on`` as YYYY-MM-DD, ``law``."""
    require_only(arguments, {"account_id", "shown_on", "law"}, frozenset({"card_id", "person_id"}))
    wanted = deferrals.prepare_deferral(core, session, arguments)
    return Prepared(wanted.person_id, dict(arguments), wanted.person_id)


def _defer(core: Core, session: Session, prepared: Prepared, parts: Parts, now: int) -> Done:
    wanted = deferrals.prepare_deferral(core, session, prepared.arguments)
    return Done("lookup.defer", deferrals.write_deferral(core, session, now, wanted))


def _about(session: Session, arguments: Mapping[str, Any]) -> Prepared:
    """An act on an account; its person is locked, for persons come before accounts in the order of locks."""
    account = session.get(Account, arguments["account_id"])
    if account is None or account.state == "closed":
        raise NotFound("account.none")
    session.get_one(Person, account.person_id, with_for_update=True)
    return Prepared(account.id, dict(arguments), account.person_id)


ACTS: Final[dict[str, Kind]] = {
    "card.revoke": Kind("card.revoke", _prepare_revocation, _revoke),
    "card.replace": Kind("card.revoke", _prepare_replacement, _replace, finish=_sign),
    "card.issue": Kind("card.revoke", _prepare_issue, _issue, finish=_sign),
    "account.create": Kind("account.give", _prepare_creation, _create, invites=True),
    "account.open": Kind("filing.decide", _prepare_opening, _open, invites=True, regions=permit_regions),
    "account.role": Kind("account.give", _prepare_role, _raise, invites=True),
    "account.reset": Kind("account.give", _prepare_account, _reset, invites=True),
    "account.unlock": Kind("account.give", _prepare_account, _unlock),
    "account.passport": Kind("account.give", _prepare_passport, _note_passport),
    "account.no_passport": Kind("account.give", _prepare_passport, _drop_passport),
    "permit.end": Kind("permit.end", _prepare_permit_end, _end_permit, regions=permit_regions),
    "permit.readmit": Kind("permit.end", _prepare_readmission, _readmit, regions=permit_regions),
    "permit.restore": Kind("permit.end", _prepare_restoration, _restore, finish=_sign_restored, regions=permit_regions),
    **EMPLOYER_ACTS,
    **PERSON_ACTS,
    "rule.add": Kind("rule.manage", _prepare_rule, _add_rule),
    "lookup.defer": Kind("lookup.defer", _prepare_deferral, _defer),
    "rule.end": Kind("rule.manage", _prepare_rule_end, _end_rule),
}
