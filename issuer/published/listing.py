"""Whether verifiers take what a key of the service signs: its keys checked against the trust list in force.

Promises:

1. A key may sign while the list in force names it for this issuer and its usage, the moment lies in its window there,
   the roots have not revoked it, and the list itself has not ended. Anything else is one code: ``listing.*``.
2. Without a trust list there is nothing to compare with: a service has none before its first import, and one authority
   of a larger domain never has one. /readyz then warns (``listing.none``); nothing is refused.
3. A question costs one row: the list is read and verified once, when another one has been imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.errors import Unavailable
from icard_crypto.lists import tree
from icard_crypto.lists.trust_list import TrustList, decode_trust_list
from icard_crypto.moments import moment_text
from icard_crypto.signing import cose
from issuer.core import Core
from issuer.keys.models import KeyRow
from verifier.knowledge.trust import TrustDomain, TrustedKey

from .models import Artefact
from .trust_lists import accepted

__all__ = ["ListedKey", "Listing", "listing_of"]

#: Lists that one process keeps: the one in force, and that of another core in the same process.
_KEPT: Final = 8
_known: dict[tuple[str, str], Listing] = {}


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as the list in force has it. ``since``: when the first list that named it was issued, Unix time."""

    trusted: TrustedKey
    since: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The trust list in force, as far as it speaks of this service. Times are Unix times.

    Args:
        keys: by thumbprint, in hexadecimal: this issuer's, and those of timestamps.
    """

    version: int
    iat: int
    exp: int
    keys: Mapping[str, ListedKey]

    def require(self, key: KeyRow, now: int) -> ListedKey:
        """The key as verifiers know it, where they take what it signs at ``now``.

        Raises:
            Unavailable: ``listing.*``.
        """
        if now >= self.exp:
            raise Unavailable("listing.list_over", expected="a trust list in force", found=moment_text(self.exp))
        listed = self.keys.get(key.thumbprint)
        if listed is None or listed.trusted.usage != key.usage:
            found = "no such key" if listed is None else f"a {listed.trusted.usage} key"
            raise Unavailable("listing.not_listed", path=key.usage, expected=key.thumbprint[:16], found=found)
        trusted = listed.trusted
        if trusted.compromised:
            raise Unavailable("listing.compromised", path=key.usage, found=key.thumbprint[:16])
        if trusted.retired_before(now):
            raise Unavailable("listing.retired", path=key.usage, found=key.thumbprint[:16])
        if not trusted.in_window(now):
            window = f"{moment_text(trusted.valid_from)} to {moment_text(trusted.valid_until) or 'no end'}"
            raise Unavailable("listing.window", path=key.usage, expected=window, found=moment_text(now))
        return listed

    def ends_at(self, key: KeyRow) -> int:
        """When verifiers stop taking what the key signs, as far as the list says; 0: they do not take it at all."""
        listed = self.keys.get(key.thumbprint)
        if listed is None or listed.trusted.usage != key.usage or listed.trusted.compromised:
            return 0
        revoked = listed.trusted.revoked
        ends = [self.exp, listed.trusted.valid_until, None if revoked is None else revoked.at]
        return min(end for end in ends if end is not None)


def listing_of(core: Core, session: Session) -> Listing | None:
    """What the trust list in force says about this service; None: none was imported.

    Raises:
        DecodeError: a row was changed.
    """
    query = select(Artefact.sha256).where(Artefact.path == tree.TRUST_LATEST).order_by(Artefact.version.desc())
    digest = session.scalar(query.limit(1))
    if digest is None:
        return None
    name = core.issuer.iss, digest
    found = _known.get(name)
    if found is None:
        found = _read(core, session)
        if found is None:
            return None
        if len(_known) >= _KEPT:
            _known.clear()
        _known[name] = found
    return found


def _read(core: Core, session: Session) -> Listing | None:
    chain = accepted(session)
    if chain is None:
        return None
    since: dict[bytes, int] = {}
    for data in chain.lists:
        one = decode_trust_list(cose.parse_sign(data).payload, unsafe_single_root=True)
        for key in _keys(core, one):
            since.setdefault(key.key.thumbprint, one.iat)
    keys = {key.key.thumbprint.hex(): ListedKey(key, since[key.key.thumbprint]) for key in _keys(core, chain.current)}
    return Listing(chain.current.version, chain.current.iat, chain.current.exp, MappingProxyType(keys))


def _keys(core: Core, trust_list: TrustList) -> list[TrustedKey]:
    domain = TrustDomain.from_trust_list(trust_list, name="own")
    return [key for key in domain.keys if key.issuer is None or key.issuer.iss == core.issuer.iss]
