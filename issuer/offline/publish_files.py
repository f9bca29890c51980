"""The published tree of a trust domain as plain files, which any web server can serve (docs/publication.md).

Promises:

1. Nothing is written before all of it has been read as a verifier reads it: the chain of trust lists, each status
   token under the newest list, the timestamp, the bundle.
2. Written as :mod:`issuer.publication.tree` writes: in an order by which a reader that begins with the timestamp finds
   all that it names, each file whole or not at all; a run that was killed is completed by the next.
3. What is in the folder is its memory: trust lists follow those published, no list's iat falls, the timestamp's iat
   rises by at least a second, and what was denied stays denied until the trust list itself marks the key compromised.
4. A published status list that no verifier takes any more (its key was compromised) is left out and named; the rest
   goes on, for a stolen key must not stop the news about it.
5. One writer at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from icard_crypto import limits
from icard_crypto.errors import DecodeError, IcardError, KeyFault, StateError
from icard_crypto.lists import trust_chain
from icard_crypto.lists.bundle import Bundle, decode_bundle, encode_bundle
from icard_crypto.lists.list_maps import CLOCK_TOLERANCE
from icard_crypto.lists.status_list import StatusList
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import Timestamp, check_newer, read_timestamp, sign_timestamp
from icard_crypto.lists.tree import BUNDLE, TIMESTAMP, TRUST_LATEST, status_path, trust_path
from icard_crypto.lists.trust_list import TrustList
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Kid, SigningKey, Thumbprint, VerifyingKey
from icard_crypto.signing.tokens import peek_unverified
from issuer.publication.tree import TreeFile, write_tree
from verifier.runtime.files import read_capped
from verifier.runtime.locks import locked

__all__ = ["Published", "Written", "publish"]

_SUB: Final = 2


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the tree, and whether this run wrote it."""

    name: str
    state: Literal["written", "same"]


@dataclass(frozen=True, slots=True)
class Published:
    """What a run published.

    Args:
        files: in the order of writing.
        timestamp: what it says.
        left_out: names of published status lists that no verifier takes any more, each with the reason.
    """

    files: tuple[Written, ...]
    timestamp: Timestamp
    left_out: tuple[tuple[str, IcardError], ...]


@dataclass(frozen=True, slots=True)
class _Token:
    name: str
    data: bytes
    read: StatusList


def publish(
    folder: Path,
    timestamp_key: SigningKey,
    *,
    trust_lists: Sequence[bytes] = (),
    status_tokens: Iterable[bytes] = (),
    deny: Iterable[Thumbprint] = (),
    now: int,
    lifetime: int,
) -> Published:
    """Publish into a folder, on top of what it has.

    Args:
        trust_lists: signed lists, oldest first; those published already may be among them.
        status_tokens: new tokens; lists that are not renewed stay.
        deny: keys of which nothing is valid any more, from now on.
        now: Unix time.
        lifetime: seconds until the timestamp's end, at most 7 days.

    Raises:
        StateError: ``tree.*``.
        KeyFault: ``tree.not_a_timestamp_key``.
        DecodeError: a trust list, a token or the timestamp is not good.
        FileFault: a file cannot be read or written.
    """
    (folder / "trust").mkdir(parents=True, exist_ok=True)
    (folder / "status").mkdir(exist_ok=True)
    with locked(folder):
        chain = _Chain([*_published_lists(folder), *trust_lists], now)
        current = chain.current
        if timestamp_key.verifying_key not in current.timestamp_keys:
            raise KeyFault("tree.not_a_timestamp_key", found=f"kid {timestamp_key.verifying_key.kid.hex()}")
        tokens, left_out = _tokens(folder, current, status_tokens, now)
        before = _published_timestamp(folder, chain)
        stamp = _next_timestamp(current, before, tokens, deny, now, lifetime)
        signed = sign_timestamp(stamp, timestamp_key)
        bundle = encode_bundle(Bundle(tuple(chain.signed), tuple(token.data for token in tokens), signed))
        _check(bundle, before, now)
        done = write_tree(folder, _files(chain, tokens, bundle, signed))
    files = tuple(Written(path, "written" if path in done.written else "same") for path in done.paths)
    return Published(files, stamp, tuple(left_out))


def _published_lists(folder: Path) -> list[bytes]:
    """The trust lists of the folder, oldest first; their versions have no gap."""
    found = {
        int(path.stem): path
        for path in (folder / "trust").glob("*.cbor")
        if path.stem.isascii() and path.stem.isdigit()
    }
    missing = set(range(1, max(found, default=0) + 1)) - found.keys()
    if missing:
        raise StateError("tree.gap", path=trust_path(min(missing)))
    return [read_capped(found[version], limits.TRUST_LIST_BYTES) for version in sorted(found)]


