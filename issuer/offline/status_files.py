"""A status list as a file of its own, for issuers without the service: what each entry says, and what was published.

Promises:

1. The file is JSON with one line an entry, so that a person can read it and a difference of two versions shows what
   changed. Only entries other than valid are in it. It is read strictly: what is not understood is refused.
2. A change is written whole or not at all, under a lock: of two changes at once neither is lost.
3. What cannot be undone stays: a revoked or replaced entry never becomes valid again, for a verifier that saw it may
   act on it without asking.
4. The iat of what is published rises by at least a second each time, also when the clock stands still, goes back or a
   process was killed in between: the iat is kept before the token is handed out. A clock far behind is refused.
5. What is published is what a verifier reads.

The form::

    {"format": 1, "uri": "https://status.example/status/k7Qd", "size": 100000, "published": 1791424800,
     "entries": {
      "48231": "revoked"
     }}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from icard_crypto.encoding import strict_json
from icard_crypto.errors import DecodeError, EncodeError, StateError
from icard_crypto.lists import entry_values
from icard_crypto.lists.list_maps import CLOCK_TOLERANCE
from icard_crypto.lists.status_list import StatusListBuilder, read_status_list
from icard_crypto.lists.uris import check_status_uri
from icard_crypto.signing.keys import SigningKey
from verifier.runtime.files import read_capped, write_new, write_whole
from verifier.runtime.locks import locked

__all__ = ["BITS", "VALUES", "StatusFile", "create", "published", "read", "set_entry", "value_name", "value_of"]

BITS: Final = 4
VALUES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "valid": entry_values.GOOD,
        "revoked": entry_values.REVOKED,
        "suspended": entry_values.SUSPENDED,
        "replaced": entry_values.REPLACED,
        "permit_suspended": entry_values.PERMIT_SUSPENDED,
        "insurance_lapsed": entry_values.INSURANCE_LAPSED,
        "both": entry_values.BOTH,
    }
)
"""Names of an entry's values (docs/format.md)."""

_NAMES: Final = {value: name for name, value in VALUES.items()}
_FORMAT: Final = 1
_FIELDS: Final = frozenset({"format", "uri", "size", "published", "entries"})
_MOST_VALUE: Final = (1 << BITS) - 1
#: A line of an entry has about 30 bytes; a list of ten million entries, one in fifty set, is a file of 6 MB.
_BYTES: Final = 64 * 1024 * 1024
_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class StatusFile:
    """A status list's file.

    Args:
        uri: the list's address, as codes name it.
        size: number of entries.
        published: iat of the newest token, Unix time; 0 before the first.
        entries: values other than 0, by index.
    """

    uri: str
    size: int
    published: int = 0
    entries: Mapping[int, int] = field(default_factory=dict)

    def value(self, index: int) -> int:
        """The value of an entry.

        Raises:
            StateError: ``status_file.index``.
        """
        if not 0 <= index < self.size:
            raise StateError("status_file.index", expected=f"0 to {self.size - 1}", found=str(index))
        return self.entries.get(index, entry_values.GOOD)

    def encode(self) -> bytes:
        """The file's content."""
        head = {"format": _FORMAT, "uri": self.uri, "size": self.size, "published": self.published}
        lines = ",\n".join(
            f'  "{index}": {json.dumps(value_name(self.entries[index]))}' for index in sorted(self.entries)
        )
        body = f"{{\n{lines}\n }}" if lines else "{}"
        return f'{json.dumps(head)[:-1]},\n "entries": {body}}}\n'.encode()

    @classmethod
    def decode(cls, data: bytes) -> StatusFile:
        """Read a file's content.

        Raises:
            StateError: ``status_file.json``, ``status_file.format``, ``status_file.value`` with the path.
        """
        try:
            loaded = strict_json.loads(data)
        except ValueError:
            raise StateError("status_file.json") from None
        if not isinstance(loaded, dict) or loaded.get("format") != _FORMAT:
            raise StateError("status_file.format", expected=f"format {_FORMAT}")
        if loaded.keys() != _FIELDS:
            odd = sorted(loaded.keys() ^ _FIELDS)[0]
            raise StateError("status_file.value", path=odd[:40], expected=f"the fields {', '.join(sorted(_FIELDS))}")
        size, published = (_whole(loaded[name], name) for name in ("size", "published"))
        _check_size(size)
        if not isinstance(loaded["uri"], str) or not isinstance(loaded["entries"], dict):
            raise StateError("status_file.value", path="entries", expected="a text and an object")
        _check_uri(loaded["uri"])
        entries = {}
        for key, value in loaded["entries"].items():
            path = f"entries.{key[:20]}"
            if not (key.isascii() and key.isdigit() and str(int(key)) == key and int(key) < size):
                raise StateError("status_file.value", path=path, expected=f"an index, 0 to {size - 1}")
            if not isinstance(value, str):
                raise StateError("status_file.value", path=path, expected="a value as text")
            entries[int(key)] = value_of(value, path)
        return cls(loaded["uri"], size, published, entries)


