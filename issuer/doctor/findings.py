"""What the doctor finds, in order of urgency.

Promises:

1. A finding is an error of the one catalogue, with what was expected and found, and the command or page that fixes it.
2. ``critical``: verifiers confirm nothing new, or a revocation does not go out. ``error``: a part does not work.
   ``warning``: it works, and a person is needed. The exit status is that of the worst: 3, 2, 1; 0: nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from icard_crypto.errors import IcardError, Language

__all__ = ["FIXES", "Finding", "Severity", "exit_status", "finding", "ranked"]

Severity = Literal["critical", "error", "warning"]

_STATUS: Final[dict[Severity, int]] = {"critical": 3, "error": 2, "warning": 1}
#: Codes, or beginnings of codes, after which verifiers confirm nothing new or learn of no revocation.
_CRITICAL: Final = (
    "at_rest.",
    "clock.",
    "database.",
    "doctor.differs",
    "doctor.unreachable",
    "epoch.behind",
    "epoch.unwritable",
    "key.",
    "keystore.none_active",
    "listing.compromised",
    "listing.list_over",
    "listing.not_listed",
    "listing.retired",
    "listing.window",
    "publication.none",
    "publication.not_trusted",
    "publication.old",
    "publication.waiting",
    "worker.missing",
)
_WARNINGS: Final = (
    "disk.low",
    "doctor.backup",
    "doctor.file_mode",
    "doctor.notices_dead",
    "doctor.passphrase_unknown",
    "doctor.rewrap_unfinished",
    "doctor.versions",
    "epoch.beside",
    "listing.key_ends",
    "listing.list_ends",
    "listing.none",
    "serve.certificate_ends",
)
#: The first command, or the page, by code or the beginning of codes; the longest that fits counts.
FIXES: Final[dict[str, str]] = {
    "at_rest.altered": "docs/runbooks/data-breach.md",
    "at_rest.": "docs/runbooks/several-servers.md",
    "clock.": "docs/runbooks/clock-was-wrong.md",
    "database.full": "docs/runbooks/disk-full.md",
    "database.not_bound": "icard-issuer migrate",
    "database.not_migrated": "icard-issuer migrate",
    "database.": "docs/runbooks/database-lost.md",
    "disk.low": "docs/runbooks/disk-full.md",
    "doctor.backup": "icard-issuer backup FOLDER",
    "doctor.file_mode": "chmod go-rwx FILE",
    "doctor.notices_dead": "icard-issuer notices list --state dead",
    "doctor.rewrap_unfinished": "docs/runbooks/several-servers.md",
    "doctor.server_without_key": "docs/runbooks/server-without-key.md",
    "doctor.differs": "icard-issuer worker --once --export FOLDER",
    "epoch.beside": "docs/running.md",
    "epoch.": "docs/runbooks/database-lost.md",
    "key.passphrase_wrong": "docs/runbooks/passphrase-change.md",
    "keystore.none_active": "icard-issuer key list",
    "keystore.file_gone": "docs/runbooks/server-without-key.md",
    "keystore.not_in_keystore": "docs/runbooks/server-without-key.md",
    "listing.compromised": "docs/runbooks/stolen-card-key.md",
    "listing.key_ends": "docs/runbooks/rotation.md",
    "listing.window": "docs/runbooks/rotation.md",
    "listing.retired": "docs/runbooks/rotation.md",
    "listing.not_listed": "icard-issuer key list",
    "listing.": "docs/runbooks/trust-list-over.md",
    "production.roots": "docs/ceremony.md",
    "production.": "docs/ceremony.md",
    "publication.": "docs/runbooks/worker-gone.md",
    "serve.certificate_ends": "docs/runbooks/certificate-renewal.md",
    "worker.": "docs/runbooks/worker-gone.md",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``check``: what was looked at; ``fix``: a command or a page, None: see the hint."""

    severity: Severity
    check: str
    fault: IcardError
    fix: str | None

    def facts(self, language: Language) -> dict[str, Any]:
        """The finding for a program."""
        return {
            "severity": self.severity,
            "check": self.check,
            **self.fault.to_dict(),
            "message": self.fault.message(language),
            "hint": self.fault.hint(language),
            "fix": self.fix,
        }


def finding(check: str, fault: IcardError) -> Finding:
    """A finding of an error, with its severity and fix."""
    severity: Severity = "error"
    if fault.code.startswith(_CRITICAL):
        severity = "critical"
    elif fault.code.startswith(_WARNINGS):
        severity = "warning"
    fitting = [code for code in FIXES if fault.code.startswith(code)]
    return Finding(severity, check, fault, FIXES[max(fitting, key=len)] if fitting else None)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; of one urgency in the order of the checks."""
    return sorted(findings, key=lambda each: -_STATUS[each.severity])


def exit_status(findings: Iterable[Finding]) -> int:
    """Promise 2."""
    return max((_STATUS[each.severity] for each in findings), default=0)
