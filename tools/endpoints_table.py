"""Tables of the issuing service's endpoints, from their declarations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from fastapi import FastAPI

from issuer.accounts.roles import RIGHTS, ROLES
from issuer.service.api import (
    accounts,
    audit,
    cards,
    codes,
    confirmations,
    lookups,
    mandates,
    notices,
    organisations,
    outbox,
    own_account,
    publication,
    sessions,
    tokens,
    watch,
    webhooks,
)

__all__ = ["BLOCKS"]

_ASKS = {"anyone": "anyone", "begun": "everybody, before the second factor too"}


def table(*subjects: ModuleType) -> str:
    """The endpoints of these subjects: what each does, and which roles may."""
    app = FastAPI()
    for subject in subjects:
        subject.endpoints.join(app)
    head = "| endpoint | does | for |\n| --- | --- | --- |\n"
    paths = app.openapi()["paths"]
    return head + "".join(_row(method, path, one) for path, ways in paths.items() for method, one in ways.items())


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "people-endpoints": partial(table, sessions, own_account, tokens, confirmations, accounts, organisations, mandates),
    "card-endpoints": partial(table, cards, codes, lookups),
    "notice-endpoints": partial(table, notices, webhooks, outbox),
    "watch-endpoints": partial(table, watch, publication, audit),
}


def _row(method: str, path: str, one: dict[str, Any]) -> str:
    words = one["description"].partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".")
    return f"| `{method.upper()} {path}` | {words} | {_for(one['x-access'])} |\n"


def _for(access: dict[str, Any]) -> str:
    """Who may call it, in words."""
    asks, rights = access["asks"], access["rights"]
    if not rights:
        return _ASKS.get(asks, "everybody")
    held = [role for role in ROLES.values() if role.rights & set(rights)]
    roles = "everybody" if len(held) == len(ROLES) else ", ".join(role.name.replace("_", " ") for role in held)
    can = any("token.own" in role.rights for role in held) and any(RIGHTS[right].token for right in rights)
    programs = "; programs too" if asks == "account" and can else ""
    return f"{roles}{programs}{'; fresh code' if access['fresh_code'] else ''}"
