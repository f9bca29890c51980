"""deploy/nginx: a configuration that nginx accepts and that does what it says, in front of a real server."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.docs.test_running import free_port
from tests.kit.origin import Authority
from verifier.service.limits import BATCH_BYTES, PICTURE_BYTES

CONF = Path(__file__).parent.parent.parent / "deploy" / "nginx" / "icard.conf"


@dataclass
class Proxy:
    """nginx as configured, on other ports and with quicker ends: a second instead of ten for a head."""

    port: int
    plain: int
    context: ssl.SSLContext
    log: Path
    behind: ThreadingHTTPServer

    def ask(self, host: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str]]:
        """Status, and what came through to the server behind."""
        # By its name: the proxy has no certificate for an address.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.connect()
        connection.sock = self.context.wrap_socket(connection.sock, server_hostname=host)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        method = "GET" if body is None else "POST"
        connection.request(method, path, body, {"Host": host, **names})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if answer.status == 200 else {}


class _Behind(BaseHTTPRequestHandler):
    """Says which headers came."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("X-Request-Id", "id-of-the-service")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


def nginx() -> str:
    """The program; in CI it must be there."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        assert not os.environ.get("CI"), "nginx is missing"
        pytest.skip("no nginx")
    return found


def configured(folder: Path, authority: Authority, port: int, plain: int, behind: int) -> Path:
    """A whole configuration around the file, with this machine's ports and certificates."""
    authority.server_context("proxy.example")
    certificate = authority._folder / "proxy.example.pem"
    text = CONF.read_text("utf-8")
    text = re.sub(r"listen \[::\]:.*\n", "\n", text)
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("listen 80;", f"listen 127.0.0.1:{plain};")
    text = re.sub(r"127\.0\.0\.1:808[01]", f"127.0.0.1:{behind}", text)
    text = re.sub(r"/etc/icard/[a-z.]+\.(pem|key)", str(certificate), text)
    text = text.replace("/var/log/nginx/icard.log", str(folder / "access.log"))
    text = text.replace("/var/lib/nginx/icard", str(folder / "cache"))
    text = text.replace("client_header_timeout 10s", "client_header_timeout 1s")
    (folder / "icard.conf").write_text(text, "utf-8")
    temporary = "".join(
        f"{name}_temp_path {folder / name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Workers of another user could not reach the cache below a test's own folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off;\n{user}pid {folder / 'pid'};\nerror_log {folder / 'error.log'};\nevents {{}}\n"
        f"http {{\n{temporary}include {folder / 'icard.conf'};\n}}\n"
    )
    return folder / "nginx.conf"


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    program, authority = nginx(), Authority(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Behind)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    port, plain = free_port(), free_port()
    conf = configured(tmp_path, authority, port, plain, server.server_address[1])
    process = subprocess.Popen(
        [program, "-e", str(tmp_path / "error.log"), "-p", str(tmp_path), "-c", str(conf)], stderr=subprocess.PIPE
    )
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.check_hostname = False
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "error.log").read_text()
                threading.Event().wait(0.05)
        yield Proxy(port, plain, context, tmp_path / "access.log", server)
    finally:
        process.terminate()
        process.wait(30)
        server.shutdown()
        server.server_close()


def test_the_folder_above_the_cache_is_one_that_the_package_makes() -> None:
    """Where it is not there, nginx does not start."""
    nginx()
    (cache,) = re.findall(r"^proxy_cache_path (\S+)", CONF.read_text("utf-8"), re.MULTILINE)
    assert Path(cache).parent.is_dir()


