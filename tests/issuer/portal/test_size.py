"""How many bytes a telephone needs before a page can be used. What that takes in seconds: ``benchmarks.portal``."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from issuer.portal import make_portal
from issuer.service.app import make_service
from tests.issuer.portal.test_guard import of
from tests.kit.http_clients import ask
from tests.kit.portal import town
from verifier.runtime import http

#: Bytes of the page, its style sheet and its script, with the heads of the answers.
_MOST = 25_000


def _size(answer: httpx.Response) -> int:
    # Over HTTP/1.1: each field with its colon, blank and end of line.
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return head + int(answer.headers["content-length"])


def test_card_page_of_a_holder_is_small(tmp_path: Path) -> None:
    """Of the code with the most in it; the page itself is not compressed (BREACH)."""
    made = town(tmp_path)
    app = make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])
    page = of(app, made, "holder").get("?code=authority")
    assert "data:image/png" in page.text
    linked = re.findall(r'(?:href|src)="(/portal/static/portal[^"]+)"', page.text)
    assert len(linked) == 2
    files = [ask(app, "GET", path, headers={"Accept-Encoding": "gzip"}) for path in linked]
    assert sum(map(_size, [page, *files])) <= _MOST, [_size(each) for each in (page, *files)]
    made.issuing_service.core.close()
