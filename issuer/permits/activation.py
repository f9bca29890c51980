"""A first entry: the notification with its one-time code, and the activation of the permit after entry.

Promises:

1. A notification's token works once, in time, for the person whose name and permit number it has, after a check of that
   person (:mod:`issuer.permits.person_checks`): permit, card, entry and the holder's account are made in one
   transaction with its use, or none of them.
2. The holder's account opens by two parts: the notification's account code, and a slip that whoever checked the person
   hands over. The applicant has the code and no slip; the office has the slip, and of the code neither what the window
   scans nor anything that it can ask for. Without a notification two officers open it, each with the person before
   them, and each hands over one part (:func:`prepare_account`); the employer on record gets notice. Neither way mails
   anything to an address that an official typed.
3. The notification's code is drawn for the applicant alone, and not any more once it was used.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Conflict, Invalid, NotFound
from icard_crypto.pictures.photo import Photo
from issuer import cards
from issuer.accounts import changes
from issuer.accounts.changes import NewAccount
from issuer.accounts.invitations import Invited, Parts
from issuer.accounts.models import Account, Person
from issuer.accounts.people import waits
from issuer.accounts.principals import Principal
from issuer.accounts.secret_text import new_secret, secret_hash
from issuer.cards import Decision, NewCard
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.db.unit_of_work import UnitOfWork
from issuer.documents.sheets import Kept, Line, Sheet, shown_name, shown_text
from issuer.rules.days import day_of
from issuer.vault.at_rest import Place

from .card_photos import photo_of
from .certificates import sheet_banner
from .entries import begin_entry
from .models import Entry, Filing, Notification, Permit, PermitTerm
from .names import PassportName, compare, latin
from .parties import load_filing, notify_permit, require_handler
from .people import organisation_record, passport_of
from .person_checks import PersonCheck, PersonOnRecord
from .processes import NOTIFICATION, PERMIT
from .terms import card_of, newest_term, number_of, read_term

__all__ = [
    "Activated",
    "NewHolder",
    "activate",
    "activated_by",
    "give_account",
    "has_account",
    "notification_of",
    "notification_sheet",
    "prepare_account",
]

#: What a notification's code begins with; the token follows.
_SCHEME: Final = "ICARD-NOTIFICATION:"
#: Bytes of an account code: 32 characters of base32.
_ACCOUNT_CODE: Final = 20


@dataclass(frozen=True, slots=True)
class NewHolder:
    """The account that the person wants. ``email``: theirs, told at the window, never one that somebody else gave."""

    login: str
    email: str | None = None
    language: Literal["en", "zh"] = "zh"


@dataclass(frozen=True, slots=True)
class Activated:
    """What was activated. ``invitation`` None: no account was asked for, or the person has one."""

    permit_id: str
    entry_id: str
    invitation: Invited | None = None


def activate(
    core: Core,
    who: Principal,
    token: str,
    name: PassportName,
    number: str,
    check: PersonCheck,
    *,
    entered_on: date | None = None,
    holder: NewHolder | None = None,
    request: Request | None = None,
) -> Activated:
    """Activate a permit by its notification (promise 1).

    Args:
        token: or the whole text of the notification's code.
        check: of the person who shows it.
        entered_on: the day of entry; None: today.
        holder: the account that the person wants.

    Raises:
        NotAllowed: ``access.*``.
        NotFound, Conflict, Invalid: ``notification.*``.
        Conflict: ``process.move``.
        Invalid: ``entry.day``.
        StateError: ``account.*``; the signer's errors.
    """
    who.require("filing.decide")
    made = _Activating(core, who, token.strip().removeprefix(_SCHEME), name, number, check, entered_on, holder)
    made.take_photo()
    cards.issue_decided(core, Decision(made.new_card, made.issued), who.by(), request=request)
    return made.done()


def prepare_account(core: Core, session: Session, permit_id: str, holder: NewHolder) -> Permit:
    """The permit of a person, locked, whose account two officers may open now.

    Raises:
        NotFound: ``permit.none``.
        Conflict: ``permit.no_card``; ``account.conflict``: the person has one.
        StateError: ``account.*``.
    """
    permit = session.get(Permit, permit_id)
    if permit is None:
        raise NotFound("permit.none")
    if permit.card_id is None:
        raise Conflict("permit.no_card")
    session.get_one(Person, permit.person_id, with_for_update=True)
    if _has_account(session, permit.person_id):
        raise Conflict("account.conflict", path="permit_id", expected="a person without an account")
    changes.checked(_wanted(permit.person_id, holder))
    return permit


def give_account(
    core: Core, session: Session, now: int, permit: Permit, holder: NewHolder, account_id: str, parts: Parts
) -> Invited:
    """Open the account of a permit's holder, as :func:`prepare_account` found that it may be.

    Args:
        parts: one for each of the two officers, who hand them to the person.

    Raises:
        StateError: ``account.*``.
    """
    made = _new_account(core, session, permit.person_id, holder, account_id, parts, now)
    if made is None:
        raise Conflict("account.conflict", path="permit_id", expected="a person without an account")
    waits(core, session.get_one(Account, made.account_id), now)
    session.flush()
    notify_permit(core, session, now, "permit.account_opened", permit)
    return made


def has_account(core: Core, permit_id: str) -> bool:
    """Whether the person of a permit has an account of their own."""
    return core.database.read(lambda session: _has_account(session, session.get_one(Permit, permit_id).person_id))


def activated_by(core: Core, permit_id: str) -> Activated:
    """What an earlier activation of a permit made, without its secret."""
    query = select(Entry.id).join(PermitTerm, PermitTerm.filing_id == Entry.filing_id)
    ours = query.where(Entry.permit_id == permit_id, PermitTerm.permit_id == permit_id)
    newest = ours.order_by(PermitTerm.number.desc()).limit(1)
    return Activated(permit_id, core.database.read(lambda session: session.scalars(newest).one()))


def notification_of(core: Core, who: Principal, filing_id: str) -> Mapping[str, str]:
    """What the applicant downloads: token, account code, permit number and last day of a notification that is not used.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``filing.none``, ``notification.unknown``.
    """

    def look(session: Session) -> Mapping[str, str]:
        found, permit = _unused(core, session, who, filing_id)
        token = _token(core, found)
        return {
            "token": token,
            "account_code": _account_code(core, token),
            "number": number_of(core, permit),
            "until": found.until,
        }

    return core.database.read(look)


def notification_sheet(core: Core, who: Principal, filing_id: str) -> tuple[Sheet, int]:
    """The notification on paper, with the code that activates the permit; and the time at which it was made.

    Raises:
        StateError: as :func:`notification_of`.
    """

    def look(session: Session) -> tuple[Sheet, int]:
        found, permit = _unused(core, session, who, filing_id)
        term, passport = newest_term(session, permit.id), passport_of(core, session, permit.person_id)
        full = PassportName(passport["surname"], passport["given"]).shown
        name, *notes = shown_name(full, latin(full))
        values = (
            ("工作许可证号", "Permit number", number_of(core, permit)),
            ("国籍", "Nationality", passport["nationality"]),
            ("护照号码", "Passport number", passport["number"]),
            ("类别", "Category", term.category),
            ("用人单位", "Employer", organisation_record(core, session, term.employer_id)["name"]),
            ("职位", "Position", str(read_term(core, term)["post"])),
            ("许可期限", "Term of the permit", f"{term.first} – {term.until}"),
            ("本通知有效期至", "To be used by", found.until),
        )
        lines = [Line("姓名", "Name", name)]
        for zh, en, value in values:
            text, note = shown_text(value)
            lines.append(Line(zh, en, text))
            notes.append(note)
        sheet = Sheet(
            title_zh="外国人工作许可通知",
            title_en="Notification of a Foreigner's Work Permit",
            issuer=core.settings.name_zh or core.settings.issuer,
            lines=lines,
            code=_SCHEME + _token(core, found),
            code_zh="入境后持护照由本人到窗口出示此码，核验本人后激活工作许可。此码仅可使用一次，请勿转交他人。",
            code_en="After entry, show this code at the window in person, with the passport: the permit is activated "
            "once the person was checked. It works once; give it to nobody else.",
            notes=[*dict.fromkeys(note for note in notes if note is not None)],
            banner=sheet_banner(core),
            kept=Kept(
                [Line("账户码", "Account code", _account_code(core, _token(core, found)))],
                "本页由持证人本人保管，请勿交给窗口人员或他人。激活时窗口会交给您一张账户凭条；凭条和本账户码合用，"
                "才能开通您的账户。",
                "This page is for the holder alone: show it to nobody, not even at the window. You get a slip there; "
                "your account opens with slip and code together.",
            ),
        )
        return sheet, core.clock.now(session)

    return core.database.read(look)


def _unused(core: Core, session: Session, who: Principal, filing_id: str) -> tuple[Notification, Permit]:
    who.require("filing.file")
    row = load_filing(core, session, who, filing_id)
    found = session.scalar(select(Notification).where(Notification.filing_id == row.id))
    if found is None or found.state != "ISSUED":
        raise NotFound("notification.unknown")
    return found, session.get_one(Permit, found.permit_id)


def _account_code(core: Core, token: str) -> str:
    """The applicant's part of the account's secret: nobody makes it of the token, which the window scans."""
    digest = core.at_rest.digest("notification account", token)
    return base64.b32encode(bytes.fromhex(digest)[:_ACCOUNT_CODE]).decode("ascii")


def _token(core: Core, row: Notification) -> str:
    return core.at_rest.open(Place("notifications", "token", row.id), row.token).decode()


class _Activating:
    """An activation as it is made within a transaction, perhaps more than once until one commits."""

    def __init__(
        self,
        core: Core,
        who: Principal,
        token: str,
        name: PassportName,
        number: str,
        check: PersonCheck,
        entered_on: date | None,
        holder: NewHolder | None,
    ) -> None:
        self._core, self._who, self._token = core, who, token
        self._name, self._number, self._check = name, number, check
        self._entered_on, self._holder = entered_on, holder
        # Made here, so that a repeated transaction gives the same.
        self._account_id, self._slip = secrets.token_hex(16), new_secret()
        self._made: Activated | None = None
        self._photo: Photo | None = None

    def take_photo(self) -> None:
        """Make the photo of the application ready for the codes."""
        row = self._core.database.read(self._notification)
        self._photo = None if row is None else photo_of(self._core, row.filing_id)

    def _notification(self, session: Session) -> Notification | None:
        digest = secret_hash(self._core.at_rest, "notification", self._token)
        return session.scalar(select(Notification).where(Notification.token_hash == digest))

    def done(self) -> Activated:
        """What was made, once it is committed."""
        if self._made is None:
            raise NotFound("notification.unknown")
        return self._made

    def new_card(self, unit: UnitOfWork) -> NewCard:
        """Use the notification, and say what the card says."""
        core, who, session, now = self._core, self._who, unit.session, unit.now
        row = self._notification(session)
        if row is None:
            raise NotFound("notification.unknown")
        # Locked in the order of issuer.permits.models.
        person_id = session.get_one(Permit, row.permit_id).person_id
        session.get_one(Person, person_id, with_for_update=True)
        filing = load_filing(core, session, who, row.filing_id, lock=True)
        permit = session.get_one(Permit, row.permit_id, with_for_update=True)
        session.refresh(row, with_for_update=True)
        if row.state != "ISSUED":
            raise NotFound("notification.unknown")
        require_handler(who, filing)
        today = day_of(now)
        if today > date.fromisoformat(row.until):
            raise Conflict("notification.over", found=row.until)
        entered_on = self._entered(filing, today)
        self._recognise(session, permit)
        row.state, row.used_at = NOTIFICATION.move("use", row.state, "officer").target, now
        permit.state = PERMIT.move("activate", permit.state, "officer").target
        permit.revision += 1
        permit.changed_at = now
        session.flush()
        category = newest_term(session, permit.id).category
        entry = begin_entry(core, session, now, filing, permit, category, entered_on)
        self._made = Activated(permit.id, entry.id, self._account(session, permit, now))
        unit.made(permit.id)
        return NewCard(
            card_of(core, session, permit, self._photo), holder=permit.person_id, employer=permit.employer_id
        )

    def issued(self, unit: UnitOfWork, card_id: str) -> None:
        """Note the card."""
        made = self.done()
        permit = unit.session.get_one(Permit, made.permit_id)
        permit.card_id = card_id
        notify_permit(self._core, unit.session, unit.now, "permit.activated", permit)
        unit.audit("permit.activate", permit.id, {"check": self._check.name, "entry": made.entry_id})
        if made.invitation is not None:
            unit.audit("account.open", made.invitation.account_id, {"check": self._check.name})

    def _entered(self, filing: Filing, today: date) -> date:
        """The day of entry: since the decision, which may have been made before the switch to this service."""
        day, first = self._entered_on or today, filing.decided_on or ""
        if not first <= day.isoformat() <= today.isoformat():
            raise Invalid("entry.day", path="entered_on", expected=f"{first} to {today.isoformat()}")
        return day

    def _recognise(self, session: Session, permit: Permit) -> None:
        person = _on_record(self._core, session, permit.person_id)
        difference = compare(person.name, self._name)
        if difference is not None or self._number.strip() != number_of(self._core, permit):
            raise Invalid("notification.person", path=difference or "number")
        self._check.confirm(person)

    def _account(self, session: Session, permit: Permit, now: int) -> Invited | None:
        if self._holder is None:
            return None
        parts = Parts(self._slip, _account_code(self._core, self._token))
        return _new_account(self._core, session, permit.person_id, self._holder, self._account_id, parts, now)


def _on_record(core: Core, session: Session, person_id: str) -> PersonOnRecord:
    passport = passport_of(core, session, person_id)
    name = PassportName(passport["surname"], passport["given"])
    return PersonOnRecord(name, passport["nationality"], passport["birth"], passport["number"])


def _new_account(
    core: Core, session: Session, person_id: str, holder: NewHolder, account_id: str, parts: Parts, now: int
) -> Invited | None:
    """The account of a person who is locked; None: they have one."""
    if _has_account(session, person_id):
        return None
    wanted = changes.checked(_wanted(person_id, holder))[0]
    return changes.create(core, session, wanted, account_id, parts._replace(by_hand=True), now)


def _has_account(session: Session, person_id: str) -> bool:
    held = select(Account.id).where(Account.person_id == person_id, Account.role == "holder", Account.state != "closed")
    return session.scalar(held) is not None


def _wanted(person_id: str, holder: NewHolder) -> NewAccount:
    return NewAccount("holder", holder.login, person_id=person_id, email=holder.email, language=holder.language)
