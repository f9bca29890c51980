"""``python -m benchmarks.scan_page``: how long a person at a gate waits, in a real Chromium.

From the first clear frame of a film to the verdict on the screen, by both ways that the page has: frames to the
service, and the browser's own reader. That reader is a stub which reads a clear frame in no time, since Chromium has
none here: its way is the page's and the service's share alone. The service is ``icard serve``; the film begins out of
focus each time, and the page looks when it looks: the moment of the first clear frame is as random as at a gate.

And from the issuer's command that revokes a card until the page refuses it: issuer, service and command each a process
of its own, with HTTPS and a sync between them.

The exit code is 0 whether or not a target is met.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from benchmarks.keeping import keep, table
from tests.kit.scan.browser import chromium, seeing, watched
from tests.kit.scan.clocked import CLOCK, READER, milliseconds
from tests.kit.scan.gate import gate
from tests.kit.verification_service import Domain, serving
from tools.film import film

__all__ = ["TARGETS", "main", "revocations", "verdicts"]

_WAYS: Final = {"frames to the service": "", "the browser's own reader": READER}
_REVOKED: Final = "a revoked card refused"
_INTERVAL: Final = 2
#: The worst, in seconds: clear frame to verdict, command to refusal.
TARGETS: Final = {**dict.fromkeys(_WAYS, 1.0), _REVOKED: 10.0}


def verdicts(folder: Path, runs: int) -> dict[str, list[float]]:
    """Seconds from the first clear frame to the verdict, by each way."""
    domain = Domain(folder / "state")
    domain.learn(domain.now - 60)
    code = domain.code()
    (folder / "card.mjpeg").write_bytes(film(code))
    with (
        serving(domain.folder, "--no-sync", "--rate", "0") as server,
        chromium(*seeing(folder / "card.mjpeg")) as found,
    ):
        return {way: _turns(found, f"{server.url}/", reader, code, runs) for way, reader in _WAYS.items()}


def _turns(browser: Browser, url: str, reader: str, code: str, runs: int) -> list[float]:
    script = f"window.inView = {json.dumps(code)};{CLOCK}{reader}"
    taken: list[float] = []
    for _ in range(2 * runs + 2):
        with watched(browser, url, script=script) as page:
            page.page.click(".start")
            figure = milliseconds(page.page)
            if page.outcome() != "VALID":
                raise ValueError("a good code is not VALID")
        if figure is not None:
            taken.append(figure / 1000)
        # The first turn warms the service's reader up, as the first scan of a day does.
        if len(taken) > runs:
            return taken[1:]
    raise ValueError("the film is read before it is clear")


def revocations(folder: Path, runs: int) -> list[float]:
    """Seconds from the end of the command that revokes a card until the page refuses it."""
    with (
        gate(folder, cards=runs, interval=_INTERVAL) as made,
        chromium() as found,
        watched(found, made.url) as page,
    ):
        taken = []
        for card in made.codes:
            made.until(page, card, "VALID", 60)
            made.revoke(card)
            taken.append(made.until(page, card, "INVALID", 60))
        return taken


def _figures(taken: Sequence[float]) -> dict[str, Any]:
    return {"runs": len(taken), "median": statistics.median(taken), "worst": max(taken)}


def main() -> None:
    """Measure, print, write ``results/scan_page.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan_page", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=20, help="of each way (default: 20)")
    parser.add_argument("--revocations", type=int, default=5, help="cards that are revoked (default: 5)")
    asked = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder:
        places = [Path(folder) / name for name in ("film", "gate")]
        for place in places:
            place.mkdir()
        print(f"{asked.runs} films by each way ...", file=sys.stderr)
        taken = verdicts(places[0], asked.runs)
        print(f"{asked.revocations} cards revoked ...", file=sys.stderr)
        taken[_REVOKED] = revocations(places[1], asked.revocations)
    told = {what: _figures(each) for what, each in taken.items()}
    rows = [
        [
            what,
            str(each["runs"]),
            f"{each['median']:.2f}",
            f"{each['worst']:.2f}",
            f"{TARGETS[what]:g}: {'met' if each['worst'] <= TARGETS[what] else 'missed'}",
        ]
        for what, each in told.items()
    ]
    print(table(["", "runs", "median s", "worst s", "target for the worst"], rows))
    keep(
        "scan_page",
        cores=os.cpu_count(),
        load=load,
        interval=_INTERVAL,
        figures=told,
    )


if __name__ == "__main__":
    main()
