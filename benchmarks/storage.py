"""``python -m benchmarks.storage``: by how much a database grows with cards, changes and look-ups, and what keeps it.

Each kind of act is done many times on a new service; what the database has grown by is scaled to ten thousand. Sizes
are of the whole database, indexes included, after a checkpoint and, on PostgreSQL, a VACUUM.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from benchmarks.databases import folders
from benchmarks.keeping import keep, table
from issuer import cards
from issuer.acts import Actor
from issuer.audit.reads import note_read
from issuer.cards import NewCard
from issuer.cards.lookups import note_lookup
from issuer.core import Core
from tests.kit.issuing_service import FakeClock, person
from tests.kit.people import CHEAP, ServiceUnderTest, make
from tests.kit.signed_domain import published_core

__all__ = ["main"]

_SCALE = 10_000
_BY = Actor("host:benchmark", "a benchmark", break_glass=True)
_CHUNK = 100


def main() -> None:
    """Measure, print, write ``results/storage.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=main.__doc__)
    parser.add_argument("--acts", type=int, default=1000, help="acts of each kind (default: 1,000)")
    number = parser.parse_args().acts
    found: dict[str, dict[str, float]] = {}
    with folders() as each:
        for kind, folder, url in each:
            found[kind] = _measure(folder, url, number)
    rows = [[what, *(f"{found[kind][what]:.1f}" for kind in found)] for what in next(iter(found.values()))]
    print(f"\nMiB per {_SCALE:,}\n\n{table(['act', *found], rows)}")
    keep("storage", databases={kind: {"acts": number, "mib_per_10000": values} for kind, values in found.items()})


def _measure(folder: Path, url: str, number: int) -> dict[str, float]:
    core = published_core(folder, url, FakeClock(), **CHEAP, compare_published=False)
    officer = make(ServiceUnderTest(core, FakeClock()), "permit_officer", "officer")
    who = officer.who()
    made: list[str] = []

    def issue() -> None:
        for start in range(0, number, _CHUNK):
            new = [NewCard(person(place)) for place in range(start + 1, min(start + _CHUNK, number) + 1)]
            made.extend(one.card_id for one in cards.issue(core, new, _BY))

    def change() -> None:
        for name in made:
            cards.suspend(core, name, _BY)

    def renew() -> None:
        for name in made:
            cards.resume(core, name, _BY)
            cards.renew(core, cards.Reissue(name), _BY)

    def look() -> None:
        for name in made:
            note_lookup(core, who, name, "card")

    def read() -> None:
        for name in made:
            note_read(core, who.actor, who.role.name, "filing.read", name)

    acts: dict[str, Callable[[], None]] = {
        "cards issued, three codes each": issue,
        "changes of a card's state": change,
        "renewals, three codes each": renew,
        "look-ups at cards": look,
        "reads of other records": read,
    }
    grown = {}
    before = _size(core)
    for what, act in acts.items():
        act()
        after = _size(core)
        grown[what] = round((after - before) / 2**20 * _SCALE / number, 2)
        before = after
    core.close()
    return grown


def _size(core: Core) -> int:
    with core.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if core.database.is_sqlite:
            connection.execute(text("COMMIT"))
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            free = connection.execute(text("PRAGMA freelist_count")).scalar_one()
            size = connection.execute(text("PRAGMA page_size")).scalar_one()
            connection.execute(text("BEGIN"))
            return int((pages - free) * size)
        connection.execute(text("VACUUM"))
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


if __name__ == "__main__":
    main()
