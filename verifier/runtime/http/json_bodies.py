"""JSON bodies: those that every reader reads alike, and that cost little to read.

Promises:

1. A body in another encoding than UTF-8, with a byte order mark, with two members of one name in an object, or with a
   number that JSON does not have, is no JSON.
2. A body with more objects, lists or values than any of ours needs is refused before it is parsed: three megabytes of
   empty lists would keep the event loop busy for seconds, and take 25 times as much memory. So is an object with very
   many members, or a number of very many digits.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from icard_crypto.encoding import strict_json

from .middleware import Middleware
from .problems import Problem, problem_response
from .raw import header_of

__all__ = ["MembersOnce", "is_json", "read_json"]

#: Objects and lists of a body, and what these hold together: a list of 5,000 rows with 40 cells each has fewer.
_MOST_CONTAINERS: Final = 10_000
_MOST_VALUES: Final = 250_000
#: Members of one object.
_MOST_MEMBERS: Final = 500
_BOM: Final = "\ufeff"
#: Digits of one whole number; Python's own limit is 4,300, which take a millisecond.
_MOST_DIGITS: Final = 100


def is_json(content_type: str) -> bool:
    """Whether a Content-Type is that of a body which FastAPI reads as JSON."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def read_json(body: bytes) -> Any:
    """The value of a body.

    Raises:
        Problem: ``http.bad_request``: promise 2, or something that another reader would read otherwise.
        ValueError: it is no JSON to anybody.
    """
    if body.count(b"[") + body.count(b"{") > _MOST_CONTAINERS or body.count(b",") > _MOST_VALUES:
        raise _too_much()
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("http.bad_request", expected="JSON in UTF-8") from None
    if text.startswith(_BOM):
        raise Problem("http.bad_request", expected="JSON without a byte order mark")
    try:
        return _READER.decode(text)
    except strict_json.DuplicateMember:
        raise Problem("http.bad_request", expected="JSON with each member once") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _too_much() -> Problem:
    expected = f"at most {_MOST_CONTAINERS} objects and lists, {_MOST_MEMBERS} members of one, {_MOST_VALUES} values"
    return Problem("http.bad_request", expected=expected)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(members) > _MOST_MEMBERS:
        raise _too_much()
    return strict_json.members_once(members)


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number that is too great")
    return int(text)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


_READER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=strict_json.finite, parse_constant=_constant
)


class MembersOnce(Middleware):
    """ASGI: refuses what :func:`read_json` refuses with a problem; FastAPI would read it, after all others had waited.

    It is behind :class:`~.bodies.Bodies`, which has read the body whole.
    """

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_json(header_of(scope, b"content-type")):
            await self._app(scope, receive, send)
            return
        first = await receive()
        try:
            # What else is wrong with it, FastAPI says.
            with contextlib.suppress(ValueError):
                _check(first)
        except Problem as refused:
            await problem_response(refused, scope)(scope, receive, send)
            return

        given = [first]

        async def replay() -> Message:
            return given.pop() if given else await receive()

        await self._app(scope, replay, send)


def _check(message: Message) -> None:
    if message["type"] == "http.request" and not message.get("more_body", False):
        read_json(message.get("body", b""))
