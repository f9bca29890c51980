"""The page's addresses over HTTP: headers, files, settings in the address, the forms of a browser without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.kit.pictures import encoded, on_canvas
from tests.kit.scan.memory_desk import MemoryDesk, running
from tests.kit.scan.scenes import SCENES, codes_in, reference_name
from tests.kit.trust_domain import World
from verifier.runtime.http import Problem


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[MemoryDesk, httpx.Client]]:
    """A desk and a client before its server."""
    desk = MemoryDesk()
    with running(desk) as url, httpx.Client(base_url=url) as client:
        yield desk, client


@pytest.fixture
def desk(served: tuple[MemoryDesk, httpx.Client]) -> MemoryDesk:
    """The desk, as it was at its start."""
    fresh = MemoryDesk()
    for name in vars(fresh):
        setattr(served[0], name, getattr(fresh, name))
    return served[0]


@pytest.fixture
def client(served: tuple[MemoryDesk, httpx.Client]) -> httpx.Client:
    """A client."""
    return served[1]


def test_the_page_takes_no_inline_code_and_nothing_from_elsewhere(desk: MemoryDesk, client: httpx.Client) -> None:
    """The page's policy names its own origin alone; there is no inline script, style or handler, no other origin."""
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", answer.text) == []
    assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//", answer.text) == []


@pytest.mark.parametrize("asked", ["GET /", "GET /age", "POST /answer", "POST /check", "POST /update"])
def test_no_answer_is_stored(desk: MemoryDesk, client: httpx.Client, asked: str) -> None:
    """Neither the browser nor anybody between keeps an answer, and no script or style may stand in one."""
    method, path = asked.split()
    kind = "text/plain" if path == "/answer" else "application/x-www-form-urlencoded"
    body = {} if method == "GET" else {"content": f"code={SCENES['valid'].shown()}", "headers": {"Content-Type": kind}}
    answer = client.request(method, path, **body)  # type: ignore[arg-type]
    assert answer.is_success
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


