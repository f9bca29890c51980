"""docs/embed.md: every program runs as it stands and prints what the page shows."""

from __future__ import annotations

import importlib.util
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.card.card import Profile
from tests.docs.pages import ROOT, blocks, need, printed_by
from tests.docs.test_running import free_port
from tests.kit.http_clients import ask
from tests.kit.origin import Authority, Origin
from tests.kit.verification_service import Domain

PAGE = "docs/embed.md"
REVOKED = 7
_NAMED = re.compile(r"(?:\"\"\"|// |# )(\w+\.(?:py|mjs|sh))\b")
_RUN = re.compile(r"^```sh\n(?P<code>.*?)^```\n+(?:```text\n(?P<text>.*?)^```)?", re.S | re.M)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?")


def programs() -> dict[str, str]:
    """The programs of the page by the names that they give themselves."""
    found = {}
    for language in ("python", "js", "bash"):
        for code in blocks(PAGE, language):
            named = _NAMED.search(code)
            assert named is not None, code
            found[named[1]] = code
    return found


def said(text: str) -> list[str]:
    """Lines of output, without what depends on the day."""
    return [_MOMENT.sub("<moment>", line) for line in text.strip().splitlines()]


@pytest.mark.slow
def test_the_programs_run_and_print_what_the_page_shows(tmp_path: Path) -> None:
    """Against a real publisher: init, sync, script, FastAPI, Django, shell and Node, in order, as they stand."""
    need("curl", "jq", "node")
    authority = Authority(tmp_path)
    with Origin(authority.server_context("localhost")) as origin:
        base = f"https://localhost:{origin.port}/"
        domain = Domain(tmp_path / "publisher", prefix=f"{base}status/")
        lists = domain.tokens(domain.now - 60, {REVOKED: 1})
        origin.files["/status/list-1"], origin.files["/timestamp.cbor"] = lists
        shown = {
            "trust.cbor": domain.anchor,
            "card.txt": domain.code().encode() + b"\n",
            "revoked.txt": domain.code(REVOKED, cti=2).encode() + b"\n",
            "work.txt": domain.code(profile=Profile.WORK, cti=3).encode() + b"\n",
        }
        for name, content in shown.items():
            (tmp_path / name).write_bytes(content)
        runs = list(_RUN.finditer((ROOT / PAGE).read_text("utf-8")))
        ports = {port: str(free_port()) for port in ("8090", "8091", "8092")}
        for name, code in programs().items():
            for port, free in ports.items():
                code = code.replace(port, free)
            (tmp_path / name).write_text(code)
        sync = f"icard sync --ca-file {authority.ca_file} --allow-network 127.0.0.0/8 --allow-network ::1/128 "
        replace = {"https://cards.example/": base, "icard sync ": sync, **ports}
        printed = printed_by([each["code"] for each in runs], tmp_path, replace)
    compared = [(each["text"], real) for each, real in zip(runs, printed, strict=True) if each["text"]]
    assert len(compared) == 6
    for wanted, real in compared:
        assert said(real) == said(wanted)


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    """A domain whose state lies where the page's programs look."""
    made = Domain(tmp_path / "state")
    made.learn(made.now - 60)
    return made


def loaded(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A program of the page as a module, in a folder that has a state."""
    path = folder / name
    path.write_text(programs()[name])
    monkeypatch.chdir(folder)
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, path.stem, module)
    specification.loader.exec_module(module)
    return module


def test_a_running_program_hears_of_new_lists(domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application's next answer knows what was published meanwhile; what no list says any more is no answer VALID,
    and it says so before."""
    app = loaded("door.py", tmp_path, monkeypatch).app
    code = domain.code(REVOKED)
    assert ask(app, "POST", "/door", json={"code": code}).json()["act"] == "compare"
    assert ask(app, "GET", "/fresh").status_code == 200
    domain.learn(domain.now - 30, {REVOKED: 1})
    assert ask(app, "POST", "/door", json={"code": code}).json()["reason"] == "revoked"
    monkeypatch.setattr(time, "time", lambda: domain.now + 20 * 3600)
    assert ask(app, "POST", "/door", json={"code": domain.code()}).json()["act"] == "compare"
    assert ask(app, "GET", "/fresh").status_code == 503
    monkeypatch.setattr(time, "time", lambda: domain.now + 30 * 3600)
    told = ask(app, "POST", "/door", json={"code": domain.code()}).json()
    assert (told["act"], told["whose_turn"], told["name"]) == ("ask_again", "operator", None)


def test_programs_without_a_state_confirm_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started before anybody said whom to trust, the application lets nobody in and says that it is not fresh."""
    app = loaded("door.py", tmp_path, monkeypatch).app
    code = Domain(tmp_path / "elsewhere").code()
    told = ask(app, "POST", "/door", json={"code": code}).json()
    assert (told["act"], told["reason"]) == ("ask_again", "trust_list_missing")
    assert ask(app, "GET", "/fresh").status_code == 503
