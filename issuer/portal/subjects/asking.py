"""Asking for an act that a second person confirms."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Response

from issuer.approvals import engine
from issuer.portal.visits import Visit
from issuer.service.idempotent import once

__all__ = ["ask_for"]


def ask_for(visit: Visit, act: str, arguments: Mapping[str, str], done: str = "asked") -> Response:
    """Ask for an act, with the reason in the form, and lead to the requests that wait.

    Args:
        act: of :data:`issuer.approvals.acts.ACTS`, one that invites nobody.
        done: what the next page says was done, a name in ``words/done.json``.

    Raises:
        StateError: as :func:`issuer.approvals.engine.ask`.
    """
    call = visit.call
    once(
        call,
        lambda request: engine.ask(call.core, call.who, act, arguments, visit.text("reason"), request).confirmation_id,
        lambda name: name,
    )
    return visit.go("confirmations", done=done)
