"""A state folder with a folder for each trust domain: created from an anchor, changed by :meth:`Store.apply`, read.

Promises:

1. Whatever is read back is verified again: every object against its name, every token's signature under the trust list
   that was read back.
2. A state that did not change, and had no fault, is not read again, and what did not change in one that did is shared:
   a service may call :meth:`Store.load` as often as it likes.
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

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

from icard_crypto.errors import IcardError, StateError
from icard_crypto.lists.bundle import Bundle
from icard_crypto.lists.list_maps import check_not_future
from icard_crypto.lists.trust_chain import TrustState, verify_anchor
from icard_crypto.signing.keys import Thumbprint
from verifier.knowledge.trust import TrustDomain

from .decide import Foreign, Known, Update, check_own_keys, decide, listed_keys
from .folder import DomainFolder, ObjectGone
from .manifest import Digest, Manifest, digest_of, read_manifest
from .reading import Fault, Loaded, missing, read_domain, timestamp_token, trust_of
from .report import Report

__all__ = ["Store"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
#: A reader without a lock meets a removed object once for each commit made meanwhile.
_MOST_TRIES: Final = 100


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
        return tuple(sorted(name for name in entries if _is_domain(self.folder / name)))

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
            StateError: ``store.name``, ``store.exists``, ``store.locked``, ``store.unwritable``; ``store.damaged``,
                ``store.unreadable``: another domain's keys cannot be read.
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
                ``store.damaged`` (also where a trust list brings keys, and another domain's keys cannot be read). What
                is wrong with the update itself is in the report.
        """
        if isinstance(update, Bundle):
            update = Update.of_bundle(update)
        folder = self._folder(name)
        with self._mutex, folder.writing():
            manifest = read_manifest(self._manifest_bytes(folder))
            # Handed in again, a list whose file was damaged is whole again, before anything is decided under it.
            folder.restore({digest_of(data): data for data in update.trust_lists}, manifest.chain)
            known = Known(manifest, trust_of(folder, manifest), timestamp_token(folder, manifest))
            in_production = manifest.environment == "production"
            foreign = self._foreign(name, production_only=in_production) if update.trust_lists else Foreign()
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
                raise missing(gone) from None
        return Bundle(chain, tokens, timestamp)

    def copy_to(self, target: Path) -> None:
        """Copy the whole state as it is into another folder, so that a long job keeps what it began with.

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

    def _foreign(self, name: str, *, production_only: bool = False) -> Foreign:
        """The keys that all domains but one list. One whose manifest cannot be read may be a production domain."""
        keys: dict[Thumbprint, str] = {}
        fault = None
        for other in self.names():
            if other == name:
                continue
            folder = DomainFolder(self.folder / other)
            try:
                with folder.reading():
                    manifest = read_manifest(self._manifest_bytes(folder))
                    if manifest.environment == "production" or not production_only:
                        keys |= dict.fromkeys(listed_keys(trust_of(folder, manifest).current), other)
            except IcardError as error:
                damage = error if isinstance(error, StateError) else StateError("store.damaged", found=error.code)
                fault = StateError(damage.code, path=f"{other}/{damage.path or ''}", found=damage.found)
        return Foreign(keys, fault)

    def _folder(self, name: str) -> DomainFolder:
        if not _NAME.fullmatch(name) or not _is_domain(self.folder / name):
            raise StateError("store.no_such_domain", path=str(self.folder), found=name[:64])
        return DomainFolder(self.folder / name)

    def _manifest_bytes(self, folder: DomainFolder) -> bytes:
        data = folder.manifest_bytes()
        if data is None:
            code = "store.damaged" if folder.has_objects() else "store.no_such_domain"
            raise StateError(code, path=str(folder.path), expected="a manifest")
        return data

    def _load(self, name: str) -> Loaded:
        folder = DomainFolder(self.folder / name)
        before = self._loaded.get(name)
        data = self._manifest_bytes(folder)
        # With a fault it is read again: a right or a disk may have been repaired, which changes no manifest.
        if before is not None and before.manifest_bytes == data and not before.faults:
            return before
        for _ in range(_MOST_TRIES):
            with folder.reading():
                data = self._manifest_bytes(folder)
                loaded = read_domain(folder, data, before)
            # An object was gone: the writer's doing if there is a newer manifest by now, else damage.
            if not loaded.faults or self._manifest_bytes(folder) == data:
                break
        return loaded


def _is_domain(path: Path) -> bool:
    """Whether a folder is a domain's, were it one whose manifest was lost."""
    return _may_be_there(path / "manifest") or DomainFolder(path).has_objects()


def _may_be_there(path: Path) -> bool:
    """Whether a file is there, as far as that can be seen: where it cannot, reading it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True
