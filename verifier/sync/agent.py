"""Keep a state fresh: one round of fetching, or rounds in a loop.

A round of one domain goes in this order; what one source fails to give takes nothing away from what others gave:

1. ``timestamp.cbor`` is read first: it was published last, so everything that it names is there by then.
2. Trust lists: the versions after the current one, one by one, until there is no next. Each is verified as it comes,
   and the first that is bad is the last that is asked for: an origin without keys is given the memory of one list, and
   all of them together a share of the time.
3. The timestamp is applied: what it denies is denied before any status list is waited for.
4. Status lists: those that the timestamp names and those that are known, if an issuer owns the address. Several are
   asked for at one time, of the host first that fewest are asked of and that failed least; of one host those last that
   failed last time, and before them the one first that was reached longest ago. So lists that hang hold up no others.
   What has come is applied at once (:mod:`.side_by_side`).

Further, domains are done side by side, each with the time of a round:

5. What is there already is asked for by its ETag, and only while the state still holds it whole; where a server has no
   ETags, what it sends again counts as what is there.
6. A source that fails for now is asked again, after a wait that grows and is drawn by lot, within its time.
7. A state that cannot be written ends the round with the reason; what is known goes on counting.
8. What became of each source is in the journal, with its times.
9. Where the timestamp did not change, and all else was asked for without a fault less than :data:`WHOLE` seconds ago,
   the round ends there: one small request, so that a short interval is a light load on a publisher with many readers.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from icard_crypto import limits as sizes
from icard_crypto.errors import DecodeError, IcardError, MissingPart, StateError
from icard_crypto.lists import tree
from icard_crypto.lists.trust_chain import verify_successor
from verifier.runtime.outbound.fetching import Answer, Deadline, Fetch, Limits
from verifier.store import Item, Report, Store, Update
from verifier.store.folder import DomainFolder
from verifier.store.manifest import Digest, digest_of

from .journal import Journal, Source, read_journal, write_journal
from .rounds import Round, SourceFault
from .side_by_side import side_by_side
from .sources import is_forbidden, may_pass, named_lists

__all__ = ["WHOLE", "Agent", "Round", "SourceFault"]

WHOLE: Final = 60.0
"""Seconds after which everything is asked for again, also what no new timestamp names."""
#: New trust lists taken in one round: more than two years of one a day would have to be caught up with.
_MOST_LISTS: Final = 256
#: The share of a round that following trust lists may take.
_TRUST_SHARE: Final = 1 / 3
_FIRST_WAIT: Final = 0.5
_FIRST_PAUSE: Final = 5.0
#: However short the interval: a publisher in trouble is not to be kept in it.
_LONGEST_PAUSE: Final = 60.0


def _open_http(limits: Limits) -> Fetch:
    try:
        from .http import HttpFetch
    except ModuleNotFoundError as absent:
        if (absent.name or "").partition(".")[0] not in ("httpx", "httpcore"):
            raise
        raise MissingPart("sync.extra_missing") from None
    return HttpFetch(limits)


class Agent:
    """Keeps the domains of a state fresh that have an address.

    Args:
        store: the state.
        limits: times, retries, networks.
        connect: makes a new fetcher for each domain and round.
        clock: gives Unix time.
        chance: draws waits.
        sleep: waits so many seconds.
        interval: seconds between two rounds, for as long as status lists may lag behind a timestamp.
        accept_time: a person says that the time is right, however far a timestamp raises the clock floor.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        *,
        connect: Callable[[Limits], Fetch] = _open_http,
        clock: Callable[[], float] = time.time,
        chance: random.Random | None = None,
        sleep: Callable[[float], object] = time.sleep,
        accept_time: bool = False,
        interval: float = 0,
    ) -> None:
        self.interval = interval
        self.accept_time = accept_time
        self._store = store
        self._limits = limits
        self._connect = connect
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, hides nothing
        self._sleep = sleep
        self._whole: dict[str, float] = {}

    def once(self) -> list[Round]:
        """One round of every domain that has an address; where none has, a fault for each says so.

        Raises:
            MissingPart: ``sync.extra_missing``.
            StateError: ``store.unreadable`` (the folder itself), ``store.newer``, ``sync.ca_file``.
        """
        names, broken = [], []
        for domain in self._store.load():
            try:
                names.append((domain.name, self._store.manifest(domain.name).url))
            except StateError as error:
                # Damaged, or not to be read: a fault of its own, and of no other domain.
                broken.append(self._failed(domain.name, error))
        # A domain that is fed by bundles is nobody's fault beside one that is not.
        chosen = [each for each in names if each[1] is not None] or names
        if len(chosen) < 2:
            return [*(self._round(*each) for each in chosen), *broken]
        with ThreadPoolExecutor(len(chosen), thread_name_prefix="icard-sync-domain") as pool:
            return [*pool.map(lambda each: self._round(*each), chosen), *broken]

    def watch(self, interval: float, heard: Callable[[list[Round]], None], stop: threading.Event) -> None:
        """Round after round until ``stop`` is set; a state that can't be read is a fault of a round.

        Args:
            interval: seconds between rounds, see :meth:`pause`.
            heard: is called with each round.
        """
        self.interval = interval
        failed = 0
        while not stop.is_set():
            try:
                rounds = self.once()
            except StateError as error:
                rounds = [self._failed("", error)]
            heard(rounds)
            failed = failed + 1 if any(each.faults for each in rounds) else 0
            stop.wait(self.pause(interval, failed))

    def pause(self, interval: float, failed: int) -> float:
        """Seconds to wait before the next round, drawn by lot: the interval, give or take a tenth. After a fault it is
        asked again sooner, where the interval is long; and ever later up to a minute, where it is short.

        Args:
            interval: seconds between rounds while all goes well.
            failed: how many rounds in a row had a fault.
        """
        if not failed:
            return interval * self._chance.uniform(0.9, 1.1)
        longest = max(interval, _LONGEST_PAUSE)
        return min(longest, min(interval, _FIRST_PAUSE) * 2.0 ** min(failed - 1, 16)) * self._chance.uniform(0.5, 1.0)

    def _failed(self, name: str, error: StateError) -> Round:
        return Round(name, int(self._clock()), faults=[SourceFault(str(self._store.folder), error)])

    def _round(self, name: str, url: str | None) -> Round:
        made = Round(name, int(self._clock()))
        if url is None:
            made.faults.append(SourceFault("", StateError("sync.no_url", path=name)))
            return made
        fetch = self._connect(self._limits)
        seen = self._whole.pop(name, -math.inf)
        try:
            run = _Run(self, made, fetch)
            try:
                # A clock that was set back says nothing of what was asked for when.
                run.all(url, brief=0 <= made.now - seen < WHOLE)
            except StateError as error:
                # 7
                made.faults.append(SourceFault(str(self._store.folder), error))
            run.close()
        finally:
            fetch.close()
        if not made.faults:
            self._whole[name] = made.now if run.whole else seen
        return made


