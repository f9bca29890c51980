"""The manifest of one trust domain: what its state consists of, in one small file.

Promises:

1. It names every other file by the SHA-256 of its content; what it does not name does not count.
2. A format above :data:`FORMAT` is refused before anything else of it is read: newer software wrote it, and its rules
   are not known here.
3. Whatever else is wrong with it is ``store.damaged`` with the place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from icard_crypto.errors import StateError
from icard_crypto.lists.trust_chain import Tombstone
from icard_crypto.lists.trust_list import Revocation
from icard_crypto.signing.keys import Thumbprint
from verifier.decision.arguments import LATEST
from verifier.knowledge.trust import Environment

__all__ = [
    "FORMAT",
    "LONGEST",
    "Digest",
    "Due",
    "Manifest",
    "Mark",
    "Marks",
    "Size",
    "digest_of",
    "read_manifest",
    "write_manifest",
]

FORMAT: Final = 1
#: Bytes. 10,000 status lists with two keys each need 4 MiB.
LONGEST: Final = 64 * 1024 * 1024

Digest = str
"""SHA-256 in lower-case hexadecimal: an object's content and its file name."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_T = TypeVar("_T")


class Mark(NamedTuple):
    """The newest token of one status key for one uri: nothing older, and nothing else of the same time, is taken.

    ``token`` is None where every code of the list has ended: the token went, the mark stays.
    """

    iat: int
    token: Digest | None


class Due(NamedTuple):
    """Since when a status list is behind the timestamp, and from when it does not count; Unix times."""

    since: int
    until: int


class Size(NamedTuple):
    """Of a status token, in bytes: what the token has, and what its entries inflate to."""

    token: int
    entries: int


Marks = Mapping[str, Mapping[Thumbprint, Mark]]
"""By uri, then by the full thumbprint of the status key."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The state of one trust domain.

    Args:
        name: the domain's, and its folder's.
        environment: ``test`` or ``production``, fixed by the anchor.
        chain: the accepted trust lists from the anchor to the current one.
        url: where the domain is published, or None.
        single_root: a person allowed a threshold of one root by name.
        generation: rises with every change.
        floor: the highest iat of accepted trust lists and timestamps, Unix time.
        floors: what each timestamp key has to do with it: the highest iat of a timestamp under it that was accepted.
            Older software wrote none.
        tombstones: every key ever revoked.
        timestamp: the accepted timestamp.
        marks: of status lists.
        due: of each status list that is behind the timestamp: since when, and from when that counts; Unix times.
        sizes: of the status tokens. Older software wrote none.
    """

    name: str
    environment: Environment
    chain: tuple[Digest, ...]
    url: str | None = None
    single_root: bool = False
    generation: int = 1
    floor: int = 0
    floors: Mapping[Thumbprint, int] = field(default_factory=lambda: MappingProxyType({}))
    tombstones: tuple[Tombstone, ...] = ()
    timestamp: Digest | None = None
    marks: Marks = field(default_factory=lambda: MappingProxyType({}))
    due: Mapping[str, Due] = field(default_factory=lambda: MappingProxyType({}))
    sizes: Mapping[Digest, Size] = field(default_factory=lambda: MappingProxyType({}))

    def objects(self) -> set[Digest]:
        """Every file that the state needs."""
        tokens = {mark.token for keys in self.marks.values() for mark in keys.values() if mark.token is not None}
        return tokens | set(self.chain) | ({self.timestamp} if self.timestamp else set())


