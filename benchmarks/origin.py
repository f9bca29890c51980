"""``python -m benchmarks.origin``: seconds from a change's commit until the origin says so, on both databases.

The origin is a real server, with ten full lists beside those in use, so that the bundle is a large one. On SQLite the
server publishes, on PostgreSQL a worker beside it. Changes come at random moments of the publisher's second. The bundle
is fetched over HTTP by its ETag; a change has arrived when a verifier that has nothing else gives the new reason for
the code of every profile. The exit code is 0 whether or not the target is met.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.databases import folders
from benchmarks.keeping import keep, table
from benchmarks.servers import worker
from benchmarks.synthetic import fill_lists
from icard_crypto.lists.tree import BUNDLE
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, Reissue
from issuer.core import Core
from tests.kit.issuing_api import issuing
from tests.kit.issuing_service import person
from tests.kit.signed_domain import bundle_domain, published_core, write_settings
from verifier import Policy, Verifier

__all__ = ["main", "measure"]

_BY: Final = Actor("benchmark", reason="measured")
_LISTS: Final = 10
#: Seconds: what the design promises.
_TARGET: Final = 5.0
#: Seconds after which a change is held not to arrive at all.
_LONGEST: Final = 60.0

Told = dict[str, Any]


class _Origin:
    """The bundle at an address, fetched again where it changed."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._tag = ""
        self._content = b""

    def reasons(self, texts: list[str], policy: str) -> list[str]:
        """What a verifier with nothing but the bundle says about codes; nothing where none is published yet."""
        answer = self._client.get(f"/{BUNDLE}", headers={"If-None-Match": self._tag})
        if answer.status_code == httpx.codes.OK:
            self._tag, self._content = answer.headers["ETag"], answer.content
        if not self._content:
            return []
        now = int(time.time())
        verifier = Verifier(bundle_domain(self._content, now), Policy.named(policy))
        return [str(verifier.verify(text, now=now).reason) for text in texts]

    def wait(self, texts: list[str], policy: str, wanted: list[str]) -> float:
        """Seconds until the reasons are these."""
        start = time.perf_counter()
        while (taken := time.perf_counter() - start) < _LONGEST:
            if self.reasons(texts, policy) == wanted:
                return taken
            time.sleep(0.02)
        raise TimeoutError(f"{wanted} did not arrive")


def measure(folder: Path, url: str, cards_changed: int, lists: int = _LISTS) -> Told:
    """Six changes of each card; median and longest time of each kind of change, in seconds."""
    core = published_core(folder, url)
    fill_lists(core, lists)
    write_settings(core, folder)
    seconds: dict[str, list[float]] = {}
    with _servers(core, folder) as address, httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        origin = _Origin(client)
        for number in range(cards_changed):
            _change(core, origin, number, seconds)
    core.close()
    every = [figure for kind in seconds.values() for figure in kind]
    return {
        "changes": len(every),
        "median": statistics.median(every),
        "longest": max(every),
        "kinds": {kind: {"median": statistics.median(each), "longest": max(each)} for kind, each in seconds.items()},
    }


def _change(core: Core, origin: _Origin, number: int, seconds: dict[str, list[float]]) -> None:
    (issued,) = cards.issue(core, [NewCard(person(number))], _BY)
    texts = [code.text for code in issued.codes]
    origin.wait(texts, "gate", ["valid"] * 3)
    in_force = origin.reasons(texts, "benefit")

    def lapse(state: Any) -> Callable[[], object]:
        return lambda: cards.set_insurance(core, issued.card_id, state, _BY)

    steps: list[tuple[str, Callable[[], object], str, list[str]]] = [
        ("suspend", lambda: cards.suspend(core, issued.card_id, _BY), "gate", ["suspended"] * 3),
        ("resume", lambda: cards.resume(core, issued.card_id, _BY), "gate", ["valid"] * 3),
        # A public code never shows a lapse.
        ("lapse", lapse("lapsed"), "benefit", [in_force[0], *["insurance_lapsed"] * 2]),
        ("restore", lapse("good"), "benefit", in_force),
        ("replace", lambda: cards.replace(core, Reissue(issued.card_id), _BY), "gate", ["replaced"] * 3),
        ("revoke", lambda: cards.revoke(core, issued.card_id, _BY), "gate", ["revoked"] * 3),
    ]
    for kind, act, policy, wanted in steps:
        time.sleep(random.uniform(0, 1))
        act()
        seconds.setdefault(kind, []).append(origin.wait(texts, policy, wanted))


@contextlib.contextmanager
def _servers(core: Core, folder: Path) -> Iterator[str]:
    """A server, and the worker that SQLite needs none of; the server's address."""
    with contextlib.ExitStack() as running:
        if not core.database.is_sqlite:
            running.enter_context(worker(folder))
        yield running.enter_context(issuing(folder)).base


def main() -> None:
    """Measure, print, write ``results/origin.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.origin", description=main.__doc__)
    parser.add_argument("--cards", type=int, default=10, help="cards that are changed (default: 10)")
    asked = parser.parse_args()
    told: dict[str, Told] = {}
    with folders() as found:
        for kind, place, url in found:
            print(f"{kind}: {asked.cards} cards, six changes each ...", file=sys.stderr)
            told[kind] = measure(place, url, asked.cards)
    rows = [
        [
            kind,
            str(run["changes"]),
            f"{run['median']:.2f}",
            f"{run['longest']:.2f}",
            "met" if run["longest"] <= _TARGET else "missed",
        ]
        for kind, run in told.items()
    ]
    print(table(["", "changes", "median s", "longest s", f"<= {_TARGET:g} s"], rows))
    keep("origin", databases=told)


if __name__ == "__main__":
    main()
