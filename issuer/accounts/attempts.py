"""Back-off by account and by network, such that nobody is locked out of a known place by other people's failures.

Promises:

1. From a device where an account has logged in lately, only failures from that device count. From anywhere else the
   network's count, whatever names it tries, and those of this name from this network. A name has one counter more,
   shared by all unknown clients; it does not apply in a network where the account has logged in lately. So an attacker
   locks nobody out who is at a known device, or in a known network that the attacker is not in.
2. From one network all names are answered alike, whether they are known there or not: what is counted for them, and
   after how many tries they have to wait, is the same.
3. An attempt is counted before it is tried, in a transaction of its own: of a hundred at once no more get through than
   of a hundred in turn. What succeeds is taken back.
4. An unknown name is counted like any other.
5. Unknown clients can cause at most 65,536 rows each for names, for networks, and for names in networks, for each of
   the two factors: they share counters by their keyed hash. An account has at most 40 known places.
6. After the free tries each further one has to wait twice as long, up to a quarter of an hour; a day without failures
   forgets them.
7. A loopback address is no place: it means that a proxy does not pass on the client's address.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from icard_crypto.errors import Unavailable
from icard_crypto.moments import DAY
from issuer.core import Core

from .models import KnownPlace, LoginAttempts
from .secret_text import new_secret

__all__ = [
    "FORGOTTEN",
    "KNOWN_FOR",
    "Origin",
    "counters",
    "is_genuine",
    "knows",
    "new_device",
    "remember",
    "reserve",
    "take_back",
]

Factor = Literal["password", "totp"]

#: Tries without a wait. Strangers share theirs; a network may be a whole town behind one address.
_FREE: Final = {"device": 5, "network": 5, "here": 5, "name": 20, "anyone": 30, "own": 5}
_LONGEST_WAIT: Final = 900
#: Seconds without a failure after which a counter starts again.
FORGOTTEN: Final = DAY
#: Seconds for which a place is known after it was last used.
KNOWN_FOR: Final = 90 * DAY
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

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this machine's own: a proxy's that does not say for whom it asks."""
        try:
            found = ipaddress.ip_address(self.address)
        except ValueError:
            return False
        return (getattr(found, "ipv4_mapped", None) or found).is_loopback

    def shown(self) -> dict[str, str]:
        """What the account's owner sees of it."""
        agent = "".join(character for character in self.agent[:_LONGEST_AGENT] if character.isprintable())
        return {"network": self.network, "agent": agent}


def new_device(core: Core) -> str:
    """A new secret by which a device is known again, with a MAC that says that the service made it."""
    secret = new_secret()
    return f"{secret}.{_device_mac(core, secret)}"


def is_genuine(core: Core, device: str | None) -> bool:
    """Whether the service made this secret, for whomever: it is given only to who logged in with every factor."""
    secret, _, mac = (device or "").partition(".")
    return len(mac) <= _LONGEST_AGENT and hmac.compare_digest(_device_mac(core, secret).encode(), mac.encode())


def _device_mac(core: Core, secret: str) -> str:
    return core.at_rest.mac(b"device\0" + secret[:_LONGEST_AGENT].encode())[:32]


def counters(
    core: Core, session: Session, factor: Factor, name: str, account_id: str | None, origin: Origin, now: int
) -> tuple[str, ...]:
    """The counters of an attempt, in the order in which they are locked.

    Args:
        name: the keyed hash of the login name.
        account_id: whose name it is; None: nobody's.
        now: Unix time.
    """
    network = core.at_rest.digest("network", origin.network)
    anyone = f"{factor}:anyone:{network[:_BUCKET]}"
    for kind, digest in _places(core, account_id or "", origin):
        if _is_known(session, account_id or "", kind, digest, now):
            own = f"{factor}:{kind}:{digest}"
            return (own,) if kind == _DEVICE else (anyone, own)
    here = core.at_rest.digest("here", f"{name}:{origin.network}")
    return (anyone, f"{factor}:here:{here[:_BUCKET]}", f"{factor}:name:{name[:_BUCKET]}")


def knows(core: Core, session: Session, account_id: str, origin: Origin, now: int) -> bool:
    """Whether the device is one from which the account has logged in lately."""
    return any(
        kind == _DEVICE and _is_known(session, account_id, kind, digest, now)
        for kind, digest in _places(core, account_id, origin)
    )


def reserve(session: Session, keys: Sequence[str], now: int) -> None:
    """Count an attempt under each of its counters (promise 2).

    Raises:
        Unavailable: ``login.wait``; ``found`` is the number of seconds. Nothing is counted then.
    """
    rows = [_locked(session, key, now) for key in keys]
    wait = max(row.wait_until for row in rows) - now
    if wait > 0:
        raise Unavailable("login.wait", found=str(wait))
    for row in rows:
        row.failures = 1 if now - row.last_at > FORGOTTEN else row.failures + 1
        row.last_at = now
        over = row.failures - _FREE[row.key.split(":")[1]]
        row.wait_until = now + min(1 << min(over + 1, 20), _LONGEST_WAIT) if over >= 0 else 0


def take_back(session: Session, keys: Sequence[str], now: int) -> None:
    """The attempt was no failure. A place's own counter is empty then; a shared one is only as it was before."""
    for key in keys:
        row = _locked(session, key, now)
        shared = key.split(":")[1] in ("name", "here", "anyone")
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
    found = []
    if not origin.is_loopback:
        found.append((_NETWORK, core.at_rest.digest(_NETWORK, f"{account_id}:{origin.network}")))
    if origin.device is not None and len(origin.device) <= _LONGEST_AGENT:
        found.insert(0, (_DEVICE, core.at_rest.digest(_DEVICE, f"{account_id}:{origin.device}")))
    return found


def _locked(session: Session, key: str, now: int) -> LoginAttempts:
    """The counter's row, made where there is none, and locked until the transaction ends."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    new = insert(LoginAttempts).values(key=key, failures=0, last_at=now, wait_until=0)
    session.execute(new.on_conflict_do_update(index_elements=["key"], set_={"key": key}))
    return session.get_one(LoginAttempts, key, populate_existing=True)
