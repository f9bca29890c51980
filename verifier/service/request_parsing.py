"""What ``POST /v1/verify`` and its batch are asked: bodies and policies read strictly, answers written.

Promises:

1. Wrong use is a problem; whatever is shown as a code is a verdict.
2. A field, a type or a policy that is not known is refused by name, never ignored; so is one that is asked for twice,
   which could be two different things.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import Scope

from icard_crypto.encoding import strict_json
from icard_crypto.errors import Language
from verifier.decision.policy import Policy
from verifier.decision.verdict import Verdict
from verifier.decision.verdict_json import verdict_text
from verifier.runtime.files import plain_text
from verifier.runtime.http import FieldFault, Problem, Statuses, is_field_name
from verifier.runtime.http.raw import header_of

from .service import VerificationService

__all__ = [
    "BATCH_QUERY",
    "PICTURES",
    "QUERY",
    "STATUSES",
    "TEXTS",
    "asked_policy",
    "is_true",
    "media_type",
    "query_of",
    "verdict_bytes",
    "verdict_of_text",
]

TEXTS: Final = ("application/json", "text/plain")
PICTURES: Final = ("image/png", "image/jpeg", "image/webp")
STATUSES: Final = Statuses()
#: What the query of a single verdict may have.
QUERY: Final = ("policy", "quick")
#: Of a batch.
BATCH_QUERY: Final = ("policy", "brief")
_FIELDS: Final = frozenset({"code", "policy"})
#: Of a query that is looked at.
_MOST_FIELDS: Final = 10


def media_type(scope: Scope) -> str:
    """The type of a request's body, without parameters."""
    return header_of(scope, b"content-type").partition(";")[0].strip().lower()


def query_of(scope: Scope, *known: str) -> dict[str, str]:
    """The fields of a request's query, each of them known and there once.

    Raises:
        Problem: ``http.bad_request``: too many fields; ``http.invalid``: one that is not known, or twice.
    """
    if not scope["query_string"]:
        return {}
    try:
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem("http.bad_request", path="query", expected=f"at most {_MOST_FIELDS} fields") from None
    names = [name for name, _ in given]
    faults = [FieldFault(f"/query/{name}", "http.field_repeated") for name in known if names.count(name) > 1]
    if not set(names) <= set(known):
        faults += _unknown("/query", names, known)
    if faults:
        raise Problem("http.invalid", errors=faults)
    return dict(given)


def is_true(query: Mapping[str, str], name: str) -> bool:
    """Whether a field of the query that is ``true`` or ``false``, and ``false`` where it is missing, is ``true``.

    Raises:
        Problem: ``http.invalid``.
    """
    given = query.get(name, "false")
    if given not in ("true", "false"):
        raise Problem("http.invalid", errors=[FieldFault(f"/query/{name}", "http.field_format", "true or false")])
    return given == "true"


def asked_policy(service: VerificationService, query: Mapping[str, str], given: object = None) -> Policy:
    """The policy of a request: of its body or of ``?policy=``, else the default one.

    Raises:
        Problem: ``http.invalid``: both name one.
        Invalid: ``policy.*``.
    """
    named = query.get("policy")
    if named is not None and given is not None:
        expected = "a policy in the query or in the body"
        raise Problem("http.invalid", errors=[FieldFault("/body/policy", "http.field_repeated", expected)])
    return service.policies_by_name.asked(given if named is None else named)


def verdict_of_text(service: VerificationService, scope: Scope, kind: str, body: bytes) -> Verdict:
    """The verdict on a body of text or JSON, which the edge has kept to its cap.

    Args:
        kind: its media type.

    Raises:
        Problem: ``http.bad_request``, ``http.invalid``.
        Invalid: ``policy.*``.
    """
    query = query_of(scope, *QUERY)
    is_true(query, "quick")
    if kind == "text/plain":
        # Without the mark that some editors put in front, or by it: people send files.
        body = plain_text(body)
        try:
            return service.verify(body.decode("utf-8"), asked_policy(service, query))
        except UnicodeDecodeError:
            # Bytes of no text are looked at as bytes: a code's own form, or malformed.
            return service.verify(body, asked_policy(service, query))
    code, policy = _members(body)
    return service.verify(code, asked_policy(service, query, policy))


def verdict_bytes(verdict: Verdict, language: Language) -> bytes:
    """A verdict as JSON."""
    return verdict_text(verdict, language).encode()


def _members(body: bytes) -> tuple[str, Any]:
    try:
        loaded = strict_json.loads(body)
    except strict_json.DuplicateMember:
        raise Problem("http.bad_request", expected="JSON with each member once") from None
    except ValueError:
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
        faults += _unknown("/body", loaded, ("code", "policy"))
    raise Problem("http.invalid", errors=faults)


def _unknown(parent: str, names: Iterable[str], known: Collection[str]) -> list[FieldFault]:
    """A fault for each place of a field that is not known, of many for the first ones.

    Args:
        parent: ``/query`` or ``/body``.
    """
    places = dict.fromkeys(f"{parent}/{name}" if is_field_name(name) else parent for name in names if name not in known)
    return [FieldFault(place, "http.field_unknown", ", ".join(known)) for place in list(places)[:_MOST_FIELDS]]
