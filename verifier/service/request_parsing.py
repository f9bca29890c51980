"""What ``POST /v1/verify`` and its batch are asked: bodies and policies read strictly, answers written.

Promises:

1. Wrong use is a problem; whatever is shown as a code is a verdict.
2. A field, a type or a policy that is not known is refused by name, never ignored.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.types import Scope

from icard_crypto.errors import Language
from verifier.decision.policy import Policy
from verifier.decision.verdict import Verdict
from verifier.decision.verdict_json import verdict_text
from verifier.runtime.http import FieldFault, Problem, Statuses
from verifier.runtime.http.raw import header_of

from .service import VerificationService

__all__ = ["PICTURES", "STATUSES", "TEXTS", "asked_policy", "media_type", "verdict_bytes", "verdict_of_text"]

TEXTS: Final = ("application/json", "text/plain")
PICTURES: Final = ("image/png", "image/jpeg", "image/webp")
STATUSES: Final = Statuses(by_layer={"policy": 422, "picture": 422})
_FIELDS: Final = frozenset({"code", "policy"})
#: Of a query; two have a meaning.
_MOST_FIELDS: Final = 10


def media_type(scope: Scope) -> str:
    """The type of a request's body, without parameters."""
    return header_of(scope, b"content-type").partition(";")[0].strip().lower()


def asked_policy(service: VerificationService, scope: Scope, given: object = None) -> Policy:
    """The policy of a request: of its body, else of ``?policy=``, else the default one.

    Raises:
        Problem: ``http.bad_request``: the query has more fields than are looked at.
        StateError: ``policy.*``.
    """
    if given is None and scope["query_string"]:
        try:
            named = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=_MOST_FIELDS).get("policy")
        except ValueError:
            raise Problem("http.bad_request", path="query", expected=f"at most {_MOST_FIELDS} fields") from None
        given = named[-1] if named else None
    return service.policies_by_name.asked(given)


def verdict_of_text(service: VerificationService, scope: Scope, kind: str, body: bytes) -> Verdict:
    """The verdict on a body of text or JSON, which the edge has kept to its cap.

    Args:
        kind: its media type.

    Raises:
        Problem: ``http.bad_request``, ``http.invalid``.
        StateError: ``policy.*``.
    """
    if kind == "text/plain":
        try:
            # Without the mark that some editors put in front of UTF-8: people send files.
            return service.verify(body.decode("utf-8-sig"), asked_policy(service, scope))
        except UnicodeDecodeError:
            # Bytes of no text are looked at as bytes: a code's own form, or malformed.
            return service.verify(body, asked_policy(service, scope))
    code, policy = _members(body)
    return service.verify(code, asked_policy(service, scope, policy))


def verdict_bytes(verdict: Verdict, language: Language) -> bytes:
    """A verdict as JSON."""
    return verdict_text(verdict, language).encode()


def _members(body: bytes) -> tuple[str, Any]:
    try:
        loaded = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem("http.bad_request", expected="JSON") from None
    if not isinstance(loaded, dict):
        raise Problem("http.invalid", errors=[FieldFault("/body", "http.field_type", "an object")])
    code = loaded.get("code")
    if isinstance(code, str) and loaded.keys() <= _FIELDS:
        return code, loaded.get("policy")
    faults = []
    if "code" not in loaded:
        faults.append(FieldFault("/body/code", "http.field_missing"))
    elif not isinstance(code, str):
        faults.append(FieldFault("/body/code", "http.field_type", "text"))
    if not loaded.keys() <= _FIELDS:
        faults.append(FieldFault("/body", "http.field_unknown", "code, policy"))
    raise Problem("http.invalid", errors=faults)