def test_files_have_etags_and_only_files_are_served(desk: MemoryDesk, client: httpx.Client) -> None:
    """Every file that the page names is there with a type and an ETag, unchanged is 304, and no path leads out."""
    page = client.get("/").text
    names = set(re.findall(r"static/[\w/.-]+", page))
    assert len(names) >= 6
    for name in names:
        answer = client.get(f"/{name}")
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = client.get(f"/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for path in ("static/../routes.py", "static/%2e%2e/words.json", "static//etc/passwd", "static/js", "static/"):
        assert client.get(f"/{path}").status_code == 404


@pytest.mark.parametrize(("header", "tag"), [("zh-CN,zh;q=0.9", "zh-Hans"), ("de", "en"), ("", "en")])
def test_language_by_header(desk: MemoryDesk, client: httpx.Client, header: str, tag: str) -> None:
    """The browser's language decides where the address names none; the address wins."""
    assert f'<html lang="{tag}">' in client.get("/", headers={"Accept-Language": header}).text
    assert '<html lang="en">' in client.get("/?lang=en", headers={"Accept-Language": "zh"}).text


def test_settings_stand_in_the_address_alone(desk: MemoryDesk, client: httpx.Client) -> None:
    """Settings of the address are chosen in the page and carried in its links; unknown ones are as if not there; no
    cookie is ever set."""
    answer = client.get("/?rule=benefit&sound=on&next=15&keep=9999&evil=%3Cscript%3E")
    assert '<option value="benefit" selected>' in answer.text
    assert '<option value="15" selected>' in answer.text
    assert "evil" not in answer.text
    assert "lang=zh" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_text_from_a_file_with_a_byte_order_mark(desk: MemoryDesk, client: httpx.Client) -> None:
    """What an editor put in front of the code is not the holder's fault, with script and without."""
    scene = SCENES["valid"]
    desk.world = scene.world
    shown = f"\ufeff{scene.shown()}\n"
    # Types are of any case (RFC 9110 section 8.3.1).
    answer = client.post("/answer", content=shown, headers={"Content-Type": "Text/Plain"})
    assert 'data-reason="valid"' in answer.text
    assert 'data-reason="valid"' in client.post("/check", data={"code": shown}).text


def test_the_unsafe_policy_is_not_offered(desk: MemoryDesk, client: httpx.Client) -> None:
    """No page checks without the list of withdrawn cards, whatever its address says."""
    scene = SCENES["revoked"]
    desk.world = scene.world
    assert "unsafe" not in client.get("/?rule=unsafe_no_status").text
    answer = client.post("/check?rule=unsafe_no_status", data={"code": scene.shown()})
    assert (answer.status_code, "revoked" in answer.text) == (422, False)


@pytest.mark.parametrize("query", ["rule=inspecton", "rule=", "rule=inspection&rule=gate", "rule=unsafe_no_status"])
def test_a_rule_that_is_not_there_is_refused_by_name(desk: MemoryDesk, client: httpx.Client, query: str) -> None:
    """A weaker rule would be applied without a word: no code is checked, and the page says what is wrong."""
    desk.world = SCENES["valid"].world
    page = client.get(f"/?{query}&lang=en").text
    assert "This address names a rule that does not exist here." in page
    for path, sent in (("/check", {"data": {"code": SCENES["valid"].shown()}}), ("/answer", {"content": b"x"})):
        headers = {"Content-Type": "text/plain"} if path == "/answer" else {}
        answer = client.post(f"{path}?{query}", headers=headers, **sent)
        assert (answer.status_code, "/query/rule" in answer.text) == (422, True)
    assert desk.asked == []


def test_ages_of_many_lists_are_worked_out_once_a_second(
    desk: MemoryDesk, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pages are asked for."""
    calls = []

    def counted(*asked: object) -> None:
        calls.append(asked)

    monkeypatch.setattr("verifier.service.scan.rendering.age_of_knowledge", counted)
    kept = desk.domains()
    monkeypatch.setattr(desk, "domains", lambda: kept)
    for _ in range(5):
        assert client.get("/").status_code == 200
    assert 1 <= len(calls) <= 2


@pytest.mark.parametrize("name", ["valid", "revoked", "not_a_card", "status_stale"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_forms_without_scripts(desk: MemoryDesk, client: httpx.Client, name: str, language: str) -> None:
    """A posted text comes back as the same page with the answer, the photo in it, and a way on; the code is nowhere."""
    scene = SCENES[name]
    desk.world = scene.world
    shown = scene.shown()
    answer = client.post(f"/check?lang={language}", data={"code": shown})
    assert answer.status_code == 200
    assert f'data-outcome="{scene.outcome}" data-reason="{scene.reason}"' in answer.text
    assert shown not in answer.text
    assert "example.com" not in answer.text
    assert ("data:image/avif;base64," in answer.text) == (name == "valid")
    assert f'href="./?lang={language}"' in answer.text
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_picture_without_scripts(desk: MemoryDesk, client: httpx.Client) -> None:
    """A posted picture with two codes gives both answers, the worst first, and no joint colour."""
    good = SCENES["valid"].shown()
    picture = codes_in(good, "HTTPS://EXAMPLE.COM/")
    answer = client.post("/check", files={"picture": ("photo.png", picture, "image/png")})
    shown = answer.text.partition("<template")[0]
    assert re.findall(r'<article[^>]*data-outcome="(\w+)"', shown) == ["INVALID", "VALID"]
    assert "2 codes found, most serious first" in answer.text


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"data": {"code": "  "}}, "There was nothing to check."),
        ({"files": {"picture": ("a.png", b"", "image/png")}}, "There was nothing to check."),
        ({"files": {"picture": ("a.png", codes_in("X")[:200], "image/png")}}, "damaged or incomplete"),
        ({"files": {"picture": ("a.txt", b"hello", "text/plain")}}, "not a picture"),
        (
            {"files": {"picture": ("a.png", encoded(on_canvas((60, 60))), "image/png")}},
            "No code in this picture",
        ),
    ],
)
def test_forms_that_bring_nothing(desk: MemoryDesk, client: httpx.Client, sent: dict[str, object], told: str) -> None:
    """Nothing, a broken picture, no picture and a picture without a code are told in words; none is a verdict."""
    answer = client.post("/check", **sent)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert told in answer.text
    assert "data-reason" not in answer.text


def test_an_answer_alone_is_a_fragment(desk: MemoryDesk, client: httpx.Client) -> None:
    """Scripts get the answer without the page, the photo as data beside the picture; a frame without a code is 204."""
    scene = SCENES["valid"]
    answer = client.post("/answer", content=scene.shown(), headers={"Content-Type": "text/plain"})
    assert answer.text.lstrip().startswith("<article")
    assert reference_name() in answer.text
    assert "src=" not in answer.text
    empty = encoded(on_canvas((60, 60)))
    assert client.post("/answer?quick=1", content=empty, headers={"Content-Type": "image/png"}).status_code == 204
    assert desk.asked == ["text", "frame"]


def test_markup_in_a_card_is_text(desk: MemoryDesk, client: httpx.Client) -> None:
    """A name that is markup is shown as its characters."""
    from tests.kit.trust_domain import code

    shown = code(holder={"name_native": "<img src=x>"})
    text = client.post("/answer", content=shown, headers={"Content-Type": "text/plain"}).text
    assert "&lt;img src=x&gt;" in text
    assert "<img" not in text


@pytest.mark.parametrize(
    ("can", "contact", "told"), [(True, None, "Update"), (False, "Ms Chen, 021", "Contact: Ms Chen, 021")]
)
def test_who_mends_stale_lists(
    desk: MemoryDesk, client: httpx.Client, can: bool, contact: str | None, told: str
) -> None:
    """Where the service can update there is a button, else the page says whom to call."""
    desk.world, desk.can_update, desk.contact = SCENES["status_stale"].world, can, contact
    text = client.post("/check", data={"code": SCENES["status_stale"].shown()}).text
    assert told in text
    assert ('action="update"' in text) == can


def test_update_without_scripts(desk: MemoryDesk, client: httpx.Client) -> None:
    """The form updates the lists and says so; scripts get 204; a service that cannot answers with its problem."""
    stale, fresh = SCENES["status_stale"].world, World(environment="production")
    desk.world, desk.after_update = stale, fresh
    answer = client.post(
        "/update", headers={"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
    )
    assert "The lists were updated." in answer.text
    assert desk.world is fresh
    assert client.post("/update", headers={"Accept": "application/json"}).status_code == 204
    desk.can_update = False
    problem = client.post("/update", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.json()["code"]) == (409, "serve.sync_apart")


def test_the_age_line(desk: MemoryDesk, client: httpx.Client) -> None:
    """The age of what is known stands on the page before a scan and can be asked for; over the limit it says so."""
    assert "Lists updated 1 h ago" in client.get("/").text
    desk.world = SCENES["status_stale"].world
    answer = client.get("/age?lang=zh")
    assert "名单26小时前更新，已超过24小时" in answer.text
    assert answer.headers["x-age-level"] == "over"


def test_faults_of_the_service_are_problems(desk: MemoryDesk, client: httpx.Client) -> None:
    """Where the service refuses, scripts get its problem in their language; a body of another type is refused."""
    desk.broken = Problem("http.overloaded", headers={"Retry-After": "1"})
    answer = client.post("/answer", content="x", headers={"Content-Type": "text/plain", "Accept-Language": "zh"})
    assert answer.status_code == 503
    assert re.search(r"[\u4e00-\u9fff]", answer.json()["title"])
    assert client.post("/answer", json={}).status_code == 415
