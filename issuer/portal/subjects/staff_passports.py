"""Passports of those who work here: one administrator asks to note one, or to remove it, and another one confirms.

Promise: a number is sent in a form's body, never in an address; whoever confirms reads it.
"""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.accounts import directory
from issuer.portal.pages import Pages
from issuer.portal.parts import Fact
from issuer.portal.places import country_choices
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.service.access import Access

from .asking import ask_for

__all__ = ["PASSPORT_ACTS", "pages"]

pages = Pages()
_GIVES: Final = Access("person", ("account.give",), owned="account")
#: The acts by the last part of their page's address.
PASSPORT_ACTS: Final = {"passport": "account.passport", "no-passport": "account.no_passport"}


def _declare(name: str, act: str) -> None:
    def passport_page(visit: Visit, account_id: str) -> Response:
        visit.call.looked("account.show", f"account:{account_id}")
        found, t = directory.show_account(visit.core, visit.call.who, account_id), visit.words
        return visit.page(
            "admin/passport.html",
            act=act,
            facts=[
                Fact(t("login.name"), found.login or t("accounts.closed")),
                Fact(t("account.name"), found.name or "–"),
                Fact(t("account.role"), t(f"roles.{found.role}")),
            ],
            states=country_choices(t, visit.text("nationality"), china=True),
            effects=[t(f"approvals.{act}_effect"), t("accounts.two")],
            needs_code=not visit.fresh(),
            back=f"{BASE}accounts/{account_id}",
            address=f"{BASE}accounts/{account_id}/{name}",
        )

    def ask_passport(visit: Visit, account_id: str) -> Response:
        visit.require("nationality", "number", "reason")
        visit.give_code()
        nationality, number = visit.text("nationality"), visit.text("number")
        return ask_for(visit, act, {"account_id": account_id, "nationality": nationality, "number": number})

    path = f"accounts/{{account_id}}/{name}"
    pages.get(path, _GIVES)(passport_page)
    fields = {"access.fresh_code": "code", "account.no_passport": "number"}
    pages.post(path, _GIVES, form=passport_page, fields=fields)(ask_passport)


for _name, _act in PASSPORT_ACTS.items():
    _declare(_name, _act)
