"""Offices: which region has one, and which officials belong to it."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from issuer.accounts import directory
from issuer.permits import offices
from issuer.portal.lists import asked_page, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Fact
from issuer.portal.places import region_code, region_options
from issuer.portal.rendering import BASE
from issuer.portal.rule_shown import region_words
from issuer.portal.visits import Visit
from issuer.service.access import Access
from issuer.service.idempotent import once

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_MANAGES: Final = with_right("office.manage")
_ONE: Final = Access("person", ("office.manage",), owned="office")


@pages.get("offices", _MANAGES)
def list_offices(visit: Visit) -> Response:
    """Offices in the order of their ids."""
    found = offices.list_offices(visit.core, visit.call.who, **asked_page(visit))
    shown, t = shown_page(visit, found, lambda one: one.office_id), visit.words
    rows = [
        [
            Cell(one.name_zh if t.language == "zh" else one.name_en, f"{BASE}offices/{one.office_id}"),
            Cell(region_words(one.region, t)),
        ]
        for one in shown["items"]
    ]
    return visit.page("offices/list.html", **{**shown, "items": rows})


@pages.get("offices/new", _MANAGES)
def new_office_page(visit: Visit) -> Response:
    """The form for an office."""
    return visit.page("offices/new.html", regions=region_options(visit.words.language))


@pages.post("offices/new", _MANAGES, form=new_office_page, fields={"office": "region"})
def create_office(visit: Visit) -> Response:
    """Set up an office; a region has one."""
    visit.require("region", "name_en", "name_zh")
    call = visit.call
    region, name_en, name_zh = region_code(visit.text("region")), visit.text("name_en"), visit.text("name_zh")
    made = once(
        call,
        lambda request: offices.create_office(call.core, call.who, region, name_en, name_zh, request).office_id,
        lambda office_id: office_id,
    )
    return visit.go(f"offices/{made}", done="office")


@pages.get("offices/{office_id}", _ONE)
def show_office(visit: Visit, office_id: str) -> Response:
    """An office, and who belongs to it."""
    core, who, t = visit.core, visit.call.who, visit.words
    found = offices.show_office(core, who, office_id)
    visit.call.looked("account.list")
    members = [directory.show_account(core, who, name) for name in offices.list_members(core, who, office_id)]
    rows = [
        [Cell(one.name or one.login, f"{BASE}accounts/{one.account_id}", more=one.login), Cell(t(f"roles.{one.role}"))]
        for one in members
    ]
    facts = [
        Fact(t("offices.name_en"), found.name_en),
        Fact(t("offices.name_zh"), found.name_zh, lang="zh-Hans"),
        Fact(t("permit.region"), region_words(found.region, t)),
    ]
    name = found.name_zh if t.language == "zh" else found.name_en
    return visit.page("offices/office.html", office=found, name=name, facts=facts, rows=rows)


@pages.post("offices/{office_id}/join", _ONE, form=show_office, fields={"account": "login"})
def join_office(visit: Visit, office_id: str) -> Response:
    """Say that an official belongs to this office, and to no other any more."""
    visit.require("login")
    account = directory.find_account(visit.core, visit.call.who, visit.text("login"))
    visit.call.looked("account.search", f"account:{account.account_id}")
    offices.join_office(visit.core, visit.call.who, office_id, account.account_id)
    return visit.go(f"offices/{office_id}", done="joined")
