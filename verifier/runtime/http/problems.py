"""Problems: whatever a service refuses or fails at, as one exception and one form on the wire.

Promises:

1. A problem is RFC 9457 ``application/problem+json``: ``type`` (``urn:icard:problem:<code>``), ``title`` (what is
   wrong), ``status``, ``instance`` (the request's id), and as extensions ``code`` (stable, of icard's one catalogue),
   ``hint`` (what to do), and where they are known ``path``, ``offset``, ``expected``, ``found`` and ``errors`` for
   single fields.
2. Title and hint are in the language of the request, English or Chinese; the answer says ``Vary: Accept-Language``
   and is never stored.
3. A code of the layer ``http`` brings its own status; that of another error follows from its kind (:class:`Statuses`).
4. What was sent is never repeated: a problem holds nothing but words of the catalogue, names of fields and what an
   :class:`~icard_crypto.errors.IcardError` says about itself; of one about what was sent not what was found there. A
   field that does not exist is named where its name has the form of one, as a misspelt one has and a person's has not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Scope

from icard_crypto.errors import (
    CardError,
    Conflict,
    DecodeError,
    EncodeError,
    IcardError,
    Invalid,
    Language,
    NotAllowed,
    NotFound,
    Unavailable,
)

from .language import language_of
from .request_ids import request_id

__all__ = [
    "PROBLEM_TYPE",
    "FieldFault",
    "Problem",
    "Statuses",
    "is_field_name",
    "note_code",
    "noted_code",
    "problem_response",
]

PROBLEM_TYPE: Final = "application/problem+json"
_NOTED: Final = "problem_code"
_FIELD_NAME: Final = re.compile("[a-z][a-z0-9_]{0,60}")
_STATUS: Final = {
    "http.bad_request": 400,
    "http.unauthenticated": 401,
    "http.forbidden": 403,
    "http.not_found": 404,
    "http.method": 405,
    "http.not_acceptable": 406,
    "http.timeout": 408,
    "http.conflict": 409,
    "http.precondition_failed": 412,
    "http.too_large": 413,
    "http.content_encoding": 415,
    "http.content_type": 415,
    "http.invalid": 422,
    "http.precondition_required": 428,
    "http.too_many": 429,
    "http.headers_too_large": 431,
    "http.internal": 500,
    "http.overloaded": 503,
    "http.not_ready": 503,
}


#: The status of an error by its kind; any other kind is 500, without a word of what it was.
_KINDS: Final[Mapping[type[IcardError], int]] = {
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    CardError: 422,
    DecodeError: 422,
    EncodeError: 422,
    Unavailable: 503,
}


@dataclass(frozen=True)
class FieldFault:
    """What is wrong with one field of a request.

    Attributes:
        pointer: where: ``/body/holder/name``, ``/query/limit``; an unknown name only if :func:`is_field_name`.
        code: ``http.field_*``, or a code of another layer.
        expected: what would have been right, in a few words.
        rule: the rule that says so, by language.
    """

    pointer: str
    code: str
    expected: str | None = None
    rule: Mapping[Language, str] | None = None


class Problem(IcardError):
    """A request is refused, or failed.

    Args:
        code: a code of the catalogue; ``http.*`` brings its own status.
        status: the HTTP status, for codes of other layers.
        headers: further headers, such as Retry-After.
        errors: what is wrong with single fields.
        path: where in the request.
        expected: what would have been right.
        found: what was there instead; never what a client sent.
    """

    def __init__(
        self,
        code: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldFault] = (),
        offset: int | None = None,
        path: str | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        super().__init__(code, offset=offset, path=path, expected=expected, found=found)
        self.status = _STATUS[code] if status is None else status
        self.headers = dict(headers or {})
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[object, ...]:
        state = (self.status, self.headers, self.errors, self.offset, self.path, self.expected, self.found)
        return (_rebuild, (self.code, *state))


def _rebuild(code: str, status: int, headers: dict[str, str], errors: Sequence[FieldFault], *rest: Any) -> Problem:
    offset, path, expected, found = rest
    return Problem(
        code, status=status, headers=headers, errors=errors, offset=offset, path=path, expected=expected, found=found
    )


@dataclass(frozen=True)
class Statuses:
    """Which status an error gets: by its kind, except for a few codes.

    What a client sent is 422; what the service keeps or lacks is 500, without a word of what it was (promise 4).

    Attributes:
        by_code: the exceptions, ``{"account.changed": 412}``.
        retry_after: seconds that go with a 503.
    """

    by_code: Mapping[str, int] = field(default_factory=dict)
    retry_after: int = 1

    def problem(self, error: IcardError) -> Problem:
        """The problem that tells a client of an error."""
        if isinstance(error, Problem):
            return error
        of_kind = next((status for kind, status in _KINDS.items() if isinstance(error, kind)), None)
        status = self.by_code.get(error.code, of_kind)
        if status is None:
            return Problem("http.internal")
        wait = error.found if status == 429 and error.found is not None else str(self.retry_after)
        return Problem(
            error.code,
            status=status,
            headers={"Retry-After": wait} if status in (429, 503) else None,
            errors=[_of_field(one) for one in (error, *error.also)] if error.also else (),
            offset=error.offset,
            path=error.path,
            expected=error.expected,
            found=None if isinstance(error, CardError | DecodeError | EncodeError) else error.found,
        )


def is_field_name(text: str) -> bool:
    """Whether a name that a client made up may be repeated: it has the form of a field's (promise 4)."""
    return _FIELD_NAME.fullmatch(text) is not None


def _of_field(error: IcardError) -> FieldFault:
    """One of several errors about what was sent, by where it is in the body."""
    place = (error.path or "").replace("[", ".").replace("]", "")
    return FieldFault("/".join(("/body", *filter(None, place.split(".")))), error.code, error.expected)


def note_code(scope: Scope, code: str) -> None:
    """Keep the code of what went wrong with a request, for its line in the log; the first one counts."""
    scope.setdefault("state", {}).setdefault(_NOTED, code)


def noted_code(scope: Scope) -> str | None:
    """The code that was kept for a request; None: nothing went wrong."""
    found = scope.get("state", {}).get(_NOTED)
    return None if found is None else str(found)


def problem_response(problem: Problem, scope: Scope) -> Response:
    """The answer that shows a problem (promises 1 and 2)."""
    note_code(scope, problem.code)
    language = language_of(scope)
    shown: dict[str, Any] = {
        "type": f"urn:icard:problem:{problem.code}",
        "title": problem.message(language),
        "status": problem.status,
        "instance": request_id(scope),
        "hint": problem.hint(language),
        **{name: value for name, value in problem.to_dict().items() if name != "layer"},
    }
    if problem.errors:
        shown["errors"] = [
            {
                "pointer": fault.pointer,
                "code": fault.code,
                "message": IcardError(fault.code).message(language),
                **({} if fault.expected is None else {"expected": fault.expected}),
                **({} if fault.rule is None else {"rule": fault.rule[language]}),
            }
            for fault in problem.errors
        ]
    headers = {
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
        **problem.headers,
    }
    # JSON can name a lone surrogate, which is in a client's text then, and in no UTF-8.
    body = json.dumps(shown, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(body, problem.status, headers, media_type=PROBLEM_TYPE)
