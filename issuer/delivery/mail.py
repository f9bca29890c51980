"""Notices by e-mail.

Promises:

1. A message says what happened in fixed words, with ids and links; nobody's name, number or card is in its text, its
   subject or its headers. Text only, in the language that the account chose.
2. A repeated notice has the same Message-ID (RFC 5322, 3.6.4), so that it is recognised; Auto-Submitted (RFC 3834)
   keeps other programs from answering.
3. Many notices go over one connection; each outcome is recorded as it comes. A refusal for now is tried again, one for
   good is a dead letter, a server that takes nothing keeps all waiting.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from icard_crypto.errors import IcardError
from issuer.accounts.people import Contact
from issuer.core import Core
from issuer.notices.kinds import kind_of, mail_words
from issuer.settings import Settings

from . import smtp
from .queue import Letter, Outcome, later, refused, untried

__all__ = ["MailChannel", "compose"]

#: Seconds for a connection and all that goes over it.
SECONDS: Final = 30.0

#: Everything in seven bits: no server has to be asked whether it takes eight.
_POLICY: Final = SMTP.clone(cte_type="7bit")


class MailChannel:
    """Sends notices to the mail server of the settings.

    Args:
        find: where an account's mail goes; None: it has no address, or is closed.
        seconds: for a connection and all that goes over it.
    """

    name: str = "email"
    most: int = 20

    def __init__(self, core: Core, find: Callable[[str], Contact | None], *, seconds: float = SECONDS) -> None:
        smtp.check_settings(core.settings)
        self._core = core
        self._find = find
        self.seconds = seconds

    def deliver(
        self, letters: Sequence[Letter], stop: threading.Event, tell: Callable[[Letter, Outcome], None]
    ) -> None:
        """Send what can be sent, telling each letter's outcome as it is known."""
        settings = self._core.settings
        waiting: deque[tuple[Letter, str, EmailMessage]] = deque()
        for letter in letters:
            try:
                found = self._find(letter.account)
            except IcardError as damaged:
                # One whose address cannot be opened must not be in the way of the others.
                tell(letter, refused(damaged.code))
                continue
            if found is not None and letter.to is not None:
                found = replace(found, email=letter.to)
            message = None if found is None else _composed(settings, letter, found)
            if found is None or message is None:
                tell(letter, refused("mail.address"))
            else:
                waiting.append((letter, found.email, message))
        done = 0
        try:
            if waiting:
                with smtp.connected(settings, self.seconds) as connection:
                    while waiting and not stop.is_set():
                        letter, recipient, message = waiting[0]
                        tell(letter, smtp.send(connection, message, settings.mail_from, recipient))
                        waiting.popleft()
                        done += 1
        except smtp.Down as down:
            fault = later(down.fault, down.answer)
            tell(waiting.popleft()[0], fault)
            for letter, _, _ in waiting:
                # A server that took some will take more over a new connection.
                tell(letter, untried() if done else fault)
        else:
            for letter, _, _ in waiting:
                tell(letter, untried())


def _composed(settings: Settings, letter: Letter, recipient: Contact) -> EmailMessage | None:
    """The message; None: the address has no form that a header can have."""
    try:
        return compose(settings, letter, recipient)
    except (MessageError, ValueError, IndexError):
        return None


def compose(settings: Settings, letter: Letter, recipient: Contact) -> EmailMessage:
    """The message of a notice (promises 1 and 2)."""
    kind, language = kind_of(letter.kind), recipient.language
    words, around = kind.words[language], mail_words()[language]
    message = EmailMessage(policy=_POLICY)
    name = settings.name_zh if language == "zh" else settings.name_en
    message["From"] = Address(name or settings.issuer, addr_spec=settings.mail_from)
    message["To"] = Address(addr_spec=recipient.email)
    message["Subject"] = words.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(letter.created_at, UTC))
    message["Message-ID"] = f"<{letter.notice}@{settings.mail_from.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = language
    parts = [words.text]
    if settings.public_url:
        parts.append(f"{around['look']}\n{settings.public_url}{kind.path(letter.facts, letter.secret)}")
    elif letter.secret is not None:
        parts.append(f"{around['code']}\n{letter.secret}")
    parts.append(f"{around['reference']} {letter.notice}\n{around['foot']}")
    message.set_content("\n\n".join(parts) + "\n", charset="utf-8")
    return message
