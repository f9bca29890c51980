"""A state folder with a folder for each trust domain: created from an anchor, changed by :meth:`Store.apply`, read.

Promises:

1. Whatever is read back is verified again: every object against its name, every token's signature under the trust list
   that was read back.
2. A state that did not change is not read again, and what did not change in one that did is shared: a service may call
   :meth:`Store.load` as often as it likes.
3. Of several keys' status lists for one uri the one with the highest iat counts, of keys that neither the roots nor the
   timestamp have disowned.
4. One domain that is damaged, or that cannot be read, is no harm to the others: it comes back without what cannot be
   relied on, names its fault, and :attr:`Store.faults` has all of them. A state that newer software wrote is refused.
5. Reading a state back takes the tokens' bytes, a hash and a signature for each, and inflates no list that was not in
   use before: :mod:`.status_tokens` bounds them for each issuer.
6. ``now`` is the caller's; nothing here reads a clock.
7. No two domains come to list one key: a trust list that would is refused. A production domain's next list alone is
   taken although a test domain lists its key, so that nobody can hold it up; verdicts then leave the test domain out.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from icard_crypto.errors import IcardError, StateError
from icard_crypto.lists.bundle import Bundle
from icard_crypto.lists.list_maps import check_not_future
from icard_crypto.lists.status_list import StatusList
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import Timestamp
from icard_crypto.lists.trust_chain import TrustState, verify_anchor
from icard_crypto.signing.keys import Thumbprint
from verifier.knowledge.trust import TrustDomain

from .decide import Known, Update, check_own_keys, decide, listed_keys, open_timestamp
from .folder import DomainFolder, ObjectGone
from .manifest import Digest, Manifest, Mark, digest_of, read_manifest
from .report import Report

__all__ = ["Fault", "Loaded", "Objects", "Store", "read_domain"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
#: A reader without a lock meets a removed object once for each commit made meanwhile.
_MOST_TRIES: Final = 100


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


class Store:
    """The state in a folder; it need not exist until something is created in it. Safe to use from several threads."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._loaded: dict[str, Loaded] = {}
        self._damaged: list[Fault] = []
        self._mutex = threading.Lock()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was wrong when the state was last loaded."""
        return (*self._damaged, *(fault for loaded in self._loaded.values() for fault in loaded.faults))

    def names(self) -> tuple[str, ...]:
        """The domains of the state, sorted.

        Raises:
            StateError: ``store.unreadable``.
        """
        try:
            entries = [entry.name for entry in self.folder.iterdir() if _NAME.fullmatch(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as fault:
            raise StateError("store.unreadable", found=f"{self.folder}: {fault.strerror}") from None
        return tuple(sorted(name for name in entries if _may_be_there(self.folder / name / "manifest")))

    def create(
        self, anchor: bytes, *, name: str, now: int, url: str | None = None, unsafe_single_root: bool = False
    ) -> TrustState:
        """Start a domain from its first trust list, whose roots' thumbprints people have compared.

        Args:
            anchor: a signed trust list.
            name: 1 to 63 of ``a-z0-9._-``.
            now: Unix time.
            url: where the domain is published, with a final slash.
            unsafe_single_root: accept a threshold of 1.

        Raises:
            StateError: ``store.name``, ``store.exists``, ``store.locked``, ``store.unwritable``.
            DecodeError: as :func:`icard_crypto.lists.trust_chain.verify_anchor`; ``trust.future``,
                ``trust.key_of_another_domain``.
        """
        if not _NAME.fullmatch(name):
            raise StateError("store.name", expected="1 to 63 of a-z, 0-9, ., - and _, not . first", found=name[:64])
        state = verify_anchor(anchor, unsafe_single_root=unsafe_single_root)
        first = state.current
        check_not_future("trust", first.iat, now)
        folder = DomainFolder(self.folder / name)
        with self._mutex, folder.writing():
            if folder.manifest_bytes() is not None:
                raise StateError("store.exists", path=name, expected="another name")
            check_own_keys(first, self._foreign(name))
            digest = digest_of(anchor)
            manifest = Manifest(
                name=name,
                environment=first.environment,
                chain=(digest,),
                url=url,
                single_root=unsafe_single_root,
                floor=first.iat,
                tombstones=state.tombstones,
            )
            folder.commit(manifest, {digest: anchor})
        return state

    def apply(self, name: str, update: Update | Bundle, now: int) -> Report:
        """Take new knowledge into a domain, by the rules of :mod:`verifier.store.decide`, in one commit.

        Args:
            now: Unix time.

        Raises:
            StateError: ``store.no_such_domain``, ``store.locked``, ``store.unwritable``, ``store.newer``,
                ``store.damaged``. What is wrong with the update itself stands in the report.
        """
        if isinstance(update, Bundle):
            update = Update.of_bundle(update)
        folder = self._folder(name)
        with self._mutex, folder.writing():
            manifest = read_manifest(self._manifest_bytes(folder))
            # Handed in again, a list whose file was damaged is whole again, before anything is decided under it.
            folder.restore({digest_of(data): data for data in update.trust_lists}, manifest.chain)
            known = Known(manifest, _trust(folder, manifest), _timestamp_token(folder, manifest))
            in_production = manifest.environment == "production"
            foreign = self._foreign(name, production_only=in_production) if update.trust_lists else {}
            decision = decide(known, update, now, foreign)
            needed = decision.manifest.objects()
            damaged = any(name in needed and not folder.holds(name) for name in decision.objects)
            if damaged or decision.manifest != manifest:
                folder.commit(replace(decision.manifest, generation=manifest.generation + 1), decision.objects)
        return Report(name, tuple(decision.items))

    def holds(self, name: str, digest: Digest) -> bool:
        """Whether a token, by its SHA-256, is part of a domain's state and whole: asking for it again is needless.

        Raises:
            StateError: as :meth:`manifest`.
        """
        return digest in self.manifest(name).objects() and DomainFolder(self.folder / name).holds(digest)

    def manifest(self, name: str) -> Manifest:
        """What a domain's state consists of.

        Raises:
            StateError: ``store.no_such_domain``, ``store.unreadable``, ``store.newer``, ``store.damaged``.
        """
        return read_manifest(self._manifest_bytes(self._folder(name)))

    def trust(self, name: str) -> TrustState | None:
        """The trust list in use and the tombstones; None where the list is damaged.

        Raises:
            StateError: as :meth:`manifest`.
        """
        with self._mutex:
            return self._load(name).trust

    def bundle(self, name: str) -> Bundle:
        """All that a domain knows, for a verifier without a network: the whole chain, every list that counts, the
        timestamp (of no bytes where there is none).

        Raises:
            StateError: as :meth:`manifest`.
        """
        folder = self._folder(name)
        with self._mutex, folder.reading():
            loaded = self._load(name)
            manifest = loaded.manifest
            try:
                chain = tuple(folder.read(digest) for digest in manifest.chain)
                tokens = tuple(folder.read(digest) for digest in loaded.lists)
                timestamp = folder.read(manifest.timestamp) if manifest.timestamp else b""
            except ObjectGone as gone:
                raise _missing(gone) from None
        return Bundle(chain, tokens, timestamp)

    def copy_to(self, target: Path) -> None:
        """Copy the whole state as it stands into another folder, so that a long job keeps what it began with.

        Raises:
            StateError: as :meth:`manifest`; ``store.locked``, ``store.unwritable``.
        """
        for name in self.names():
            source, copy = DomainFolder(self.folder / name), DomainFolder(target / name)
            with self._mutex, source.reading(), copy.writing():
                manifest = read_manifest(self._manifest_bytes(source))
                objects = {digest: source.read(digest) for digest in manifest.objects() if source.holds(digest)}
                copy.commit(manifest, objects)

    def load(self) -> tuple[TrustDomain, ...]:
        """The domains for a :class:`verifier.Verifier`, in the order of their names; the same objects as long as
        nothing changed.

        Raises:
            StateError: ``store.unreadable`` (the folder itself), ``store.newer``.
        """
        domains: list[TrustDomain] = []
        with self._mutex:
            loaded, self._damaged = {}, []
            for name in self.names():
                try:
                    loaded[name] = self._load(name)
                    domains.append(loaded[name].domain)
                except StateError as error:
                    if error.code == "store.newer":
                        raise
                    # 4: nothing of it can be relied on, not even its environment; what was read before stands.
                    self._damaged.append(Fault(name, "manifest", error))
                    if name in self._loaded:
                        loaded[name] = self._loaded[name]
                        domains.append(loaded[name].domain)
                    else:
                        domains.append(TrustDomain.unread(name, error.code))
            self._loaded = loaded
        return tuple(domains)

    def _foreign(self, name: str, *, production_only: bool = False) -> dict[Thumbprint, str]:
        """The keys that all domains but one list, by thumbprint, with the domain's name; a damaged one lists none."""
        keys: dict[Thumbprint, str] = {}
        for other in self.names():
            if other == name:
                continue
            folder = DomainFolder(self.folder / other)
            with folder.reading(), contextlib.suppress(IcardError):
                manifest = read_manifest(self._manifest_bytes(folder))
                if manifest.environment == "production" or not production_only:
                    keys |= dict.fromkeys(listed_keys(_trust(folder, manifest).current), other)
        return keys

    def _folder(self, name: str) -> DomainFolder:
        if not _NAME.fullmatch(name) or not _may_be_there(self.folder / name / "manifest"):
            raise StateError("store.no_such_domain", path=str(self.folder), found=name[:64])
        return DomainFolder(self.folder / name)

    def _manifest_bytes(self, folder: DomainFolder) -> bytes:
        data = folder.manifest_bytes()
        if data is None:
            raise StateError("store.no_such_domain", path=str(folder.path))
        return data

    def _load(self, name: str) -> Loaded:
        folder = DomainFolder(self.folder / name)
        before = self._loaded.get(name)
        data = self._manifest_bytes(folder)
        if before is not None and before.manifest_bytes == data:
            return before
        for _ in range(_MOST_TRIES):
            with folder.reading():
                data = self._manifest_bytes(folder)
                loaded = read_domain(folder, data, before)
            # An object was gone: the writer's doing if there is a newer manifest by now, else damage.
            if not loaded.faults or self._manifest_bytes(folder) == data:
                break
        return loaded


def _may_be_there(path: Path) -> bool:
    """Whether a file is there, as far as that can be seen: where it cannot, reading it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def _missing(gone: ObjectGone) -> StateError:
    return StateError("store.damaged", path=f"objects/{gone}", expected="the content that its name stands for")


def _trust(folder: Objects, manifest: Manifest) -> TrustState:
    try:
        data = folder.read(manifest.chain[-1])
    except ObjectGone as gone:
        raise _missing(gone) from None
    return verify_anchor(data, tombstones=manifest.tombstones, unsafe_single_root=manifest.single_root)


def _timestamp_token(folder: DomainFolder, manifest: Manifest) -> bytes | None:
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
        trust = trust or _trust(folder, manifest)
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
            faults.append(Fault(name, "timestamp", _missing(gone)))
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
                faults.append(Fault(name, uri, _missing(fault) if isinstance(fault, ObjectGone) else fault))
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
        status_due={uri: due.until for uri, due in manifest.due.items()},
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
