"""Refusals by the rules as problems: every point, with the rule that says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from issuer.permits.refusals import FilingRefused, PermitRefused, Refusal
from issuer.rules.citations import cite
from verifier.runtime import http

__all__ = ["shown_refusals"]


@contextlib.contextmanager
def shown_refusals() -> Iterator[None]:
    """Turn refusals by the rules into problems that name each point and its rule."""
    try:
        yield
    except FilingRefused as refused:
        raise _problem(refused.code, refused.path, refused.refusals) from None
    except PermitRefused as refused:
        raise _problem(refused.code, refused.path, (refused.refusal,)) from None


def _problem(code: str, path: str | None, refusals: tuple[Refusal, ...]) -> http.Problem:
    errors = [
        http.FieldFault(
            f"/body/{one.path}" if one.path else "/body",
            one.code,
            one.expected,
            None if one.rule is None else {"en": cite(one.rule, "en"), "zh": cite(one.rule, "zh")},
        )
        for one in refusals
    ]
    return http.Problem(code, status=422, errors=errors, path=path)
