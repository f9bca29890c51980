"""``icard-issuer demo-data``: a trial authority at work, of any size, the same from the same seed and day.

Promises:

1. It is a trial authority (:mod:`issuer.trial.build`): made again in a folder that is new or empty, of the test
   environment. Production and a database that has anything in it are refused before anything is written.
2. Half a year is lived through by a clock that is moved from day to day: employers file, officers decide, the worker
   does what time does. Nobody's row is written beside the services.
3. The same seed, day and number of people give the same people, employers, applications, permits and sums. Ids, keys,
   passwords and codes are random, as anywhere.
4. Without a day it ends now, and the service goes on from there by its own clock.
"""

from __future__ import annotations

import csv
import heapq
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import inspect, select

from icard_crypto.errors import Conflict, Invalid, NotAllowed
from icard_crypto.moments import DAY
from issuer.bulk.rows import Source
from issuer.db.engine import connect
from issuer.permits import clockwork, reminders
from issuer.permits.models import Permit
from issuer.rules.days import day_of
from issuer.settings import FILE_NAME, Settings
from issuer.switchover.physical import COLUMNS, import_permits
from issuer.trial.build import STATUS_PREFIX, Trial, begun, publish_all, write_card
from verifier.runtime.files import write_new

from . import cast, insurance
from .authority import BY, REGIONS, Authority, DemoAccount, StandingClock
from .people import DemoPerson, make_people
from .stories import Life, Story, assign

__all__ = ["LEAST", "Filled", "make_demo"]

