"""``POST /v1/verify`` of a running service: texts, JSON and pictures in, verdicts and problems out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from icard_crypto import qr
from icard_crypto.card.card import Profile
from tests.kit.adversary import STRANGER
from tests.kit.verification_service import Domain, Server, serving
from verifier import verdict_schema

REVOKED = 7


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    """A domain whose list knows one revoked entry."""
    made = Domain(tmp_path_factory.mktemp("verify") / "state")
    made.learn(made.now - 60, {REVOKED: 1})
    return made


@pytest.fixture(scope="module")
def server(domain: Domain) -> Iterator[Server]:
    """The service on that domain, without syncing."""
    with serving(domain.folder, "--no-sync", "--rate", "0") as running:
        yield running


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem of an answer."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.json()
    assert told["code"] == code
    return told


def test_a_code_by_json_and_by_text(server: Server, domain: Domain) -> None:
    """Both forms give the whole verdict of the library, by its schema, in the language asked for."""
    code = domain.code()
    verdict = server.verify(code)
    jsonschema.validate(verdict, verdict_schema())
    assert (verdict["outcome"], verdict["reason"], verdict["policy"]) == ("VALID", "valid", "gate")
    assert verdict["card"]["holder"]["name"] == "HANNELORE BRIGITTA VOGEL"
    headers = {"Content-Type": "text/plain; charset=utf-8", "Accept-Language": "zh-CN"}
    answer = server.client.post("/v1/verify", content=f" {code}\n".encode(), headers=headers)
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("zh", "Accept-Language")
    assert answer.json()["outcome_text"] == "有效"


def test_a_file_with_a_byte_order_mark(server: Server, domain: Domain) -> None:
    """A text that an editor saved may be sent as it is, as a body or in JSON: the mark in front is taken off."""
    content = ("\ufeff" + domain.code()).encode()
    answer = server.client.post("/v1/verify", content=content, headers={"Content-Type": "text/plain"})
    assert answer.json()["outcome"] == "VALID"
    assert server.verify(content.decode())["outcome"] == "VALID"


@pytest.mark.parametrize(
    ("shown", "reason"),
    [("", "not_a_card"), ("https://example.com/", "not_a_card"), ("IC1:!", "malformed"), ("A" * 9000, "too_large")],
)
def test_whatever_is_shown_is_a_verdict(server: Server, shown: str, reason: str) -> None:
    """Nothing that is shown as a code is wrong use: it is INVALID, with status 200."""
    assert server.verify(shown)["reason"] == reason
    answer = server.client.post("/v1/verify", content=shown.encode(), headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["reason"]) == (200, reason)


def test_bytes_that_are_no_text_are_a_verdict(server: Server) -> None:
    """A text/plain body that is no UTF-8 is INVALID, and so is a lone surrogate in JSON."""
    answer = server.client.post("/v1/verify", content=b"\xff\xfe", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "INVALID")
    headers = {"Content-Type": "application/json"}
    answer = server.client.post("/v1/verify", content=b'{"code": "IC1:\\ud800"}', headers=headers)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "INVALID")


def test_revoked_and_foreign_codes(server: Server, domain: Domain) -> None:
    """A revoked card is shown with its reason; of a stranger's nothing is shown."""
    assert server.verify(domain.code(REVOKED))["reason"] == "revoked"
    verdict = server.verify(domain.code(key=STRANGER))
    assert (verdict["reason"], verdict["card"]) == ("untrusted_key", None)


def test_a_policy_by_name_by_query_and_inline(server: Server, domain: Domain) -> None:
    """The body's policy or the query's; an inline one is called inline and applies."""
    code = domain.code()
    assert server.verify(code, policy="inspection")["reason"] == "not_disclosed"
    answer = server.client.post("/v1/verify?policy=offline", json={"code": code})
    assert answer.json()["policy"] == "offline"
    verdict = server.verify(code, policy={"status_max_age": 1})
    assert (verdict["policy"], verdict["reason"]) == ("inline", "status_stale")
    assert server.verify(domain.code(profile=Profile.WORK), policy={"employer_disclosed": True})["outcome"] == "VALID"


