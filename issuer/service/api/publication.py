"""Keys, publication and trust list, as they are. Views only.

Promises:

1. Keys are made, activated and revoked on the host, by ``icard-issuer key``: no session and no token reaches them, and
   no private material is ever in an answer. Trust lists are signed by the roots elsewhere and taken in on the host.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query

from issuer.publication import views
from issuer.publication.views import KeyView, PublicationView, StatusListView, TrustListView
from issuer.service.access import Access
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints, Limit, Page, page
from verifier.runtime import http

__all__ = ["endpoints"]

endpoints = Endpoints("Publication")

ListCursor = Annotated[
    str, Query(pattern="^[A-Za-z0-9_-]{0,32}$", description="`next` of the page before; empty for the first page.")
]

_WATCH: Final = Access("account", ("service.watch",))


@endpoints.at("GET", "/v1/keys", _WATCH)
def list_keys(call: CallOf) -> list[KeyView]:
    """The service's keys, oldest first: state, usage, and when each step was."""
    return views.keys(call.core)


@endpoints.at("GET", "/v1/publication", _WATCH)
def show_publication(call: CallOf) -> PublicationView:
    """What is published now, and how old it is."""
    return views.publication(call.core)


@endpoints.at("GET", "/v1/status-lists", _WATCH)
def list_status_lists(call: CallOf, cursor: ListCursor = "", limit: Limit = 50) -> Page[StatusListView]:
    """The status lists: how full, and how old their tokens are."""
    found = views.status_lists(call.core, after=cursor, limit=limit + 1)
    return page(found, limit, lambda one: one.name)


@endpoints.at("GET", "/v1/trust-list", _WATCH, problems=(404,))
def show_trust_list(call: CallOf) -> TrustListView:
    """The trust list in force and what it says about this issuer; 404 where none was taken in."""
    found = views.trust_list(call.core)
    if found is None:
        raise http.Problem("http.not_found")
    return found
