"""The audit for auditors: pages of acts under pseudonyms, checkpoints, and whether the chain holds.

Promises:

1. Pseudonyms alone; details are opened on the host, by a command that is audited itself.
2. One walk over the chain at a time in a process: an auditor cannot keep the service from its work.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from pydantic import BaseModel

from icard_crypto.errors import Language, StateError
from issuer.audit import views
from issuer.audit.views import AuditEntry, CheckpointView
from issuer.service.access import Access
from issuer.service.audit_walk import walk_chain
from issuer.service.context import CallOf
from issuer.service.endpoints import Endpoints, Limit, Page, page

__all__ = ["endpoints"]

endpoints = Endpoints("Audit")

RowCursor = Annotated[
    str, Query(pattern="^[0-9]{0,15}$", description="`next` of the page before; empty for the first page.")
]
Pseudonym = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="A pseudonym, as entries show it.")]

_READ: Final = Access("account", ("audit.read",))


class FaultBody(BaseModel):
    """What was found. ``where`` names the row or the checkpoint; ``what`` is in the language of the request."""

    code: str
    where: str | None
    what: str
    expected: str | None
    found: str | None


class ReportBody(BaseModel):
    """What a walk over the chain found.

    ``rows``: how many were walked; ``head``: the hash of the last one. ``purged``: rows without details.
    ``checkpoints``: how many were checked against the chain. ``more``: faults beyond those listed. ``lost``:
    checkpoints of acts that a restore says were lost; ``known``: those that somebody has named. ``altered``: records
    that do not fit the MAC that binds them.
    """

    whole: bool
    rows: int
    head: str
    purged: int
    checkpoints: int
    faults: list[FaultBody]
    more: int
    lost: list[FaultBody]
    known: list[FaultBody]
    altered: list[FaultBody]


@endpoints.at("GET", "/v1/audit/entries", _READ)
def list_entries(
    call: CallOf, actor: Pseudonym = None, subject: Pseudonym = None, cursor: RowCursor = "", limit: Limit = 50
) -> Page[AuditEntry]:
    """Acts, the newest first, under pseudonyms."""
    call.looked("audit.entries")
    before = int(cursor) if cursor else None
    found = views.entries(call.core.database, before=before, actor=actor, subject=subject, limit=limit + 1)
    return page(found, limit, lambda entry: str(entry.seq))


@endpoints.at("GET", "/v1/audit/checkpoints", _READ)
def list_checkpoints(call: CallOf, cursor: RowCursor = "", limit: Limit = 50) -> Page[CheckpointView]:
    """Signed statements of how far the chain was, the newest first; each is published as `/audit/{seq}.cbor`."""
    before = int(cursor) if cursor else None
    return page(views.checkpoints(call.core.database, before=before, limit=limit + 1), limit, lambda one: str(one.seq))


@endpoints.at("POST", "/v1/audit/verification", _READ)
def verify_chain(call: CallOf) -> ReportBody:
    """Walk the whole chain and check it against its checkpoints, those on the host too. Slow; one at a time."""
    report = walk_chain(call.core)
    return ReportBody(
        whole=report.whole,
        rows=report.rows,
        head=report.head,
        purged=report.purged,
        checkpoints=report.checkpoints,
        faults=[_fault(one, call.language) for one in report.faults],
        more=report.more,
        lost=[_fault(one, call.language) for one in report.lost],
        known=[_fault(one, call.language) for one in report.known],
        altered=[_fault(one, call.language) for one in report.altered],
    )


def _fault(fault: StateError, language: Language) -> FaultBody:
    return FaultBody(
        code=fault.code,
        where=fault.path,
        what=fault.message(language),
        expected=fault.expected,
        found=fault.found,
    )
