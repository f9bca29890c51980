"""Activating a key: everything that its first signature would need is tried before the key in use retires.

Promises:

1. The key is opened here and signs a probe, which is verified with its public half.
2. Where a trust list is in force, verifiers take what the key signs, and will for 14 days at least; an emergency
   shortens the 14 days only. The 14 days of waiting begin when both the service and a trust list have published it.
3. Every server and worker that has been seen within a minute holds the key; one that does not is named, and the
   activation is refused unless it is to be left behind by name of the option.
4. A retired key becomes active again while the list in force names it: an activation that was a mistake can be undone.
"""

from __future__ import annotations

import os
import time
from typing import Final

from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import KeyFault, Unavailable
from icard_crypto.moments import moment_text
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Thumbprint
from issuer.acts import Actor
from issuer.core import Core
from issuer.keys import states
from issuer.keys.models import KeyRow
from issuer.keys.signer import ProbeMessage
from issuer.keys.states import Approved
from issuer.processes.heartbeat import living

from .listing import listing_of

__all__ = ["LEAST", "activate", "probe"]

#: Seconds for which a new key must be listed: as long as verifiers that are seldom online take to learn of the next.
LEAST: Final = states.WAITING_TIME
_PAUSE: Final = 0.5


def activate(
    core: Core, name: str, by: Actor, *, emergency: bool = False, leave_behind: bool = False, patience: float = 0
) -> KeyRow:
    """Sign with this key from now on; the one before it retires.

    Args:
        emergency: without the 14 days, for which the audit has the reason.
        leave_behind: although a server or worker does not hold the key; it answers 503 until it does.
        patience: seconds to wait for the heartbeats of processes that have not met a key of a moment ago.

    Raises:
        KeyFault: ``keystore.*``, ``key.passphrase_wrong``; StateError: ``listing.*``, ``signer.self_check``.
    """
    wanted = core.database.read(lambda session: states.find(session, name))
    probe(core, wanted)
    end = time.monotonic() + (0 if leave_behind else patience)
    while time.monotonic() < end and core.database.read(lambda session: _behind(core, session, wanted)):
        time.sleep(_PAUSE)

    def check(session: Session, key: KeyRow, now: int) -> Approved:
        hosts = _behind(core, session, key)
        if hosts and not leave_behind:
            raise KeyFault("keystore.not_everywhere", path=key.thumbprint[:16], found=", ".join(hosts)[:200])
        details = {"left_behind": hosts} if hosts else {}
        listing = listing_of(core, session)
        if listing is None:
            return Approved(None, details)
        listed = listing.require(key, now)
        ends = listing.ends_at(key)
        if ends < now + LEAST and not emergency:
            expected = f"until {moment_text(now + LEAST)} at least"
            raise Unavailable("listing.too_short", path=key.usage, expected=expected, found=moment_text(ends))
        return Approved(listed.since, {**details, "trust_list": listing.version})

    return states.activate(core, name, by.actor, check, emergency=emergency, reason=by.reason)


def _behind(core: Core, session: Session, key: KeyRow) -> list[str]:
    """The hosts of running processes that do not hold a key."""
    running = living(session, core.clock.now(session))
    return sorted({each.host for each in running if key.thumbprint not in each.holds})


def probe(core: Core, key: KeyRow) -> None:
    """Open a key and see that it signs (promise 1).

    Raises:
        KeyFault: ``keystore.not_in_keystore``, ``key.passphrase_wrong``; SignerBusy; StateError: ``signer.self_check``.
    """
    message = ProbeMessage(key.usage, cbor.encode(["icard probe", os.urandom(16)]))  # type: ignore[arg-type]
    (token,) = core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [message])
    public = states.trusted_key(key, core.issuer).key
    parsed = cose.parse_sign1(token, max_bytes=limits.CARD_BYTES)
    if parsed.payload != message.payload or not public.verify(parsed.signature, cose.signed_bytes(parsed)):
        raise Unavailable("signer.self_check", path=key.usage, expected="a signature of this key", found="another")
