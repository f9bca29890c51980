"""The courier: takes what is due from the outbox and delivers it, until it is asked to end.

Promises:

1. Every channel has lanes of its own: a mail server that hangs keeps no webhook waiting, nor does the courier keep its
   process from other work. Of one webhook one lane at a time takes letters, so that a slow one holds one lane; one
   that did not answer rests with all its letters, longer each time, and one lane is kept for those that do.
2. A kill at any moment loses nothing: what was taken is due again after the lease (:mod:`issuer.delivery.queue`).
3. A database that is away ends nothing: lanes are jobs (:mod:`issuer.jobs`), which try again. What is logged has codes,
   channels and counts, nothing of any person.
4. Asked to end, it finishes the letter in hand.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from icard_crypto.errors import IcardError
from issuer.core import Core
from issuer.jobs import Job, Log, Runner

from . import outbox_admin, queue
from .queue import Letter, Outcome

__all__ = ["Channel", "Courier"]

#: Seconds.
INTERVAL: Final = 1.0
PURGE: Final = 3600.0
#: How many webhooks are posted to at once.
LANES: Final = 3
#: Seconds for which a webhook that did not answer is left alone: the first time, and at the longest.
FIRST_REST: Final = 60.0
LONGEST_REST: Final = 900.0


class Channel(Protocol):
    """A way to deliver letters. ``most``: taken at once; ``seconds``: that :meth:`deliver` may need."""

    name: str
    most: int
    seconds: float

    def deliver(
        self, letters: Sequence[Letter], stop: threading.Event, tell: Callable[[Letter, Outcome], None]
    ) -> None:
        """Deliver, telling each letter's outcome as it is known."""


class Courier:
    """Delivers what the outbox of a service has.

    Args:
        channels: one of each name.
        tell: is given an event's name and its facts.
        interval: seconds between looks at the outbox.
        lease: seconds after which what was taken is due again; None: twice what the channel may need.
    """

    def __init__(
        self,
        core: Core,
        channels: Sequence[Channel],
        tell: Log,
        *,
        interval: float = INTERVAL,
        lease: float | None = None,
    ) -> None:
        self._core = core
        self._channels = channels
        self._tell = tell
        self._interval = interval
        self._lease = lease
        self._busy: set[str] = set()
        # Webhooks that did not answer last: until when they rest (monotonic), and how often in a row.
        self._silent: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Deliver in the background until the block is left; then wait for the letters in hand."""
        with Runner(self.jobs(), self._tell).running(threading.Event()):
            yield

    def jobs(self) -> list[Job]:
        """The lanes of every channel, and what is deleted in time, as jobs (promise 3 is theirs)."""
        lanes = [
            Job(f"send-{channel.name}{number or ''}", partial(self._lane, channel), self._interval, 2 * channel.seconds)
            for channel in self._channels
            for number in range(LANES if channel.name == "webhook" else 1)
        ]
        return [*lanes, Job("purge-outbox", self._purge, PURGE, PURGE)]

    def turn(self, channel: Channel, stop: threading.Event) -> Counter[str]:
        """Deliver once what is due on a channel; how many letters came to which end, by state or fault.

        Raises:
            StateError: ``database.*``.
        """
        made: Counter[str] = Counter()
        letters = self._take(channel)
        if not letters:
            return made
        left = {letter.id: letter for letter in letters}
        silent = False

        def tell(letter: Letter, outcome: Outcome) -> None:
            nonlocal silent
            silent = silent or (outcome.state == "waiting" and outcome.answer is None and not outcome.untried)
            queue.record(self._core, letter, outcome)
            del left[letter.id]
            if not outcome.untried:
                made[outcome.fault or outcome.state] += 1

        try:
            channel.deliver(letters, stop, tell)
        except IcardError:
            raise
        except Exception:
            # A letter that nobody thought of must neither end its lane nor come back endlessly without a trace.
            for letter in list(left.values()):
                tell(letter, queue.later("notice.fault"))
        finally:
            with self._lock:
                self._busy.discard(letters[0].webhook or "")
                self._note(letters[0].webhook, silent)
        return made

    def _take(self, channel: Channel) -> list[Letter]:
        lease = self._lease or 2 * channel.seconds
        with self._lock:
            letters = queue.take(self._core, channel.name, channel.most, lease, self._avoided())
            self._busy.update(letter.webhook for letter in letters[:1] if letter.webhook is not None)
        return letters

    def _avoided(self) -> set[str]:
        """Webhooks that are not tried now: in hand, resting, or silent last while only one lane is left for others."""
        now = time.monotonic()
        resting = {name for name, (until, _) in self._silent.items() if until > now}
        if len(self._busy & self._silent.keys()) >= LANES - 1:
            resting |= self._silent.keys()
        return self._busy | resting

    def _note(self, webhook: str | None, silent: bool) -> None:
        """One that does not answer rests longer each time, with all its letters: each try costs a lane its time."""
        if webhook is None or not silent:
            self._silent.pop(webhook or "", None)
            return
        _, times = self._silent.get(webhook, (0.0, 0))
        self._silent[webhook] = (time.monotonic() + min(LONGEST_REST, FIRST_REST * 2.0**times), times + 1)

    def _lane(self, channel: Channel, stop: threading.Event) -> None:
        while not stop.is_set():
            made = self.turn(channel, stop)
            if made:
                self._tell("letters_tried", {"channel": channel.name, **made})
            # Straight on while there is more and it gets through.
            if not made["sent"]:
                return

    def _purge(self, _stop: threading.Event) -> None:
        gone = outbox_admin.purge(self._core)
        if gone:
            self._tell("purged", {"rows": gone})
