"""Back-off by account and by network, such that strangers lock nobody out of a place where he is known.

Promises:

1. From a device or a network where an account has logged in lately, only failures from that place count: each has a
   counter of its own. From anywhere else two others count: that of the name, shared by all strangers, and that of the
   network, whatever names it tries.
2. An attempt is counted before it is tried, in a transaction of its own: of a hundred at once no more get through than
   of a hundred in turn. What succeeds is taken back.
3. A name that nobody has is counted like any other that a stranger tries.
4. What strangers can make are 65,536 rows for names and as many for networks, for each of the two factors, however
   many they try: names and networks share counters by their keyed hash. Known places are at most 40 for an account.
5. After the free tries each further one has to wait twice as long, up to a quarter of an hour; a day without failures
   forgets them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from icard_crypto.errors import StateError
from issuer.core import Core

from .models import KnownPlace, LoginAttempts

__all__ = ["FORGOTTEN", "KNOWN_FOR", "Origin", "counters", "knows", "remember", "reserve", "take_back"]

Factor = Literal["password", "totp"]

#: Tries without a wait. Strangers share theirs; a network may be a whole town behind one address.
_FREE: Final = {"device": 5, "network": 5, "name": 20, "anyone": 30, "own": 5}
_LONGEST_WAIT: Final = 900
#: Seconds without a failure after which a counter begins anew.
FORGOTTEN: Final = 86_400
#: Seconds for which a place is known after it was last used.
KNOWN_FOR: Final = 90 * 86_400
_MOST_PLACES: Final = 20
#: Hexadecimal digits of a shared counter's name: 65,536 of them.
_BUCKET: Final = 4
_LONGEST_AGENT: Final = 200
_DEVICE: Final = "device"
_NETWORK: Final = "network"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from.

    Args:
        address: the client's IP address, as whoever ends the connection saw it.
        agent: what the browser calls itself; shown to the account's owner only.
        device: the secret that an earlier log-in gave to this device.
    """

    address: str
    agent: str = ""
    device: str | None = field(default=None, repr=False)

    @property
    def network(self) -> str:
        """The network that counts as one place: /24 of IPv4, /48 of IPv6, which is what one subscriber gets."""
        try:
            found = ipaddress.ip_address(self.address)
        except ValueError:
            return "unknown"
        if found.version == 6:
            inner = found.ipv4_mapped
            if inner is None:
                return str(ipaddress.ip_network((found.packed[:6] + bytes(10), 48)))
            found = inner
        return str(ipaddress.ip_network((found.packed[:3] + b"\0", 24)))

    def shown(self) -> dict[str, str]:
        """What the account's owner sees of it."""
        agent = "".join(character for character in self.agent[:_LONGEST_AGENT] if character.isprintable())
        return {"network": self.network, "agent": agent}


def counters(
    core: Core, session: Session, factor: Factor, name: str, account_id: str | None, origin: Origin, now: int
) -> tuple[str, ...]:
    """The counters of an attempt, in the order in which they are locked.

    Args:
        name: the keyed hash of the login name.
        account_id: whose name it is; None: nobody's.
        now: Unix time.
    """
    for kind, digest in _places(core, account_id or "", origin):
        if _is_known(session, account_id or "", kind, digest, now):
            return (f"{factor}:{kind}:{digest}",)
    network = core.at_rest.digest("network", origin.network)
    return (f"{factor}:anyone:{network[:_BUCKET]}", f"{factor}:name:{name[:_BUCKET]}")


def knows(core: Core, session: Session, account_id: str, origin: Origin, now: int) -> bool:
    """Whether the device is one from which the account has logged in lately."""
    return any(
        kind == _DEVICE and _is_known(session, account_id, kind, digest, now)
        for kind, digest in _places(core, account_id, origin)
    )


def reserve(session: Session, keys: Sequence[str], now: int) -> None:
    """Count an attempt under each of its counters (promise 2).

    Raises:
        StateError: ``login.wait``; ``found`` is the number of seconds. Nothing is counted then.
    """
    rows = [_locked(session, key, now) for key in keys]
    wait = max(row.wait_until for row in rows) - now
    if wait > 0:
        raise StateError("login.wait", found=str(wait))
    for row in rows:
        row.failures = 1 if now - row.last_at > FORGOTTEN else row.failures + 1
        row.last_at = now
        over = row.failures - _FREE[row.key.split(":")[1]]
        row.wait_until = now + min(1 << min(over + 1, 20), _LONGEST_WAIT) if over >= 0 else 0


def take_back(session: Session, keys: Sequence[str], now: int) -> None:
    """The attempt was no failure. A place's own counter is empty then; a shared one is only as it was before."""
    for key in keys:
        row = _locked(session, key, now)
        shared = key.split(":")[1] in ("name", "anyone")
        row.failures = max(row.failures - 1, 0) if shared else 0
        row.wait_until = 0


def remember(core: Core, session: Session, account_id: str, origin: Origin, now: int) -> None:
    """The account has logged in from there, with every factor that it has."""
    for kind, digest in _places(core, account_id, origin):
        row = session.get(KnownPlace, (account_id, kind, digest))
        if row is None:
            session.add(KnownPlace(account_id=account_id, kind=kind, digest=digest, seen_at=now))
        else:
            row.seen_at = now
        session.flush()
        query = select(KnownPlace.digest).where(KnownPlace.account_id == account_id, KnownPlace.kind == kind)
        kept = session.scalars(query.order_by(KnownPlace.seen_at.desc(), KnownPlace.digest).limit(_MOST_PLACES)).all()
        older = KnownPlace.account_id == account_id, KnownPlace.kind == kind, KnownPlace.digest.not_in(kept)
        session.execute(delete(KnownPlace).where(*older))


def _is_known(session: Session, account_id: str, kind: str, digest: str, now: int) -> bool:
    known = session.get(KnownPlace, (account_id, kind, digest))
    return known is not None and now - known.seen_at <= KNOWN_FOR


def _places(core: Core, account_id: str, origin: Origin) -> list[tuple[str, str]]:
    found = [(_NETWORK, core.at_rest.digest(_NETWORK, f"{account_id}:{origin.network}"))]
    if origin.device is not None and len(origin.device) <= _LONGEST_AGENT:
        found.insert(0, (_DEVICE, core.at_rest.digest(_DEVICE, f"{account_id}:{origin.device}")))
    return found


def _locked(session: Session, key: str, now: int) -> LoginAttempts:
    """The counter's row, made where there is none, and locked until the transaction ends."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    new = insert(LoginAttempts).values(key=key, failures=0, last_at=now, wait_until=0)
    session.execute(new.on_conflict_do_update(index_elements=["key"], set_={"key": key}))
    return session.get_one(LoginAttempts, key, populate_existing=True)
