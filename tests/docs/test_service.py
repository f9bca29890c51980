"""docs/service.md: its commands run as they stand, and what it shows is what they print."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import qr
from tests.docs.pages import ROOT, blocks, need, printed_by
from tests.docs.test_running import free_port
from tests.kit.origin import Authority, Origin
from tests.kit.verification_service import Domain
from tests.verifier.service.test_documented import faults
from verifier.service.documented import COMPONENTS

PAGE = "docs/service.md"
REVOKED = 7
#: A block of shell, and what the page shows below it.
_SHOWN = re.compile(
    r"^```sh\n(?P<code>.*?)^```\n+(?:<!-- generated: service-\S+ -->\n+```json\n(?P<json>.*?)^```)?", re.S | re.M
)
#: What a reader compares; the rest depends on the moment.
_SAME = ("outcome", "reason", "mends", "policy", "code", "status", "health", "default", "done", "ready", "environment")


def differences(shown: Any, real: Any, place: str = "$") -> list[str]:
    """Where a page shows what is not there, of another type, or (of :data:`_SAME`) another value."""
    if isinstance(shown, dict) and isinstance(real, dict):
        missing = [f"{place}.{name} is not there" for name in shown.keys() - real.keys()]
        found = [differences(shown[name], real[name], f"{place}.{name}") for name in shown.keys() & real.keys()]
        return missing + [each for part in found for each in part]
    if isinstance(shown, list) and isinstance(real, list):
        pairs = zip(shown, real, strict=False)
        return [each for number, pair in enumerate(pairs) for each in differences(*pair, f"{place}[{number}]")]
    if place.rpartition(".")[2] in _SAME and shown != real:
        return [f"{place} is {real!r}, not {shown!r}"]
    return [] if isinstance(real, type(shown)) else [f"{place} is a {type(real).__name__}"]


#: Which schema an answer keeps, by what the command asks for; the first that fits.
_SCHEMAS = {
    '"door"': "Problem",
    "image/png": "Verdicts",
    "/batch": "BatchLine",
    "/v1/verify": "Verdict",
    "/v1/state": "State",
    "/v1/sync": "Round",
    "8081/v1/policies": "Policies",
}


def values(text: str) -> list[Any]:
    """One JSON text, or one in each line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_the_page_runs_and_shows_what_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block in order against a real publisher: each answer has what the page shows of it; all servers end with 0;
    no log has a code, a name or a key."""
    need("curl", "openssl", "sha256sum")
    authority = Authority(tmp_path)
    (tmp_path / "clinic.json").write_text(blocks(PAGE, "json")[-1])
    with Origin(authority.server_context("localhost")) as origin:
        base = f"https://localhost:{origin.port}/"
        domain = Domain(tmp_path / "state", prefix=f"{base}status/", url=base)
        listed = domain.tokens(domain.now - 60, {REVOKED: 1})
        origin.files["/status/list-1"], origin.files["/timestamp.cbor"] = listed
        domain.learn(domain.now - 60, {REVOKED: 1})
        code, revoked = domain.code(), domain.code(REVOKED, cti=2)
        (tmp_path / "card.txt").write_text(code)
        (tmp_path / "revoked.txt").write_text(revoked)
        (tmp_path / "card.png").write_bytes(qr.draw_png(code))
        monkeypatch.setenv("ICARD_SERVE_CA_FILE", str(authority.ca_file))
        monkeypatch.setenv("ICARD_SERVE_ALLOW_NETWORK", "127.0.0.0/8 ::1/128")
        shown = list(_SHOWN.finditer((ROOT / PAGE).read_text("utf-8")))
        ports = {port: str(free_port()) for port in ("8080", "8081", "8082", "8443")}
        # The first one listens where it always does.
        replace = {"--state state > service.log": "--state state --port 8080 > service.log", **ports}
        printed = printed_by([each["code"] for each in shown], tmp_path, replace)
    logs = "".join(path.read_text("utf-8") for path in tmp_path.glob("*.log"))
    assert len(printed) == len(shown) > 12
    compared = 0
    for each, real in zip(shown, printed, strict=True):
        if each["json"]:
            wanted, told = values(each["json"]), values(real.strip())
            assert len(wanted) == len(told), each["code"]
            assert differences(wanted, told) == [], each["code"]
            compared += 1
        schema = next((name for asked, name in _SCHEMAS.items() if asked in each["code"]), None)
        for answer in values(real.strip()) if schema else ():
            assert faults({"components": COMPONENTS}, {"$ref": f"#/components/schemas/{schema}"}, answer) == []
    assert compared == 9
    named = set(re.findall(r"`(icard_verifier_\w+)`", (ROOT / PAGE).read_text("utf-8")))
    figures = (tmp_path / "figures.txt").read_text("utf-8")
    assert len(named) > 8
    assert [name for name in named if f"# TYPE {name} " not in figures] == []
    assert "certificate SHA-256" in "".join(printed)
    for secret in (code[4:24], "VOGEL", (tmp_path / "keys").read_text().split()[1]):
        assert secret not in logs


def test_a_page_that_shows_something_else_is_noticed() -> None:
    """A field that is gone, another type, another reason."""
    real = {"outcome": "VALID", "age": 60, "list": [{"uri": "x"}]}
    assert differences({"outcome": "VALID", "age": 1}, real) == []
    assert differences({"outcome": "INVALID"}, real) == ["$.outcome is 'VALID', not 'INVALID'"]
    assert differences({"age": "60"}, real) == ["$.age is a int"]
    assert differences({"list": [{"url": "x"}]}, real) == ["$.list[0].url is not there"]


def test_what_the_page_names_is_there() -> None:
    """Files of ``deploy`` that the page names exist."""
    text = (ROOT / PAGE).read_text("utf-8")
    named = set(re.findall(r"deploy/[\w./-]*\w", text))
    assert {"deploy/Containerfile", "deploy/nginx/icard.conf", "deploy/systemd/icard.service"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []
