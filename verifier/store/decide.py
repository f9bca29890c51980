"""Decide which new tokens a state accepts: bytes and ``now`` in, the next manifest and a report out; no disk, no clock.

:func:`decide` applies these rules in this order:

1. Trust lists: the chain by :mod:`icard_crypto.lists.trust_chain`. A bad chain: nothing is taken, of the rest neither.
   Of a chain with a list of a newer format, or from the future, those before it are taken: one may deny a stolen key.
   A list that begins to name a key of another domain is bad: whoever has the roots of one domain must not decide about
   the cards of another.
2. A key that the roots mark compromised takes its status tokens and its marks with it: otherwise a thief who once
   reached a verifier whose clock was ahead could freeze revocation permanently.
3. A timestamp whose key is no longer listed goes, for the same reason: its time is no mark for the keys that follow.
4. The timestamp: by :mod:`icard_crypto.lists.timestamp`, and never behind the one that is there.
5. Status tokens, each by itself, by :mod:`.status_tokens`: a bad one is refused, the rest is taken.
6. The floor rises with trust lists and timestamps, never with status lists. It is the highest of the current trust
   list's iat and of what each timestamp key raised it to, for as long as the roots list that key: a timestamp that a
   thief signed while a clock was ahead goes with its key. A timestamp more than :data:`LONGEST_JUMP` after the current
   trust list waits for a person to say that the time is right; the floor stays meanwhile.
7. What a newer timestamp denies counts at once. That it names a newer status list than is here counts when that list
   is there, or after a while: it may be on its way, and nothing would be VALID meanwhile. The while is two intervals of
   fetching and :data:`limits.STATUS_LAG`, from when the list was first known to be behind; one that came since, and is
   behind again, was not behind before its own iat. A list that was behind the timestamp before has no such while.
8. A status token goes when the timestamp names its list no more and every code that it says anything about has ended
   (:data:`OVER` after its iat). The mark stays. Ended is what had ended at the floor, which is signed: were the clock
   here years ahead, nothing would go early.

What has ended is taken all the same when it is newer: a revocation is permanent, and verdicts look at the ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from icard_crypto import limits
from icard_crypto.card.issuing import LONGEST_LIFE as LONGEST_CODE
from icard_crypto.errors import DecodeError, StateError
from icard_crypto.lists.bundle import Bundle
from icard_crypto.lists.list_maps import DAY
from icard_crypto.lists.timestamp import Timestamp, check_newer, read_timestamp
from icard_crypto.lists.trust_chain import TrustState, good_beginning, verify_chain
from icard_crypto.lists.trust_list import TrustList
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Kid, Thumbprint, VerifyingKey
from verifier.decision.arguments import LATEST

from .manifest import Digest, Due, Manifest, Mark, digest_of
from .report import Item
from .status_tokens import StatusTokens

__all__ = [
    "OVER",
    "Decision",
    "Foreign",
    "Known",
    "Update",
    "check_own_keys",
    "decide",
    "listed_keys",
    "open_timestamp",
]

#: Of lists that roots signed and this software or clock can't take.
_UNREAD: Final = frozenset({"trust.format_newer", "trust.future"})
#: Seconds. A verifier that was away for longer follows the trust lists first, which live 400 days at most.
LONGEST_JUMP: Final = 400 * DAY
#: Seconds after a status token's iat when the last code that it knows about has ended (a code lives 400 days at most,
#: one begun later is not in it), with a month for an issuer whose clock was ahead.
OVER: Final = LONGEST_CODE + 31 * DAY


@dataclass(frozen=True, slots=True)
class Update:
    """New knowledge as it came: signed tokens, nothing verified. Trust lists oldest first.

    Args:
        accept_time: a person says that the time is right, however far the timestamp raises the floor.
        interval: seconds between two rounds of whoever fetches (rule 7).
    """

    trust_lists: tuple[bytes, ...] = ()
    status_tokens: tuple[bytes, ...] = ()
    timestamp: bytes | None = None
    accept_time: bool = False
    interval: int = 0

    @classmethod
    def of_bundle(cls, bundle: Bundle, *, accept_time: bool = False) -> Update:
        """A bundle's content; a timestamp of no bytes is none."""
        return cls(bundle.trust_lists, bundle.status_tokens, bundle.timestamp or None, accept_time)


@dataclass(frozen=True, slots=True)
class Foreign:
    """The keys that other domains list.

    Args:
        keys: by thumbprint, with the name of the domain.
        fault: of a domain whose keys cannot be read, if there is one.
    """

    keys: Mapping[Thumbprint, str] = field(default_factory=lambda: MappingProxyType({}))
    fault: StateError | None = None


_NONE: Final = Foreign()


@dataclass(frozen=True, slots=True)
class Known:
    """A state as it was read back: the manifest, the trust it leads to, and the timestamp's token."""

    manifest: Manifest
    trust: TrustState
    timestamp: bytes | None


@dataclass(slots=True)
class Decision:
    """The next state: its manifest, the new objects it names, and what became of each token."""

    manifest: Manifest
    objects: dict[Digest, bytes] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)


def open_timestamp(trust_list: TrustList, token: bytes, now: int | None = None) -> Timestamp:
    """Read a timestamp under a trust list.

    Raises:
        DecodeError: as :func:`icard_crypto.lists.timestamp.read_timestamp`.
    """

    def find(kid: Kid) -> VerifyingKey | None:
        return next((key for key in trust_list.timestamp_keys if key.kid == kid), None)

    return read_timestamp(token, find_key=find, now=now)


def check_own_keys(following: TrustList, foreign: Foreign, before: TrustList | None = None) -> None:
    """Refuse a trust list that names a key which another domain lists.

    Args:
        before: the list in use; what it names already is left to the verdicts.

    Raises:
        DecodeError: ``trust.key_of_another_domain``.
        StateError: a key is new, and another domain's keys cannot be read.
    """
    new = listed_keys(following) - (frozenset() if before is None else listed_keys(before))
    if new and foreign.fault is not None:
        raise foreign.fault
    for thumbprint in sorted(new):
        if thumbprint in foreign.keys:
            found = f"key {thumbprint.hex()} of the domain {foreign.keys[thumbprint]}"
            raise DecodeError("trust.key_of_another_domain", path="issuers", expected="keys of its own", found=found)


def listed_keys(trust_list: TrustList) -> frozenset[Thumbprint]:
    """The thumbprints of all keys under which a trust list lets something count; its roots sign nothing but lists."""
    issued = (key.thumbprint for _, _, key in trust_list.issuer_keys())
    return frozenset(issued) | {key.thumbprint for key in trust_list.timestamp_keys}


def decide(known: Known, update: Update, now: int | None, foreign: Foreign = _NONE) -> Decision:
    """The next state by the rules of this module.

    Args:
        now: Unix time; None: nothing is refused for its age or for being from the future.
        foreign: the keys that other domains list.

    Raises:
        StateError: as :func:`check_own_keys`.
    """
    decision = Decision(known.manifest)
    # 1
    try:
        trust = _follow(known, update, now, foreign, decision)
    except DecodeError as error:
        new = update.trust_lists[_first_new(known.trust, update.trust_lists) :] if error.code in _UNREAD else ()
        good = good_beginning(known.trust, new, now, unsafe_single_root=known.manifest.single_root)
        if good:
            decision = decide(known, replace(update, trust_lists=new[:good]), now, foreign)
            decision.items.append(Item("trust_list", "", "refused", error=error))
            return decision
        decision = Decision(known.manifest)
        decision.items.append(Item("trust_list", "", "refused", error=error))
        if update.timestamp is not None:
            decision.items.append(Item("timestamp", "", "skipped"))
        decision.items += [Item("status_list", "", "skipped")] * len(update.status_tokens)
        return decision
    # 2
    _bury(decision, trust)
    # 6
    _settle_floor(decision, known, trust.current)
    # 3, 4
    before, timestamp = _timestamp(decision, known, trust.current, update, now)
    # 5
    if update.status_tokens:
        reader = StatusTokens(decision.manifest, trust.current, timestamp, now)
        for token in update.status_tokens:
            decision.items.append(reader.take(token))
        decision.objects |= reader.objects
        _change(decision, marks=reader.marks, sizes=reader.sizes)
    # 7
    _note_due(decision, before, timestamp, now, update.interval)
    # 8
    _clear(decision, timestamp)
    _forget_sizes(decision)
    return decision


def _change(decision: Decision, **changes: object) -> None:
    decision.manifest = replace(decision.manifest, **changes)  # type: ignore[arg-type]


def _forget_sizes(decision: Decision) -> None:
    manifest = decision.manifest
    held = manifest.objects()
    if not manifest.sizes.keys() <= held:
        _change(decision, sizes={name: size for name, size in manifest.sizes.items() if name in held})


def _settle_floor(decision: Decision, known: Known, trust_list: TrustList) -> None:
    """Rule 6: the floor by the trust list and by the keys that it lists."""
    before, floors = decision.manifest, decision.manifest.floors
    if not floors and before.floor > known.trust.current.iat:
        # A manifest that does not say whose floor it is: it stays for as long as a key is listed that was listed then.
        floors = {key.thumbprint: before.floor for key in known.trust.current.timestamp_keys}
    listed = {key.thumbprint for key in trust_list.timestamp_keys}
    floors = {thumbprint: iat for thumbprint, iat in floors.items() if thumbprint in listed}
    floor = max(trust_list.iat, *floors.values(), 0)
    if (floor, floors) != (before.floor, before.floors):
        _change(decision, floor=floor, floors=floors)


def _follow(known: Known, update: Update, now: int | None, foreign: Foreign, decision: Decision) -> TrustState:
    before, manifest = known.trust, known.manifest
    # Without its past: a chain that brings nothing new is no reason to refuse what is beside it, were the current
    # list over by now.
    lists = update.trust_lists[_first_new(before, update.trust_lists) :]
    trust = verify_chain(before, lists, now, unsafe_single_root=manifest.single_root)
    added = trust.current.version - before.current.version
    if added:
        check_own_keys(trust.current, foreign, before.current)
        names = [digest_of(data) for data in lists]
        decision.objects |= dict(zip(names, lists, strict=True))
        single = manifest.single_root and trust.current.threshold == 1
        _change(decision, chain=(*manifest.chain, *names), tombstones=trust.tombstones, single_root=single)
        items = [Item("trust_list", str(before.current.version + 1 + place), "taken") for place in range(added)]
        decision.items += [*items[:-1], replace(items[-1], iat=trust.current.iat)]
    elif update.trust_lists:
        decision.items.append(Item("trust_list", str(trust.current.version), "known", trust.current.iat))
    return trust


def _first_new(before: TrustState, lists: tuple[bytes, ...]) -> int:
    known = before.current.payload_hash
    past = [
        place
        for place, data in enumerate(lists)
        if hashlib.sha256(cose.parse_sign(data, max_bytes=limits.TRUST_LIST_BYTES).payload).digest() == known
    ]
    return past[-1] + 1 if past else 0


def _bury(decision: Decision, trust: TrustState) -> None:
    fallen = {stone.thumbprint for stone in trust.tombstones if stone.revoked.kind == "compromised"}
    marks = decision.manifest.marks
    if any(not fallen.isdisjoint(keys) for keys in marks.values()):
        left = {
            uri: {thumbprint: mark for thumbprint, mark in keys.items() if thumbprint not in fallen}
            for uri, keys in marks.items()
        }
        # The uri stays without a mark: a sync still asks for it.
        _change(decision, marks=left)