class _Chain:
    """The trust lists by version, each verified as the successor of the one before."""

    def __init__(self, lists: Sequence[bytes], now: int) -> None:
        if not lists:
            raise StateError("tree.no_trust_list")
        self.state = trust_chain.verify_anchor(lists[0], unsafe_single_root=True)
        if self.current.version != 1:
            raise StateError("tree.gap", path=trust_path(1))
        self.lists = [self.current]
        self.signed = [lists[0]]
        hashes = {self.current.payload_hash}
        for data in lists[1:]:
            # The first signatures under a payload stay: the file of a version never changes.
            if hashlib.sha256(cose.parse_sign(data, max_bytes=limits.TRUST_LIST_BYTES).payload).digest() in hashes:
                continue
            self.state = trust_chain.verify_successor(self.state, data, unsafe_single_root=True)
            self.lists.append(self.current)
            self.signed.append(data)
            hashes.add(self.current.payload_hash)
        # Nothing follows; what is left of the chain's rules is that the last list has not ended.
        trust_chain.verify_chain(self.state, self.signed[-1:], now, unsafe_single_root=True)

    @property
    def current(self) -> TrustList:
        return self.state.current

    def timestamp_key(self, kid: Kid) -> VerifyingKey | None:
        """A timestamp key of any version: the one that signed what is published may have been rotated away."""
        return next((key for listed in self.lists for key in listed.timestamp_keys if key.kid == kid), None)


def _tokens(
    folder: Path, current: TrustList, new: Iterable[bytes], now: int
) -> tuple[list[_Token], list[tuple[str, IcardError]]]:
    """What will be published, by name, and what is left out."""
    tokens: dict[str, _Token] = {}
    left_out: list[tuple[str, IcardError]] = []
    for path in sorted(path for path in (folder / "status").iterdir() if not path.name.startswith(".")):
        try:
            tokens[path.name] = _token(current, read_capped(path, limits.STATUS_TOKEN_BYTES), now)
        except DecodeError as fault:
            left_out.append((path.name, fault))
    for data in new:
        token = _token(current, data, now)
        before = tokens.get(token.name)
        if before is not None and before.read.uri != token.read.uri:
            raise StateError("tree.name_taken", path=status_path(token.name), expected=before.read.uri)
        if before is not None and before.data != data and token.read.iat <= before.read.iat:
            raise StateError(
                "tree.older",
                path=status_path(token.name),
                expected=f"after {before.read.iat}",
                found=str(token.read.iat),
            )
        tokens[token.name] = token
    # A list that was given again is not left out, whatever became of its forerunner.
    return list(tokens.values()), [(name, fault) for name, fault in left_out if name not in tokens]


def _token(current: TrustList, data: bytes, now: int) -> _Token:
    read = read_status(current, data, uri=_stated_uri(data), now=now)
    return _Token(read.uri.rpartition("/")[2], data, read)


def _stated_uri(data: bytes) -> str:
    """The uri that a token claims, to be verified by its signature."""
    stated = peek_unverified(data, _SUB, max_bytes=limits.STATUS_TOKEN_BYTES)
    if not isinstance(stated, str):
        raise DecodeError("status.missing", path="sub", expected="key 2")
    return stated


def _published_timestamp(folder: Path, chain: _Chain) -> Timestamp | None:
    path = folder / TIMESTAMP
    if not path.exists():
        return None
    return read_timestamp(read_capped(path, limits.TIMESTAMP_BYTES), find_key=chain.timestamp_key)


def _next_timestamp(
    current: TrustList,
    before: Timestamp | None,
    tokens: Iterable[_Token],
    deny: Iterable[Thumbprint],
    now: int,
    lifetime: int,
) -> Timestamp:
    iat = max(now, current.iat)
    denied = set(deny)
    if before is not None:
        if before.iat > now + CLOCK_TOLERANCE:
            raise StateError("tree.clock_behind", expected=f"{before.iat} or later", found=str(now))
        iat = max(iat, before.iat + 1)
        denied |= before.denied
    # The trust list says it better, and permanently; the timestamp has room for what is new.
    denied -= {
        key.thumbprint
        for _, entry, key in current.issuer_keys()
        if entry.revoked is not None and entry.revoked.kind == "compromised"
    }
    lists = {token.read.uri: token.read.iat for token in tokens}
    return Timestamp(
        current.version, current.payload_hash, iat, iat + lifetime, frozenset(denied), MappingProxyType(lists)
    )


def _check(bundle: bytes, before: Timestamp | None, now: int) -> None:
    """Read back what will be written (promise 1); the tokens have been read one by one."""
    opened = decode_bundle(bundle)
    state = trust_chain.verify_anchor(opened.trust_lists[0], unsafe_single_root=True)
    state = trust_chain.verify_chain(state, opened.trust_lists, now, unsafe_single_root=True)
    keys = {key.kid: key for key in state.current.timestamp_keys}
    stamp = read_timestamp(opened.timestamp, find_key=keys.get, now=now)
    if before is not None:
        check_newer(before, stamp)


def _files(chain: _Chain, tokens: Iterable[_Token], bundle: bytes, timestamp: bytes) -> Iterator[TreeFile]:
    """The tree's files. What is there already was compared above: a list of a stolen key may even be the newer one."""
    for listed, data in zip(chain.lists, chain.signed, strict=True):
        yield TreeFile(trust_path(listed.version), "trust", data, None)
    yield TreeFile(TRUST_LATEST, "latest", chain.signed[-1], None)
    for token in tokens:
        yield TreeFile(status_path(token.name), "status", token.data, None)
    yield TreeFile(BUNDLE, "bundle", bundle, None)
    yield TreeFile(TIMESTAMP, "timestamp", timestamp, None)