def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    """nginx -t, and it does see a misspelt directive."""
    conf = configured(tmp_path, Authority(tmp_path), free_port(), free_port(), free_port())
    command = [nginx(), "-t", "-q", "-e", str(tmp_path / "error.log"), "-p", str(tmp_path), "-c", str(conf)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    inner = tmp_path / "icard.conf"
    inner.write_text(inner.read_text("utf-8").replace("client_body_timeout", "client_body_timout", 1))
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_bodies_are_capped_as_the_services_cap_them() -> None:
    """The caps of the verification service are the proxy's."""
    text = CONF.read_text("utf-8")
    sizes = [int(size) * 1024 * 1024 for size in re.findall(r"client_max_body_size (\d+)m;", text)]
    assert sizes[:2] == [PICTURE_BYTES, BATCH_BYTES]


@pytest.mark.parametrize(
    ("host", "there"),
    [("verify.example", "verify.example"), ("cards.example", "cards.example"), ("evil.example", "verify.example")],
)
def test_a_redirect_goes_to_a_name_of_the_service(proxy: Proxy, host: str, there: str) -> None:
    """Never to whatever Host was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=20)
    connection.request("GET", "/x?y=1", headers={"Host": host})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{there}/x?y=1")
    connection.close()


def test_a_client_cannot_say_where_it_comes_from(proxy: Proxy) -> None:
    """X-Forwarded-For and -Proto are the proxy's own, whatever was sent."""
    status, headers = proxy.ask("verify.example", "/", X_Forwarded_For="10.9.8.7", X_Forwarded_Proto="http")
    assert status == 200
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert headers["host"] == "verify.example"


def test_what_is_too_much_is_sent_away(proxy: Proxy) -> None:
    """A body above the cap is 413; whoever asks for sessions again and again is 429 after the burst, and may still do
    other things."""
    assert proxy.ask("cards.example", "/v1/cards", b"x" * (1024 * 1024 + 1))[0] == 413
    assert proxy.ask("cards.example", "/v1/cards", b"x" * 1000)[0] == 200
    tries = [proxy.ask("cards.example", "/v1/sessions", b"{}")[0] for _ in range(20)]
    assert tries[:10] == [200] * 10
    assert 429 in tries
    assert proxy.ask("cards.example", "/v1/cards", b"{}")[0] == 200


def test_a_head_that_does_not_come_is_cut_off(proxy: Proxy) -> None:
    """A client that drips its head is closed at the deadline."""
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
    with proxy.context.wrap_socket(plain, server_hostname="verify.example") as secured:
        secured.sendall(b"GET / HTTP/1.1\r\nHost: verify.example\r\nX-Slow: ")
        # Nothing more is sent: that this comes to an end at all is the proxy's doing.
        try:
            said = secured.recv(4096)
        except ConnectionError:
            said = b""
    assert not said or b" 408 " in said


def test_the_log_has_paths_and_no_query(proxy: Proxy) -> None:
    """What stands behind a question mark, and who asked, is not kept."""
    proxy.ask("cards.example", "/v1/cards?name=MARKED")
    for _ in range(100):
        if proxy.log.exists() and "/v1/cards" in proxy.log.read_text():
            break
        threading.Event().wait(0.05)
    assert "/v1/cards 200" in proxy.log.read_text()
    assert "MARKED" not in proxy.log.read_text()
    assert "127.0.0.1" not in proxy.log.read_text()
    assert "id-of-the-service" in proxy.log.read_text()


def test_published_files_are_served_while_the_service_is_away(proxy: Proxy) -> None:
    """What was fetched once comes from the cache, what was not is an error; nothing else has an address there."""
    paths = ("/timestamp.cbor", "/status/k7Qd", "/trust/2.cbor")
    assert [proxy.ask("icard.example", path)[0] for path in paths] == [200] * 3
    assert proxy.ask("icard.example", "/v1/cards")[0] == 404
    assert proxy.ask("icard.example", "/metrics")[0] == 404
    proxy.behind.shutdown()
    proxy.behind.server_close()
    # The files are kept for two seconds as fresh, and are stale afterwards.
    threading.Event().wait(2.5)
    assert [proxy.ask("icard.example", path)[0] for path in paths] == [200] * 3
    assert proxy.ask("icard.example", "/bundle.cbor")[0] in (502, 504)


def test_a_name_that_nobody_was_given_gets_no_certificate(proxy: Proxy) -> None:
    """The handshake ends."""
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
    with pytest.raises(ssl.SSLError), proxy.context.wrap_socket(plain, server_hostname="other.example"):
        pass


def test_the_error_log_has_nobody_in_it() -> None:
    """Below crit nginx writes addresses and queries: of those who ask too often, and of what is behind it and slow."""
    lines = [line.strip() for line in CONF.read_text("utf-8").splitlines()]
    written = [line for line in lines if line.startswith("error_log")]
    assert written
    assert all(re.fullmatch(r"error_log \S+ (crit|alert|emerg);", line) for line in written)
