"""A real HTTPS origin on this machine that serves a published tree and misbehaves when told to.

Each :class:`Origin` is a server of its own with a certificate of a private authority made for the run. What it does at
a path is data: bytes to serve, or a misbehaviour by name (:data:`MISDEEDS`).
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["MISDEEDS", "Authority", "Origin"]


class Authority:
    """A certificate authority in a folder: ``ca_file`` to trust, and server certificates for names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        certificate = self._certificate(self._name, self._key, authority=True, names=())
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, *names: str, days: float = 1) -> ssl.SSLContext:
        """A context that presents a certificate for these names, which ends in so many days; it began a day ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._certificate(subject, key, authority=False, names=names, days=days)
        path = self._folder / f"{names[0]}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool,
        names: tuple[str, ...],
        days: float = 1,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if authority:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass
class Origin:
    """A server on an address of this machine.

    Args:
        context: its certificate.
        host: the numeric address that it listens on.
        port: 0: any free one.
        files: what it serves, by path.
        misdeeds: what it does instead, by path, from :data:`MISDEEDS`.
        closing: whether it closes the connection after each answer.
        etags: whether answers carry ETags.
        asked: each request so far: path, Host header, whether it answered 304.
        credentials: the Authorization headers that came.
        connections: how many came.
        posted: what came by POST: path, headers in lower case, body.
    """

    context: ssl.SSLContext
    host: str = "127.0.0.1"
    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    misdeeds: dict[str, str] = field(default_factory=dict)
    closing: bool = False
    etags: bool = True
    asked: list[tuple[str, str, bool]] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    connections: int = 0
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Origin:
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                origin.connections += 1
                # The handshake belongs to the connection's own thread: a client that gives up stops nobody else.
                self.request = origin.context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self) -> None:
                origin._answer(self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                origin.posted.append((self.path, headers, body))
                origin._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server((self.host, self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def paths(self) -> list[str]:
        """The paths that were asked for so far."""
        return [path for path, _, _ in self.asked]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, host = handler.path, handler.headers.get("Host", "")
        body = self.files.get(path)
        etag = "" if body is None else f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        unchanged = body is not None and handler.headers.get("If-None-Match") == etag
        self.asked.append((path, host, unchanged and path not in self.misdeeds))
        self.credentials += handler.headers.get_all("Authorization", [])
        handler.close_connection |= self.closing
        misdeed = self.misdeeds.get(path)
        with contextlib.suppress(OSError):
            if misdeed is not None:
                MISDEEDS[misdeed.partition(" ")[0]](handler, body or b"", misdeed.partition(" ")[2])
            elif body is None:
                _head(handler, 404, 0)
            elif unchanged:
                _head(handler, 304, None, ETag=etag)
            else:
                _head(handler, 200, len(body), **({"ETag": etag} if self.etags else {}))
                handler.wfile.write(body)


def _head(handler: BaseHTTPRequestHandler, status: int, length: int | None, **headers: str) -> None:
    handler.send_response(status)
    headers = {"Content_Type": "application/octet-stream", **headers}
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def _pieces() -> Iterator[bytes]:
    while True:
        yield b"\0" * 65536


def _failing(handler: BaseHTTPRequestHandler, _: bytes, status: str) -> None:
    _head(handler, int(status), 0)


def _drip(handler: BaseHTTPRequestHandler, body: bytes, _: str) -> None:
    _head(handler, 200, len(body))
    for place in range(len(body)):
        handler.wfile.write(body[place : place + 1])
        time.sleep(0.05)


def _drip_head(handler: BaseHTTPRequestHandler, _: bytes, __: str) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Wait: ")
    while True:
        handler.wfile.write(b"a")
        time.sleep(0.05)


def _silent(_: BaseHTTPRequestHandler, __: bytes, ___: str) -> None:
    time.sleep(30)


def _endless(handler: BaseHTTPRequestHandler, _: bytes, __: str) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/octet-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    for piece in _pieces():
        handler.wfile.write(piece)


def _vast(handler: BaseHTTPRequestHandler, _: bytes, __: str) -> None:
    _head(handler, 200, 10**12)


def _truncated(handler: BaseHTTPRequestHandler, body: bytes, _: str) -> None:
    _head(handler, 200, len(body))
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def _typed(handler: BaseHTTPRequestHandler, body: bytes, kind: str) -> None:
    _head(handler, 200, len(body), Content_Type=kind)
    handler.wfile.write(body)


def _coded(handler: BaseHTTPRequestHandler, body: bytes, _: str) -> None:
    _head(handler, 200, len(body), Content_Encoding="gzip")
    handler.wfile.write(body)


def _redirect(handler: BaseHTTPRequestHandler, _: bytes, location: str) -> None:
    _head(handler, 302, 0, Location=location)


def _serve(handler: BaseHTTPRequestHandler, _: bytes, content: str) -> None:
    data = bytes.fromhex(content)
    _head(handler, 200, len(data))
    handler.wfile.write(data)


MISDEEDS: dict[str, Callable[[BaseHTTPRequestHandler, bytes, str], None]] = {
    "status": _failing,
    "drip": _drip,
    "drip-head": _drip_head,
    "silent": _silent,
    "endless": _endless,
    "vast": _vast,
    "truncated": _truncated,
    "type": _typed,
    "coded": _coded,
    "redirect": _redirect,
    "bytes": _serve,
}
"""Misbehaviours by name; what follows the name after a space is the argument: a status, a type, a place, bytes."""