def value_of(name: str, path: str = "value") -> int:
    """An entry's value by its name or number.

    Raises:
        StateError: ``status_file.value``.
    """
    if name in VALUES:
        return VALUES[name]
    if name.isascii() and name.isdigit() and str(int(name)) == name and int(name) <= _MOST_VALUE:
        return int(name)
    raise StateError("status_file.value", path=path, expected=f"{', '.join(VALUES)}, or 0 to {_MOST_VALUE}")


def value_name(value: int) -> str:
    """An entry's name; the number where nobody defined one."""
    return _NAMES.get(value, str(value))


def create(path: Path, uri: str, size: int) -> StatusFile:
    """Begin a list with all entries valid; nothing is overwritten.

    Raises:
        StateError: ``status_file.value``.
        FileFault: ``file.exists``, ``file.unwritable``.
    """
    _check_uri(uri)
    _check_size(size)
    made = StatusFile(uri, size)
    write_new(path, made.encode(), mode=_MODE)
    return made


def read(path: Path) -> StatusFile:
    """A list's file.

    Raises:
        FileFault: the file cannot be read.
        StateError: ``status_file.*``.
    """
    return StatusFile.decode(read_capped(path, _BYTES))


def set_entry(path: Path, index: int, value: int) -> tuple[int, int]:
    """Set an entry in a list's file; its value before and after.

    Raises:
        StateError: ``status_file.index``, ``status_file.final`` and those of :func:`read`.
        FileFault: the file cannot be read or written.
    """
    with locked(path.parent):
        state = read(path)
        before = state.value(index)
        _check_not_final(before, value)
        entries = {**state.entries, index: value}
        if value == entry_values.GOOD:
            del entries[index]
        if value != before:
            write_whole(path, replace(state, entries=entries).encode(), mode=_MODE)
    return before, value


def published(path: Path, key: SigningKey, *, now: int, lifetime: int, ttl: int) -> tuple[bytes, StatusFile]:
    """Sign the list as it is; the token, and the file as it is then.

    Args:
        now: Unix time.
        lifetime: seconds until the token's end, at most 31 days.
        ttl: seconds until a newer one is worth asking for.

    Raises:
        StateError: ``status_file.clock_behind`` and those of :func:`read`.
        DecodeError: ``status.*``: lifetime or ttl beyond their bounds.
        EncodeError: ``status.token_too_large``.
    """
    with locked(path.parent):
        state = read(path)
        if state.published > now + CLOCK_TOLERANCE:
            raise StateError("status_file.clock_behind", expected=f"{state.published} or later", found=str(now))
        iat = max(now, state.published + 1)
        builder = StatusListBuilder(BITS, state.size)
        for index, value in state.entries.items():
            builder.set(index, value)
        token = builder.sign(key, uri=state.uri, iat=iat, exp=iat + lifetime, ttl=ttl)
        public = key.verifying_key
        read_status_list(token, uri=state.uri, find_key=lambda _: public, capacity=state.size, now=now)
        state = replace(state, published=iat)
        # Before the token leaves: a kill in between wastes an iat and never uses one twice.
        write_whole(path, state.encode(), mode=_MODE)
    return token, state


def _check_not_final(before: int, after: int) -> None:
    final = before == entry_values.REVOKED or (before == entry_values.REPLACED and after != entry_values.REVOKED)
    if final and after != before:
        raise StateError("status_file.final", expected=value_name(before), found=value_name(after))


def _check_size(size: int) -> None:
    try:
        StatusListBuilder(BITS, size)
    except EncodeError as fault:
        raise StateError("status_file.value", path="size", expected=fault.expected, found=fault.found) from None


def _check_uri(uri: str) -> None:
    try:
        check_status_uri(uri, "uri")
    except DecodeError as fault:
        raise StateError("status_file.value", path="uri", expected=fault.expected, found=fault.found) from fault


def _whole(value: Any, path: str) -> int:
    if type(value) is not int or value < 0:
        raise StateError("status_file.value", path=path, expected="a whole number from 0")
    return value
