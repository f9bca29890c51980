"""Token Status Lists (IETF draft-ietf-oauth-status-list) as signed CWTs: packed, signed, read, looked up.

:func:`read_status_list` checks, in this order, and stops at the first fault:

1. The frame: a COSE_Sign1 of at most 8 MiB with tag 18, never 61 (``cose.*``, ``status.cwt_tag``).
2. The headers: alg and kid protected, nothing unprotected, typ ``application/statuslist+cwt`` (``header.*``).
3. The key: the caller's ``find_key`` names the status key with that kid, and its algorithm is the header's. Only keys
   of usage status, of the issuer that owns the uri, may come back from it: ``icard_crypto.lists.status_trust`` keeps
   that rule and has a code for each breach.
4. The signature. Nothing of the payload is decoded before it holds.
5. The claims: 2 sub is the uri byte for byte, 6 iat, 4 exp at most 31 days on, 65534 ttl, 65533 {"bits", "lst"}. What
   else is there (``aggregation_uri``) is ignored.
6. With ``now``: not from the future. An expired list is returned: its end is in ``exp``, and what it last said is
   still knowledge to show (a revocation is permanent).
7. bits is 1, 2, 4 or 8; lst is one zlib stream that inflates to at most capacity x bits / 8 bytes, with no byte missing
   and none behind it. It is inflated piece by piece, and none of them is kept.

Further:

8. Entries are packed from the least significant bit of each byte upwards; a list holds as many entries as its bytes do.
9. :class:`StatusListBuilder` writes nothing that the reader would refuse.
10. A list is kept deflated until it is first asked for an entry; how much of all lists is inflated at one time is
    bounded, and so is what a look-up costs where there are more (:mod:`.open_lists`). So a list that no card names
    costs the bytes of its token.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Final

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, EncodeError
from icard_crypto.signing import cose
from icard_crypto.signing.keys import SigningKey, Thumbprint
from icard_crypto.signing.tokens import FindKey, open_token

from .list_maps import DAY, FIELDS, check_lifetime, check_not_future, read_map, write_map
from .open_lists import BETWEEN, OpenLists
from .pieces import Pieces

__all__ = ["LONGEST_LIFE", "TYP", "StatusList", "StatusListBuilder", "measured", "read_status_list"]

TYP: Final = "application/statuslist+cwt"
#: Seconds. A verifier that is offline for a month still has a list; a stolen status key's tokens die within one.
LONGEST_LIFE: Final = 31 * DAY
MOST_ENTRIES: Final = FIELDS["issuer"]["capacity"].high

# zlib's own default: 23 ms for 10 million entries where level 9 takes 350 and saves a fifth.
_LEVEL: Final = 6
# Bytes of a stream that are looked at in one step, and that come out of it in one.
_STEP_IN: Final = 64 * limits.KIB
_STEP_OUT: Final = 1 * limits.MIB
# 4 KiB of a token are left for headers, the other claims and the longest signature (ML-DSA-44: 2,420 bytes).
_LONGEST_STREAM: Final = limits.STATUS_TOKEN_BYTES - 4 * limits.KIB

# For each width: log2 of the entries in a byte, and for each index modulo 8 the entry's value in each of the 256 bytes.
# One table look-up instead of a shift and a mask: the fastest that Python has without unpacking the list. Tuples,
# because Python 3.11 takes an item of a tuple without a call and of bytes only with one; equal rows are one row.
_SHIFTS: Final = {1: 3, 2: 2, 4: 1, 8: 0}


def _rows(bits: int) -> tuple[tuple[int, ...], ...]:
    in_byte, mask = 8 // bits, (1 << bits) - 1
    rows = [tuple(byte >> (place * bits) & mask for byte in range(256)) for place in range(in_byte)]
    return tuple(rows[index % in_byte] for index in range(8))


_ROWS: Final = {bits: _rows(bits) for bits in _SHIFTS}


_open_lists: Final = OpenLists()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class StatusList:
    """A status list whose signature held.

    Args:
        uri: its own address, by which codes name it.
        iat, exp: Unix times of its issue and its end.
        ttl: seconds until a newer one is worth asking for.
        bits: of one entry: 1, 2, 4 or 8.
        key_thumbprint: the full thumbprint of the key that signed it.
        stream: the entries as a zlib stream, which was inflated whole once.
        length: bytes that it inflates to.
    """

    uri: str
    iat: int
    exp: int
    ttl: int
    bits: int
    key_thumbprint: Thumbprint
    stream: bytes = field(repr=False)
    length: int
    # Of no bytes until somebody asks for an entry.
    _packed: bytes = field(init=False, repr=False, compare=False)
    _rows: tuple[tuple[int, ...], ...] = field(init=False, repr=False, compare=False)
    _shift: int = field(init=False, repr=False, compare=False)
    # Of a list that was closed: how it answers, and look-ups until it is inflated whole.
    _pieces: Pieces | None = field(init=False, repr=False, compare=False)
    _look_ups_left: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_packed", b"")
        object.__setattr__(self, "_rows", _ROWS[self.bits])
        object.__setattr__(self, "_shift", _SHIFTS[self.bits])
        object.__setattr__(self, "_pieces", None)
        object.__setattr__(self, "_look_ups_left", 0)

    def __reduce__(self) -> tuple[object, ...]:
        # Without what was inflated: whoever reads it may never ask.
        values = (self.uri, self.iat, self.exp, self.ttl, self.bits, self.key_thumbprint, self.stream, self.length)
        return (StatusList, values)

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.length << self._shift

    @property
    def is_open(self) -> bool:
        """Whether the entries are inflated."""
        return len(self._packed) > 0

    @property
    def packed(self) -> bytes:
        """The entries, inflated.

        Raises:
            DecodeError: ``status.corrupt``: the stream is not the one that was read.
        """
        return self._packed or self.open()

    def open(self) -> bytes:
        """Inflate the entries before anybody asks for one.

        Raises:
            DecodeError: as :attr:`packed`.
        """
        try:
            inflater = zlib.decompressobj()
            # No more than was measured: the length may come from a state that somebody else wrote.
            packed = inflater.decompress(self.stream, self.length + 1)
            whole = inflater.eof
        except zlib.error:
            packed, whole = b"", False
        if not whole or len(packed) != self.length:
            raise DecodeError("status.corrupt", path="status_list.lst", expected=f"{self.length} bytes inflated")
        object.__setattr__(self, "_packed", packed)
        object.__setattr__(self, "_pieces", None)
        _open_lists.opened(self)
        return packed

    def close(self) -> None:
        """Forget the inflated entries; look-ups inflate as much as they need, or all where there is room again."""
        object.__setattr__(self, "_packed", b"")
        object.__setattr__(self, "_look_ups_left", BETWEEN)

    def get(self, index: int) -> int:
        """The value of an entry.

        Raises:
            DecodeError: ``status.index``: below 0 or beyond the list; as :attr:`packed`.
        """
        # With the row's number goes bit 29, which every index from -1 down to -2^29 has and no list reaches: for those
        # there is then no row, without a comparison. Below -2^29 the byte asked for is before the first of any list (at
        # most 2^24 bytes). Written out, because Python makes one constant of it; a name is looked up each time.
        try:
            return self._rows[index & (1 << 29 | 7)][self._packed[index >> self._shift]]
        except IndexError:
            # A list that nobody has asked so far has no bytes, and comes here too.
            if 0 <= index < self.size:
                return self._rows[index & 7][self._byte(index >> self._shift)]
            expected = f"0 to {self.size - 1}"
            raise DecodeError("status.index", path="idx", expected=expected, found=str(index)) from None

    def _byte(self, at: int) -> int:
        """A byte of the entries of a list that is not inflated, or was not a moment ago."""
        # Kept: another thread may close the list at any moment.
        packed, pieces = self._packed, self._pieces
        if packed:
            return packed[at]
        if self._look_ups_left <= 0 or _open_lists.has_room(self):
            return self.open()[at]
        object.__setattr__(self, "_look_ups_left", self._look_ups_left - 1)
        if pieces is None:
            pieces = Pieces(self.stream, self.length)
            object.__setattr__(self, "_pieces", pieces)
        return pieces.byte(at)


def read_status_list(
    token: bytes, *, uri: str, find_key: FindKey, capacity: int, now: int | None = None, length: int | None = None
) -> StatusList:
    """Read a status token by the rules of this module.

    Args:
        uri: where the token was asked for, or what codes call it.
        find_key: gives the status key for a kid, or None; it may raise a code of its own.
        capacity: the most entries that the issuer's lists may have, from the trust list.
        now: Unix time; None leaves rule 6 to the caller.
        length: bytes that this very token's entries inflated to when it was first read, or 0 where the caller asks
            :func:`measured` later; None: they are inflated now.

    Raises:
        DecodeError: ``cose.*``, ``header.*``, ``cbor.*``, ``status.*``.
    """
    # 1, 2, 3, 4
    content, key = open_token(token, TYP, find_key, "status", limits.STATUS_TOKEN_BYTES)
    # 5
    payload = cbor.decode(content, max_bytes=limits.STATUS_TOKEN_BYTES, max_items=limits.STATUS_TOKEN_ITEMS)
    claims = read_map(payload, "status_token", "status", "", [])
    if claims["sub"] != uri:
        raise DecodeError("status.other_subject", path="sub", expected="the uri of the list, byte for byte")
    check_lifetime("status", claims["iat"], claims["exp"], LONGEST_LIFE)
    entries = read_map(claims["status_list"], "status_list", "status", "status_list", [])
    # 6
    if now is not None:
        check_not_future("status", claims["iat"], now)
    # 7
    bits = _width(entries["bits"])
    stream, cap = entries["lst"], (capacity * bits + 7) // 8
    length = measured(stream, cap) if length is None else length
    _check_length(length, cap)
    return StatusList(uri, claims["iat"], claims["exp"], claims["ttl"], bits, key.thumbprint, stream, length)


def _width(bits: int) -> int:
    if bits not in _SHIFTS:
        raise DecodeError("status.bits", path="status_list.bits", expected="1, 2, 4 or 8", found=str(bits))
    return bits


def measured(stream: bytes, cap: int) -> int:
    """The bytes that one whole zlib stream (RFC 1950) inflates to, at most ``cap``; they are not kept.

    Raises:
        DecodeError: ``status.corrupt``, ``status.truncated``, ``status.trailing_bytes``; ``status.too_large``: more.
    """
    path = "status_list.lst"
    inflater = zlib.decompressobj()
    length = at = 0
    waiting = b""
    while not inflater.eof:
        given = waiting or stream[at : at + _STEP_IN]
        at += 0 if waiting else len(given)
        try:
            part = inflater.decompress(given, min(_STEP_OUT, cap + 1 - length))
        except zlib.error:
            raise DecodeError("status.corrupt", path=path) from None
        length += len(part)
        _check_length(length, cap)
        waiting = inflater.unconsumed_tail
        # What came out may be less than what is in it: only an empty step with nothing left is the end.
        if not part and not waiting and at >= len(stream) and not inflater.eof:
            raise DecodeError("status.truncated", path=path, found=f"{length} bytes, then the end")
    behind = len(inflater.unused_data) + len(stream) - at
    if behind:
        raise DecodeError("status.trailing_bytes", path=path, found=f"{behind} bytes behind the stream")
    return length


def _check_length(length: int, cap: int) -> None:
    if length > cap:
        raise DecodeError("status.too_large", path="status_list.lst", expected=f"at most {cap} bytes inflated")


class StatusListBuilder:
    """A status list to write: ``size`` entries of ``bits`` bits, all 0, at their packed size in memory.

    Raises:
        EncodeError: ``status.bits``, ``status.size``.
    """

    __slots__ = ("_mask", "_packed", "_rows", "_shift", "bits", "size")

    def __init__(self, bits: int, size: int) -> None:
        if bits not in _SHIFTS:
            raise EncodeError("status.bits", expected="1, 2, 4 or 8", found=str(bits))
        # Whole bytes: a reader counts entries by bytes, and must come to the same number.
        if not 0 < size <= MOST_ENTRIES or size % (8 // bits):
            expected = f"1 to {MOST_ENTRIES} entries that fill whole bytes"
            raise EncodeError("status.size", expected=expected, found=str(size))
        self.bits = bits
        self.size = size
        self._rows = _ROWS[bits]
        self._shift = _SHIFTS[bits]
        self._mask = (1 << bits) - 1
        self._packed = bytearray(size >> self._shift)

    def get(self, index: int) -> int:
        """The value of an entry.

        Raises:
            EncodeError: ``status.index``.
        """
        self._check(index)
        return self._rows[index & 7][self._packed[index >> self._shift]]

    def set(self, index: int, value: int) -> None:
        """Set an entry.

        Raises:
            EncodeError: ``status.index``, ``status.value``.
        """
        self._check(index)
        if not 0 <= value <= self._mask:
            raise EncodeError("status.value", expected=f"0 to {self._mask}", found=str(value))
        place, lowest = index >> self._shift, (index & (8 // self.bits - 1)) * self.bits
        self._packed[place] = self._packed[place] & ~(self._mask << lowest) | value << lowest

    def _check(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise EncodeError("status.index", expected=f"0 to {self.size - 1}", found=str(index))

    def payload(self, *, uri: str, iat: int, exp: int, ttl: int) -> bytes:
        """The claims as deterministic CBOR, ready to be kept and signed.

        Args:
            uri: the list's own address.
            iat, exp: Unix times of issue and end, at most 31 days apart.
            ttl: seconds.

        Raises:
            DecodeError: ``status.*``, when a reader would refuse it.
            EncodeError: ``status.token_too_large``: entries too many or too varied for a token.
        """
        stream = zlib.compress(self._packed, _LEVEL)
        if len(stream) > _LONGEST_STREAM:
            expected, found = f"at most {_LONGEST_STREAM} bytes deflated", f"{len(stream)} bytes"
            raise EncodeError("status.token_too_large", expected=expected, found=found)
        content = write_map("status_list", {"bits": self.bits, "lst": stream})
        values = {"sub": uri, "iat": iat, "exp": exp, "ttl": ttl, "status_list": content}
        written = write_map("status_token", values)
        read_map(written, "status_token", "status", "", [])
        read_map(content, "status_list", "status", "status_list", [])
        check_lifetime("status", iat, exp, LONGEST_LIFE)
        return cbor.encode(written)

    def sign(self, key: SigningKey, *, uri: str, iat: int, exp: int, ttl: int) -> bytes:
        """The list as a signed token.

        Raises:
            DecodeError, EncodeError: as :meth:`payload`.
        """
        return cose.sign_token(self.payload(uri=uri, iat=iat, exp=exp, ttl=ttl), key, TYP)