@pytest.mark.parametrize(
    ("query", "body", "pointer", "code"),
    [
        ("policy=inspection&policy=gate", {}, "/query/policy", "http.field_repeated"),
        ("polciy=inspection", {}, "/query/polciy", "http.field_unknown"),
        ("policy=gate&x", {}, "/query/x", "http.field_unknown"),
        ("policy=gate&LI%20Anna=1", {}, "/query", "http.field_unknown"),
        ("policy=gate", {"polcy": "gate"}, "/body/polcy", "http.field_unknown"),
        ("quick=yes", {}, "/query/quick", "http.field_format"),
        ("policy=inspection", {"policy": "gate"}, "/body/policy", "http.field_repeated"),
        ("policy=gate", {"policy": {"insurance": "live"}}, "/body/policy", "http.field_repeated"),
    ],
)
def test_a_policy_that_could_be_meant_is_applied_or_refused(
    server: Server, domain: Domain, query: str, body: dict[str, Any], pointer: str, code: str
) -> None:
    """A field of the query that is unknown, misspelt or there twice is named; no verdict under another policy is
    given. So it is for every kind of body."""
    answer = server.client.post(f"/v1/verify?{query}", json={"code": domain.code(), **body})
    (fault,) = problem(answer, 422, "http.invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)
    if not body:
        for path, kind in (("", "text/plain"), ("", "image/png"), ("/batch", "application/x-ndjson")):
            if not (path == "/batch" and "quick" in query):
                answer = server.client.post(f"/v1/verify{path}?{query}", content=b"x", headers={"Content-Type": kind})
                problem(answer, 422, "http.invalid")


def test_an_address_has_one_form_and_one_name(server: Server, domain: Domain) -> None:
    """A final slash is another address, no redirect is made of the Host, and another Host reads nothing."""
    answer = server.client.post("/v1/verify/", json={"code": domain.code()})
    assert (answer.status_code, "location" in answer.headers) == (404, False)
    problem(server.client.get("/v1/state", headers={"Host": "evil.example"}), 400, "http.bad_request")


def test_a_policy_without_a_value_is_no_policy(server: Server, domain: Domain) -> None:
    """An empty name is refused like any other that does not exist."""
    problem(server.client.post("/v1/verify?policy=", json={"code": domain.code()}), 422, "policy.name")


def test_a_policy_in_a_line_of_a_batch_is_refused(server: Server, domain: Domain) -> None:
    """A line asks for nothing but a verdict on its code; one with more, or with a member twice, is at fault."""
    code = json.dumps(domain.code())
    lines = [
        f'{{"code": {code}, "policy": "inspection"}}',
        f'{{"code": {code}, "polcy": {{}}}}',
        f'{{"code": "x", "code": {code}}}',
        f'{{"code": {code}}}',
    ]
    answer = server.client.post(
        "/v1/verify/batch", content="\n".join(lines).encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [each["error"]["code"] for each in told[:3]] == ["serve.line_json"] * 3
    assert told[3]["verdict"]["outcome"] == "VALID"


def test_a_brief_batch_has_no_words_and_no_card(server: Server, domain: Domain) -> None:
    """The outcomes, reasons and identities of the full answer, and nothing else of the cards; faulty lines as ever."""
    codes = [domain.code(cti=17), domain.code(REVOKED, cti=18), domain.code(key=STRANGER)]
    content = "".join(json.dumps({"code": text}) + "\n" for text in codes) + "{}\n"
    headers = {"Content-Type": "application/x-ndjson"}
    full, brief = (
        [json.loads(line) for line in server.client.post(url, content=content, headers=headers).text.splitlines()]
        for url in ("/v1/verify/batch?brief=false", "/v1/verify/batch?brief=true&policy=gate")
    )
    for one, other in zip(full[:3], brief[:3], strict=True):
        verdict, code = one["verdict"], one["verdict"]["code"]
        shared = {name: verdict[name] for name in ("outcome", "reason", "detail", "mends", "environment")}
        also = [reason["reason"] for reason in verdict["also"]]
        assert other["verdict"] == {**shared, "also": also, "cti": None if code is None else code["cti"]}
    assert [each["verdict"]["outcome"] for each in brief[:3]] == ["VALID", "INVALID", "INVALID"]
    assert [each["verdict"]["cti"] for each in brief[:3]] == [f"{17:016x}", f"{18:016x}", None]
    assert brief[3] == full[3]


@pytest.mark.parametrize(
    ("path", "query", "pointer", "code"),
    [
        ("/batch", "brief=yes", "/query/brief", "http.field_format"),
        ("/batch", "brief", "/query/brief", "http.field_format"),
        ("/batch", "brief=true&brief=true", "/query/brief", "http.field_repeated"),
        ("/batch", "breif=true", "/query/breif", "http.field_unknown"),
        ("/batch", "quick=true", "/query/quick", "http.field_unknown"),
        ("", "brief=true", "/query/brief", "http.field_unknown"),
    ],
)
def test_what_is_wished_for_is_done_or_refused_by_name(
    server: Server, path: str, query: str, pointer: str, code: str
) -> None:
    """Nobody gets cards who believes that he asked for none."""
    headers = {"Content-Type": "application/x-ndjson" if path else "text/plain"}
    answer = server.client.post(f"/v1/verify{path}?{query}", content=b"{}\n", headers=headers)
    (fault,) = problem(answer, 422, "http.invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


def test_a_lone_surrogate_in_a_field_of_a_policy_is_wrong_use(server: Server) -> None:
    """JSON can name one and UTF-8 cannot: the problem escapes it as the request did."""
    body = b'{"code": "", "policy": {"\\ud800": 1}}'
    answer = server.client.post("/v1/verify", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer, 422, "policy.field")["path"] == "\ud800"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "http.bad_request"),
        (b'{"code": "", "policy": "inspection", "policy": "gate"}', "application/json", 400, "http.bad_request"),
        (b'{"code": "", "policy": {"leeway": 1, "leeway": 2}}', "application/json", 400, "http.bad_request"),
        (b'{"code": "", "policy": {"leeway": NaN}}', "application/json", 400, "http.bad_request"),
        (b"[]", "application/json", 422, "http.invalid"),
        (b"{}", "application/json", 422, "http.invalid"),
        (b'{"code": 1}', "application/json", 422, "http.invalid"),
        (b'{"code": "", "cod": 1}', "application/json", 422, "http.invalid"),
        (b'{"code": "", "policy": "door"}', "application/json", 422, "policy.name"),
        (b'{"code": "", "policy": {"name": "gate"}}', "application/json", 422, "policy.taken"),
        (b'{"code": "", "policy": {"leeway": -1}}', "application/json", 422, "policy.value"),
        (b'{"code": "", "policy": 1}', "application/json", 422, "policy.value"),
        (b'{"code": "' + b"A" * 65536 + b'"}', "application/json", 413, "http.too_large"),
        (b"A" * 70000, "text/plain", 413, "http.too_large"),
        (b"<a/>", "text/xml", 415, "http.content_type"),
        (b"{}", "application/json; charset=latin-1", 415, "http.content_type"),
        (b"not a picture", "image/png", 422, "picture.not_a_picture"),
        (b"\x89PNG\r\n\x1a\n", "image/png", 422, "picture.broken"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_wrong_use_is_a_problem(server: Server, body: bytes, kind: str, status: int, code: str, language: str) -> None:
    """RFC 9457, with a stable code, in the language asked for, without a word of what was sent."""
    headers = {"Content-Type": kind, "Accept-Language": language}
    told = problem(server.client.post("/v1/verify", content=body, headers=headers), status, code)
    assert told["title"].endswith("。" if language == "zh" else ".")


@pytest.mark.parametrize(("path", "kind"), [("", "text/plain"), ("", "image/png"), ("/batch", "application/x-ndjson")])
def test_a_query_of_many_fields_is_wrong_use(server: Server, path: str, kind: str) -> None:
    """More fields than are looked at are refused by name, whatever is asked: they are no fault of the service."""
    answer = server.client.post(
        f"/v1/verify{path}?{'&' * 20}policy=gate", content=b"{}", headers={"Content-Type": kind}
    )
    assert problem(answer, 400, "http.bad_request")["path"] == "query"


def test_the_codes_of_a_picture_worst_first(server: Server, domain: Domain) -> None:
    """All codes of a picture, worst first; none where there is none: a frame is no verdict."""
    from PIL import Image

    good, bad = (Image.open(_file(qr.draw_png(domain.code(index)))) for index in (5, REVOKED))
    both = Image.new("L", (good.width + bad.width, max(good.height, bad.height)), 255)
    both.paste(good, (0, 0))
    both.paste(bad, (good.width, 0))
    for kind, form in (("image/png", "PNG"), ("image/jpeg", "JPEG"), ("image/webp", "WEBP")):
        found = send_picture(server, _written(both, form), kind)
        assert found["codes"] == 2
        assert [verdict["reason"] for verdict in found["verdicts"]] == ["revoked", "valid"]
    empty = _written(Image.new("L", (320, 200), 255), "PNG")
    assert send_picture(server, empty, "image/png") == {"verdicts": [], "codes": 0}
    assert send_picture(server, empty, "image/png", "?quick=true&policy=offline") == {"verdicts": [], "codes": 0}


def test_both_ways_answer_alike(server: Server, domain: Domain) -> None:
    """The lean way and FastAPI's route give the same bytes and headers for texts, and for faults."""
    import asyncio

    import httpx

    from verifier.runtime.http import Drain
    from verifier.service.app import around, make_service_app
    from verifier.service.lean import LeanVerify
    from verifier.service.service import VerificationService
    from verifier.service.settings import ServiceSettings

    async def ask(lean: bool, body: bytes, kind: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        service = VerificationService(ServiceSettings(domain.folder), Drain())
        service.now = lambda: domain.now  # type: ignore[method-assign]
        await service.state.refresh()
        inner = make_service_app(service)
        app = around(LeanVerify(inner, service) if lean else inner, service)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = {"Content-Type": kind, "X-Request-Id": "0" * 16, "Accept-Language": "zh"}
            answer = await client.post("/v1/verify?policy=offline", content=body, headers=headers)
        return answer.status_code, answer.content, sorted(answer.headers.items())

    code = domain.code().encode()
    for body, kind in [
        (code, "text/plain"),
        (json.dumps({"code": code.decode()}).encode(), "application/json"),
        (b"{", "application/json"),
        (b'{"code": 1}', "application/json"),
        (b'{"code": "", "policy": "door"}', "application/json"),
        (b"A" * 70000, "text/plain"),
    ]:
        lean, usual = (asyncio.run(ask(way, body, kind)) for way in (True, False))
        assert lean == usual


def send_picture(server: Server, picture: bytes, kind: str, query: str = "") -> Any:
    """The answer to a picture."""
    answer = server.client.post(f"/v1/verify{query}", content=picture, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _file(data: bytes) -> Any:
    import io

    return io.BytesIO(data)


def _written(image: Any, form: str) -> bytes:
    buffer = _file(b"")
    image.save(buffer, form)
    written: bytes = buffer.getvalue()
    return written


def test_nothing_of_a_request_is_logged(server: Server, domain: Domain, tmp_path: Path) -> None:
    """After texts, pictures, batches and faults the log holds no code, no name, no number and no address asked for."""
    code = domain.code()
    server.verify(code, policy="offline")
    server.client.post(f"/v1/verify?policy={code[:20]}", json={"code": code})
    server.client.post("/v1/verify/batch", content=json.dumps({"code": code}) + "\n", headers=NDJSON)
    server.client.get(f"/{code[4:40]}")
    send_picture(server, qr.draw_png(code), "image/png")
    logged = server.lines()
    assert "/v1/verify" in logged
    for part in (code[4:24], code[:12], "VOGEL", "HANNELORE", "127.0.0.1", "310115"):
        assert part not in logged


NDJSON = {"Content-Type": "application/x-ndjson"}