def digest_of(data: bytes) -> Digest:
    """The name of an object."""
    return hashlib.sha256(data).hexdigest()


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    content = {
        "format": FORMAT,
        "generation": manifest.generation,
        "name": manifest.name,
        "environment": manifest.environment,
        "url": manifest.url,
        "single_root": manifest.single_root,
        "floor": manifest.floor,
        "floors": {thumbprint.hex(): iat for thumbprint, iat in manifest.floors.items()},
        "chain": manifest.chain,
        "timestamp": manifest.timestamp,
        "tombstones": {stone.thumbprint.hex(): [stone.revoked.at, stone.revoked.kind] for stone in manifest.tombstones},
        "due": {uri: list(due) for uri, due in manifest.due.items()},
        "sizes": {token: list(size) for token, size in manifest.sizes.items()},
        "marks": {
            uri: {thumbprint.hex(): list(mark) for thumbprint, mark in keys.items()}
            for uri, keys in manifest.marks.items()
        },
    }
    return json.dumps(content, indent=1).encode()


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        StateError: ``store.newer``, ``store.damaged``.
    """
    try:
        loaded = json.loads(data)
    except (ValueError, RecursionError):
        raise StateError("store.damaged", path="manifest", expected="JSON") from None
    if not isinstance(loaded, dict):
        raise _damaged("manifest", "an object")
    stated = loaded.get("format")
    # 2
    if type(stated) is int and stated > FORMAT:
        raise StateError("store.newer", path="format", expected=f"at most {FORMAT}", found=str(stated))
    read = _Reader(loaded)
    if read("format", _whole) < 1:
        raise _damaged("format", "from 1")
    return Manifest(
        name=read("name", _text),
        environment=read("environment", _environment),
        chain=read("chain", _chain),
        url=read("url", _or_none(_text)),
        single_root=read("single_root", _truth),
        generation=read("generation", _whole),
        floor=read("floor", _moment),
        floors=read("floors", _floors) if "floors" in loaded else MappingProxyType({}),
        tombstones=read("tombstones", _tombstones),
        timestamp=read("timestamp", _or_none(_digest)),
        marks=read("marks", _marks),
        due=read("due", _due) if "due" in loaded else MappingProxyType({}),
        sizes=read("sizes", _sizes) if "sizes" in loaded else MappingProxyType({}),
    )


class _Reader:
    def __init__(self, loaded: dict[str, Any]) -> None:
        self._loaded = loaded

    def __call__(self, name: str, convert: Callable[[Any], _T]) -> _T:
        try:
            return convert(self._loaded[name])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _damaged(name, convert.__name__.strip("_")) from None


def _damaged(path: str, expected: str) -> StateError:
    return StateError("store.damaged", path=f"manifest.{path}", expected=expected)


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _moment(value: Any) -> int:
    if not _whole(value) < LATEST:
        raise ValueError
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _digest(value: Any) -> Digest:
    # The digest becomes a file name: nothing but 64 digits may ever reach the file system.
    if not _DIGEST.fullmatch(value):
        raise ValueError
    return str(value)


def _or_none(convert: Callable[[Any], _T]) -> Callable[[Any], _T | None]:
    def optional(value: Any) -> _T | None:
        return None if value is None else convert(value)

    return optional


def _environment(value: Any) -> Environment:
    if value not in ("test", "production"):
        raise ValueError
    return "test" if value == "test" else "production"


def _chain(value: Any) -> tuple[Digest, ...]:
    chain = tuple(map(_digest, value))
    if not chain:
        raise ValueError
    return chain


def _thumbprint(value: str) -> Thumbprint:
    return Thumbprint(bytes.fromhex(_digest(value)))


def _tombstones(value: Any) -> tuple[Tombstone, ...]:
    stones = []
    for thumbprint, (at, kind) in value.items():
        if kind not in ("compromised", "retired"):
            raise ValueError
        stones.append(Tombstone(_thumbprint(thumbprint), Revocation(_whole(at), kind)))
    return tuple(sorted(stones))


def _due(value: Any) -> Mapping[str, Due]:
    return {uri: Due(_moment(since), _moment(until)) for uri, (since, until) in value.items()}


def _sizes(value: Any) -> Mapping[Digest, Size]:
    return {_digest(name): Size(_whole(token), _whole(entries)) for name, (token, entries) in value.items()}


def _floors(value: Any) -> Mapping[Thumbprint, int]:
    return {_thumbprint(key): _moment(iat) for key, iat in value.items()}


def _marks(value: Any) -> Marks:
    return {
        uri: {
            _thumbprint(key): Mark(_moment(iat), None if token is None else _digest(token))
            for key, (iat, token) in keys.items()
        }
        for uri, keys in value.items()
    }
