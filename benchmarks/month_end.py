"""``python -m benchmarks.month_end``: the lapses of a month's end, from each chunk's commit until the origin says so.

People with cards whose contributions are late are followed in chunks, as the worker does it; a publisher signs and
writes the published tree every second beside it, as the worker's own jobs do, and another writer suspends and resumes
a card all the while. Of each chunk one card is watched: it has arrived when a verifier that has nothing but the
written bundle gives ``insurance_lapsed`` for its ``work`` code. All of it runs in one process, on a new SQLite database
and on a PostgreSQL server of its own (``--database`` takes one of them). 10,000 people, the default, take some minutes
on each, most of them for making people and cards; ``--people 2000`` is enough for a look. Only on an idle machine are
the times worth keeping. The exit code is 0 whether or not a target is met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.databases import folders
from benchmarks.insurance import person_id_of, populate
from benchmarks.keeping import keep, table
from icard_crypto.card.card import Profile
from icard_crypto.lists.tree import BUNDLE
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.insurance import lapses
from issuer.insurance.card_codes import insurance_on_record, make_due_codes
from issuer.publication.export import export
from issuer.publication.publish import due, publish
from tests.kit.issuing_service import FakeClock, person
from tests.kit.people import CHEAP, ServiceUnderTest, organisation
from tests.kit.signed_domain import bundle_domain, published_core
from verifier import Policy, Verifier

__all__ = ["main", "measure"]

_BY: Final = Actor("benchmark", reason="measured")
_ISSUED_TOGETHER: Final = 100
_MONTHS: Final = 6
#: Seconds: what the design promises of a chunk and of all of them.
_EACH: Final = 5.0
_ALL: Final = 60.0
#: Seconds between two looks of the publisher, as of the worker.
_INTERVAL: Final = 1.0
_PAUSE: Final = 0.05
#: Of every thirty people, the one that is watched: born in 1980, and so of an age at which insurance is due.
_WATCHED: Final = 10
_AGES: Final = 30
_DATABASES: Final = ("SQLite", "PostgreSQL")

Told = dict[str, float]


@dataclass
class _Run:
    """What runs beside the lapses, and what it saw.

    Attributes:
        waits: seconds that each change of the other writer took.
        arrived: when the origin said about which watched code that it lapsed.
    """

    core: Core
    folder: Path
    watched: dict[int, str]
    other: str
    stop: threading.Event = field(default_factory=threading.Event)
    waits: list[float] = field(default_factory=list)
    arrived: dict[int, float] = field(default_factory=dict)
    faults: list[BaseException] = field(default_factory=list)

    def beside(self, work: Callable[[], None], pause: float) -> threading.Thread:
        """A thread that works until the run ends."""

        def loop() -> None:
            try:
                while not self.stop.wait(pause):
                    work()
            except BaseException as fault:
                self.faults.append(fault)

        thread = threading.Thread(target=loop)
        thread.start()
        return thread

    def publish(self) -> None:
        """What the worker's two jobs do."""
        if self.core.database.read(lambda session: due(self.core, session)):
            publish(self.core)
            export(self.core, self.folder)

    def write(self) -> None:
        """Two changes of a card that has nothing to do with the lapses."""
        for act in (cards.suspend, cards.resume):
            begun = time.perf_counter()
            act(self.core, self.other, _BY)
            self.waits.append(time.perf_counter() - begun)

    def look(self) -> None:
        """Ask a verifier about the codes that have not arrived."""
        path = self.folder / BUNDLE
        if not path.exists():
            return
        now = int(time.time())
        verifier = Verifier(bundle_domain(path.read_bytes(), now), Policy.named("benefit"))
        at = time.perf_counter()
        for number, text in self.watched.items():
            if number not in self.arrived and str(verifier.verify(text, now=now).reason) == "insurance_lapsed":
                self.arrived[number] = at


