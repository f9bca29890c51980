"""The readiness check, part by part.

Promises:

1. Every part that a request may need is tried, none is believed from earlier: the database answers and takes what is
   written, so does the mark, the active keys open and verifiers take what they sign, the master key opens what was
   sealed, the clocks agree, no other copy was seen to publish, no row that was met was altered outside the service,
   what is published is not older than its ttl, no change waits to be published for long, and a worker does its work.
2. A part is ``ok`` or the code of what is wrong, from the one catalogue; never a path, an address or a secret.
3. Where the database is away, what needs it says the same, at once.
4. A key that works because this process has opened it, and whose file is gone, is a warning: the next start would fail.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, get_args

from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError, NotAllowed, StateError
from icard_crypto.signing.keys import Thumbprint
from issuer.cards.codes import check_signer
from issuer.core import Core
from issuer.health.backlog import LONGEST, backlog
from issuer.health.disks import disks
from issuer.health.endings import endings
from issuer.keys.clock import require_alone
from issuer.keys.states import active_key
from issuer.publication import views
from issuer.publication.publish import check_signers
from issuer.publication.tokens import TTL
from issuer.published.listing import listing_of
from issuer.recovery.epoch import require_writable
from issuer.vault.at_rest import MasterKeys
from issuer.worker.states import JobReport, read_jobs, trouble
from verifier.knowledge.trust import Usage

__all__ = ["Readiness", "faults", "parts", "read", "warnings"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The parts and their states, the worker's jobs, and what works all the same and needs a person (promise 2)."""

    parts: dict[str, str]
    jobs: list[JobReport]
    warnings: dict[str, str]


def read(core: Core) -> Readiness:
    """How the service is."""
    found = parts(core)
    running: list[JobReport] = []
    if found["database"] == "ok":
        # Where the database went away meanwhile, no worker is known.
        with contextlib.suppress(IcardError):
            running = read_jobs(core)
        found["worker"] = trouble(running) or "ok"
    else:
        found["worker"] = found["database"]
    return Readiness(found, running, warnings(core, found["database"]))


def faults(core: Core) -> Iterator[IcardError]:
    """What is wrong with the parts, whole: expected, found and what to do."""
    checks: list[Callable[[], object]] = [core.database.check, *(partial(check, core) for _, check in _CHECKS)]
    checks.append(partial(_worker, core))
    for check in checks:
        try:
            check()
        except IcardError as fault:
            yield fault
            if fault.layer == "database":
                # What needs it says the same.
                return


def _worker(core: Core) -> None:
    code = trouble(read_jobs(core))
    if code is not None:
        raise StateError(code)


def parts(core: Core) -> dict[str, str]:
    """The parts that this process tries by itself, and their states."""
    database = _state(core.database.check)
    found = {"database": database}
    for name, check in _CHECKS:
        found[name] = _state(partial(check, core)) if database == "ok" else database
    return found


def warnings(core: Core, database: str) -> dict[str, str]:
    """What does not keep the service from working, and should be put right.

    Args:
        database: the state of that part; what is in a database that is away is left out.
    """
    settings = core.settings
    beside = settings.epoch_path.parent.resolve() == settings.folder.resolve()
    found = {"mark": "epoch.beside"} if beside and settings.published is None else {}
    found |= {f"disk_{disk.place}": "disk.low" for disk in disks(settings) if disk.low}
    if not _readable(partial(MasterKeys.read, core.master_key_path)):
        found["master_key_file"] = "keystore.file_gone"
    if database != "ok":
        return found
    with contextlib.suppress(IcardError):
        found |= {f"{usage}_key_file": "keystore.file_gone" for usage in core.database.read(partial(_files_gone, core))}

    def look(session: Session) -> dict[str, str]:
        now = core.clock.now(session)
        ends = {each.name: each.code for each in endings(core, session, now) if each.warn_at <= now}
        return ends if listing_of(core, session) is not None else {"trust_list": "listing.none", **ends}

    with contextlib.suppress(IcardError):
        found |= core.database.read(look)
    return found


def _files_gone(core: Core, session: Session) -> list[Usage]:
    """The usages whose active key is open in this process and has no file that opens after a restart."""
    gone: list[Usage] = []
    for usage in get_args(Usage):
        key = active_key(session, usage)
        if key is None:
            continue
        name = Thumbprint(bytes.fromhex(key.thumbprint))
        # One that is not open either is the signer's fault.
        if _readable(partial(core.signer.require, name)) and not _readable(partial(core.keystore.envelope, name)):
            gone.append(usage)
    return gone


def _readable(read: Callable[[], object]) -> bool:
    try:
        read()
    except (IcardError, OSError):
        return False
    return True


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except IcardError as fault:
        return fault.code
    return "ok"


def _signer(core: Core) -> None:
    check_signer(core)
    check_signers(core)


def _trust_list(core: Core) -> None:
    """Raise unless verifiers take what the active keys sign now."""

    def look(session: Session) -> None:
        listing = listing_of(core, session)
        if listing is None:
            return
        for usage in get_args(Usage):
            key = active_key(session, usage)
            if key is not None:
                listing.require(key, core.clock.now(session))

    core.database.read(look)


def _publication(core: Core) -> None:
    def look(session: Session) -> int | None:
        return views.age(session, core.clock.now(session))

    age = core.database.read(look)
    if age is None:
        raise StateError("publication.none")
    if age > TTL:
        raise StateError("publication.old", expected=f"at most {TTL} s", found=f"{age} s")
    wait = core.database.read(lambda session: backlog(session, core.clock.now(session)))
    if wait.oldest > LONGEST:
        raise StateError("publication.waiting", expected=f"at most {LONGEST} s", found=f"{wait.oldest} s")


def _writes(core: Core) -> None:
    """Raise unless the last write went through; a heartbeat writes every ten seconds."""
    if core.database.write_fault is not None:
        raise StateError(core.database.write_fault)


def _mark(core: Core) -> None:
    require_writable(core.settings.epoch_path)


def _clock(core: Core) -> None:
    core.database.read(core.clock.right_time)


def _alone(core: Core) -> None:
    core.database.read(require_alone)


def _records(core: Core) -> None:
    found = core.altered.remaining(core.database)
    if found:
        raise NotAllowed("at_rest.altered", found=f"{len(found)} rows")


_CHECKS: Final[tuple[tuple[str, Callable[[Core], object]], ...]] = (
    ("signer", _signer),
    ("trust_list", _trust_list),
    ("publication", _publication),
    ("master_key", Core.meta),
    ("clock", _clock),
    ("copy", _alone),
    ("records", _records),
    ("writes", _writes),
    ("mark", _mark),
)
