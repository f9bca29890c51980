"""Principals: a person in a session or a program with a token, and what they may do.

Promises:

1. :meth:`Who.require` is the one place where a right is checked: role, second factor and scopes, in that order.
2. A token has the rights that its scopes, its account's role and the table of tokens all have.
3. An official role has no right at all before its second factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from icard_crypto.errors import NotAllowed
from issuer.acts import Actor

from .roles import SCOPES, Role

__all__ = ["FRESH", "Principal"]

#: Seconds for which a TOTP code counts as fresh, for what needs dual control.
FRESH: Final = 300


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Args:
        full: every factor that the account has was given; True for tokens.
        totp_at: Unix time of the session's last TOTP code.
        scopes: of a token; None in a session.
        humans: of an official, the persons on record who are the same human being.
    """

    account_id: str
    person_id: str
    role: Role
    organisation_id: str | None
    full: bool
    session_id: str | None = None
    totp_at: int | None = None
    token_id: str | None = None
    scopes: frozenset[str] | None = None
    humans: frozenset[str] = frozenset()

    @property
    def actor(self) -> str:
        """The name in the audit, which keeps its pseudonym only."""
        return f"account:{self.account_id}" if self.token_id is None else f"token:{self.token_id}"

    @property
    def rights(self) -> frozenset[str]:
        """All that may be done now."""
        if self.scopes is not None:
            return self.scopes & self.role.rights & SCOPES
        return self.role.rights if self.full else frozenset()

    def is_self(self, person_id: str | None) -> bool:
        """Whether a person on record is who asks, under whichever number."""
        return person_id is not None and (person_id == self.person_id or person_id in self.humans)

    def by(self, reason: str | None = None) -> Actor:
        """Who acts, for :mod:`issuer.cards`."""
        return Actor(self.actor, reason)

    def may(self, right: str) -> bool:
        """Whether :meth:`require` would let it pass."""
        return right in self.rights

    def require(self, right: str) -> None:
        """Raise unless this may be done.

        Raises:
            NotAllowed: ``access.not_allowed``, ``access.second_factor``, ``access.scope``.
        """
        if right not in self.role.rights:
            raise NotAllowed("access.not_allowed", expected=right, found=self.role.name)
        if not self.full:
            raise NotAllowed("access.second_factor")
        if right not in self.rights:
            raise NotAllowed("access.scope", expected=right)

    def require_person(self) -> str:
        """The session's id; a token has none.

        Raises:
            NotAllowed: ``access.people_only``.
        """
        if self.session_id is None:
            raise NotAllowed("access.people_only")
        return self.session_id

    def require_fresh(self, now: int) -> None:
        """Raise unless a person has given a TOTP code within the last five minutes.

        Args:
            now: Unix time.

        Raises:
            NotAllowed: ``access.people_only``, ``access.second_factor``, ``access.fresh_code``.
        """
        self.require_person()
        if not self.full:
            raise NotAllowed("access.second_factor")
        if self.totp_at is None or now - self.totp_at > FRESH:
            raise NotAllowed("access.fresh_code", expected=f"a code within {FRESH} s")
