"""Keys that a verifier trusts, whose they are, and what it needs of their lists. Plain immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from icard_crypto.lists.authority import Authority, Environment, Revocation
from icard_crypto.signing.keys import VerifyingKey

__all__ = ["Environment", "Issuer", "Revocation", "StatusListView", "TrustListFacts", "TrustedKey", "Usage"]

Usage = Literal["card", "status", "timestamp"]


@dataclass(frozen=True, slots=True)
class Issuer(Authority):
    """An authority and what it may vouch for.

    Args:
        iss: its short id, as cards carry it.
        names: its name by language, ``en`` and ``zh``.
        regions: GB/T 2260 codes; ``dd0000`` covers ``ddxxxx`` and ``dddd00`` covers ``ddddxx``.
        status_prefixes: what its status uris begin with.
        capacity: the most entries one of its status lists may have.
    """

    iss: str
    names: Mapping[str, str] = field(hash=False)
    regions: frozenset[str]
    status_prefixes: tuple[str, ...]
    capacity: int = 0

    def __reduce__(self) -> tuple[object, ...]:
        return (_issuer, (self.iss, dict(self.names), self.regions, self.status_prefixes, self.capacity))


def _issuer(iss: str, names: dict[str, str], *rest: Any) -> Issuer:
    """An issuer that was pickled: its names are frozen again."""
    return Issuer(iss, MappingProxyType(names), *rest)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key with its one usage, its issuer and the time in which it signs.

    Args:
        key: the key.
        usage: the one thing it signs.
        issuer: whose key it is; None for a timestamp key, which belongs to the domain.
        valid_from, valid_until: Unix times; what it signs has ``valid_from <= iat < valid_until``; None: no end.
        revoked: why it is no longer good, or None.
    """

    key: VerifyingKey
    usage: Usage
    issuer: Issuer | None
    valid_from: int
    valid_until: int | None = None
    revoked: Revocation | None = None

    @property
    def compromised(self) -> bool:
        """Whether nothing it signed remains valid."""
        return self.revoked is not None and self.revoked.kind == "compromised"

    def in_window(self, issued_at: int) -> bool:
        """Whether the key signed at that time by its own dates."""
        return self.valid_from <= issued_at and (self.valid_until is None or issued_at < self.valid_until)

    def retired_before(self, issued_at: int) -> bool:
        """Whether the key had been retired before that time."""
        return self.revoked is not None and issued_at > self.revoked.at


@dataclass(frozen=True, slots=True)
class TrustListFacts:
    """The accepted trust list a domain was made from: version, times (Unix), payload hash, threshold of roots."""

    version: int
    iat: int
    exp: int
    payload_hash: bytes
    threshold: int


class StatusListView(Protocol):
    """What a verifier needs of a verified status list."""

    @property
    def iat(self) -> int:
        """When it was issued, Unix time."""

    @property
    def exp(self) -> int:
        """Its end, Unix time."""

    @property
    def size(self) -> int:
        """The number of entries."""

    @property
    def key_thumbprint(self) -> bytes:
        """The full thumbprint of the key that signed it."""

    def get(self, index: int, /) -> int:
        """The value of an entry; ``0 <= index < size``."""
