"""Lists that people work through, by kind: what looking at a row of each comes to, and what doing it does.

Promises:

1. A row is done by the service that does one alone, in the name of whoever goes on with the list, with their rights and
   mandates of that moment.
2. What the rules refuse stands beside the row, every point with its rule; a fault of the service stops the list, which
   goes on from there.
3. Doing a row again makes nothing twice: its key is an Idempotency-Key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from icard_crypto.errors import Conflict, Invalid, NotAllowed, NotFound
from issuer.accounts.principals import Principal
from issuer.batches import lists
from issuer.batches.lists import BatchView, Outcome, outcome_of
from issuer.core import Core
from issuer.db import idempotency
from issuer.permits import applications, named, views
from issuer.permits.applications import NewFiling
from issuer.permits.refusals import FilingRefused, PermitRefused

from .context import Call
from .idempotent import once

__all__ = ["FILINGS", "PLAIN", "Handler", "advance", "begin_filing", "made_filings", "rows_of_permits", "submit"]

#: Looks at a row (True: a preview, nothing is written) or does it (False); the id of what it made.
Handler = Callable[[Call, Mapping[str, Any], bool], str | None]
#: The kinds that begin applications about permits, with the fields of a row beside the permit.
FILINGS: Final = {
    "extension": ("until", "contract_until", "passport_until"),
    "cancellation": ("ended_on", "ground", "signed"),
}

#: Questions that one tick answers with no, for all rows.
PLAIN: Final = {
    "extension": ("dependants", "category_by_proof", "physical_permit", "regulated_industry"),
    "cancellation": ("physical_permit",),
}


def rows_of_permits(
    core: Core, who: Principal, kind: str, table: Sequence[Mapping[str, Any]], *, plain: bool
) -> list[dict[str, Any]]:
    """The rows of a table as a list keeps them: with the permits that their numbers name, where those are theirs.

    Args:
        plain: whether the questions of :data:`PLAIN` are answered with no.

    Raises:
        NotAllowed: ``access.*``.
    """
    known = named.find_permits(core, who, [str(row.get("number", "")) for row in table])
    facts = {"facts": dict.fromkeys(PLAIN[kind], False)} if plain else {}
    rows = []
    for row in table:
        permit = known.get(str(row.get("number", "")))
        about = {} if permit is None else asdict(permit)
        rows.append({**row, **about, **facts})
    return rows


def made_filings(core: Core, who: Principal, batch_id: str) -> list[dict[str, Any]]:
    """The applications that a list began, as rows of a list that submits them.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``batch.none``.
    """
    return [
        {"filing_id": one.outcome.made, "name": one.row.get("name", "")}
        for one in lists.rows_of(core, who, batch_id)
        if one.outcome is not None and one.outcome.made
    ]


def advance(call: Call, batch_id: str, handler: Handler, seconds: float = 0.8) -> BatchView:
    """Go on with a list for about so many seconds.

    Raises:
        NotAllowed: ``access.*``.
        NotFound: ``batch.none``; faults of the service.
    """

    def look(row: Mapping[str, Any]) -> Outcome:
        return _outcome(lambda: handler(call, row, True))

    def do(key: str, row: Mapping[str, Any]) -> Outcome:
        own = replace(call, request=idempotency.Request(call.who.account_id, "lists", key, repr(row).encode()))
        return _outcome(lambda: handler(own, row, False))

    return lists.advance(call.core, call.who, batch_id, look, do, seconds)


def _outcome(work: Callable[[], str | None]) -> Outcome:
    """What became of a row (promise 2)."""
    try:
        return Outcome(made=work())
    except FilingRefused as refused:
        en, zh = ("; ".join(one.sentence("en") for one in refused.refusals),
                  "；".join(one.sentence("zh") for one in refused.refusals))  # fmt: skip
        return Outcome(None, refused.refusals[0].code, refused.path, en, zh)
    except PermitRefused as refused:
        return replace(outcome_of(refused), en=refused.refusal.sentence("en"), zh=refused.refusal.sentence("zh"))
    except (Conflict, Invalid, NotAllowed, NotFound) as fault:
        return outcome_of(fault)


def begin_filing(kind: str) -> Handler:
    """Begins an application about a permit, with everything that the record knows."""

    def handle(call: Call, row: Mapping[str, Any], preview: bool) -> str | None:
        permit_id, record = row.get("permit_id"), _record(kind, row)
        if permit_id is None:
            raise Invalid("filing.no_permit", path="number")
        if kind == "extension" and "passport_until" not in record:
            # What the record knows is asked of nobody.
            record["passport_until"] = named.passport_end(call.core, call.who, permit_id)
        employer_id = row.get("employer_id") if call.who.role.organisation == "agency" else None
        new = NewFiling(kind, employer_id, permit_id, record)
        if preview:
            applications.preview_filing(call.core, call.who, new)
            return None
        return once(
            call,
            lambda request: applications.create_filing(call.core, call.who, new, request),
            lambda made: made,
        )

    return handle


def _record(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    record = {name: row[name] for name in FILINGS[kind] if name in row}
    if "signed" in record:
        record["signed"] = {"yes": True, "no": False}.get(str(record["signed"]))
    return {**record, "facts": dict(row.get("facts", {}))}


def submit(call: Call, row: Mapping[str, Any], preview: bool) -> str | None:
    """Submits an application that is complete."""
    view = views.show_filing(call.core, call.who, str(row["filing_id"]))
    if preview:
        if view.state not in ("DRAFT", "RETURNED"):
            raise Conflict("process.move", path="filing", found=view.state)
        return None
    if view.state == "SUBMITTED":
        return view.filing_id
    try:
        applications.submit_filing(call.core, call.who, view.filing_id, view.revision)
    except Conflict:
        # Another page that goes on with the same list may have been faster.
        if views.show_filing(call.core, call.who, view.filing_id).state != "SUBMITTED":
            raise
    return view.filing_id
