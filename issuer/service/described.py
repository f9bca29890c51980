"""The texts of the OpenAPI description: of the whole, of each subject, and of who may call an endpoint.

Promises:

1. Who may call an endpoint is worked out from the :class:`~issuer.service.access.Access` that its guard checks, so no
   description promises what is refused, or hides who may.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from issuer.accounts.roles import ROLES

from .access import Access

__all__ = ["GOOD", "HEADERS", "PROBLEM", "WHOLE", "described", "subject_words"]

WHOLE: Final = """\
The issuing service of Integrated Cards.

- **Programs** send `Authorization: Bearer` and a token. **People** log in at `POST /v1/sessions`; what they change has
  the session's `csrf` in `X-CSRF-Token`.
- What makes something has an `Idempotency-Key`: the same request again makes nothing more, and gets what the first one
  made.
- What changes something names in `If-Match` the `ETag` that it was decided on: without it 428, when somebody was faster
  412.
- Lists come in pages of `limit`; `next` is the `cursor` of the page that follows, null on the last one.
- A refusal is a problem (RFC 9457) with a stable `code`, its words in the language of `Accept-Language`, `en` or `zh`.
  What is another's is 404, as if it were not there.
- 429 and 503 say in `Retry-After` how many seconds to wait.
- Times are Unix times, ids 32 hexadecimal digits.
"""

#: What an answer is, by its status.
GOOD: Final = {201: "It is made, now or by the first of these requests.", 204: "It is done."}
#: An example, as the service answers it.
PROBLEM: Final = {
    "type": "urn:icard:problem:issue.changed",
    "title": "The card was changed in the meantime.",
    "status": 412,
    "instance": "99c274a4-2fbd-4138-9242-e4260a620d3d",
    "hint": "Look at the card again and decide again.",
    "code": "issue.changed",
}
#: Headers of answers.
HEADERS: Final = {
    "ETag": {"description": "The version that it has now, for If-Match.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}


def described(function: Callable[..., Any], access: Access) -> str:
    """The words of an endpoint: what it does, and who may call it."""
    return f"{inspect.getdoc(function)}\n\n**For** {_who(access)}."


def subject_words(function: Callable[..., Any]) -> str:
    """What a subject is about: the first paragraph of the module that has its endpoints."""
    words = (inspect.getdoc(inspect.getmodule(function)) or "").partition("\n\n")[0]
    return " ".join(words.split()).replace("``", "`")


def _who(access: Access) -> str:
    if access.asks == "anyone":
        return "anyone"
    if access.asks == "begun":
        return "whoever has logged in, before the second factor too"
    roles = [role.name.replace("_", " ") for role in access.roles]
    words = "everybody" if len(roles) == len(ROLES) else _list(roles, "and")
    words += " in a session"
    if access.fresh:
        words += " with a TOTP code that is at most five minutes old"
    if access.by_token:
        scopes = [f"`{scope}`" for scope in access.scopes]
        words += f", or a program whose token has {_list(scopes, 'or')}" if scopes else ", or a program with any token"
    return words


def _list(words: list[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