class _Run:
    """One round of one domain, with its deadline, its journal and what fetches for it."""

    def __init__(self, agent: Agent, made: Round, fetch: Fetch) -> None:
        self._agent = agent
        self._store = agent._store
        self._made = made
        self._fetch = fetch
        self._deadline = Deadline(agent._limits.total)
        self._folder = agent._store.folder / made.domain
        self._before = read_journal(self._folder).sources
        self._after: dict[str, Source] = {}
        #: What the state consists of, since the last change.
        self._held: frozenset[Digest] | None = None
        #: Whether everything was asked for.
        self.whole = False

    def all(self, base: str, *, brief: bool) -> None:
        """The round, in its order.

        Args:
            brief: whether it may end with a timestamp that did not change.
        """
        # 1
        stamp_url = f"{base}{tree.TIMESTAMP}"
        stamp = self._get(stamp_url, sizes.TIMESTAMP_BYTES)
        # 9
        if brief and stamp is not None and stamp.body is None:
            return
        # 2
        self._trust_lists(f"{base}trust/")
        # 3
        if stamp is not None and stamp.body is not None:
            report = self._apply(Update(timestamp=stamp.body))
            self._note(stamp_url, stamp, report.items[0])
        # 4
        self._status_lists()
        self.whole = True

    def close(self) -> None:
        """Keep the journal; also of a round that ended early."""
        try:
            write_journal(self._folder, Journal({**self._unasked(), **self._after}))
        except StateError as error:
            if not any(fault.error.code == error.code for fault in self._made.faults):
                self._made.faults.append(SourceFault(str(self._folder), error))

    def _unasked(self) -> dict[str, Source]:
        """A round that ended early knows nothing newer of the rest; a whole one forgets what nobody names any more."""
        return {} if self.whole and not self._made.faults else self._before

    def _trust_lists(self, base: str) -> None:
        trust = self._store.trust(self._made.domain)
        if trust is None:
            return
        single = self._store.manifest(self._made.domain).single_root
        deadline = self._deadline.within(_TRUST_SHARE * self._agent._limits.total)
        # Lists in the middle may be over by now, and count with the next one that is not.
        lists: list[bytes] = []
        for _ in range(_MOST_LISTS):
            url = f"{base}{trust.current.version + 1}.cbor"
            answer = self._get(base, sizes.TRUST_LIST_BYTES, url=url, may_lack=True, deadline=deadline)
            if answer is None or answer.body is None:
                break
            try:
                trust = verify_successor(trust, answer.body, unsafe_single_root=single)
            except DecodeError as error:
                self._fail(base, error)
                break
            lists.append(answer.body)
            if trust.current.exp > self._made.now:
                if not self._take_trust(base, lists):
                    return
                lists = []
        else:
            self._fail(base, StateError("sync.too_many", expected=f"at most {_MOST_LISTS}"))
        if lists:
            self._take_trust(base, lists)

    def _take_trust(self, base: str, lists: list[bytes]) -> bool:
        report = self._apply(Update(trust_lists=tuple(lists)))
        if report.refused:
            self._note(base, Answer(None), report.refused[0])
        return not report.refused

    def _status_lists(self) -> None:
        domain = next((each for each in self._store.load() if each.name == self._made.domain), None)
        if domain is None:
            # Removed since the round began.
            return
        named = named_lists(domain, self._store.manifest(domain.name).marks)
        owned = [uri for uri in named if any(issuer.owns_status_uri(uri) for issuer in domain.issuers.values())]

        def ask(uri: str, fetch: Fetch) -> tuple[str, Answer, bytes] | None:
            answer = self._get(uri, sizes.STATUS_TOKEN_BYTES, fetch=fetch)
            return None if answer is None or answer.body is None else (uri, answer, answer.body)

        def failed(uri: str) -> bool:
            source = self._after.get(uri)
            return source is not None and source.fault is not None

        side_by_side(
            sorted(owned, key=self._turn),
            ask=ask,
            failed=failed,
            take=self._take,
            size=lambda one: len(one[2]),
            fetches=(self._fetch, lambda: self._agent._connect(self._agent._limits)),
        )

    def _turn(self, uri: str) -> tuple[bool, int, str]:
        source = self._before.get(uri)
        reached = 0 if source is None or source.reached is None else source.reached
        return source is not None and source.fault is not None, reached, uri

    def _take(self, waiting: Iterable[tuple[str, Answer, bytes]]) -> None:
        offered = list(waiting)
        if not offered:
            return
        report = self._apply(Update(status_tokens=tuple(body for _, _, body in offered)))
        for (uri, answer, _), item in zip(offered, report.items, strict=True):
            if item.error is None and item.name != uri:
                # Good, and kept under its own name; but this address does not say what it is asked for.
                error = StateError("sync.other_list", expected=uri, found=item.name)
                self._fail(uri, error)
            else:
                self._note(uri, answer, item)

    def _apply(self, offered: Update) -> Report:
        agent = self._agent
        update = replace(offered, accept_time=agent.accept_time, interval=math.ceil(agent.interval))
        report = self._store.apply(self._made.domain, update, self._made.now)
        self._made.reports.append(report)
        self._held = None
        return report

    def _get(
        self,
        source: str,
        most: int,
        *,
        url: str | None = None,
        may_lack: bool = False,
        deadline: Deadline | None = None,
        fetch: Fetch | None = None,
    ) -> Answer | None:
        """What is at an address (by default the source itself); None, with the fault noted, where it can't be had."""
        known = self._before.get(source)
        held = known if known is not None and url is None and self._still_held(known) else None
        try:
            etag = held.etag if held is not None else None
            answer = self._try(fetch or self._fetch, url or source, etag, most, deadline or self._deadline)
            if answer is None and not may_lack:
                raise StateError("sync.absent", path=source, found="404")
        except StateError as error:
            if not (may_lack and is_forbidden(error)):
                self._fail(source, error)
                return None
            # A bucket that may not be listed answers so for what is not there.
            answer = None
        if answer is None:
            self._after[source] = Source(self._made.now, self._made.now)
        elif held is not None and (answer.body is None or digest_of(answer.body) == held.token):
            self._after[source] = Source(self._made.now, self._made.now, answer.etag or held.etag, held.token)
            return Answer(None)
        return answer

    def _still_held(self, known: Source) -> bool:
        # 5
        held, token = self._held, known.token
        if held is None:
            held = self._held = frozenset(self._store.manifest(self._made.domain).objects())
        return token is not None and token in held and DomainFolder(self._folder).holds(token)

    def _try(self, fetch: Fetch, url: str, etag: str | None, most: int, until: Deadline) -> Answer | None:
        agent = self._agent
        deadline = until.within(agent._limits.each)
        for attempt in range(agent._limits.retries + 1):
            try:
                return fetch(url, etag=etag, most=most, deadline=deadline)
            except StateError as error:
                # 6
                if attempt == agent._limits.retries or not may_pass(error):
                    raise
                wait = _FIRST_WAIT * 2.0**attempt * agent._chance.uniform(0.5, 1.5)
                agent._sleep(min(wait, deadline.remaining()))
        raise AssertionError("the last attempt returns or raises")

    def _note(self, source: str, answer: Answer, item: Item) -> None:
        if item.error is not None:
            self._fail(source, item.error)
        elif answer.body is not None:
            self._after[source] = Source(self._made.now, self._made.now, answer.etag, digest_of(answer.body))

    def _fail(self, source: str, error: IcardError) -> None:
        known = self._before.get(source)
        if known is None:
            self._after[source] = Source(self._made.now, fault=error)
        else:
            self._after[source] = Source(self._made.now, known.reached, known.etag, known.token, error)
        self._made.faults.append(SourceFault(source, error))
