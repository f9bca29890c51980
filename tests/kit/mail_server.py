"""A real SMTP server in a process of its own, which misbehaves when it is told to.

``python -m tests.kit.mail_server FOLDER [CERTIFICATE]`` prints its port. What it took stands in
``FOLDER/taken.jsonl``, one JSON object a message, written and synced *before* the sender is told 250: what a sender
was told is there. The file ``FOLDER/mood`` is read anew for every connection and command: ``fine``, or a misdeed:

- ``greet CODE``, ``mail CODE``, ``rcpt CODE``, ``data CODE``, ``auth CODE``: answer with that number there;
- ``silent``: say nothing, not even a greeting; ``drip``: a greeting without an end, a byte at a time;
- ``endless``: an answer to EHLO that never comes to an end; ``stall``: never answer the end of a message;
- ``close N``: say 421 and close after N messages.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

__all__ = ["MailServer", "running_mail_server"]

ROOT = Path(__file__).parent.parent.parent


@dataclass
class MailServer:
    """The test's side of the server."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    def mood(self, mood: str) -> None:
        """How it behaves from now on."""
        new = self.folder / "mood.new"
        new.write_text(mood, "ascii")
        new.replace(self.folder / "mood")

    def taken(self) -> list[dict[str, Any]]:
        """What it has taken so far: ``to`` and ``content`` of each message."""
        path = self.folder / "taken.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def messages(self) -> list[EmailMessage]:
        """The same, parsed."""
        parsed = [message_from_bytes(each["content"].encode("latin-1"), policy=policy.SMTP) for each in self.taken()]
        return [message for message in parsed if isinstance(message, EmailMessage)]


@contextmanager
def running_mail_server(folder: Path, *more: str | Path) -> Iterator[MailServer]:
    """A server until the block is left; ``more``: a certificate file, and ``implicit`` for TLS from the first byte."""
    folder.mkdir(exist_ok=True)
    (folder / "mood").write_text("fine", "ascii")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kit.mail_server", str(folder), *map(str, more)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        yield MailServer(folder, int(process.stdout.readline()), process)
    finally:
        process.kill()
        process.wait(30)


class _Handler:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = os.open(folder / "taken.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def at(self, point: str) -> str | None:
        """What is to be answered at this point instead, if anything."""
        mood, _, number = (self._folder / "mood").read_text("ascii").partition(" ")
        return f"{number} MARKEDWORDS about MARKEDADDRESS@post.example" if mood == point else None

    def mood(self) -> str:
        return (self._folder / "mood").read_text("ascii")

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        envelope.mail_from = address
        return self.at("mail") or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        refused = self.at("rcpt")
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        refused = self.at("data")
        if refused is not None:
            return refused
        mood = self.mood()
        if mood == "stall":
            await asyncio.sleep(600)
        if mood.startswith("close") and server.taken >= int(mood.split()[1]):  # type: ignore[attr-defined]
            return "421 enough"
        assert isinstance(envelope.content, bytes)
        line = json.dumps({"to": envelope.rcpt_tos, "content": envelope.content.decode("latin-1")})
        os.write(self._file, line.encode() + b"\n")
        os.fsync(self._file)
        server.taken += 1  # type: ignore[attr-defined]
        return "250 taken"


class _Server(SMTP):
    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        handler = self.event_handler
        assert isinstance(handler, _Handler)
        mood = handler.mood()
        if mood in ("silent", "drip") or mood.startswith("greet"):
            self._held = asyncio.get_running_loop().create_task(_misgreet(transport, mood))
            return
        super().connection_made(transport)

    async def smtp_EHLO(self, hostname: str) -> None:
        handler = self.event_handler
        assert isinstance(handler, _Handler)
        if handler.mood() == "endless":
            while True:
                await self.push("250-more and more and more and more and more and more and more")
        await super().smtp_EHLO(hostname)


async def _misgreet(transport: Any, mood: str) -> None:
    if mood.startswith("greet"):
        transport.write(f"{mood.split()[1]} go away\r\n".encode())
        transport.close()
        return
    while not transport.is_closing():
        if mood == "drip":
            transport.write(b"2")
        await asyncio.sleep(0.05)


def _authenticator(handler: _Handler) -> Any:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = handler.at("auth") is None and (data.login, data.password) == (b"icard", b"s3cret-word")
        return AuthResult(success=good, handled=good)

    return check


async def _serve(folder: Path, certificate: str | None, implicit: bool) -> None:
    handler = _Handler(folder)
    context: ssl.SSLContext | None = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    options: dict[str, Any] = {"hostname": "mail.example", "enable_SMTPUTF8": False}
    if context is not None and not implicit:
        options |= {"tls_context": context, "require_starttls": True}
    if context is not None:
        options |= {"authenticator": _authenticator(handler), "auth_require_tls": not implicit}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Server(handler, **options), "127.0.0.1", 0, ssl=context if implicit else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None, "implicit" in sys.argv))