def _note_due(
    decision: Decision, before: Timestamp | None, timestamp: Timestamp | None, clock: int | None, interval: int
) -> None:
    noted, marks = decision.manifest.due, decision.manifest.marks
    lag = limits.STATUS_LAG + 2 * min(interval, limits.LONGEST_INTERVAL)
    due: dict[str, Due] = {}
    if timestamp is not None:
        # No clock leads beyond what a manifest holds.
        now = min(timestamp.iat if clock is None else clock, LATEST - 1 - lag)
        for uri, lowest in timestamp.lists.items():
            keys = marks.get(uri, {}).items()
            held = max((mark.iat for key, mark in keys if mark.token and key not in timestamp.denied), default=lowest)
            known = noted.get(uri)
            if held >= lowest:
                continue
            if known is not None:
                # Not after now: a clock that was ahead once must not hide a list that is held back.
                since = min(max(known.since, min(held, now)), now)
                due[uri] = known if since == known.since else Due(since, since + lag)
            elif before is not None and held >= before.lists.get(uri, 0):
                # It was the newest list until this timestamp came.
                due[uri] = Due(now, now + lag)
    if due != noted:
        _change(decision, due=due)


def _clear(decision: Decision, timestamp: Timestamp | None) -> None:
    marks, floor = decision.manifest.marks, decision.manifest.floor
    over = {
        uri: {key: Mark(mark.iat, None) if mark.iat + OVER <= floor else mark for key, mark in keys.items()}
        for uri, keys in marks.items()
        if timestamp is not None and uri not in timestamp.lists
    }
    if any(over[uri] != marks[uri] for uri in over):
        _change(decision, marks={**marks, **over})


def _timestamp(
    decision: Decision, known: Known, trust_list: TrustList, update: Update, now: int | None
) -> tuple[Timestamp | None, Timestamp | None]:
    """The timestamp before this update, and behind it."""
    current, offered = None, update.timestamp
    if known.timestamp is not None:
        try:
            current = open_timestamp(trust_list, known.timestamp)
        except DecodeError:
            _change(decision, timestamp=None)
    if offered is None:
        return current, current
    name = digest_of(offered)
    try:
        newer = open_timestamp(trust_list, offered, now)
        if current is not None:
            check_newer(current, newer)
        floor = decision.manifest.floor
        # From what the roots signed, not from the last step: many short ones would be a long one. No list lives longer.
        base = floor if floor > trust_list.iat + LONGEST_JUMP else trust_list.iat
        if newer.iat > base + LONGEST_JUMP and not update.accept_time:
            expected = f"at most {LONGEST_JUMP // DAY} days after {base}"
            raise DecodeError("store.time_jump", path="iat", expected=expected, found=str(newer.iat))
    except DecodeError as error:
        decision.items.append(Item("timestamp", "", "refused", error=error))
        return current, current
    if current is not None and newer == current:
        decision.items.append(Item("timestamp", "", "known", newer.iat))
        return current, current
    # Also one whose file was damaged and that comes again, which changes nothing in the manifest.
    decision.objects[name] = offered
    floors = decision.manifest.floors
    signer = _signer(trust_list, offered)
    floors = {**floors, signer: max(newer.iat, floors.get(signer, 0))}
    _change(decision, floor=max(floor, newer.iat), floors=floors, timestamp=name)
    decision.items.append(Item("timestamp", "", "taken", newer.iat))
    return current, newer


def _signer(trust_list: TrustList, token: bytes) -> Thumbprint:
    """The key under which a timestamp was opened."""
    kid = cose.headers_of(cose.parse_sign1(token, max_bytes=limits.TIMESTAMP_BYTES).protected)[cose.KID]
    return next(key.thumbprint for key in trust_list.timestamp_keys if key.kid == kid)
