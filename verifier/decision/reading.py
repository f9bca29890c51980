"""Good codes read by the native core: text to facts in one call, where it is installed and a key has its table.

Promises:

1. It says yes or nothing. Where it says nothing, the reference in Python reads the code, decides, and names the fault.
2. It knows only kids that one key of one domain has, and only keys for cards: which of several keys signed, and what
   else is wrong with a key, is the reference's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from icard_crypto import native
from icard_crypto.card.native_reader import reader
from verifier.knowledge.trust import TrustDomain, TrustedKey

from .precedents import Precedents

if TYPE_CHECKING:
    from icard_native import Book, Keyring, Reader

__all__ = ["NativeReading"]


class NativeReading:
    """The keys of a verifier that the native core may use by itself.

    Attributes:
        book: the same keys as the native core has them.
        keys: whose each place in the book is.
    """

    __slots__ = ("book", "keys")

    def __init__(self, book: Book, keys: Sequence[tuple[TrustDomain, TrustedKey]]) -> None:
        self.book: Final = book
        self.keys: Final = keys

    def precedents(self, clock: int) -> Precedents:
        """None yet, for one verifier at one time."""
        return Precedents(clock, native.core.Precedents(self.book))

    @classmethod
    def of(cls, domains: tuple[TrustDomain, ...]) -> NativeReading | None:
        """For these domains; None without the native core, and where none of their keys can use it.

        Made once for the same domains: a service makes a verifier for each policy that somebody sends it.
        """
        keyring, fields = native.state().keyring, reader()
        if keyring is None or fields is None or not domains:
            return None
        remembered, name = domains[0].remembered, ("native reading", keyring, domains)
        made: NativeReading | None
        try:
            made = remembered[name]
        except KeyError:
            made = remembered[name] = cls._made(domains, keyring, fields)
        return made

    @classmethod
    def _made(cls, domains: tuple[TrustDomain, ...], keyring: Keyring, fields: Reader) -> NativeReading | None:
        counts: dict[bytes, int] = {}
        for domain in domains:
            for kid, keys in domain.kids.items():
                counts[kid] = counts.get(kid, 0) + len(keys)
        usable = [
            (domain, key, own)
            for domain in domains
            for key in domain.keys
            if key.usage == "card"
            and counts[key.key.kid] == 1
            and (own := key.key.native) is not None
            and own.keyring is keyring
        ]
        if not usable:
            return None
        book = native.core.Book(fields, keyring, [(key.key.kid, own) for _, key, own in usable])
        return cls(book, [(domain, key) for domain, key, _ in usable])