#: As many as there are stories, with room for the insured.
LEAST: Final = 40
_MOST: Final = 20_000
#: Three in each region, of which one closes down, and the one that the demonstration is shown with.
_LEAST_EMPLOYERS: Final = 10
#: Days that are lived through.
_DAYS: Final = 175
_EVENING: Final = timedelta(hours=18)
_BEIJING: Final = ZoneInfo("Asia/Shanghai")
_SATURDAY: Final = 5
_SECRET: Final = 0o600
#: Seconds between two steps of a day.
_BETWEEN: Final = 20
#: Of a hundred people whose firm has an agency, those for whom it files.
_BY_AGENCY: Final = 40

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made. ``accounts``: to log in with; they are in ``accounts.json`` too."""

    trial: Trial
    day: date
    people: int
    accounts: tuple[DemoAccount, ...]


def make_demo(
    folder: Path,
    *,
    people: int = 2000,
    seed: int = 1,
    day: date | None = None,
    status_prefix: str = STATUS_PREFIX,
    database_url: str | None = None,
    progress: Progress = lambda done, all_of_them: None,
) -> Filled:
    """Make a trial authority at work.

    Args:
        folder: new or empty.
        people: :data:`LEAST` to 20,000.
        day: the last day; None: today, until now.
        database_url: an empty PostgreSQL database; None: a SQLite file in the folder.
        progress: called for each day: days lived through, and of how many.

    Raises:
        NotAllowed: ``demo.production``.
        Conflict: ``demo.used``.
        Invalid: ``demo.size``, ``demo.day``.
        FileFault: ``file.exists``, ``file.unwritable``.
    """
    if not LEAST <= people <= _MOST:
        raise Invalid("demo.size", path="--people", expected=f"{LEAST} to {_MOST}", found=str(people))
    last = _last_moment(day)
    _refuse_real(folder, database_url)
    until = day_of(int(last))
    chance = Random(seed)  # noqa: S311 - made-up people; keys, ids and passwords are not drawn from it
    clock = StandingClock(last - _DAYS * DAY)
    regions = [code for code, *_ in REGIONS]
    names = ("Demonstration Authority", "演示机关")
    trial = Trial(folder, ())
    with begun(
        folder,
        status_prefix=status_prefix,
        database_url=database_url,
        regions=regions,
        names=names,
        clock=clock.clock(),
    ) as core:
        authority = Authority(core, clock, chance)
        authority.add_firms(max(_LEAST_EMPLOYERS, people // 50) - 1, max(2, people // 400))
        _Time(authority, until, people, progress).live()
        clock.at = max(clock.at, last)
        core.database.transact(core.clock.accept)
        cast.play(authority)
        publish_all(core, trial)
        content = json.dumps([asdict(account) for account in authority.accounts], indent=1)
        write_new(folder / "accounts.json", content.encode(), mode=_SECRET)
    write_card(trial.card)
    return Filled(trial, until, people, tuple(authority.accounts))


def _last_moment(day: date | None) -> float:
    """The moment at which it ends: now, or the evening of an earlier day."""
    now = time.time()
    if day is None or day == day_of(int(now)):
        return now
    if day > day_of(int(now)):
        raise Invalid("demo.day", path="--day", expected="a day that has come", found=day.isoformat())
    return (datetime.combine(day, datetime.min.time(), _BEIJING) + _EVENING).timestamp()


def _refuse_real(folder: Path, database_url: str | None) -> None:
    """Refuse production, and whatever holds data (promise 1).

    Raises:
        NotAllowed: ``demo.production``.
        Conflict: ``demo.used``.
    """
    service = folder / "issuer"
    for place in (folder, service):
        # The environment counts too, as it will for what is made here.
        if Settings.load(place).environment == "production":
            raise NotAllowed("demo.production", path=str(place))
        if (place / FILE_NAME).exists():
            raise Conflict("demo.used", path=str(place))
    database = connect(database_url or Settings.load(service).database, connections=1)
    try:
        known = database.engine.url.database
        if database.engine.dialect.name == "sqlite" and not Path(known or "").exists():
            return
        if inspect(database.engine).get_table_names():
            raise Conflict("demo.used", path="--database-url")
    finally:
        database.close()


class _Time:
    """Half a year, day by day."""

    def __init__(self, authority: Authority, until: date, people: int, progress: Progress) -> None:
        self._authority, self._core, self._until, self._progress = authority, authority.core, until, progress
        chance = authority.chance
        self._stories = assign(chance, people)
        made = make_people(chance, until, [story.category for story in self._stories])
        self._lives = [self._life(person, story) for person, story in zip(made, self._stories, strict=True)]
        self._running: list[tuple[date, int, Iterator[int]]] = []
        self._books = insurance.Books(authority, until)

    def live(self) -> None:
        """Tell every story up to the last day."""
        begun = self._authority.today
        told = list(zip(self._lives, self._stories, strict=True))
        for life, story in told:
            if story.until is not None:
                life.until = self._until + timedelta(days=self._authority.chance.randint(*story.until))
        carried = [life for life, story in told if story.until is not None]
        self._import(carried)
        self._books.register(carried)
        for place, (life, story) in enumerate(told):
            self._push(self._begins(life, story), place, story.tell(life))
        whole = (self._until - begun).days
        for passed in range(1, whole):
            self._day(begun + timedelta(days=passed))
            self._progress(passed, whole)
        self._books.pay()
        self._progress(whole, whole)

    def _life(self, person: DemoPerson, story: Story) -> Life:
        authority, chance = self._authority, self._authority.chance
        here = chance.choice(authority.regions)
        place = chance.randrange(len(here.lasting))
        firm = here.closing if story.closing else here.employers[place]
        # Every second employer has given a mandate.
        by_agency = here.agencies and not story.closing and place % 2 == 0 and chance.randrange(100) < _BY_AGENCY
        return Life(authority, here, person, firm, here.agencies[0].who if by_agency else None)

    def _begins(self, life: Life, story: Story) -> date:
        return self._until - timedelta(days=self._authority.chance.randint(*story.begins))

    def _push(self, day: date, place: int, story: Iterator[int]) -> None:
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
        if day < self._until:
            heapq.heappush(self._running, (day, place, story))

    def _day(self, day: date) -> None:
        """One day: who has something to do does it; then the worker."""
        authority = self._authority
        authority.clock.morning(self._core, day)
        while self._running and self._running[0][0] <= day:
            _, place, story = heapq.heappop(self._running)
            authority.clock.at += _BETWEEN
            wait = next(story, None)
            if wait is not None:
                self._push(day + timedelta(days=max(wait, 1)), place, story)
        clockwork.turn(self._core)
        reminders.remind(self._core)

    def _import(self, lives: list[Life]) -> None:
        """Take the physical permits over."""
        core, chance = self._core, self._authority.chance
        with tempfile.TemporaryDirectory(prefix="icard-demo-") as folder:
            path = Path(folder) / "physical.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                rows = csv.DictWriter(file, list(COLUMNS.forms))
                rows.writeheader()
                for life in lives:
                    rows.writerow(_physical(life, chance))
            import_permits(core, Source.of(path), BY)

        query = select(Permit.number_key, Permit.id)
        known = dict(core.database.read(lambda session: session.execute(query).all()))
        for life in lives:
            life.permit_id = known[core.at_rest.digest("permit number", life.person.number)]


def _physical(life: Life, chance: Random) -> dict[str, str]:
    """The row of a physical permit."""
    person, until = life.person, life.until or life.today
    years = 2 if person.category == "A" else 1
    first = min(until - timedelta(days=years * 365), life.today - timedelta(days=chance.randint(10, 200)))
    return {
        "surname": person.surname,
        "given": person.given,
        "nationality": person.nationality,
        "birth": person.birth.isoformat(),
        "sex": person.sex,
        "passport": person.passport,
        "passport_until": person.passport_until.isoformat(),
        "post": person.post,
        "category": person.category,
        "first": first.isoformat(),
        "until": until.isoformat(),
        "number": person.number,
        "employer_code": life.firm.code,
        "employer_name": "",
        "region": life.firm.region,
    }
