"""The first page, which is another one for each role, and the pages that everybody may read."""

from __future__ import annotations

from fastapi import Response

from issuer.portal.pages import Pages
from issuer.portal.visits import Visit

from .access import ANYONE, PERSON

__all__ = ["pages"]

pages = Pages()


@pages.get("", PERSON)
def home(visit: Visit) -> Response:
    """What is due first, and the ways to the rest."""
    return visit.page("home.html")


@pages.get("help", ANYONE)
def show_help(visit: Visit) -> Response:
    """What to do when one cannot get in, or something is wrong."""
    return visit.page("help.html")


@pages.get("privacy", ANYONE)
def privacy(visit: Visit) -> Response:
    """What is kept, for how long, and who sees it."""
    return visit.page("privacy.html", settings=visit.core.settings)


@pages.get("accessibility", ANYONE)
def accessibility(visit: Visit) -> Response:
    """How the portal can be used, and what is known to be missing."""
    return visit.page("accessibility.html")
