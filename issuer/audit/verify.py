"""Verify the audit's chain, and compare it with its checkpoints.

Promises:

1. A row that was changed, deleted, inserted or moved is found, with its number; so is a chain that was cut off.
2. A chain that was made again as a whole is found by the checkpoints: their number and hash must be the row's.
3. Salt and details are checked against the row's hash. Details that are gone are found, unless an act of purging says
   so.
4. The walk takes little memory and no long transaction: a service at work is not disturbed, and acts that are added
   meanwhile are left for the next walk.
5. A row that this service did not write is found by its MAC, whose key is not in the database; so is a record that
   grants rights and was changed (:mod:`issuer.db.bound`).
6. A checkpoint of acts that were lost with a database is no fault where an act of restoring is at that place, is
   later, and has details that open and an epoch of its own. What was lost is missing all the same: the audit is whole
   again when an act, by name and with a reason, says that this loss is known.
7. Every fault is reported up to a number of them; the first ones lie nearest to the cause.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError, NotAllowed, StateError
from icard_crypto.moments import DAY
from issuer.acts import CARD_RESTORED, CLOCK_BACK, LOSS_NAMED, RESTORED
from issuer.db.altered import search
from issuer.db.engine import Database
from issuer.db.meta import Meta
from issuer.vault.at_rest import AtRest, Place
from verifier.knowledge.trust import Issuer

from .chain import details_hash, genesis, row_hash, row_mac
from .checkpoints import read_checkpoint, reader_keys
from .models import AuditDetail, AuditHead, AuditRow
from .models import Checkpoint as CheckpointRow
from .reads import DAY_CLOSED, PRUNED, day_hash

__all__ = ["AuditReport", "AuditSource", "Detail", "open_details", "pages", "verify"]

MOST_FAULTS: Final = 100
_PAGE: Final = 1000
SALT: Final = 16
PURGE: Final = "audit.purge"
#: Acts whose details are needed to tell what is whole: no purge takes them.
#: A purge about one person; its details name the rows whose own went.
PERSON_PURGED: Final = "privacy.purge"
KEPT: Final = (PURGE, PERSON_PURGED, RESTORED, LOSS_NAMED, DAY_CLOSED, PRUNED, CLOCK_BACK)
#: Acts whose details the walk itself reads.
_READ: Final = frozenset(KEPT) - {PURGE, PERSON_PURGED}


Detail = Mapping[str, Any]
Pair = tuple[AuditRow, AuditDetail | None]


class _Restore(NamedTuple):
    """The first row that a restore wrote, its own row, and when."""

    first: int
    seq: int
    at: int


@dataclass(slots=True)
class AuditReport:
    """What was found.

    Args:
        rows: how many were walked; ``head`` is the hash of the last one that the head names.
        purged: rows without details.
        checkpoints: how many were checked against the chain.
        faults: codes ``audit.*``; ``path`` names the row. ``more`` counts those above :data:`MOST_FAULTS`.
        altered: records that do not fit the MAC that binds them; ``path`` names table and row.
        lost: checkpoints of acts that a restore says were lost (promise 6); ``path`` names the restore's row.
            ``known``: those that somebody has named.
    """

    rows: int = 0
    head: str = ""
    purged: int = 0
    checkpoints: int = 0
    faults: list[StateError] = field(default_factory=list)
    more: int = 0
    lost: list[StateError] = field(default_factory=list)
    known: list[StateError] = field(default_factory=list)
    altered: list[StateError] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing, changed or made up."""
        return not (self.faults or self.lost or self.altered)

    def add(self, fault: StateError) -> None:
        """Keep a fault, or count it."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)
        else:
            self.more += 1


class AuditSource(Protocol):
    """What reading the audit needs of the core."""

    @property
    def database(self) -> Database: ...

    @property
    def at_rest(self) -> AtRest: ...

    @property
    def issuer(self) -> Issuer: ...


def verify(source: AuditSource, outside: Mapping[str, bytes] | None = None) -> AuditReport:
    """Walk the chain from its beginning to its head.

    Args:
        outside: checkpoints from outside the database, by name; those in the database are checked against it anyway.
    """
    report = AuditReport()
    head_seq, head_hash, last_seq, database_id, epoch = source.database.read(_end)
    known = _checkpoints(source, report, database_id, outside or {})
    missing: list[tuple[int, int]] = []
    differing: dict[int, str] = {}
    expected, previous = 1, genesis(database_id)
    restores: list[_Restore] = []
    first_restored: int | None = None
    named: set[Any] = set()
    days: list[tuple[AuditRow, Detail]] = []
    last_epoch = 0
    for row, detail in pages(source, head_seq):
        if row.seq != expected:
            report.add(_fault("audit.row_missing", expected, expected=f"row {expected}", found=f"row {row.seq}"))
        elif row.previous != previous:
            report.add(_fault("audit.chain_broken", row.seq, expected=previous, found=row.previous))
        if row.hash != row_hash(row):
            report.add(_fault("audit.row_changed", row.seq, expected=row_hash(row), found=row.hash))
        elif row.mac != row_mac(source.at_rest, row.hash):
            report.add(_fault("audit.row_forged", row.seq))
        # The acts on cards that a restore made stricter are before its own, in one transaction.
        first_restored = (first_restored or row.seq) if row.action in (CARD_RESTORED, RESTORED) else None
        said = _said(source, row, detail) if row.action in _READ else None
        if row.action == CLOCK_BACK:
            # Days that were closed by a clock that was ahead are closed again.
            at = (said or {}).get("to")
            days = [one for one in days if not (isinstance(at, int) and _ends_after(one, at))]
            said = None
        if row.action in (DAY_CLOSED, PRUNED):
            days.append((row, said or {}))
            said = None
        if row.action == RESTORED:
            restored_epoch = said.get("epoch") if said is not None else None
            if isinstance(restored_epoch, int) and last_epoch < restored_epoch <= epoch:
                restores.append(_Restore(first_restored or row.seq, row.seq, row.at))
                last_epoch = restored_epoch
            else:
                report.add(_fault("audit.restore_claimed", row.seq))
            first_restored = None
        elif said is not None:
            named.add(said.get("row"))
        if row.seq in known:
            known[row.seq].pop(row.hash, None)
            differing[row.seq] = row.hash
        if detail is None:
            _extend(missing, row.seq)
            report.purged += 1
        elif open_details(source, row, detail) is None:
            report.add(_fault("audit.details_changed", row.seq))
        expected, previous = row.seq + 1, row.hash
        report.rows += 1
    report.head = previous
    if expected <= head_seq:
        report.add(_fault("audit.truncated", expected, expected=f"{head_seq} rows", found=f"{expected - 1}"))
    elif previous != head_hash:
        report.add(_fault("audit.chain_broken", head_seq, expected=head_hash, found=previous))
    if last_seq > head_seq:
        report.add(_fault("audit.beyond_head", head_seq + 1, expected=f"{head_seq} rows", found=f"{last_seq}"))
    for seq, stated in sorted(known.items()):
        for digest, at in stated.items():
            restored = next((one for one in restores if one.first <= seq and at <= one.at), None)
            if restored is not None:
                losses = report.known if restored.seq in named else report.lost
                losses.append(
                    _fault("audit.restored", restored.seq, expected=f"acts up to row {seq}, lost before", found=digest)
                )
            elif seq > head_seq:
                report.add(
                    _fault("audit.truncated", head_seq + 1, expected=f"at least {seq} rows", found=f"{head_seq}")
                )
            elif seq in differing:
                report.add(_fault("audit.rewritten", seq, expected=digest, found=differing[seq]))
    for fault in _days_that_differ(source, days):
        report.add(fault)
    for altered in islice(search(source.database), MOST_FAULTS):
        report.altered.append(NotAllowed("at_rest.altered", path=f"{altered.table} {altered.row}"))
    for start, last in _unexplained(source, missing):
        report.add(_fault("audit.details_missing", start, expected=f"details of rows {start} to {last}"))
    return report


def pages(source: AuditSource, through: int, start: int = 0) -> Iterator[Pair]:
    """Rows with their details, by number, up to ``through``; a short transaction for each thousand."""
    while True:
        query = (
            select(AuditRow, AuditDetail)
            .outerjoin(AuditDetail, AuditDetail.seq == AuditRow.seq)
            .where(AuditRow.seq > start, AuditRow.seq <= through)
            .order_by(AuditRow.seq)
            .limit(_PAGE)
        )
        found = source.database.read(partial(_pairs, query))
        yield from found
        if len(found) < _PAGE:
            return
        start = found[-1][0].seq


def _pairs(query: Select[AuditRow, AuditDetail], session: Session) -> list[Pair]:
    return [(row, detail) for row, detail in session.execute(query)]


def open_details(source: AuditSource, row: AuditRow, detail: AuditDetail) -> Detail | None:
    """The details of an act; None: they are not those that the row's hash was made of."""
    try:
        body = source.at_rest.open(Place("audit_details", "body", str(row.seq)), detail.body)
    except StateError:
        return None
    if details_hash(body[:SALT], body[SALT:]) != row.details_hash:
        return None
    loaded: Detail = json.loads(body[SALT:])
    return loaded


def _said(source: AuditSource, row: AuditRow, detail: AuditDetail | None) -> Detail | None:
    """The details of an act that this service wrote; None: they are gone, or it did not."""
    if detail is None or row.mac != row_mac(source.at_rest, row.hash):
        return None
    return open_details(source, row, detail)


def _end(session: Session) -> tuple[int, str, int, str, int]:
    """Head, highest row, database id and epoch: one statement, and so of one moment."""
    last = select(func.max(AuditRow.seq)).scalar_subquery()
    query = select(AuditHead.seq, AuditHead.hash, last, Meta.database_id, Meta.epoch).join(
        Meta, Meta.id == AuditHead.id
    )
    found = session.execute(query).one()
    return found[0], found[1], found[2] or 0, found[3], found[4]


def _checkpoints(
    source: AuditSource, report: AuditReport, database_id: str, outside: Mapping[str, bytes]
) -> dict[int, dict[str, int]]:
    """The hashes that checkpoints state, by row, each with the time of its signing."""
    query = select(CheckpointRow.seq, CheckpointRow.token)
    inside = source.database.read(lambda session: {f"row {seq}": token for seq, token in session.execute(query)})
    find_key = reader_keys(source.database, source.issuer)
    stated: dict[int, dict[str, int]] = {}
    for name, token in (*inside.items(), *outside.items()):
        try:
            said = read_checkpoint(token, find_key)
        except IcardError as fault:
            report.add(StateError("audit.checkpoint", path=name, found=fault.code))
            continue
        if said.database_id != database_id:
            report.add(StateError("audit.checkpoint", path=name, expected=database_id, found=said.database_id))
            continue
        report.checkpoints += 1
        stated.setdefault(said.seq, {}).setdefault(said.hash, said.iat)
    return stated


