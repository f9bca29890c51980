"""``python -m benchmarks.portal``: the pages of the portal, as people and their telephones meet them.

``icard-issuer serve`` runs as a process of its own on the data of ``icard-issuer demo-data``, over HTTPS, with the
settings that it has by default; only the rates of requests and log-ins are raised, for all people here come from one
address.

- The holder's card page in a real Chromium behind a slow line (400 ms, 400 kbit/s, emulated by the browser): bytes
  until the page can be used, and seconds, cold and warm. Usable: the code is drawn and the script has run.
- An officer's document page in Chromium without the slow line: seconds until the drawn page is on the screen, when the
  server draws it and when it has it in its cache.
- Milliseconds to the first byte of the first pages of every role, one request at a time; at the end again among a
  hundred thousand more people with permits and insurance, whose rows are written directly, spread over all employers.
- A list of 5,000 rows: seconds from sending it to the page with its progress bar, and to the first rows looked at.
- 50 people at once, each with a pause between pages: milliseconds to the first byte, and the server's resident memory
  over the time.

The browser's emulation delays each answer by 400 ms; it doesn't emulate the connection's set-up. The exit code is 0
whether or not a target is met.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import itertools
import json
import os
import random
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

from benchmarks.keeping import keep, table
from benchmarks.many_people import add_permits
from benchmarks.uploads import scan
from issuer.rules.days import day_of
from issuer.trial.demo.authority import DemoAccount
from tests.kit.filing_by_pages import file_application
from tests.kit.forms import Reader
from tests.kit.insured import registration_body
from tests.kit.origin import Authority as Certificates
from tests.kit.permit_office import person_record
from tests.kit.scan.browser import PHONE, SCREEN, chromium
from tests.kit.scan.gate import free_port, issuing
from tools import demo_authority

__all__ = ["TARGETS", "Served", "figure_row", "first_byte", "main", "p95", "resident", "serving"]

#: A slow telephone line, as the browser's developer tools describe one.
_SLOW: Final = {"offline": False, "latency": 400, "downloadThroughput": 400_000 // 8, "uploadThroughput": 400_000 // 8}
#: First and main pages by demo account.
_PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "demo.holder": ("", "permits", "insurance", "privacy", "notices"),
    "demo.employer": ("", "staff", "permits", "filings", "insurance", "mandates"),
    "demo.agency": ("", "staff", "permits", "filings", "insurance"),
    "demo.officer": ("", "queue", "search", "permits"),
    "demo.head": ("", "queue", "load"),
    "demo.insurance": ("", "insurance", "benefits"),
    "demo.inspector": ("", "search"),
    "demo.auditor": ("", "audit", "service"),
    "demo.admin": ("", "accounts", "organisations", "rules"),
}
#: The demo account whose pages those of a role read.
_DEMO: Final = {
    "holder": "demo.holder",
    "employer": "demo.employer",
    "agency": "demo.agency",
    "permit_officer": "demo.officer",
    "office_head": "demo.head",
    "insurance_officer": "demo.insurance",
    "inspector": "demo.inspector",
    "auditor": "demo.auditor",
    "administrator": "demo.admin",
}
_ROWS: Final = 5_000
_MANY: Final = 100_000
#: Seconds between two pages of one of the people who are there at once, at random between these.
_PAUSE: Final = (1.0, 3.0)
#: Seconds between two looks at the server's memory.
_LOOK: Final = 2.0
_PATIENCE: Final = 30_000

CRITICAL, COLD, WARM = "critical path of the card page, kB", "card page usable, cold, s", "card page usable, warm, s"
FIRST_BYTE, MANY = "first byte, p95, ms", "first byte among many people, p95, ms"
LISTED, LOOKED = "5,000 rows: page with progress, s", "5,000 rows: first rows looked at, s"
DRAWN, CACHED = "document page, first drawn, ms", "document page, from the cache, ms"
CROWD, MEMORY = "first byte with people at once, p95, ms", "memory at the end to that after warming up"
#: What is promised of each; None: reported only.
TARGETS: Final[Mapping[str, float | None]] = {
    CRITICAL: 25.0,
    COLD: 1.5,
    WARM: 1.0,
    FIRST_BYTE: 150.0,
    MANY: 300.0,
    LISTED: 1.0,
    LOOKED: None,
    DRAWN: None,
    CACHED: 300.0,
    CROWD: None,
    MEMORY: 1.1,
}

Told = dict[str, Any]


@dataclass
class Served:
    """The service at work. ``origin``: scheme, host and port; ``pid``: of its process; ``folder``: the service's."""

    origin: str
    context: ssl.SSLContext
    accounts: Mapping[str, DemoAccount]
    pid: int
    folder: Path
    readers: dict[str, Reader] = field(default_factory=dict)
    more: list[Reader] = field(default_factory=list)

    def reader(self, login: str) -> Reader:
        """Somebody who has logged in, without a browser; once, for a code of an authenticator app counts once."""
        if login not in self.readers:
            account = self.accounts[login]
            self.readers[login] = Reader(self.origin, self.context)
            self.readers[login].log_in(account.login, account.password, account.secret)
        return self.readers[login]

    def another(self, login: str) -> Reader:
        """A connection of its own in the session of somebody who has logged in."""
        made = Reader(self.origin, self.context)
        made.client.cookies.update(self.reader(login).client.cookies)
        self.more.append(made)
        return made

    @contextlib.contextmanager
    def window(self, browser: Browser, login: str, size: Any) -> Iterator[BrowserContext]:
        """A browser with an empty cache in the session of somebody who has logged in."""
        cookies: list[Any] = [
            {"name": one.name, "value": one.value, "url": f"{self.origin}/", "secure": True}
            for one in self.reader(login).client.cookies.jar
        ]
        context = browser.new_context(viewport=size, ignore_https_errors=True, locale="en-GB")
        try:
            context.add_cookies(cookies)
            yield context
        finally:
            context.close()


