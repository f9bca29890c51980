"""What was published last, read back from an exported tree or a bundle: what a restore compares the database with.

Promises:

1. Nothing is believed that a verifier would not believe: status tokens and the timestamp are read by their own readers,
   under the trust list in force, or under the database's own keys where there is none.
2. A status list of ours that cannot be believed stops the reading: it may hold a revocation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto import limits
from icard_crypto.errors import DecodeError, StateError
from icard_crypto.lists import tree
from icard_crypto.lists.bundle import Bundle, decode_bundle
from icard_crypto.lists.status_list import MOST_ENTRIES, StatusList, read_status_list
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import Timestamp, read_timestamp
from icard_crypto.signing.keys import Kid, VerifyingKey
from icard_crypto.signing.tokens import peek_unverified
from issuer.core import Core
from issuer.keys.models import KeyRow
from issuer.keys.states import trusted_key
from issuer.published.trust_lists import accepted, import_trust_lists
from verifier.runtime.files import read_capped

__all__ = ["Published", "entries", "read_published", "read_tokens"]

_SUBJECT: Final = 2


@dataclass(frozen=True, slots=True)
class Published:
    """The status lists of this issuer by uri, and the timestamp where there is one."""

    lists: dict[str, StatusList] = field(default_factory=dict)
    timestamp: Timestamp | None = None

    @property
    def iat(self) -> int:
        """The highest iat, Unix time; 0 when nothing was published."""
        times = [one.iat for one in self.lists.values()]
        return max([*times, self.timestamp.iat if self.timestamp else 0])


def read_published(core: Core, place: Path, actor: str) -> Published:
    """Read an exported folder or a bundle; newer trust lists in it are taken in.

    Raises:
        StateError: ``restore.token``; FileFault: it cannot be read; DecodeError: a trust list is refused.
    """
    bundle, tokens = _files(place)
    return read_tokens(core, bundle, tokens, actor)


def read_tokens(core: Core, bundle: Bundle | None, tokens: Sequence[bytes], actor: str) -> Published:
    """As :func:`read_published`, of what was read or fetched already.

    Raises:
        StateError: ``restore.token``; DecodeError: a trust list is refused.
    """
    # A chain that begins here would be an anchor that nobody compared: it waits for `trust-list import`.
    if bundle is not None and core.database.read(accepted) is not None:
        import_trust_lists(core, bundle.trust_lists, actor)
    lists: dict[str, StatusList] = {}
    for token in tokens:
        uri = _subject(token)
        if uri.startswith(core.settings.status_prefix):
            read = _believed(core, token, uri)
            if uri not in lists or lists[uri].iat < read.iat:
                lists[uri] = read
    return Published(lists, None if bundle is None else _timestamp(core, bundle.timestamp))


def entries(status: StatusList) -> Iterator[tuple[int, int]]:
    """Index and value of every entry that is not 0."""
    a_byte = 8 // status.bits
    for place, byte in enumerate(status.packed):
        if byte:
            for index in range(place * a_byte, (place + 1) * a_byte):
                value = status.get(index)
                if value:
                    yield index, value


def _files(place: Path) -> tuple[Bundle | None, list[bytes]]:
    bundle_path = place / tree.BUNDLE if place.is_dir() else place
    bundle = None
    if bundle_path.exists() or not place.is_dir():
        bundle = decode_bundle(read_capped(bundle_path, limits.BUNDLE_BYTES))
    tokens = list(bundle.status_tokens) if bundle else []
    folder = place / "status"
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if not path.name.startswith("."):
                tokens.append(read_capped(path, limits.STATUS_TOKEN_BYTES))
    if not tokens and bundle is None:
        raise StateError("restore.published", expected="an exported folder or a bundle", found=str(place))
    return bundle, tokens


def _subject(token: bytes) -> str:
    """The uri that a token claims; it is believed only once the token was read by it."""
    try:
        uri = peek_unverified(token, _SUBJECT, max_bytes=limits.STATUS_TOKEN_BYTES)
    except DecodeError as fault:
        raise StateError("restore.token", found=fault.code) from fault
    return uri if isinstance(uri, str) else ""


def _believed(core: Core, token: bytes, uri: str) -> StatusList:
    def read(session: Session) -> StatusList:
        chain = accepted(session)
        if chain is not None:
            return read_status(chain.current, token, uri=uri)
        return read_status_list(token, uri=uri, find_key=_own(core, session, "status"), capacity=MOST_ENTRIES)

    try:
        return core.database.read(read)
    except DecodeError as fault:
        raise StateError("restore.token", path=uri[:80], found=fault.code) from fault


def _timestamp(core: Core, token: bytes) -> Timestamp:
    def read(session: Session) -> Timestamp:
        chain = accepted(session)
        if chain is None:
            return read_timestamp(token, find_key=_own(core, session, "timestamp"))
        keys: dict[Kid, VerifyingKey] = {key.kid: key for key in chain.current.timestamp_keys}
        return read_timestamp(token, find_key=keys.get)

    try:
        return core.database.read(read)
    except DecodeError as fault:
        raise StateError("restore.token", path=tree.TIMESTAMP, found=fault.code) from fault


def _own(core: Core, session: Session, usage: str) -> Callable[[Kid], VerifyingKey | None]:
    fallen = KeyRow.revoked_kind.is_distinct_from("compromised")
    rows = session.scalars(select(KeyRow).where(KeyRow.usage == usage, fallen))
    keys: dict[Kid, VerifyingKey] = {key.kid: key for key in (trusted_key(row, core.issuer).key for row in rows)}
    return keys.get
