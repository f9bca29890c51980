"""A domain read back from its objects: every one verified again.

Promises:

1. Every object is checked against its name, every token's signature against the trust list that was read back.
2. What did not change since an earlier reading is shared with it.
3. Of several keys' status lists for one uri the one with the highest iat counts, of keys that neither the roots nor the
   timestamp have disowned; where it is damaged, or cannot be read, no older one does.
4. What cannot be relied on is left out, and is a :class:`Fault`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from icard_crypto.errors import IcardError, StateError
from icard_crypto.lists.status_list import StatusList
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import Timestamp
from icard_crypto.lists.trust_chain import TrustState, verify_anchor
from icard_crypto.signing.keys import Thumbprint
from verifier.knowledge.trust import TrustDomain

from .decide import open_timestamp
from .folder import ObjectGone
from .manifest import Digest, Manifest, Mark, read_manifest

__all__ = ["Fault", "Loaded", "Objects", "missing", "read_domain", "timestamp_token", "trust_of"]


class Objects(Protocol):
    """Where a manifest's objects are read from: a domain's folder, or memory."""

    def read(self, name: Digest) -> bytes:
        """An object's content; raises :class:`~verifier.store.folder.ObjectGone`."""


class Fault(NamedTuple):
    """What is wrong with a domain that was read back: the part, and the error."""

    domain: str
    part: str
    error: IcardError


@dataclass(slots=True)
class Loaded:
    """A domain as it was last read, with what can be shared with the next reading."""

    manifest_bytes: bytes
    manifest: Manifest
    domain: TrustDomain
    trust: TrustState | None
    timestamp: Timestamp | None
    lists: dict[Digest, StatusList]
    faults: list[Fault] = field(default_factory=list)


def missing(gone: ObjectGone) -> StateError:
    """An object of the state that is gone, as what is wrong with the state."""
    return StateError("store.damaged", path=f"objects/{gone}", expected="the content that its name stands for")


def trust_of(folder: Objects, manifest: Manifest) -> TrustState:
    """The trust list in use and the tombstones.

    Raises:
        StateError: ``store.damaged``, ``store.unreadable``.
    """
    try:
        data = folder.read(manifest.chain[-1])
    except ObjectGone as gone:
        raise missing(gone) from None
    return verify_anchor(data, tombstones=manifest.tombstones, unsafe_single_root=manifest.single_root)


def timestamp_token(folder: Objects, manifest: Manifest) -> bytes | None:
    """The timestamp's token, where it is there."""
    try:
        return folder.read(manifest.timestamp) if manifest.timestamp else None
    except ObjectGone:
        # A new one takes its place; the floor, which is in the manifest, still holds.
        return None


def read_domain(folder: Objects, data: bytes, before: Loaded | None = None) -> Loaded:
    """The domain that a manifest describes, every object verified again (promises 1 to 4).

    Args:
        data: the manifest as it is written.
        before: an earlier reading, with which unchanged parts are shared.

    Raises:
        StateError: ``store.newer``, ``store.damaged`` (the manifest).
    """
    manifest = read_manifest(data)
    faults: list[Fault] = []
    lists: dict[Digest, StatusList] = {}
    name = manifest.name
    same_list = before is not None and before.manifest.chain[-1] == manifest.chain[-1]
    trust = before.trust if same_list and before else None
    try:
        trust = trust or trust_of(folder, manifest)
    except IcardError as error:
        faults.append(Fault(name, "trust_list", error))
        domain = TrustDomain(
            name=name, environment=manifest.environment, keys=(), clock_floor=manifest.floor, fault=error.code
        )
        return Loaded(data, manifest, domain, None, None, lists, faults)
    timestamp = None
    if manifest.timestamp is not None:
        try:
            same = same_list and before is not None and before.manifest.timestamp == manifest.timestamp
            timestamp = before.timestamp if same and before else None
            timestamp = timestamp or open_timestamp(trust.current, folder.read(manifest.timestamp))
        except ObjectGone as gone:
            faults.append(Fault(name, "timestamp", missing(gone)))
        except IcardError as error:
            faults.append(Fault(name, "timestamp", error))
    denied = frozenset() if timestamp is None else timestamp.denied
    shared = before.lists if same_list and before else {}
    chosen: dict[str, StatusList] = {}
    for uri, keys in manifest.marks.items():
        for mark in _candidates(keys, denied):
            if mark.token is None:
                continue
            try:
                found = shared.get(mark.token) or _status_list(trust, folder, manifest, mark.token, uri)
            except (ObjectGone, StateError) as fault:
                faults.append(Fault(name, uri, missing(fault) if isinstance(fault, ObjectGone) else fault))
                # The mark says that there is a newer list than the next one: none counts, rather than an older one.
                break
            except IcardError:
                # Disowned by the trust list since it was taken: its key retired, its prefix given away. Not damage.
                continue
            else:
                chosen[uri] = lists[mark.token] = found
                _keep_open(found, before, uri)
                break
    domain = TrustDomain.from_trust_list(
        trust.current,
        name=name,
        timestamp=timestamp,
        status_lists=chosen,
        clock_floor=manifest.floor,
        status_due=dict(manifest.due),
        fault=faults[0].error.code if faults else None,
    )
    return Loaded(data, manifest, domain, trust, timestamp, lists, faults)


def _status_list(trust: TrustState, folder: Objects, manifest: Manifest, token: Digest, uri: str) -> StatusList:
    size = manifest.sizes.get(token)
    # Inflated once already, when it was taken: its name says that it is the same token.
    return read_status(trust.current, folder.read(token), uri=uri, length=None if size is None else size.entries)


def _keep_open(found: StatusList, before: Loaded | None, uri: str) -> None:
    """Inflate a list whose predecessor is in use, here, where no verdict waits for it."""
    was = None if before is None else before.domain.status_lists.get(uri)
    if isinstance(was, StatusList) and was.is_open and not found.is_open:
        with contextlib.suppress(IcardError):
            found.open()


def _candidates(keys: Mapping[Thumbprint, Mark], denied: frozenset[Thumbprint]) -> list[Mark]:
    """The marks of one uri, newest first, without those of denied keys."""
    return sorted((mark for key, mark in keys.items() if key not in denied), key=lambda mark: mark.iat, reverse=True)
