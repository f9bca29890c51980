"""Strict CBOR (RFC 8949): one value, one encoding, nothing else.

Promises:

1. Only these types: int from -2^63 to 2^63-1, text, bytes, list, map with int or text keys, bool, null. Floats, tags,
   bignums, undefined and other simple values are refused.
2. Only the shortest form of every head, definite lengths, no duplicate key, no trailing byte. Key order is free.
3. What decodes encodes again to the same bytes (maps keep the order in which they were read).
4. Bytes, items (keys included) and depth are capped by the caller, before memory is spent.
5. Any bytes give a value or a :class:`DecodeError` with code ``cbor.*`` and the offset of the fault.
6. :func:`encode` is deterministic: core deterministic encoding, RFC 8949 section 4.2.1.

There are two readers. The fast one is cbor2's, made strict by a walk over the value and by encoding it again; it says
only yes. When it does not say yes, the reader written out below decides, and names the fault and its place. The fast
one counts items only when they are there, so it never sees more than :data:`_FAST_BYTES`.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn, TypeAlias

import cbor2

from icard_crypto import limits
from icard_crypto.errors import DecodeError, EncodeError

__all__ = ["Value", "decode", "encode", "head", "read_canonical", "read_item"]

Value: TypeAlias = "int | str | bytes | bool | None | list[Value] | dict[int | str, Value]"

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

# An item of one byte can cost cbor2 72 bytes of memory: 5 MB at this size, 600 MB for a hostile trust list of 8 MiB.
# The strict reader stops at max_items, and takes about twice the time.
_FAST_BYTES: Final = 64 * limits.KIB

_LEAVES: Final = frozenset({str, bytes, bool, type(None)})


def _refuse_tag(*_: object) -> NoReturn:
    raise ValueError


# cbor2 turns some tags into rich values, at a cost that the sender chooses (regular expressions, MIME messages);
# here each of them is a refusal before its content is looked at.
_NO_TAGS: Final = dict.fromkeys(
    (*range(6), 25, 28, 29, 30, 35, 36, 37, 43000, 52, 54, 100, 256, 258, 260, 261, 1004, 55799), _refuse_tag
)


def decode(data: bytes, *, max_bytes: int, max_items: int, max_depth: int = limits.DEPTH) -> Value:
    """Read exactly one item that fills ``data``.

    Raises:
        DecodeError: ``cbor.*``, with the offset in ``data``.
    """
    if len(data) > max_bytes:
        raise DecodeError("cbor.too_large", expected=f"at most {max_bytes} bytes", found=f"{len(data)} bytes")
    if len(data) <= _FAST_BYTES:
        value = read_canonical(data, max_depth=max_depth)
        if value is not None and _admissible(value, max_items):
            return value  # type: ignore[no-any-return]
    value, end = _Reader(data, max_items, max_depth).item(0, 0)
    if end != len(data):
        raise DecodeError("cbor.trailing_bytes", offset=end, found=f"{len(data) - end} bytes behind the item")
    return value  # type: ignore[no-any-return]


def read_canonical(data: bytes, *, max_depth: int = limits.DEPTH) -> Any:
    """The value of ``data`` if it encodes again to the same bytes, else None; types are not looked at.

    Shortest forms, definite lengths, no duplicate key, nothing behind: that much is certain. Floats, simple values and
    keys of any type may occur, and the number of items is not capped: only for a caller who looks at every type.
    """
    try:
        value = read_loosely(data, max_depth=max_depth)
        return value if cbor2.dumps(value) == data else None
    except Exception:  # whatever stopped the fast reader, the strict one names it
        return None


def read_loosely(data: bytes, *, max_depth: int = limits.DEPTH) -> Any:
    """The value with which ``data`` begins, read by cbor2; definite lengths and no duplicate key are certain, no more.

    Raises:
        Exception: any that cbor2 raises: only for a caller who then asks the strict reader.
    """
    return cbor2.loads(
        data,
        semantic_decoders=_NO_TAGS,
        max_depth=max_depth - 1,  # cbor2 counts the levels below the first
        allow_indefinite=False,
        allow_duplicate_keys=False,
    )


def _admissible(value: object, max_items: int) -> bool:
    """Whether only types of promise 1 occur, and not too many. A list that contains itself ends at max_items."""
    items = [value]
    for item in items:
        kind = type(item)
        if kind in _LEAVES:
            continue
        if kind is int:
            if not INT_MIN <= item <= INT_MAX:  # type: ignore[operator]
                return False
        elif kind is dict:
            items += item  # type: ignore[arg-type]
            for key in item:  # type: ignore[attr-defined]
                if type(key) is not int and type(key) is not str:
                    return False
            items += item.values()  # type: ignore[attr-defined]
        elif kind is list:
            items += item  # type: ignore[arg-type]
        else:
            return False
        if len(items) > max_items:
            return False
    return True


def read_item(data: bytes, offset: int, *, max_items: int, max_depth: int = limits.DEPTH) -> tuple[Value, int]:
    """Read the item that begins at ``offset`` by the same strict rules; return it with the offset behind it."""
    return _Reader(data, max_items, max_depth).item(offset, 0)


class _Reader:
    """The strict reader, one item at a time. Memory is spent only on items that are there."""

    def __init__(self, data: bytes, max_items: int, max_depth: int) -> None:
        self.data = data
        self.items_left = max_items
        self.max_depth = max_depth

    def item(self, start: int, depth: int) -> tuple[Any, int]:
        self.items_left -= 1
        if self.items_left < 0:
            raise DecodeError("cbor.too_many_items", offset=start)
        major, argument, at = head(self.data, start)
        if major == 0 or major == 1:
            if argument > INT_MAX:
                raise DecodeError("cbor.integer_range", offset=start, expected="-2^63 to 2^63-1")
            return (argument if major == 0 else -1 - argument), at
        if major == 2 or major == 3:
            return self._string(major, start, at, argument)
        if major == 4 or major == 5:
            if depth == self.max_depth:
                raise DecodeError("cbor.too_deep", offset=start, expected=f"at most {self.max_depth} levels")
            # Every entry takes at least one byte: a count beyond what is left is a cut input, not a reason to loop.
            if argument * (major - 3) > len(self.data) - at:
                raise DecodeError("cbor.truncated", offset=start, expected=f"{argument} entries")
            return self._list(at, argument, depth + 1) if major == 4 else self._map(at, argument, depth + 1)
        if major == 6:
            raise DecodeError("cbor.tag", offset=start, found=f"tag {argument}")
        return self._simple(start, at, argument)

    def _string(self, major: int, start: int, at: int, length: int) -> tuple[str | bytes, int]:
        end = at + length
        if end > len(self.data):
            raise DecodeError(
                "cbor.truncated",
                offset=start,
                expected=f"{length} bytes",
                found=f"{len(self.data) - at} bytes",
            )
        content = bytes(self.data[at:end])
        if major == 2:
            return content, end
        try:
            return content.decode("utf-8"), end
        except UnicodeDecodeError as error:
            raise DecodeError("cbor.bad_utf8", offset=at + error.start) from None

    def _list(self, at: int, count: int, depth: int) -> tuple[list[Any], int]:
        entries = []
        for _ in range(count):
            entry, at = self.item(at, depth)
            entries.append(entry)
        return entries, at

    def _map(self, at: int, count: int, depth: int) -> tuple[dict[int | str, Any], int]:
        entries: dict[int | str, Any] = {}
        for _ in range(count):
            start = at
            key, at = self.item(at, depth)
            if type(key) is not int and type(key) is not str:
                raise DecodeError(
                    "cbor.bad_key", offset=start, expected="an integer or a text", found=type(key).__name__
                )
            if key in entries:
                raise DecodeError("cbor.duplicate_key", offset=start)
            entries[key], at = self.item(at, depth)
        return entries, at

    def _simple(self, start: int, at: int, argument: int) -> tuple[bool | None, int]:
        info = self.data[start] & 31
        if info in (25, 26, 27):
            raise DecodeError("cbor.float", offset=start)
        if argument not in (20, 21, 22):
            raise DecodeError("cbor.simple_value", offset=start, expected="false, true or null")
        return {20: False, 21: True, 22: None}[argument], at


def head(data: bytes, start: int) -> tuple[int, int, int]:
    """Read one head (RFC 8949 section 3): major type, argument, offset behind it. Shortest form only.

    Raises:
        DecodeError: ``cbor.indefinite_length``, ``cbor.not_shortest``, ``cbor.reserved``, ``cbor.truncated``.
    """
    if start >= len(data):
        raise DecodeError("cbor.truncated", offset=start, expected="an item", found="the end")
    first = data[start]
    major, info = first >> 5, first & 31
    if info < 24:
        return major, info, start + 1
    if info == 31:
        raise DecodeError("cbor.indefinite_length", offset=start)
    if info > 27:
        raise DecodeError("cbor.reserved", offset=start, found=f"0x{first:02x}")
    end = start + 1 + (1 << (info - 24))
    if end > len(data):
        raise DecodeError("cbor.truncated", offset=start, expected="a whole head", found="the end")
    argument = int.from_bytes(data[start + 1 : end], "big")
    if major == 7:
        # A float's bytes are no number to shorten; a simple value below 32 in two bytes is malformed anyway.
        if info == 24 and argument < 32:
            raise DecodeError("cbor.not_shortest", offset=start)
        return major, argument, end
    if argument < (24, 1 << 8, 1 << 16, 1 << 32)[info - 24]:
        raise DecodeError("cbor.not_shortest", offset=start)
    return major, argument, end


def encode(value: Value) -> bytes:
    """Write ``value`` in core deterministic encoding: map keys in bytewise order of their encodings.

    Raises:
        EncodeError: ``cbor.not_encodable``, with the path of what :func:`decode` would not read: a value that is not of
            promise 1, a lone surrogate in a text, a container below the eighth level.
    """
    return cbor2.dumps(_ordered(value, "$", 0))


def _ordered(value: Any, path: str, depth: int) -> Any:
    kind = type(value)
    if kind in _LEAVES or kind is int:
        return _checked_leaf(value, path)
    if depth == limits.DEPTH:
        raise EncodeError("cbor.not_encodable", path=path, expected=f"at most {limits.DEPTH} levels")
    if kind is list:
        return [_ordered(entry, f"{path}[{number}]", depth + 1) for number, entry in enumerate(value)]
    if kind is dict and all(type(key) is str or type(key) is int for key in value):
        for key in value:
            _checked_leaf(key, path)
        return {key: _ordered(value[key], f"{path}.{key}", depth + 1) for key in sorted(value, key=cbor2.dumps)}
    raise EncodeError("cbor.not_encodable", path=path, found=kind.__name__)


def _checked_leaf(value: Any, path: str) -> Any:
    if type(value) is int and not INT_MIN <= value <= INT_MAX:
        raise EncodeError("cbor.not_encodable", path=path, expected="-2^63 to 2^63-1", found="a larger integer")
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise EncodeError("cbor.not_encodable", path=path, found="a lone surrogate") from None
    return value
