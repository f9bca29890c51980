"""An SMTP connection with a deadline, whatever the server does (RFC 5321, RFC 3207).

Promises:

1. Nothing outlasts the connection's deadline: a server that is silent, slow or never finishes is cut off. The length of
   a reply is capped.
2. TLS with a certificate that is checked, by STARTTLS or from the first byte; without it only on this machine, and
   never with a password.
3. A failure is a :class:`Down` with a code and the server's numeric reply, or the outcome of the one message; the
   server's text is never kept.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, BinaryIO, Final

from icard_crypto.errors import StateError
from issuer.settings import Settings

from .queue import Outcome, later, refused, sent

__all__ = ["Down", "check_settings", "connected", "send"]

#: Bytes of one reply; servers that say much to EHLO need a tenth of it.
_REPLY: Final = 64 * 1024
_PERMANENT: Final = 500
_CLOSING: Final = 421
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Down(Exception):
    """The server takes nothing from us now; not the fault of any one message."""

    def __init__(self, fault: str, answer: int | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.answer = answer


def check_settings(settings: Settings) -> None:
    """Refuse settings by which no mail can be sent, before anything depends on them.

    Raises:
        StateError: ``settings.value``.
    """
    if not settings.mail_from:
        raise StateError("settings.value", path="mail_from", expected="the sender's address, beside smtp_host")
    if settings.smtp_security == "none" and (settings.smtp_host not in _LOCAL or settings.smtp_user):
        raise StateError("settings.value", path="smtp_security", expected="starttls or tls")
    settings.smtp_password()
    _context(settings)


@contextlib.contextmanager
def connected(settings: Settings, seconds: float) -> Iterator[smtplib.SMTP]:
    """A connection, secured and logged in, for so many seconds.

    Raises:
        Down: ``mail.unreachable``, ``mail.deadline``, ``mail.tls``, ``mail.login``, ``mail.server``.
    """
    watch = _Watch(seconds)
    try:
        with watch, _opened(settings, watch) as smtp:
            yield smtp
    except Down as down:
        # What a connection that was cut still seemed to say is nobody's answer.
        raise (Down("mail.deadline") if watch.over else down) from None
    except ssl.SSLError:
        raise Down("mail.deadline" if watch.over else "mail.tls") from None
    except (smtplib.SMTPException, OSError) as fault:
        if watch.over or isinstance(fault, TimeoutError):
            raise Down("mail.deadline") from None
        if isinstance(fault, smtplib.SMTPResponseException):
            raise Down("mail.server", fault.smtp_code) from None
        raise Down("mail.unreachable") from None


def send(smtp: smtplib.SMTP, message: EmailMessage, sender: str, recipient: str) -> Outcome:
    """Hand over one message.

    Raises:
        Down: the server wants no message at all; smtplib's errors and OSError are left to :func:`connected`.
    """
    try:
        smtp.send_message(message, sender, [recipient])
    except smtplib.SMTPRecipientsRefused as fault:
        answer = fault.recipients[recipient][0]
    except smtplib.SMTPDataError as fault:
        answer = fault.smtp_code
    except smtplib.SMTPSenderRefused as fault:
        # It is we who are refused, not the message: it must not die of a fault in the settings.
        raise Down("mail.server", fault.smtp_code) from None
    else:
        return sent()
    if answer == _CLOSING:
        raise Down("mail.server", answer)
    return refused("mail.refused", answer) if answer >= _PERMANENT else later("mail.refused_for_now", answer)


@contextlib.contextmanager
def _opened(settings: Settings, watch: _Watch) -> Iterator[smtplib.SMTP]:
    name = settings.mail_from.partition("@")[2]
    context = _context(settings)
    host, port = settings.smtp_host, settings.smtp_port
    try:
        if settings.smtp_security == "tls":
            smtp: _Plain = _Secured(watch, host, port, local_hostname=name, timeout=watch.seconds, context=context)
        else:
            smtp = _Plain(watch, host, port, local_hostname=name, timeout=watch.seconds)
    except smtplib.SMTPConnectError as fault:
        raise Down("mail.server", fault.smtp_code) from None
    try:
        smtp.ehlo_or_helo_if_needed()
        if settings.smtp_security == "starttls":
            _start_tls(smtp, context)
        if settings.smtp_user:
            _log_in(smtp, settings)
        yield smtp
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        smtp.close()


def _start_tls(smtp: smtplib.SMTP, context: ssl.SSLContext) -> None:
    try:
        smtp.starttls(context=context)
    except smtplib.SMTPNotSupportedError:
        raise Down("mail.tls") from None
    except smtplib.SMTPResponseException as fault:
        raise Down("mail.tls", fault.smtp_code) from None


def _log_in(smtp: smtplib.SMTP, settings: Settings) -> None:
    try:
        smtp.login(settings.smtp_user, settings.smtp_password())
    except smtplib.SMTPAuthenticationError as fault:
        raise Down("mail.login", fault.smtp_code) from None
    except smtplib.SMTPNotSupportedError:
        raise Down("mail.login") from None


def _context(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.smtp_ca_file)
    except OSError:
        raise StateError("settings.value", path="smtp_ca_file", expected="PEM certificates") from None


class _Watch:
    """Shuts the connection that it was given when the time is over: every wait on it then ends."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.over = False
        self.smtp: smtplib.SMTP | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        self.over = True
        sock = getattr(self.smtp, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own: that one would first drop what the other thread is reading from.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Capped:
    """The reading side of a connection, of which each reply may take so many bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.left = _REPLY

    def readline(self, size: int = -1) -> bytes:
        line = self._file.readline(size)
        self.left -= len(line)
        if self.left < 0:
            raise OSError("a reply without an end")
        return line

    def close(self) -> None:
        self._file.close()


class _Plain(smtplib.SMTP):
    """smtplib's, seen by a watch from before it connects, its replies capped."""

    file: Any

    def __init__(self, watch: _Watch, *place: Any, **options: Any) -> None:
        watch.smtp = self
        super().__init__(*place, **options)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Capped(self.sock.makefile("rb"))
        if self.file is not None:
            self.file.left = _REPLY
        return super().getreply()


class _Secured(_Plain, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""
