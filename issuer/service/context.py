"""The context of a request: the service, the caller, and the request itself.

Promises:

1. What a request is taken for is read once, by the guard of its endpoint; endpoints see a :class:`Call` and nothing of
   cookies and headers.
2. A change names the version that it is meant for (RFC 9110 section 13.1.1): without If-Match 428, with another 412.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar

from anyio import CapacityLimiter
from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from icard_crypto.errors import Language
from issuer.accounts.attempts import Origin
from issuer.accounts.principals import Principal
from issuer.audit.reads import note_read
from issuer.core import Core
from issuer.db import idempotency
from verifier.runtime import http

from .costly import CostlyRoom
from .embedded_worker import EmbeddedWorker
from .login_door import PLACES
from .objects import KINDS, Kind, Owned

__all__ = ["Call", "CallOf", "IssuingService", "etag"]

T = TypeVar("T")

_TAG: Final = re.compile(r'"([0-9]{1,15})"')


@dataclass
class IssuingService:
    """One process of the service.

    Attributes:
        core_metrics: of the core, beside the process's own in ``metrics``.
        warnings: what requests have shown of the settings, by name; codes.
        costly: room for what takes long.
        log_ins: threads for passwords alone; as many as :mod:`issuer.service.login_door` lets in.
    """

    core: Core
    drain: http.Drain
    metrics: http.Metrics
    embedded_worker: EmbeddedWorker
    core_metrics: CollectorRegistry
    warnings: dict[str, str] = field(default_factory=dict)
    log_ins: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PLACES))
    costly: CostlyRoom = field(default_factory=CostlyRoom)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that its guard let through.

    Attributes:
        who: None where anyone may ask.
        token: the session's; None for programs.
        request: for :mod:`issuer.db.idempotency`; None where the endpoint needs no key.
        owned, found: the kind of object that the path names and the object itself: see :meth:`loaded`.
    """

    service: IssuingService
    origin: Origin
    language: Language
    who_or_none: Principal | None
    token_or_none: str | None = field(repr=False)
    request: idempotency.Request | None = field(repr=False)
    if_match: str | None
    owned: Owned | None = None
    found: Any = field(default=None, repr=False)

    @property
    def core(self) -> Core:
        """The issuing core."""
        return self.service.core

    @property
    def who(self) -> Principal:
        """Who asks; only for endpoints that not anyone may call."""
        if self.who_or_none is None:
            raise http.Problem("http.unauthenticated")
        return self.who_or_none

    def looked(self, way: str, subject: str | None = None) -> None:
        """Leave a row that an official is about to be shown personal data (:func:`issuer.audit.reads.note_read`).

        Args:
            subject: what is shown, such as ``account:...``; None: a list, or a search.
        """
        if not self.who.role.official:
            return
        note_read(self.core, f"account:{self.who.account_id}", self.who.role.name, way, subject)

    @property
    def token(self) -> str:
        """The session's token; only for endpoints that people call."""
        if self.token_or_none is None:
            raise http.Problem("http.unauthenticated")
        return self.token_or_none

    def loaded(self, kind: Kind[T]) -> T:
        """The object that the path names, as the guard has loaded it.

        Args:
            kind: the one that the endpoint declares.
        """
        if self.owned is None or KINDS[self.owned] is not kind:
            raise TypeError("an endpoint asks for the kind of object that its access declares")
        found: T = self.found
        return found

    @property
    def version(self) -> int:
        """The version that a change is meant for (promise 2).

        Raises:
            Problem: ``http.precondition_required``, ``http.precondition_failed``.
        """
        # "*" names no version, and a weak tag never matches.
        if self.if_match is None or self.if_match.strip() == "*":
            raise http.Problem("http.precondition_required")
        # A list fits where one of its tags does; those of other forms are none of ours.
        ours = {int(match[1]) for each in self.if_match.split(",") if (match := _TAG.fullmatch(each.strip()))}
        if not ours:
            raise http.Problem("http.precondition_failed")
        now = self._version_now()
        # Of several the one that it has; the change asks again, when nobody else can change it.
        return now if now in ours else max(ours)

    def _version_now(self) -> int | None:
        """The version of the object that the path names, as the guard has loaded it."""
        if self.owned is None or self.found is None:
            return None
        version = KINDS[self.owned].version
        return None if version is None else version(self.found)


def etag(version: int) -> str:
    """The strong ETag of a version."""
    return f'"{version}"'


async def _call_of(request: Request) -> Call:
    # async: a plain function would be sent to a thread for this line.
    call: Call = request.state.call
    return call


#: The parameter of an endpoint.
CallOf = Annotated[Call, Depends(_call_of)]
