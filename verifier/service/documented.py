"""What OpenAPI says about the routes beyond their signatures: bodies, answers, problems, examples.

Promises:

1. The examples are what the service answered to a genuine code (:mod:`tools.service_examples` writes
   ``examples.json``); a test sends each example of a body again, and checks every answer, the examples too, against the
   schemas in ``schemas.json``, which allow nothing that they do not name.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from starlette.responses import Response

from verifier.decision.verdict_json import verdict_schema
from verifier.runtime.http import PROBLEM_TYPE

from .request_parsing import PICTURES

__all__ = ["BATCH", "COMPONENTS", "POLICIES", "STATE", "SYNC", "VERIFY", "problems"]

_WORDS: Final = {
    400: "The body is no JSON.",
    401: "The service wants an API key.",
    408: "The body took too long to come.",
    409: "The lists are fetched by another program, or the state folder cannot be written.",
    413: "The body is too large.",
    415: "The body is of a type that is not read.",
    422: "A field, the policy or the picture cannot be used; the code says why.",
    429: "This client asks too often; Retry-After says when it may again.",
    500: "The process that read the picture ended; other requests went on.",
    503: "Too much to do at this moment, or no trust list; Retry-After says when to ask again.",
}
_LINES: Final = "application/x-ndjson"
_LANGUAGE: Final = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "default": "en"},
    "description": "`en` or `zh`, for all words of the answer.",
}
_ASKED: Final = {
    "name": "policy",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "The name of a policy, see `/v1/policies`; without it the default one counts.",
}
_QUICK: Final = {
    "name": "quick",
    "in": "query",
    "required": False,
    "schema": {"type": "boolean", "default": False},
    "description": "Look at a picture once only, for the frames of a camera: the next one is the better try.",
}
_BRIEF: Final = {
    "name": "brief",
    "in": "query",
    "required": False,
    "schema": {"type": "boolean", "default": False},
    "description": "Outcomes and reasons only, as `BriefVerdict` of the schemas: several times as many lines a second.",
}


def _data(name: str) -> Any:
    return json.loads((resources.files("verifier.service") / name).read_text("utf-8"))


_VERDICT: Final = json.loads(json.dumps(verdict_schema()).replace('"#/$defs/', '"#/components/schemas/Verdict.'))
COMPONENTS: Final[dict[str, dict[str, Any]]] = {
    "schemas": {
        **_data("schemas.json"),
        **{f"Verdict.{name}": schema for name, schema in _VERDICT.pop("$defs").items()},
        "Verdict": {name: value for name, value in _VERDICT.items() if name not in ("$id", "$schema")},
    },
    "examples": _data("examples.json"),
}
"""Schemas and examples by name, beside those that FastAPI knows: it would leave out what is null in an example."""


def _schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _examples(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/examples/{name}"} for name in names}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems by status, as OpenAPI writes answers."""
    content = {PROBLEM_TYPE: {"schema": _schema("Problem"), "examples": _examples("problem")}}
    return {each: {"description": _WORDS[each], "content": content} for each in statuses}


def _json(description: str, schema: dict[str, Any], *examples: str) -> dict[str, Any]:
    content = {"schema": schema, "examples": _examples(*examples)}
    return {"description": description, "content": {"application/json": content}}


def _route(
    tag: str, answers: dict[int | str, dict[str, Any]], body: dict[str, Any] | None = None, *parameters: Any
) -> dict[str, Any]:
    extra: dict[str, Any] = {"parameters": [_LANGUAGE, *parameters]}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": body}
    return {
        "tags": [tag],
        "responses": {**answers, **problems(401, 429)},
        "openapi_extra": extra,
        "response_class": Response,
    }


VERIFY: Final = _route(
    "verdicts",
    {
        200: _json(
            "The verdict; of a picture, those on all codes in it.",
            {"anyOf": [_schema("Verdict"), _schema("Verdicts")]},
            *("verdict", "verdict-by-name", "verdict-by-rules", "verdicts"),
        ),
        **problems(400, 408, 413, 415, 422, 500, 503),
    },
    {
        "application/json": {
            "schema": _schema("Question"),
            "examples": _examples("question", "question-by-name", "question-by-rules"),
        },
        "text/plain": {"schema": {"type": "string"}, "examples": _examples("code")},
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in PICTURES},
    },
    _ASKED,
    _QUICK,
)
BATCH: Final = _route(
    "verdicts",
    {
        200: {
            "description": "A line for each line, in order: `BatchLine` of the schemas.",
            "content": {
                _LINES: {"schema": {"type": "string"}, "examples": _examples("batch-answer", "batch-answer-brief")}
            },
        },
        **problems(413, 415, 422, 503),
    },
    {_LINES: {"schema": {"type": "string"}, "examples": _examples("batch")}},
    _ASKED,
    _BRIEF,
)
STATE: Final = _route("knowledge", {200: _json("What is known.", _schema("State"), "state")})
POLICIES: Final = _route("knowledge", {200: _json("The policies.", _schema("Policies"), "policies")})
SYNC: Final = _route(
    "knowledge",
    {
        200: _json("Done, and in use.", _schema("Round"), "round"),
        202: _json("Still under way.", _schema("Round"), "round-begun"),
        **problems(409),
    },
)
