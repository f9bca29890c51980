"""docs/api.md: its commands run against a real server as they stand, and what it shows is what comes back.

So are the examples that OpenAPI has of these answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from icard_crypto.errors import catalogue
from tests.docs.pages import ROOT, blocks, need, printed_by
from tests.docs.test_service import differences
from tests.issuer.conftest import new_database_url
from tests.issuer.service.test_serve_process import wait_until_ready
from tests.kit.http_clients import PATIENCE
from tests.kit.issuing_api import issuing
from tests.kit.people import CHEAP
from tests.kit.signed_domain import published_core, write_settings

PAGE = "docs/api.md"
#: A block of shell, and what the page shows below it.
_SHOWN = re.compile(r"^```sh\n(?P<code>.*?)^```\n+(?:```json\n(?P<json>.*?)^```)?", re.S | re.M)
#: Nobody waits for an authenticator app's next code here: it is calculated.
_NEXT = """code() { python3 -c 'import pyotp, sys, time; print(pyotp.TOTP(input()).at(time.time() + 30))'; }"""


@pytest.mark.slow
def test_the_page_runs_and_shows_what_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two officers log in, a program issues, finds and suspends, the two revoke; each answer has what the page shows of
    it; no log has a name, a number, a token or a secret of it."""
    need("curl", "jq", "openssl")
    here = tmp_path / "issuer"
    here.mkdir()
    core = published_core(here, new_database_url("sqlite", tmp_path), None, **CHEAP)
    write_settings(core, here)
    core.close()
    (tmp_path / "card.json").write_text(next(block for block in blocks(PAGE, "json") if '"holder"' in block))
    monkeypatch.setenv("ICARD_ISSUER_FOLDER", str(here))
    shown = list(_SHOWN.finditer((ROOT / PAGE).read_text("utf-8")))
    with issuing(here) as server:
        address = f"http://127.0.0.1:{server.port}"
        with httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as client:
            wait_until_ready(client)
            schemas = client.get("/openapi.json").json()["components"]["schemas"]
        replace = {"http://127.0.0.1:8081": address, "sleep 30": _NEXT}
        printed = printed_by([each["code"] for each in shown], tmp_path, replace)
    assert len(printed) == len(shown) > 8
    compared = 0
    for each, real in zip(shown, printed, strict=True):
        if each["json"] is None:
            assert real.strip() == "", each["code"]
        else:
            assert differences(json.loads(each["json"]), json.loads(real)) == [], (each["code"], real)
            compared += 1
    assert compared == 7
    issued = next(real for each, real in zip(shown, printed, strict=True) if "--json @card.json" in each["code"])
    seen = (tmp_path / "seen.json").read_text("utf-8")
    answers = {
        "SessionBody": (tmp_path / "zhang.min.session").read_text("utf-8"),
        "IssuedBody": issued,
        "CardBody": seen,
    }
    for name, answer in answers.items():
        (example,) = schemas[name]["examples"]
        assert example.keys() == json.loads(answer).keys(), name
        assert differences(example, json.loads(answer)) == [], name
    assert (tmp_path / "work.png").read_bytes().startswith(b"\x89PNG")
    log = (here / "server.log").read_text("utf-8")
    token, secret = (tmp_path / "token").read_text().split()[2], (tmp_path / "zhang.min.csrf").read_text().split()[1]
    assert "/v1/confirmations/{confirmation_id}/confirm" in log
    for private in ("MUSTERMANN", "R310115202600000001", "zhang.min", "five words", token, secret):
        assert private not in log


def test_the_problems_of_the_page_are_in_the_catalogue() -> None:
    """Word for word, in the language that was asked for."""
    texts = catalogue()
    told = [json.loads(block) for block in blocks(PAGE, "json")]
    problems = [each for each in told if isinstance(each, dict) and "hint" in each]
    assert len(problems) == 2
    for each in problems:
        entry = texts[each["code"]]
        assert (each["title"], each["hint"]) in [(entry["en"], entry["do_en"]), (entry["zh"], entry["do_zh"])]
        assert each["type"] == f"urn:icard:problem:{each['code']}"