@contextlib.contextmanager
def serving(folder: Path, people: int) -> Iterator[Served]:
    certificates, port = Certificates(folder), free_port()
    certificates.server_context("localhost")
    origin = f"https://localhost:{port}"
    authority = demo_authority.make(folder / "authority", status_prefix=f"{origin}/status/", people=people)
    known = json.loads((authority.folder / "accounts.json").read_text("utf-8"))
    # Everybody here comes from one address.
    rates = {
        "ICARD_ISSUER_ACCOUNT_PER_SECOND": "1000",
        "ICARD_ISSUER_ACCOUNT_BURST": "5000",
        "ICARD_ISSUER_STRANGER_LOGINS_PER_SECOND": "1000",
    }
    with issuing(authority, port, folder / "localhost.pem", rates) as process:
        accounts = {account["login"]: DemoAccount(**account) for account in known}
        served = Served(
            origin,
            ssl.create_default_context(cafile=str(certificates.ca_file)),
            accounts,
            process.pid,
            authority.service,
        )
        try:
            yield served
        finally:
            for reader in (*served.readers.values(), *served.more):
                reader.close()


def p95(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]


def first_byte(reader: Reader, path: str) -> float:
    """Milliseconds until the first byte of a page."""
    begun = time.perf_counter()
    with reader.client.stream("GET", path) as answer:
        body = answer.iter_raw()
        next(body)
        taken = (time.perf_counter() - begun) * 1000
        for _ in body:
            pass
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return taken


def first_bytes(served: Served, rounds: int) -> Told:
    """Milliseconds to the first byte, by page and of all."""
    by_page: dict[str, list[float]] = {}
    for login, paths in _PAGES.items():
        reader = served.reader(login)
        for number in range(rounds + 1):
            for path in paths:
                taken = first_byte(reader, path)
                # The first round fills what the service reads once.
                if number:
                    by_page.setdefault(f"{login} /{path}", []).append(taken)
    every = [one for taken in by_page.values() for one in taken]
    pages = {name: round(statistics.median(taken), 1) for name, taken in by_page.items()}
    return {FIRST_BYTE: p95(every), "requests": len(every), "median by page, ms": pages}


def among_many(served: Served, people: int, rounds: int) -> Told:
    """The same first bytes among many more people, who have a permit and are insured."""
    add_permits(served.folder, people)
    found = first_bytes(served, rounds)
    return {MANY: found.pop(FIRST_BYTE), "people": people, **found}


