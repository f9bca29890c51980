"""A person before the portal's pages without a browser: the forms that a page has are filled in and sent."""

from __future__ import annotations

import html
import re
import ssl
from collections.abc import Sequence

import httpx
import pyotp

__all__ = ["Reader", "field", "words"]

_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def words(text: str) -> str:
    """What is on a page, without markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", text)))


def field(text: str, name: str) -> str:
    """The value of a field on a page."""
    found = re.search(rf'<(?:input[^>]* name="{name}" value="|textarea[^>]* name="{name}"[^>]*>)([^"<]*)', text)
    assert found is not None, name
    return html.unescape(found[1])


class Reader:
    """Somebody at the portal of a running service, in English.

    Args:
        origin: scheme, host and port.
        context: what trusts the service's certificate.
    """

    def __init__(self, origin: str, context: ssl.SSLContext | bool = True) -> None:
        self._origin = origin
        self.client = httpx.Client(
            base_url=f"{origin}/portal/",
            verify=context,
            follow_redirects=True,
            timeout=60,
            trust_env=False,
            headers={"Accept-Language": "en", "Origin": origin, "Referer": f"{origin}/portal/"},
        )
        self.here = ""
        self.path = ""

    def close(self) -> None:
        """Leave."""
        self.client.close()

    @property
    def text(self) -> str:
        """What is on the page that is open."""
        return words(self.here)

    def log_in(self, login: str, password: str, secret: str | None) -> None:
        """Log in by the pages."""
        self.open("log-in")
        self.send("log-in", login=login, password=password)
        if secret is not None:
            self.send("second-factor", code=pyotp.TOTP(secret).now())
        assert 'class="nav' in self.here, self.text[:400]

    def open(self, path: str) -> str:
        """Open a page below the portal, or a whole path; what is on it."""
        return self._take(self.client.get(path.removeprefix("/portal/")))

    def send(self, action: str, file: bytes | None = None, /, **fields: str | Sequence[str]) -> str:
        """Send the form of the open page that leads to ``action``, with these fields filled in.

        Args:
            file: a PDF that is chosen in the field ``file``.
        """
        wanted = f'action="/portal/{action}"'
        forms = [(head, body) for head, body in _FORM.findall(self.here) if wanted in head]
        assert forms, (action, self.path, self.text[:600])
        hidden = {name: html.unescape(value) for name, value in _HIDDEN.findall(forms[-1][1])}
        data = {**hidden, **{name.replace("__", "."): value for name, value in fields.items()}}
        chosen = None if file is None else {"file": ("scan.pdf", file, "application/pdf")}
        return self._take(self.client.post(action, data=data, files=chosen))

    def codes(self) -> list[str]:
        """What stands on the open page in the face of codes."""
        found = re.findall(r'<(?:dd|p|span|bdi)[^>]* class="[^"]*code[^"]*"[^>]*>(.*?)</', self.here, re.DOTALL)
        return [words(one).strip() for one in found]

    def link(self, part: str) -> str:
        """The first address on the open page that has this in it."""
        found = re.search(rf'href="([^"]*{re.escape(part)}[^"]*)"', self.here)
        assert found is not None, (part, self.text[:600])
        return html.unescape(found[1])

    def fetch(self, path: str) -> bytes:
        """A file of the service, as a link on a page leads to it."""
        answer = self.client.get(f"{self._origin}{path}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def _take(self, answer: httpx.Response) -> str:
        self.here, self.path = answer.text, answer.url.path.removeprefix("/portal/")
        assert answer.status_code in (200, 422), (answer.status_code, self.path, self.text[:600])
        return self.text
