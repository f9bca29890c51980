"""The checks of the doctor. They are independent: one that fails does not stop the others.

Promises:

1. Nothing is changed, and nothing of any person is read or shown.
2. The passphrase is not asked for: where the settings do not have it, keys are not opened, and that is a finding.
3. What is fetched is what verifiers fetch, at the status prefix, within ten seconds; ``offline`` leaves it out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.errors import IcardError, StateError
from icard_crypto.lists import tree
from icard_crypto.moments import DAY, moment_text
from icard_crypto.signing.tokens import peek_unverified
from issuer import production
from issuer.core import Core
from issuer.db.meta import Meta
from issuer.delivery import outbox_admin
from issuer.health.disks import disks
from issuer.health.endings import endings
from issuer.keys.states import all_keys
from issuer.processes.heartbeat import living
from issuer.published import artefacts
from issuer.service import readiness
from issuer.settings import FILE_NAME, Settings
from issuer.status.models import StatusListRow
from verifier.runtime.outbound.addresses import Network
from verifier.runtime.outbound.fetching import Deadline, Limits
from verifier.sync.http import HttpFetch

from .findings import Finding, finding

__all__ = ["CHECKS", "examine", "examine_core"]

_PATIENCE: Final = 10.0
_AGE: Final = 6
#: A published list may be behind the database for as long as an export and a cache take.
_BEHIND: Final = 300

#: What is looked at, in the order in which it is reported within one urgency.
CHECKS: Final = (
    "settings",
    "files",
    "service",
    "readiness",
    "endings",
    "keys",
    "jobs",
    "notices",
    "processes",
    "backup",
    "mark",
    "disks",
    "published",
)


def examine(
    folder: Path | None, *, offline: bool = False, allowed: tuple[Network, ...] = (), ca_file: Path | None = None
) -> list[Finding]:
    """Everything that is wrong with the service in ``folder``.

    Args:
        offline: do not fetch what is published.
        allowed: networks that may be connected to beside the open internet.
        ca_file: PEM certificates of a private authority.
    """
    import issuer.tables  # noqa: F401  (every table)

    found: list[Finding] = []
    try:
        settings = Settings.load(folder)
    except IcardError as fault:
        return [finding("settings", fault)]
    found += [finding("settings", fault) for fault in _production(settings)]
    found += [finding("files", fault) for fault in _files(settings)]
    try:
        core = Core.open(settings, _unknown_passphrase)
    except IcardError as fault:
        found.append(finding("service", fault))
        return [*found, *(finding("disks", fault) for fault in _disks(settings))]
    try:
        return [*found, *examine_core(core, offline=offline, allowed=allowed, ca_file=ca_file)]
    finally:
        core.close()


def examine_core(
    core: Core, *, offline: bool = False, allowed: tuple[Network, ...] = (), ca_file: Path | None = None
) -> list[Finding]:
    """As :func:`examine`, of a service that is open."""
    checks: list[tuple[str, Callable[[], Iterator[IcardError]]]] = [
        ("readiness", lambda: _readiness(core)),
        ("endings", lambda: _endings(core)),
        ("keys", lambda: _keys(core)),
        ("jobs", lambda: _jobs(core)),
        ("notices", lambda: _notices(core)),
        ("processes", lambda: _processes(core)),
        ("backup", lambda: _backup(core)),
        ("mark", lambda: _mark(core)),
        ("disks", lambda: _disks(core.settings)),
    ]
    if not offline:
        checks.append(("published", lambda: _published(core, allowed, ca_file)))
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += [finding(name, fault) for fault in check()]
        except IcardError as fault:
            found.append(finding(name, fault))
    # One cause shows in several places; each is said once.
    return list({(each.fault.code, each.fault.path): each for each in reversed(found)}.values())[::-1]


def _unknown_passphrase() -> bytes:
    raise StateError("doctor.passphrase_unknown")


def _production(settings: Settings) -> Iterator[IcardError]:
    try:
        yield from production.faults(settings)
    except IcardError as fault:
        # A file that a setting names cannot be read.
        yield fault


def _files(settings: Settings) -> Iterator[IcardError]:
    """Secrets that others than their owner may read."""
    secret = [settings.master_key_path, settings.epoch_path, settings.keystore_path]
    secret += sorted(settings.keystore_path.glob("*.json")) if settings.keystore_path.is_dir() else []
    named = (settings.passphrase_file, settings.smtp_password_file, settings.database_url_file)
    secret += [path for path in named if path is not None]
    if settings.passphrase is not None or settings.database_url is not None:
        secret.append(settings.folder / FILE_NAME)
    for path in secret:
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
        except OSError:
            # Whatever needs the file says that it is not there.
            continue
        if mode & 0o077:
            yield StateError("doctor.file_mode", path=str(path), expected="for its owner alone", found=f"{mode:04o}")


def _readiness(core: Core) -> Iterator[IcardError]:
    yield from readiness.faults(core)


def _endings(core: Core) -> Iterator[IcardError]:
    def look(session: Session) -> list[IcardError]:
        now = core.clock.now(session)
        return [
            StateError(each.code, path=each.name, found=moment_text(each.ends_at))
            for each in endings(core, session, now)
            # Where verifiers do not take it at all, readiness says so.
            if each.warn_at <= now < each.ends_at
        ]

    yield from core.database.read(look)


def _keys(core: Core) -> Iterator[IcardError]:
    """Keys that this host would need and does not hold."""
    from icard_crypto.signing.keys import Thumbprint

    for name, code in readiness.warnings(core, "ok").items():
        if code == "keystore.file_gone":
            yield StateError(code, path=name)
    for key in core.database.read(all_keys):
        if key.state in ("published", "retired"):
            try:
                core.keystore.envelope(Thumbprint(bytes.fromhex(key.thumbprint)))
            except IcardError as fault:
                yield StateError(
                    "doctor.server_without_key", path=f"{key.usage} {key.thumbprint[:16]}", found=fault.code
                )


def _jobs(core: Core) -> Iterator[IcardError]:
    for job in readiness.read(core).jobs:
        if job.trouble is not None:
            since = None if job.failing_since is None else f"since {moment_text(int(job.failing_since))}"
            yield StateError("doctor.job", path=job.name, expected=job.trouble, found=since)


def _notices(core: Core) -> Iterator[IcardError]:
    for channel, figures in outbox_admin.figures(core).items():
        if figures.dead:
            yield StateError("doctor.notices_dead", path=channel, found=str(figures.dead))


def _processes(core: Core) -> Iterator[IcardError]:
    def look(session: Session) -> list[IcardError]:
        found: list[IcardError] = []
        running = living(session, core.clock.now(session))
        versions = sorted({each.version for each in running})
        if len(versions) > 1:
            found.append(StateError("doctor.versions", found=", ".join(versions)))
        needed = [key for key in all_keys(session) if key.state == "active"]
        for each in running:
            missing = [f"{key.usage} {key.thumbprint[:16]}" for key in needed if key.thumbprint not in each.holds]
            if missing:
                found.append(StateError("doctor.server_without_key", path=each.host, found=", ".join(missing)))
            if len(each.master_keys) > 1:
                found.append(StateError("doctor.rewrap_unfinished", path=each.host, found=", ".join(each.master_keys)))
        return found

    yield from core.database.read(look)


def _backup(core: Core) -> Iterator[IcardError]:
    def look(session: Session) -> tuple[int | None, int]:
        return session.get_one(Meta, 1).backup_at, core.clock.now(session)

    newest, now = core.database.read(look)
    if newest is None:
        yield StateError("doctor.backup_none")
    elif newest < now - 2 * DAY:
        yield StateError("doctor.backup_old", expected="at most a day", found=moment_text(newest))


def _mark(core: Core) -> Iterator[IcardError]:
    code = readiness.warnings(core, "away").get("mark")
    if code is not None:
        yield StateError(code)


def _disks(settings: Settings) -> Iterator[IcardError]:
    for disk in disks(settings):
        if disk.low:
            yield StateError("disk.low", path=disk.place, found=f"{disk.free // 1024**2} of {disk.size // 1024**2} MiB")


def _published(core: Core, allowed: tuple[Network, ...], ca_file: Path | None) -> Iterator[IcardError]:
    """What verifiers get at the status prefix, compared with what was published."""

    def look(session: Session) -> tuple[str, int] | None:
        query = select(StatusListRow).where(StatusListRow.state == "open", StatusListRow.published_iat.is_not(None))
        row = session.scalars(query).one_or_none()
        token = None if row is None else artefacts.newest_at(session, tree.status_path(row.name))
        return None if row is None or token is None else (row.uri, token.iat)

    newest = core.database.read(look)
    if newest is None:
        return
    uri, iat = newest
    fetch = HttpFetch(Limits(allowed=allowed, ca_file=ca_file))
    try:
        answer = fetch(uri, etag=None, most=limits.STATUS_TOKEN_BYTES, deadline=Deadline(_PATIENCE))
    except IcardError as fault:
        yield StateError("doctor.unreachable", path=uri, found=f"{fault.found or ''} ({fault.code})".strip())
        return
    finally:
        fetch.close()
    if answer is None or answer.body is None:
        yield StateError("doctor.unreachable", path=uri, expected="a status list", found="nothing (404)")
        return
    try:
        there = peek_unverified(answer.body, _AGE, max_bytes=limits.STATUS_TOKEN_BYTES)
    except IcardError:
        there = None
    if not isinstance(there, int) or there < iat - _BEHIND:
        found = moment_text(there) if isinstance(there, int) else "another file"
        yield StateError("doctor.differs", path=uri, expected=moment_text(iat), found=found)