def card_page(served: Served, browser: Browser, runs: int) -> Told:
    """The holder's card page on a slow line."""
    cold, warm, sizes = [], [], []
    for _ in range(runs):
        with served.window(browser, "demo.holder", PHONE) as context:
            page = context.new_page()
            line = context.new_cdp_session(page)
            line.send("Network.enable")
            line.send("Network.emulateNetworkConditions", _SLOW)
            size = _Bytes(line)
            cold.append(_usable(page, f"{served.origin}/portal/"))
            sizes.append(size.critical / 1000)
            warm.append(_usable(page, f"{served.origin}/portal/"))
    return {
        CRITICAL: max(sizes),
        COLD: max(cold),
        WARM: max(warm),
        "runs": runs,
        "median cold, s": statistics.median(cold),
        "median warm, s": statistics.median(warm),
        "by file, kB": size.by_file,
    }


class _Bytes:
    """What came over the line until the page could be used: heads and bodies as they were sent."""

    def __init__(self, line: CDPSession) -> None:
        self._kinds: dict[str, tuple[str, str]] = {}
        self._sizes: dict[str, int] = {}
        line.on("Network.responseReceived", self._came)
        line.on("Network.loadingFinished", self._ended)

    def _came(self, event: Mapping[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"], event["response"]["url"].rpartition("/")[2]

    def _ended(self, event: Mapping[str, Any]) -> None:
        self._sizes[event["requestId"]] = int(event["encodedDataLength"])

    @property
    def critical(self) -> int:
        """Bytes of the document, its style sheets and scripts: what the page needs before it can be used."""
        wanted = ("Document", "Stylesheet", "Script")
        return sum(size for name, size in self._sizes.items() if self._kinds.get(name, ("",))[0] in wanted)

    @property
    def by_file(self) -> dict[str, float]:
        """Kilobytes by kind and name."""
        return {" ".join(self._kinds[name]): size / 1000 for name, size in self._sizes.items() if name in self._kinds}


def _usable(page: Page, url: str) -> float:
    """Seconds from asking for the card page until its code is drawn and its script has run."""
    begun = time.perf_counter()
    page.goto(url, wait_until="domcontentloaded", timeout=_PATIENCE)
    page.wait_for_selector(".face .qr img", timeout=_PATIENCE)
    return time.perf_counter() - begun


def document_page(served: Served, browser: Browser, runs: int) -> Told:
    """An officer's page of a document of one scanned page, opened again and again from the page of its application."""
    today = day_of(int(time.time()))
    record = person_record(today, 9, surname="HALONEN", given="AINO", nationality="FIN", passport="FP9900077")
    filing = file_application(served.reader("demo.employer"), record, today, files={"M04": scan()})
    taken = []
    with served.window(browser, "demo.officer", SCREEN) as context:
        page = context.new_page()
        for _ in range(runs + 1):
            page.goto(f"{served.origin}/portal/{filing}")
            begun = time.perf_counter()
            page.goto(f"{served.origin}/portal/{filing}/check?material=M04", wait_until="domcontentloaded")
            page.locator("img.drawn").first.evaluate("image => image.decode()")
            taken.append((time.perf_counter() - begun) * 1000)
    return {DRAWN: taken[0], CACHED: p95(taken[1:]), "runs": runs, "median from the cache, ms":
            statistics.median(taken[1:])}  # fmt: skip


def list_of_rows(served: Served, rows: int) -> Told:
    """A list of people to register, sent by an employer."""
    text = io.StringIO()
    bodies = [registration_body(10_000 + number) for number in range(rows)]
    writer = csv.DictWriter(text, list(bodies[0]))
    writer.writeheader()
    writer.writerows(bodies)
    employer = served.reader("demo.employer")
    employer.open("insurance/register-many")
    begun = time.perf_counter()
    employer.send("insurance/register-many", rows=text.getvalue())
    listed = time.perf_counter() - begun
    if f'max="{rows}"' not in employer.here:
        raise RuntimeError("no page with progress")
    employer.send(f"{employer.path}/go")
    looked = time.perf_counter() - begun
    return {LISTED: listed, LOOKED: looked, "rows": rows}


def crowd(served: Served, people: int, seconds: float) -> Told:
    """So many people at once, who read for a while between two pages; the server's memory over the time. Where there
    are fewer accounts, several have one session together, each with a connection of its own."""
    wanted = [login for login in served.accounts if not login.startswith("demo.")]
    logins = itertools.islice(itertools.cycle([*_PAGES, *wanted]), people)
    readers = [(served.another(login), _PAGES[_DEMO[served.accounts[login].role]]) for login in logins]
    end, taken, faults = time.monotonic() + seconds, [], []  # type: float, list[float], list[str]

    def read(reader: Reader, paths: Sequence[str], chance: random.Random) -> None:
        while time.monotonic() < end:
            time.sleep(chance.uniform(*_PAUSE))
            try:
                taken.append(first_byte(reader, chance.choice(paths)))
            except (httpx.HTTPError, RuntimeError) as fault:
                faults.append(str(fault))

    threads = [threading.Thread(target=read, args=(*one, random.Random(number))) for number, one in enumerate(readers)]
    for thread in threads:
        thread.start()
    memory = []
    while time.monotonic() < end:
        memory.append(resident(served.pid))
        time.sleep(_LOOK)
    for thread in threads:
        thread.join()
    # The first fifth warms the service up.
    fifth = max(1, len(memory) // 5)
    before, after = statistics.median(memory[fifth : 2 * fifth] or memory), statistics.median(memory[-fifth:])
    return {CROWD: p95(taken), MEMORY: after / before, "people": len(readers), "seconds": seconds, "pages": len(taken),
            "median first byte, ms": statistics.median(taken), "refused or failed": faults[:5], "failures": len(faults),
            "memory, MiB": [round(one) for one in memory]}  # fmt: skip


def resident(pid: int) -> float:
    """Resident memory of a process, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> None:
    """Measure, print, write ``results/portal.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portal", description=main.__doc__)
    parser.add_argument("--people", type=int, default=40, help="of the demo data (default: 40)")
    parser.add_argument("--runs", type=int, default=10, help="of each page in the browser (default: 10)")
    parser.add_argument("--rounds", type=int, default=20, help="of all first pages (default: 20)")
    parser.add_argument("--rows", type=int, default=_ROWS, help=f"of the list (default: {_ROWS})")
    parser.add_argument("--at-once", type=int, default=50, help="people (default: 50)")
    parser.add_argument("--seconds", type=float, default=300, help="for which they are there (default: 300)")
    parser.add_argument("--many", type=int, default=_MANY, help=f"more people, at the end (default: {_MANY})")
    asked = parser.parse_args()
    told: dict[str, Told] = {}
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="icard-bench-") as folder:
        _say(f"an authority with {asked.people} people ...")
        with serving(Path(folder), asked.people) as served, chromium() as browser:
            parts: dict[str, Callable[[], Told]] = {
                "the holder's card page on a slow line": lambda: card_page(served, browser, asked.runs),
                "an officer's document page": lambda: document_page(served, browser, asked.runs),
                "first bytes": lambda: first_bytes(served, asked.rounds),
                "a list": lambda: list_of_rows(served, asked.rows),
                "people at once": lambda: crowd(served, asked.at_once, asked.seconds),
                "first bytes among many": lambda: among_many(served, asked.many, asked.rounds),
            }
            for name, measure in parts.items():
                _say(f"{name} ...")
                told[name] = measure()
    figures = {what: one for part in told.values() for what, one in part.items() if what in TARGETS}
    rows = [figure_row(what, figures[what], target) for what, target in TARGETS.items()]
    print(table(["", "measured", "target"], rows))
    keep("portal", load_at_the_start=load, figures=told)


def figure_row(what: str, figure: float, target: float | None) -> list[str]:
    """A row of the table on the screen."""
    said = "" if target is None else f"{target:g}: {'met' if figure <= target else 'missed'}"
    return [what, f"{figure:.2f}" if figure < 100 else f"{figure:.0f}", said]


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
