"""Which status tokens a state takes: rule 5 of :mod:`verifier.store.decide`.

A token is taken

1. by :mod:`icard_crypto.lists.status_trust`, and not under a key that the timestamp denies;
2. for its uri and key not older than the mark, and of the mark's own time only the same bytes; where the token of the
   mark had to make room, it may come again;
3. where its issuer has room for it: the lists of one issuer take :data:`limits.STATUS_BYTES_OF_ISSUER` together, as
   tokens or inflated, whichever is more. A list that the timestamp names takes the room of those that it does not name,
   the oldest first; their marks stay. It is inflated last, when all else has been looked at, to one byte more than
   there is room for; the lists of one issuer to twice that bound in one update, together;
4. under an address that the timestamp names, or one of :data:`limits.UNNAMED_LISTS_OF_ISSUER` others of its issuer, and
   of :data:`MOST_UNNAMED` of the domain.

So whoever has a status key of one issuer can take that issuer's room, until the roots mark the key compromised, and
nobody else's: neither memory, nor the manifest, which could not be read above its own size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError
from icard_crypto.lists.status_list import StatusList, measured
from icard_crypto.lists.status_trust import issuer_of, read_status
from icard_crypto.lists.timestamp import Timestamp
from icard_crypto.lists.trust_list import IssuerEntry, TrustList
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Kid, Thumbprint

from .manifest import Digest, Manifest, Mark, Size, digest_of
from .report import Item, Outcome

__all__ = ["MOST_UNNAMED", "StatusTokens"]

MOST_UNNAMED: Final = 50_000
"""Status lists of a domain that its timestamp does not name: with two keys each they fill half of a manifest."""
_SUBJECT: Final = 2


@dataclass(slots=True)
class _Share:
    """What the lists of one issuer take: bytes, and addresses that the timestamp does not name; and how many bytes were
    inflated for it in this update."""

    bytes: int = 0
    unnamed: int = 0
    inflated: int = 0


class StatusTokens:
    """The status tokens of one update, taken one by one.

    Args:
        timestamp: the one in force, or None.
        now: Unix time; None: nothing is refused for being from the future.

    Attributes:
        marks, sizes: the manifest's, as they are behind the tokens that were taken.
        objects: the tokens that were good, by their names; a known one too, for its file may be damaged.
    """

    def __init__(self, manifest: Manifest, trust_list: TrustList, timestamp: Timestamp | None, now: int | None) -> None:
        self.marks = {uri: dict(keys) for uri, keys in manifest.marks.items()}
        self.sizes = dict(manifest.sizes)
        self.objects: dict[Digest, bytes] = {}
        self._trust_list = trust_list
        self._denied = frozenset() if timestamp is None else timestamp.denied
        self._named = frozenset() if timestamp is None else frozenset(timestamp.lists)
        self._now = now
        self._shares: dict[str, _Share] = {}
        self._unnamed = sum(uri not in self._named for uri in self.marks)
        # Of every usage, so that a key that may not sign lists is distinguished from a stranger's.
        keys = [*trust_list.roots, *trust_list.timestamp_keys, *(key for _, _, key in trust_list.issuer_keys())]
        self._keys = {key.kid: key for key in keys}

    def take(self, token: bytes) -> Item:
        """Take a token or refuse it; what became of it."""
        uri = ""
        try:
            uri = self._uri_of(token)
            outcome, iat = self._decide(token, uri)
        except DecodeError as error:
            return Item("status_list", uri, "refused", error=error)
        return Item("status_list", uri, outcome, iat)

    def _uri_of(self, token: bytes) -> str:
        """What the token calls itself; decoded only after a listed key's signature over it held. Whether that key may
        speak for that uri is decided by :func:`read_status`, with all else."""
        message = cose.parse_sign1(token, max_bytes=limits.STATUS_TOKEN_BYTES)
        kid = cose.headers_of(message.protected).get(cose.KID)
        key = self._keys.get(Kid(kid)) if isinstance(kid, bytes) else None
        if key is None:
            found = kid[:8].hex() if isinstance(kid, bytes) else "none"
            raise DecodeError("status.unknown_key", found=f"kid {found}")
        if not key.verify(message.signature, cose.signed_bytes(message)):
            raise DecodeError("status.bad_signature", found=f"kid {key.kid.hex()}")
        claims = cbor.decode(message.payload, max_bytes=limits.STATUS_TOKEN_BYTES, max_items=limits.STATUS_TOKEN_ITEMS)
        uri = claims.get(_SUBJECT) if isinstance(claims, dict) else None
        if not isinstance(uri, str):
            raise DecodeError("status.missing", path="sub", expected="key 2")
        return uri

    def _decide(self, token: bytes, uri: str) -> tuple[Outcome, int]:
        # 1
        read = read_status(self._trust_list, token, uri=uri, now=self._now, length=0)
        thumbprint = read.key_thumbprint
        if thumbprint in self._denied:
            raise DecodeError("store.key_denied", found=f"kid {thumbprint[:8].hex()}")
        # 2
        mark = self.marks.get(uri, {}).get(thumbprint)
        name = digest_of(token)
        if mark is not None:
            if name == mark.token:
                self.objects[name] = token
                return "known", read.iat
            if read.iat < mark.iat:
                expected = f"{mark.iat} or later"
                raise DecodeError("store.status_rollback", path="iat", expected=expected, found=str(read.iat))
            if read.iat == mark.iat and mark.token is not None:
                raise DecodeError("store.status_two_of_one_time", path="iat", expected="one list for one iat")
        # 3, 4
        size = self._make_room(read, mark, len(token))
        self.objects[name] = token
        self.sizes[name] = size
        self.marks.setdefault(uri, {})[thumbprint] = Mark(read.iat, name)
        return "taken", read.iat

    def _make_room(self, read: StatusList, mark: Mark | None, token: int) -> Size:
        owner = issuer_of(self._trust_list, read.uri)
        share, named, new = self._share(owner), read.uri in self._named, read.uri not in self.marks
        most = limits.UNNAMED_LISTS_OF_ISSUER
        if new and not named and (share.unnamed >= most or self._unnamed >= MOST_UNNAMED):
            raise DecodeError("store.too_many_lists", expected=f"at most {most} beside those that the timestamp names")
        freed = 0 if mark is None else self._bytes(mark)
        room = limits.STATUS_BYTES_OF_ISSUER - share.bytes + freed
        could = room + (sum(self._bytes(each) for each, _, _ in self._droppable(owner)) if named else 0)
        size = Size(token, self._inflated(owner, share, read, token, could))
        over = max(size) - room
        if over > 0 and named:
            over -= self._drop_unnamed(owner, share, over)
        if over > 0:
            raise _full(owner, over)
        share.bytes += max(size) - freed
        if new and not named:
            share.unnamed += 1
            self._unnamed += 1
        return size

    def _inflated(self, owner: IssuerEntry, share: _Share, read: StatusList, token: int, room: int) -> int:
        """Bytes that a list inflates to, looked at no further than there is room for."""
        left = 2 * limits.STATUS_BYTES_OF_ISSUER - share.inflated
        if token > room or left <= 0:
            raise _full(owner, max(token - room, 1))
        capacity = (owner.capacity * read.bits + 7) // 8
        most = min(room, left, capacity)
        try:
            length = measured(read.stream, most)
        except DecodeError as error:
            share.inflated += most
            if error.code == "status.too_large" and most < capacity:
                raise _full(owner, 1) from None
            raise
        share.inflated += length
        return length

    def _share(self, owner: IssuerEntry) -> _Share:
        share = self._shares.get(owner.iss)
        if share is None:
            share = self._shares[owner.iss] = _Share()
            for uri, keys in self.marks.items():
                if owner.owns_status_uri(uri):
                    share.bytes += sum(map(self._bytes, keys.values()))
                    share.unnamed += uri not in self._named
        return share

    def _bytes(self, mark: Mark) -> int:
        """What the list of a mark takes; one that older software took counts when a newer one takes its place."""
        return 0 if mark.token is None else max(self.sizes.get(mark.token, (0,)))

    def _droppable(self, owner: IssuerEntry) -> list[tuple[Mark, str, Thumbprint]]:
        """The lists of an issuer that the timestamp does not name, oldest first."""
        unnamed = (
            (mark, uri, key)
            for uri, keys in self.marks.items()
            if uri not in self._named and owner.owns_status_uri(uri)
            for key, mark in keys.items()
            if mark.token is not None
        )
        return sorted(unnamed, key=lambda each: (each[0].iat, *each[1:]))

    def _drop_unnamed(self, owner: IssuerEntry, share: _Share, over: int) -> int:
        """Drop lists that the timestamp does not name until so many bytes are free, or none; how many are."""
        unnamed = self._droppable(owner)
        freed, dropped = 0, 0
        while freed < over and dropped < len(unnamed):
            freed += self._bytes(unnamed[dropped][0])
            dropped += 1
        if freed < over:
            # The list is refused all the same: none goes for it.
            return 0
        for mark, uri, key in unnamed[:dropped]:
            self.marks[uri][key] = Mark(mark.iat, None)
        share.bytes -= freed
        return freed


def _full(owner: IssuerEntry, over: int) -> DecodeError:
    expected = f"at most {limits.STATUS_BYTES_OF_ISSUER} bytes for all lists of {owner.iss}"
    return DecodeError("store.issuer_full", expected=expected, found=f"{over} more")