def measure(folder: Path, url: str, people: int, chunk: int = lapses.CHUNK) -> Told:
    """Lapses of so many people; seconds.

    Args:
        url: of a new, empty database.
        chunk: people a transaction.
    """
    core = published_core(folder, url, None, **CHEAP)
    populate(core, organisation(ServiceUnderTest(core, FakeClock()), "employer", 1), people, _MONTHS)
    texts = _issue(core, people)
    (other,) = cards.issue(core, [NewCard(person(people))], _BY)
    publish(core)
    watched = {}
    for start in range(0, people, chunk):
        place = min(start + (_WATCHED - start) % _AGES, people - 1)
        watched[place] = texts[place]
    run = _Run(core, folder / "tree", watched, other.card_id)
    export(core, run.folder)
    commits: list[float] = []

    def note() -> bool:
        commits.append(time.perf_counter())
        return False

    threads = [run.beside(run.publish, _INTERVAL), run.beside(run.write, _PAUSE), run.beside(run.look, _PAUSE)]
    begun = time.perf_counter()
    done = lapses.follow_due(core, _BY, note)
    ended = time.perf_counter()
    # Asked before each chunk: what follows a commit is the next chunk's beginning.
    committed = [*commits[1:], ended][: len(run.watched)]
    while len(run.arrived) < len(run.watched) and time.perf_counter() < ended + _ALL and not run.faults:
        time.sleep(_PAUSE)
    run.stop.set()
    for thread in threads:
        thread.join()
    if run.faults:
        raise run.faults[0]
    new_codes = make_due_codes(core, _BY)
    core.close()
    seconds = [
        run.arrived[place] - at for place, at in zip(run.watched, committed, strict=True) if place in run.arrived
    ]
    return {
        "people": people,
        "lapsed": done.lapsed,
        "chunks": len(run.watched),
        "arrived": len(seconds),
        "median": statistics.median(seconds),
        "longest": max(seconds),
        "all": max(run.arrived.values()) - begun,
        "committed": ended - begun,
        "other_changes": len(run.waits),
        "other_median": statistics.median(run.waits),
        "other_longest": max(run.waits),
        "new_codes": new_codes,
    }


def _issue(core: Core, people: int) -> list[str]:
    """A card for each person, which says about the insurance what is on record; the texts of the ``work`` codes."""
    texts = []
    for start in range(0, people, _ISSUED_TOGETHER):
        places = range(start, min(start + _ISSUED_TOGETHER, people))
        new = core.database.read(partial(_cards, core, places))
        for issued in cards.issue(core, new, _BY):
            texts += [code.text for code in issued.codes if code.profile is Profile.WORK]
    return texts


def _cards(core: Core, places: range, session: Any) -> list[NewCard]:
    made = []
    for place in places:
        found = insurance_on_record(core, session, person_id_of(place), core.clock.now(session))
        card = replace(person(place), insurance=None if found is None else found.said)
        made.append(NewCard(card, holder=person_id_of(place)))
    return made


def main() -> None:
    """Measure, print, write ``results/month_end.json``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.month_end", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=10_000, help="people whose insurance lapses (default: 10000)")
    parser.add_argument("--database", choices=_DATABASES, help="only on this one (default: on both)")
    parser.add_argument("--no-keep", action="store_true", help="write no result")
    asked = parser.parse_args()
    found: dict[str, Told] = {}
    with folders() as each:
        for name, folder, url in each:
            if asked.database in (None, name):
                print(f"{name}: {asked.people} people with cards ...", file=sys.stderr)
                found[name] = measure(folder, url, asked.people)
                _show(name, found[name])
    if not asked.no_keep:
        keep("month_end", databases=found)


def _show(name: str, told: Told) -> None:
    whole = told["arrived"] == told["chunks"]
    rows = [
        ["commit to origin, median s", f"{told['median']:.2f}", ""],
        ["commit to origin, longest s", f"{told['longest']:.2f}", _word(whole and told["longest"] <= _EACH, _EACH)],
        ["all at the origin, s", f"{told['all']:.2f}", _word(whole and told["all"] <= _ALL, _ALL)],
        ["another writer, median s", f"{told['other_median']:.3f}", ""],
        ["another writer, longest s", f"{told['other_longest']:.3f}", ""],
    ]
    print(f"{name}: {told['lapsed']} of {told['people']} lapsed in {told['chunks']} chunks, {told['arrived']} arrived")
    print(table(["", "measured", "target"], rows))


def _word(met: bool, target: float) -> str:
    return f"<= {target:g}: {'met' if met else 'missed'}"


if __name__ == "__main__":
    main()