def _purged_through(source: AuditSource) -> int:
    """The highest row up to which acts of purging say that details are gone."""
    query = (
        select(AuditRow, AuditDetail)
        .outerjoin(AuditDetail, AuditDetail.seq == AuditRow.seq)
        .where(AuditRow.action == PURGE)
    )
    found = source.database.read(partial(_pairs, query))
    opened = [open_details(source, row, detail) for row, detail in found if detail is not None]
    return max((int(one["through"]) for one in opened if one), default=0)


def _unexplained(source: AuditSource, missing: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of rows without details those that no act of purging names, as ranges."""
    if not missing:
        return []
    through = _purged_through(source)
    query = (
        select(AuditRow, AuditDetail)
        .join(AuditDetail, AuditDetail.seq == AuditRow.seq)
        .where(AuditRow.action == PERSON_PURGED)
    )
    found = source.database.read(partial(_pairs, query))
    said = [open_details(source, row, detail) for row, detail in found if detail is not None]
    named = {int(seq) for one in said if one for seq in one.get("details", ())}
    ranges: list[tuple[int, int]] = []
    for first, last in missing:
        for seq in range(max(first, through + 1), last + 1):
            if seq not in named:
                _extend(ranges, seq)
    return ranges


def _days_that_differ(source: AuditSource, acts: list[tuple[AuditRow, Detail]]) -> Iterator[StateError]:
    """Days whose look-ups and reads are not those that the chain has the hash of; what retention deleted is none."""
    before = max((int(said["before"]) for row, said in acts if row.action == PRUNED and "before" in said), default=0)
    for row, said in acts:
        if row.action != DAY_CLOSED or "day" not in said or said["day"] < before:
            continue
        digest, rows = source.database.read(lambda session, day=said["day"]: day_hash(session, day))  # type: ignore[misc]
        if digest != said["hash"]:
            yield _fault("audit.reads_changed", row.seq, expected=f"{said['rows']} rows", found=f"{rows}")


def _ends_after(act: tuple[AuditRow, Detail], at: int) -> bool:
    """Whether a day that an act closed was not over at a time."""
    row, said = act
    return row.action == DAY_CLOSED and isinstance(said.get("day"), int) and said["day"] + DAY > at


def _extend(ranges: list[tuple[int, int]], seq: int) -> None:
    if ranges and ranges[-1][1] == seq - 1:
        ranges[-1] = (ranges[-1][0], seq)
    else:
        ranges.append((seq, seq))


def _fault(code: str, seq: int, *, expected: str | None = None, found: str | None = None) -> StateError:
    return StateError(code, path=f"row {seq}", expected=expected, found=found)
