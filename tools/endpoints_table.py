"""Tables of the issuing service's endpoints, from their declarations."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from issuer.accounts.roles import RIGHTS, ROLES
from issuer.service.api import accounts, confirmations, mandates, organisations, own_account, sessions, tokens

__all__ = ["people_table"]

_PEOPLE = (sessions, own_account, tokens, confirmations, accounts, organisations, mandates)
_ASKS = {"anyone": "anyone", "begun": "everybody, before the second factor too"}


def people_table() -> str:
    """The endpoints of people and of power: what each does, and which roles may."""
    app = FastAPI()
    for subject in _PEOPLE:
        subject.endpoints.join(app)
    head = "| endpoint | does | for |\n| --- | --- | --- |\n"
    paths = app.openapi()["paths"]
    return head + "".join(_row(method, path, one) for path, ways in paths.items() for method, one in ways.items())


def _row(method: str, path: str, one: dict[str, Any]) -> str:
    words = one["description"].partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".")
    return f"| `{method.upper()} {path}` | {words} | {_for(one['x-access'])} |\n"


def _for(access: dict[str, Any]) -> str:
    """Who may call it, in words."""
    asks, rights = access["asks"], access["rights"]
    if not rights:
        return _ASKS.get(asks, "everybody")
    roles = ", ".join(role.name.replace("_", " ") for role in ROLES.values() if role.rights & set(rights))
    programs = "; programs too" if asks == "account" and any(RIGHTS[right].token for right in rights) else ""
    return f"{roles}{programs}{'; fresh code' if access['fresh_code'] else ''}"
