"""Many codes on all cores.

Promises:

1. The verdicts are those of :meth:`Verifier.verify`, in the order of the codes, whichever way they were made.
2. Nothing outlives the call: no pool, no thread, no child.
3. A child that dies, or cannot be started, changes nothing: the parent verifies its share itself.

Where the native core is installed, it reads shares of the codes in threads of its own, without the interpreter's lock,
and only the decision is made here, one after the other. What it does not read is verified as any single code.

Without it, by measurement (two cores, Ed25519 with libsodium, the reference public card): half of a verdict is Python,
which holds the interpreter's lock, and threads that exchange it every 50 microseconds win nothing (1.0 times). Two
processes make 1.5 times when they send claims back, and 1.9 when they send only what was found; so that is what they
send, and a verdict decodes its claims again when somebody asks for them (about 20 microseconds, once).

Processes are forked, because a fork inherits keys and status lists as they are, on Linux, and only where this process
runs no other Python thread: a lock that another thread holds at that moment would stay locked in the child permanently.
Elsewhere threads are used, which is no loss, and a gain for signatures that take longer (ES384).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from icard_crypto.card.facts import Facts
from verifier.knowledge.trust import TrustDomain

from .one_code import VerifiesOne
from .precedents import Precedent, Read
from .reasons import Reason
from .states import Knowledge
from .verdict import Verdict, new_verdict, verdict_like

__all__ = ["FEWEST", "OWN_FACTS", "Answers", "answer_many", "verify_many"]

FEWEST: Final = 100
"""Codes that are worth a worker: about 10 ms of work, against 2 to 5 ms for a fork."""
_SLICE: Final = 1024
"""Codes that the native core reads at once: memory stays flat."""
_FIRST_SLICE: Final = 128
"""The first."""
OWN_FACTS: Final = ("cti", "issued_at", "expires")
"""What answers to many codes tell of each, also where codes that are alike have one answer."""
_OWN_PLACES: Final = tuple(map(Facts._fields.index, OWN_FACTS))


def verify_many(verifier: VerifiesOne, codes: Sequence[str | bytes], now: int, workers: int | None) -> list[Verdict]:
    """A verdict for each code, in order. ``workers``: None for one on each core."""
    count = min(workers or _cores(), max(len(codes) // FEWEST, 1))
    if verifier.reading is None:
        return _by_workers(verifier, codes, now, count)
    made: list[Verdict] = []
    for start, end in _slices(len(codes)):
        part = codes[start:end]
        found = verifier.read_many(part, now=now, threads=count)
        made += [
            verdict_like(answer.verdict, payload, code)
            if isinstance(answer, Precedent)
            else verifier.verify(code, now=now)
            if answer is None
            else answer
            for code, answer, payload in zip(part, found.answers, found.payloads, strict=True)
        ]
        if start and _mostly_unread(found):
            # Codes of other algorithms, or forgeries: the reference's work, which processes share.
            return made + _by_workers(verifier, codes[end:], now, count)
    return made


class Answers(NamedTuple):
    """Answers to many codes, of which those that are alike have one.

    Attributes:
        answers: for each code its verdict, or the precedent that it is like.
        facts: those that :data:`OWN_FACTS` names, as :class:`verifier.decision.precedents.Read` has them.
    """

    answers: list[Verdict | Precedent]
    facts: tuple[bytearray, ...]


def answer_many(verifier: VerifiesOne, codes: Sequence[str | bytes], now: int) -> Answers:
    """An answer for each code, in order, made in this thread."""
    made = Answers([], tuple(bytearray() for _ in OWN_FACTS))
    reads = verifier.reading is not None
    for start, end in _slices(len(codes)):
        part = codes[start:end]
        if not reads:
            made.answers.extend(verifier.verify(code, now=now) for code in part)
            facts: Sequence[bytes] = [bytes(8 * len(part))] * len(OWN_FACTS)
        else:
            found = verifier.read_many(part, now=now, threads=1, wanted=_OWN_PLACES)
            made.answers.extend(
                verifier.verify(code, now=now) if answer is None else answer
                for code, answer in zip(part, found.answers, strict=True)
            )
            facts = found.facts
            reads = not (start and _mostly_unread(found))
        for column, more in zip(made.facts, facts, strict=True):
            column += more
    return made


def _slices(count: int) -> Iterator[tuple[int, int]]:
    """What the native core reads at once. Keys get their tables in the first slice, and the others find precedents."""
    start, end = 0, _FIRST_SLICE
    while start < count:
        yield start, end
        start, end = end, end + _SLICE


def _mostly_unread(found: Read) -> bool:
    return found.payloads.count(None) > len(found.payloads) // 2


def _by_workers(verifier: VerifiesOne, codes: Sequence[str | bytes], now: int, count: int) -> list[Verdict]:
    if count == 1:
        return [verifier.verify(code, now=now) for code in codes]
    if sys.platform == "linux" and threading.active_count() == 1:
        shares = _forked(verifier, codes, now, count)
    else:
        # Here, because it takes 8 of the 60 ms of importing the verifier, and most who import it never come by.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(count, thread_name_prefix="icard-verify") as pool:
            shares = list(pool.map(lambda first: _share(verifier, codes[first::count], now), range(count)))
    verdicts: list[Any] = [None] * len(codes)
    for first, share in enumerate(shares):
        verdicts[first::count] = share
    return verdicts


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _share(verifier: VerifiesOne, codes: Sequence[str | bytes], now: int) -> list[Verdict]:
    return [verifier.verify(code, now=now) for code in codes]


def _forked(verifier: VerifiesOne, codes: Sequence[str | bytes], now: int, count: int) -> list[list[Verdict]]:
    """The shares of ``count`` processes, of which this is the first."""
    children: list[tuple[int, int]] = []
    try:
        for first in range(1, count):
            child = _child(verifier, codes[first::count], now)
            if child is None:
                break
            children.append(child)
        shares = [_share(verifier, codes[::count], now)]
        for first in range(1, count):
            share = codes[first::count]
            sent = _received(children[first - 1][1], verifier, share, now) if first <= len(children) else None
            shares.append(_share(verifier, share, now) if sent is None else sent)
    finally:
        for child_id, reading in children:
            os.close(reading)
            # Gone already, unless this call is being interrupted.
            with contextlib.suppress(ProcessLookupError):
                os.kill(child_id, signal.SIGKILL)
            # An application that ignores SIGCHLD has no children to wait for.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child_id, 0)
    return shares


def _child(verifier: VerifiesOne, codes: Sequence[str | bytes], now: int) -> tuple[int, int] | None:
    """A child at work on its share, by process id and the pipe it answers on; None where the system grants none."""
    try:
        reading, writing = os.pipe()
    except OSError:
        return None
    try:
        child_id = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if child_id == 0:
        _work(verifier, codes, now, writing)
    os.close(writing)
    return child_id, reading


def _work(verifier: VerifiesOne, codes: Sequence[str | bytes], now: int, writing: int) -> NoReturn:
    """The child: nothing of the parent is run or flushed here, only the share is worked off and sent."""
    try:
        import pickle

        packed = [_pack(verdict, verifier.domains) for verdict in _share(verifier, codes, now)]
        with open(writing, "wb") as pipe:
            pickle.dump(packed, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    finally:
        os._exit(0)


def _received(reading: int, verifier: VerifiesOne, codes: Sequence[str | bytes], now: int) -> list[Verdict] | None:
    """What a child sent, or None where it died before it had sent everything."""
    import pickle

    with open(reading, "rb", closefd=False) as pipe:
        try:
            # Written by our own fork over a pipe that nobody else holds: no stranger's pickle.
            packed = pickle.load(pipe)  # noqa: S301
        except (EOFError, pickle.UnpicklingError):
            return None
    return [_unpack(found, verifier, code, now) for found, code in zip(packed, codes, strict=True)]


_Packed = tuple[Any, ...]


def _pack(verdict: Verdict, domains: Sequence[TrustDomain]) -> _Packed:
    """A verdict without what the parent has: policy, domains, keys, and the code itself."""
    status, key, domain = verdict._status, verdict._key, verdict._domain
    domain_place = key_place = -1
    if key is not None and domain is not None:
        domain_place = _place(domain, domains)
        key_place = _place(key, domain.kids[key.key.kid])
    return (
        verdict.outcome,
        (str(verdict.reason), verdict.reason.variant) if verdict.outcome == "VALID" else verdict.reason,
        verdict.also,
        verdict.error,
        verdict.last_known,
        verdict.environment,
        verdict._trusted,
        verdict._kid,
        domain_place,
        key_place,
        None if status is None else tuple(status),
    )


def _place(one: object, among: Sequence[object]) -> int:
    return next(place for place, other in enumerate(among) if other is one)


def _unpack(packed: _Packed, verifier: VerifiesOne, code: str | bytes, now: int) -> Verdict:
    outcome, reason, also, error, last_known, environment, trusted, kid, domain_place, key_place, status = packed
    domain = None if domain_place < 0 else verifier.domains[domain_place]
    return new_verdict(
        outcome,
        Reason(*reason) if type(reason) is tuple else reason,
        also,
        verifier.policy,
        now,
        environment,
        error=error,
        last_known=last_known,
        source=code,
        trusted=trusted,
        kid=kid,
        key=None if domain is None else domain.kids[kid][key_place],
        domain=domain,
        status=None if status is None else Knowledge(*status),
    )
