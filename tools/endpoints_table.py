"""Tables of the issuing service's endpoints, from their declarations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from fastapi import FastAPI

from issuer.accounts.roles import ROLES
from issuer.service.access import Access
from issuer.service.api import (
    accounts,
    audit,
    benefits,
    calendars,
    card_services,
    cards,
    certificates,
    codes,
    confirmations,
    desk,
    enquiries,
    entries,
    files,
    filings,
    hearings,
    insurance,
    insurance_departure,
    insurance_reports,
    lookups,
    mandates,
    notices,
    objections,
    offices,
    organisations,
    outbox,
    own_account,
    permits,
    privacy,
    publication,
    sessions,
    social_cards,
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
    "insurance-endpoints": partial(table, insurance, insurance_reports, insurance_departure, benefits, card_services),
    "privacy-endpoints": partial(table, privacy),
    "office-endpoints": partial(table, offices),
    "filing-endpoints": partial(
        table,
        filings,
        files,
        desk,
        enquiries,
        permits,
        certificates,
        hearings,
        entries,
        social_cards,
        calendars,
        objections,
    ),
    "notice-endpoints": partial(table, notices, webhooks, outbox),
    "watch-endpoints": partial(table, watch, publication, audit),
}


def _row(method: str, path: str, one: dict[str, Any]) -> str:
    words = one["description"].partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".")
    return f"| `{method.upper()} {path}` | {words} | {_for(one['x-access'])} |\n"


def _for(told: dict[str, Any]) -> str:
    """Who may call it, in words."""
    access = Access(told["asks"], tuple(told["rights"]), fresh=told["fresh_code"])
    if not access.rights:
        return _ASKS.get(access.asks, "everybody")
    held = [role.name.replace("_", " ") for role in access.roles]
    roles = "everybody" if len(held) == len(ROLES) else ", ".join(held)
    programs = "; programs too" if access.by_token else ""
    return f"{roles}{programs}{'; fresh code' if access.fresh else ''}"
