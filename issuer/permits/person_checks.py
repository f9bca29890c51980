"""Identity checks of a person against a passport: an interface, and the implementation that is shipped.

An authority that has a check by face or by a bank's card implements :class:`PersonCheck` and hands it to
:func:`issuer.permits.granting.activate`; the name of the check is in the audit, what it compared does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from icard_crypto.errors import Invalid

from .names import PassportName

__all__ = ["PersonCheck", "PersonOnRecord", "WindowOfficer"]


@dataclass(frozen=True, slots=True)
class PersonOnRecord:
    """Who it should be: as on record, from the passport that was filed."""

    name: PassportName
    nationality: str
    birth: str
    passport: str


class PersonCheck(Protocol):
    """A check of the person who shows a notification."""

    @property
    def name(self) -> str:
        """Its name in the audit."""

    def confirm(self, person: PersonOnRecord) -> None:
        """Return where the person was recognised.

        Raises:
            Invalid: ``notification.unchecked``.
        """


@dataclass(frozen=True, slots=True)
class WindowOfficer:
    """An officer who has the person and the passport in front of them. ``compared``: they say that both agree."""

    compared: bool

    @property
    def name(self) -> str:
        """Its name in the audit."""
        return "window_officer"

    def confirm(self, person: PersonOnRecord) -> None:
        """Rely on the officer, who has seen ``person`` on their screen.

        Raises:
            Invalid: ``notification.unchecked``.
        """
        if not self.compared:
            raise Invalid("notification.unchecked", path="checked")
