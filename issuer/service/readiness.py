"""Whether the service can work now, part by part.

Promises:

1. Every part that a request may need is tried, none is believed from earlier: the database answers, the active keys
   open, the master key opens what was sealed, the clocks agree, no row that was met was altered outside the service,
   and what is published is not older than its ttl.
2. A part is ``ok`` or the code of what is wrong, from the one catalogue; never a path, an address or a secret.
3. Where the database is away, what needs it says the same, at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from icard_crypto.errors import IcardError, StateError
from issuer.cards.codes import check_signer
from issuer.core import Core
from issuer.publication import views
from issuer.publication.publish import check_signers
from issuer.publication.tokens import TTL
from issuer.worker.states import JobReport, read_jobs

__all__ = ["jobs", "parts", "warnings"]


def parts(core: Core) -> dict[str, str]:
    """The parts and their states (promise 2)."""
    database = _state(core.database.check)
    found = {"database": database}
    for name, check in _CHECKS:
        found[name] = _state(partial(check, core)) if database == "ok" else database
    return found


def jobs(core: Core) -> list[JobReport]:
    """The jobs of all workers; none where the database went away meanwhile."""
    try:
        return read_jobs(core)
    except IcardError:
        return []


def warnings(core: Core) -> dict[str, str]:
    """What does not keep the service from working, and should be put right (promise 2)."""
    settings = core.settings
    beside = settings.epoch_path.parent.resolve() == settings.folder.resolve()
    return {"mark": "epoch.beside"} if beside and settings.published is None else {}


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except IcardError as fault:
        return fault.code
    return "ok"


def _signer(core: Core) -> None:
    check_signer(core)
    check_signers(core)


def _publication(core: Core) -> None:
    def look(session: Session) -> int | None:
        return views.age(session, core.clock.now(session))

    age = core.database.read(look)
    if age is None:
        raise StateError("publication.none")
    if age > TTL:
        raise StateError("publication.old", expected=f"at most {TTL} s", found=f"{age} s")


def _clock(core: Core) -> None:
    core.database.read(core.clock.signing_time)


def _records(core: Core) -> None:
    found = core.altered.standing(core.database)
    if found:
        raise StateError("at_rest.altered", found=f"{len(found)} rows")


_CHECKS: Final[tuple[tuple[str, Callable[[Core], object]], ...]] = (
    ("signer", _signer),
    ("publication", _publication),
    ("master_key", Core.meta),
    ("clock", _clock),
    ("records", _records),
)
