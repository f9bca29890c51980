"""The audit trail, its checkpoints and its verification; keys, publication and trust list.

Promises:

1. Pseudonyms alone; details are opened on the host, by a command that is audited itself.
2. A broken chain is the first thing on the page, with the row or checkpoint that does not fit.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import Response

from issuer.audit import views
from issuer.portal.lists import SIZE, cursor, shown_page
from issuer.portal.pages import Pages
from issuer.portal.parts import Cell, Fact, Tag
from issuer.portal.rendering import BASE
from issuer.portal.visits import Visit
from issuer.publication import views as publication_views
from issuer.service.audit_walk import walk_chain

from .access import with_right

__all__ = ["pages"]

pages = Pages()
_READ = with_right("audit.read")
_WATCH = with_right("service.watch")
_PSEUDONYM: Final = re.compile(r"[0-9a-f]{32}")
_ROW: Final = re.compile(r"[0-9]{1,15}")
_TONES: Final = {"active": "ok", "published": "info", "retired": "neutral", "revoked": "bad", "draft": "neutral"}


@pages.get("audit", _READ)
def list_entries(visit: Visit) -> Response:
    """Acts, the newest first, under pseudonyms."""
    wanted = {name: visit.query(name) for name in ("actor", "subject") if _PSEUDONYM.fullmatch(visit.query(name))}
    visit.call.looked("audit.entries")
    found = views.entries(visit.core.database, before=_before(visit), limit=SIZE + 1, **wanted)
    shown = shown_page(visit, found, lambda one: str(one.seq))
    t = visit.words
    rows = [
        [
            Cell(t.number(one.seq), more=t.moment(one.at)),
            Cell(one.action, code=True),
            Cell(one.actor[:12], f"{BASE}audit?actor={one.actor}", code=True),
            Cell(one.subject[:12], f"{BASE}audit?subject={one.subject}", code=True),
            Cell(one.hash[:12], code=True),
        ]
        for one in shown["items"]
    ]
    return visit.page("audit/entries.html", **{**shown, "items": rows}, wanted=wanted)


@pages.get("audit/checkpoints", _READ)
def list_checkpoints(visit: Visit) -> Response:
    """Signed statements of how far the chain was, the newest first."""
    found = views.checkpoints(visit.core.database, before=_before(visit), limit=SIZE + 1)
    shown = shown_page(visit, found, lambda one: str(one.seq))
    t = visit.words
    rows = [
        [
            Cell(t.number(one.seq), f"/audit/{one.seq}.cbor"),
            Cell(t.moment(one.iat)),
            Cell(one.hash[:24], code=True),
        ]
        for one in shown["items"]
    ]
    return visit.page("audit/checkpoints.html", **{**shown, "items": rows})


@pages.post("audit/verification", _READ)
def verify_chain(visit: Visit) -> Response:
    """Walk the whole chain and check it against its checkpoints."""
    report = walk_chain(visit.core)
    return visit.page("audit/report.html", report=report, at=visit.now)


@pages.get("service", _WATCH)
def show_service(visit: Visit) -> Response:
    """Keys, publication and trust list, as they are."""
    t, core = visit.words, visit.core
    published, trust = publication_views.publication(core), publication_views.trust_list(core)
    keys = [
        [
            Cell(one.kid, code=True, more=one.algorithm),
            Cell(t(f"keys.{one.usage}")),
            Cell("", tag=Tag(t(f"keys.state_{one.state}"), _TONES.get(one.state, "neutral"))),  # type: ignore[arg-type]
            Cell(t.moment(one.activated_at) if one.activated_at else "–"),
        ]
        for one in publication_views.keys(core)
    ]
    age = published.age
    facts = [
        Fact(t("keys.age"), t.span(age) if age is not None else t("keys.never")),
        Fact(t("keys.version"), t.number(published.version)),
        Fact(t("keys.stamp"), t.moment(published.timestamp_at) if published.timestamp_at else t("keys.never")),
        Fact(t("keys.behind"), t.number(published.behind)),
        Fact(t("keys.lists"), t.number(sum(published.lists.values()))),
    ]
    trusted = (
        []
        if trust is None
        else [
            Fact(t("keys.trust_version"), t.number(trust.version)),
            Fact(t("keys.trust_until"), t.moment(trust.exp)),
            Fact(t("keys.trust_threshold"), t("keys.trust_of", n=trust.threshold, total=len(trust.roots))),
            Fact(t("keys.trust_regions"), ", ".join(trust.regions) or "–"),
        ]
    )
    return visit.page("audit/service.html", keys=keys, facts=facts, trusted=trusted)


def _before(visit: Visit) -> int | None:
    found = cursor(visit)
    return int(found) if _ROW.fullmatch(found) else None
