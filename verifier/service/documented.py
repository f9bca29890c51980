"""What OpenAPI says of the routes beyond their signatures: bodies, answers, problems, examples.

Promises:

1. A test sends each example of a body, and holds each example of an answer against its schema.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from verifier.verdict_json import verdict_schema

from .asking import PICTURES
from .edge import PROBLEM_TYPE

__all__ = ["BATCH", "POLICIES", "SCHEMAS", "STATE", "SYNC", "VERIFY", "problems"]

_WORDS: Final = {
    400: "The body is no JSON.",
    401: "The service wants an API key.",
    409: "The lists are fetched by another program.",
    413: "The body is too large.",
    415: "The body is of a type that is not read.",
    422: "A field, the policy or the picture cannot be used; the code says why.",
    429: "This client asks too often; Retry-After says when it may again.",
    500: "The process that read the picture ended; other requests went on.",
    503: "Too much to do at this moment, or no trust list; Retry-After says when to ask again.",
}
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
_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "code", "hint"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:icard:problem:policy.name"]},
        "title": {"type": "string", "description": "What is wrong."},
        "status": {"type": "integer"},
        "instance": {"type": "string", "description": "The request's id."},
        "code": {"type": "string", "description": "Stable; see the list of errors."},
        "hint": {"type": "string", "description": "What to do."},
        "path": {"type": "string"},
        "expected": {"type": "string"},
        "found": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_POLICY: Final = {
    "description": "The name of a policy, or its rules.",
    "anyOf": [{"type": "string", "examples": ["gate"]}, {"type": "object", "examples": [{"leeway": 60}]}],
}
_QUESTION: Final = {
    "type": "object",
    "required": ["code"],
    "additionalProperties": False,
    "properties": {"code": {"type": "string", "maxLength": 65536}, "policy": _POLICY},
}
_FOUND: Final = {
    "type": "object",
    "required": ["verdicts", "codes"],
    "properties": {
        "verdicts": {"type": "array", "items": {"$ref": "#/components/schemas/Verdict"}},
        "codes": {"type": "integer", "description": "How many codes are in the picture."},
    },
}
_OBJECT: Final = {"type": "object"}
SCHEMAS: Final = {"Problem": _PROBLEM, "Question": _QUESTION, "Verdict": verdict_schema()}
"""Schemas by name, beside those that FastAPI knows."""

_EXAMPLES: Final = {
    "a code": {"value": {"code": "IC1:6BF0ID9..."}},
    "under a policy by name": {"value": {"code": "IC1:6BF0ID9...", "policy": "inspection"}},
    "under rules of one's own": {
        "value": {"code": "IC1:6BF0ID9...", "policy": {"status_max_age": 3600, "regions": ["310000"]}}
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems by status, as OpenAPI writes answers."""
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {each: {"description": _WORDS[each], "content": content} for each in statuses}


def _json(description: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
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
            {"anyOf": [{"$ref": "#/components/schemas/Verdict"}, _FOUND]},
        ),
        **problems(400, 413, 415, 422, 500, 503),
    },
    {
        "application/json": {"schema": {"$ref": "#/components/schemas/Question"}, "examples": _EXAMPLES},
        "text/plain": {"schema": {"type": "string"}, "example": "IC1:6BF0ID9..."},
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in PICTURES},
    },
    _ASKED,
    _QUICK,
)
BATCH: Final = _route(
    "verdicts",
    {
        200: {
            "description": "One line for each line.",
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": '{"line":1,"verdict":{...}}\n{"line":2,"error":{"code":"serve.line_json",...}}\n',
                }
            },
        },
        **problems(413, 415, 422, 503),
    },
    {"application/x-ndjson": {"schema": {"type": "string"}, "example": '{"code":"IC1:..."}\n{"code":"IC1:..."}\n'}},
    _ASKED,
)
STATE: Final = _route("knowledge", {200: _json("What is known.", _OBJECT)})
POLICIES: Final = _route("knowledge", {200: _json("The policies.", _OBJECT)})
SYNC: Final = _route(
    "knowledge",
    {
        200: _json("Done, and in use.", _OBJECT, {"done": True, "taken": 2, "faults": 0}),
        202: _json("Still under way.", _OBJECT, {"done": False}),
        **problems(409),
    },
)
