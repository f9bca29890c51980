"""``/openapi.json`` says what the service does: its examples are real, and its schemas hold every answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from tests.kit.verification_service import Domain
from tools.service_examples import published_at, service_at

LINES = "application/x-ndjson"
ANSWERS = {
    "code": "verdict",
    "question": "verdict",
    "question-by-name": "verdict-by-name",
    "question-by-rules": "verdict-by-rules",
}


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    """The domain of the examples."""
    return published_at(tmp_path_factory.mktemp("documented") / "state")


def ask(domain: Domain, method: str, url: str, **more: Any) -> httpx.Response:
    """The service's answer, on the state and by the clock of the examples."""

    async def asked() -> httpx.Response:
        async with service_at(domain) as client:
            return await client.request(method, url, **more)

    return asyncio.run(asked())


@pytest.fixture(scope="module")
def described(domain: Domain) -> Any:
    """The service's description of itself."""
    return ask(domain, "GET", "/openapi.json").json()


def faults(described: Any, schema: Any, value: Any) -> list[str]:
    """What of a value the schema does not allow."""
    validator = jsonschema.Draft202012Validator({**schema, "components": described["components"]})
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(value)]


def examples(described: Any, content: Any) -> dict[str, Any]:
    """The examples of a body or an answer, by name."""
    known = described["components"]["examples"]
    return {name: known[each["$ref"].rpartition("/")[2]]["value"] for name, each in content.get("examples", {}).items()}


def operations(described: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, path and description of every route under /v1."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                yield method.upper(), path, operation


def values(kind: str, example: Any) -> list[Any]:
    """What an example holds of JSON."""
    return [json.loads(line) for line in example.splitlines()] if kind == LINES else [example]


def schema_of(kind: str, content: Any) -> Any:
    """The schema of an answer, or of each line of it."""
    return {"$ref": "#/components/schemas/BatchLine"} if kind == LINES else content["schema"]


def test_every_body_and_answer_has_an_example(described: Any) -> None:
    """Each body but a picture, and each answer, problems too."""
    for method, path, operation in operations(described):
        bodies = operation.get("requestBody", {}).get("content", {})
        for kind, content in bodies.items():
            assert examples(described, content) or kind.startswith("image/"), (method, path, kind)
        for status, answer in operation["responses"].items():
            for content in answer["content"].values():
                assert examples(described, content), (method, path, status)
    assert len(list(operations(described))) >= 5


def test_every_example_of_an_answer_keeps_its_schema(described: Any) -> None:
    """And none would with a field more: what the schemas do not name is not allowed."""
    seen = 0
    for method, path, operation in operations(described):
        for answer in operation["responses"].values():
            for kind, content in answer["content"].items():
                for name, example in examples(described, content).items():
                    for value in values(kind, example):
                        where, schema = f"{method} {path} {name}", schema_of(kind, content)
                        assert faults(described, schema, value) == [], where
                        assert faults(described, schema, {**value, "more": 1}) != [], where
                        seen += 1
    assert seen > 10


def test_every_example_of_a_body_gets_the_example_of_its_answer(described: Any, domain: Domain) -> None:
    """Sent again, each gets an answer that is documented; of /v1/verify the very answer of the same name."""
    for method, path, operation in operations(described):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            for name, body in examples(described, content).items():
                sent = body if isinstance(body, str) else json.dumps(body)
                answer = ask(domain, method, path, content=sent, headers={"Content-Type": kind})
                found = operation["responses"][str(answer.status_code)]["content"][answer.headers["content-type"]]
                told = values(kind, answer.text if kind == LINES else answer.json())
                assert [faults(described, schema_of(kind, found), each) for each in told] == [[]] * len(told)
                if kind == LINES:
                    wanted = values(kind, examples(described, found)["batch-answer"])
                    assert [each.keys() for each in told] == [each.keys() for each in wanted]
                else:
                    assert told[0] == examples(described, found)[ANSWERS[name]]


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status"),
    [
        ("GET", "/v1/state", b"", "", 200),
        ("GET", "/v1/policies", b"", "", 200),
        ("POST", "/v1/sync", b"", "", 409),
        ("POST", "/v1/verify", b"a picture", "image/png", 200),
        ("POST", "/v1/verify", b"{", "application/json", 400),
        ("POST", "/v1/verify", b'{"kode": 1}', "application/json", 422),
        ("POST", "/v1/verify", b"A" * 70_000, "text/plain", 413),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_answer_keeps_its_schema(
    described: Any, domain: Domain, method: str, path: str, body: bytes, kind: str, status: int, language: str
) -> None:
    """Good ones and problems, in both languages; what is known is the example of it."""
    headers = {"Accept-Language": language, **({"Content-Type": kind} if kind else {})}
    answer = ask(domain, method, path, content=body, headers=headers)
    assert answer.status_code == status
    responses = described["paths"][path][method.lower()]["responses"]
    content = responses[str(status)]["content"][answer.headers["content-type"]]
    assert faults(described, content["schema"], answer.json()) == []
    if method == "GET" and language == "en":
        assert answer.json() in examples(described, content).values()
