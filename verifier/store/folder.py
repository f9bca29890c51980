"""The files of one trust domain: objects named by their content, one manifest, one writer, any number of readers.

Promises:

1. A change counts when the manifest's rename is done, and not before: objects are written, synced and renamed first,
   then the manifest is written, synced, renamed, and the folder is synced. A kill or a power cut anywhere leaves the
   old state or the new one.
2. One writer at a time, by ``flock``: a second one fails with ``store.locked`` and waits for nothing. The kernel frees
   the lock of a process that dies.
3. Readers wait for nobody and write nothing: a folder that they may only read is enough.
4. Only the writer removes files, only those that the manifest does not name, and only while no reader is between a
   manifest and its objects. A reader on a file system that gives it no lock finds an object gone, and then also a newer
   manifest.
5. What cannot be written is ``store.unwritable`` with the system's reason; the old state stays.

::

    manifest   objects/<sha256>   lock (the writer's)   readers (an empty file to lock)
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from icard_crypto import limits
from icard_crypto.errors import StateError
from icard_crypto.platform_parts import posix

from .manifest import LONGEST, Digest, Manifest, write_manifest

fcntl = posix("fcntl")

__all__ = ["DomainFolder", "ObjectGone", "default_folder"]

#: For whoever may take a lock: on a shared machine anybody could hold up the writer permanently.
_OWN: Final = 0o600
#: An object, the manifest, the journal; and either on its way.
_WRITTEN: Final = re.compile(r"([0-9a-f]{64}|manifest|sync\.json)(?P<temporary>(\.[0-9a-f]{12})?\.tmp)?")
_LONGEST_OBJECT: Final = max(limits.TRUST_LIST_BYTES, limits.STATUS_TOKEN_BYTES, limits.TIMESTAMP_BYTES)
_OBJECT: Final = re.compile(r"[0-9a-f]{64}")
_TAKEN: Final = frozenset({errno.EWOULDBLOCK, errno.EACCES})


class ObjectGone(Exception):
    """An object that a manifest named is not there, or not what its name says; never leaves this package."""


def default_folder() -> Path:
    """Where the state lies: ``ICARD_STATE``, else the platform's place for a user's data (XDG, macOS, Windows).

    Raises:
        StateError: ``store.no_home``: this user has no such place.
    """
    try:
        return _place()
    except RuntimeError:  # a service without HOME, under a uid that no file of users knows
        raise StateError("store.no_home", expected="ICARD_STATE, or --state with a folder") from None


def _place() -> Path:
    given = os.environ.get("ICARD_STATE")
    if given:
        return Path(given)
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home())
    else:
        # XDG Base Directory Specification: a relative path is invalid and ignored.
        named = Path(os.environ.get("XDG_DATA_HOME") or "")
        base = named if named.is_absolute() else Path.home() / ".local" / "share"
    return base / "icard"


class DomainFolder:
    """One domain's folder; whether it exists is another question."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest = path / "manifest"
        self._objects = path / "objects"

    def manifest_bytes(self) -> bytes | None:
        """The manifest as it is; None where there is none.

        Raises:
            StateError: ``store.unreadable``.
        """
        try:
            return _read(self._manifest, LONGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as fault:
            raise StateError("store.unreadable", found=f"{self._manifest}: {fault.strerror}") from None

    def read(self, name: Digest) -> bytes:
        """An object's content, checked against its name.

        Raises:
            ObjectGone: it is not there or not what its name says; nothing longer than any token is.
            StateError: ``store.unreadable``.
        """
        try:
            data = _read(self._objects / name, _LONGEST_OBJECT)
        except FileNotFoundError:
            raise ObjectGone(name) from None
        except OSError as fault:
            raise StateError("store.unreadable", found=f"objects/{name}: {fault.strerror}") from None
        if len(data) > _LONGEST_OBJECT or hashlib.sha256(data).hexdigest() != name:
            raise ObjectGone(name)
        return data

    def has_objects(self) -> bool:
        """Whether anything of a state is there, as far as that can be seen."""
        try:
            with os.scandir(self._objects) as entries:
                return any(_OBJECT.fullmatch(entry.name) for entry in entries)
        except OSError:
            return False

    def holds(self, name: Digest) -> bool:
        """Whether an object is there and whole; one that cannot be read may as well not be there."""
        try:
            self.read(name)
        except (ObjectGone, StateError):
            return False
        return True

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While this is open no object is removed, where the file system gives locks (promise 4)."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                descriptor = _opened(self.path / "readers", os.O_RDONLY)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            yield

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer.

        Raises:
            StateError: ``store.locked``, ``store.unwritable``.
        """
        with _unwritable(self.path):
            self._objects.mkdir(parents=True, exist_ok=True)
            for folder in (self.path, self._objects):
                if folder.is_symlink():
                    raise OSError(errno.ELOOP, "a link, whose files may be somebody else's")
            os.close(_own(self.path / "readers", os.O_RDONLY))
            descriptor = _own(self.path / "lock", os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as fault:
                if fault.errno not in _TAKEN:
                    raise StateError("store.unwritable", found=f"{self.path}: {fault.strerror}") from None
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                found = f"process {holder}" if holder.isdigit() else "another process"
                raise StateError("store.locked", path=str(self.path), found=found) from None
            # A name for the message above and no more: the lock is the kernel's.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def commit(self, manifest: Manifest, objects: dict[Digest, bytes]) -> None:
        """Make a state the current one (promise 1); the caller is the writer.

        Args:
            objects: what may be new; those that the manifest does not name are not written.

        Raises:
            StateError: ``store.unwritable``.
        """
        with _unwritable(self.path):
            wanted = manifest.objects().intersection(objects)
            for name in wanted:
                if not self.holds(name):
                    _write(self._objects / name, objects[name])
            if wanted:
                _sync_folder(self._objects)
            written = write_manifest(manifest)
            if len(written) > LONGEST:
                # It could never be read again: the state before stays, and goes on.
                raise OSError(errno.EFBIG, f"a manifest above {LONGEST} bytes")
            _write(self._manifest, written)
            _sync_folder(self.path)
        # The state stands by now: a failure to tidy up is nobody's fault to hear of.
        with contextlib.suppress(OSError):
            self._collect(manifest.objects())

    def restore(self, objects: Mapping[Digest, bytes], needed: Iterable[Digest]) -> None:
        """Write objects again that the state needs and that are damaged; the caller is the writer.

        Raises:
            StateError: ``store.unwritable``.
        """
        with _unwritable(self.path):
            for name in needed:
                if name in objects and not self.holds(name):
                    _write(self._objects / name, objects[name])

    def _collect(self, needed: set[Digest]) -> None:
        with os.fdopen(_opened(self.path / "readers", os.O_RDONLY), "rb") as readers:
            fcntl.flock(readers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for folder, keep in ((self._objects, needed), (self.path, None)):
                with os.scandir(folder) as entries:
                    for entry in entries:
                        # Only what this module wrote: nobody's other file is removed.
                        written = _WRITTEN.fullmatch(entry.name)
                        left_over = written is not None and (written["temporary"] or keep is not None)
                        if left_over and entry.name not in (keep or ()) and entry.is_file(follow_symlinks=False):
                            os.unlink(entry.path)


def _opened(path: Path, flags: int) -> int:
    """A regular file's descriptor. Of a pipe that nobody writes to, opening and reading would never end."""
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, _OWN)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor


def _read(path: Path, most: int) -> bytes:
    """A regular file's content, at most one byte more than ``most``."""
    with os.fdopen(_opened(path, os.O_RDONLY), "rb") as file:
        return file.read(most + 1)


def _own(path: Path, flags: int) -> int:
    """A file to lock, made where it is missing; one of older software is taken from others' hands.

    One that somebody else owns, or that has a second name, may be put there to have another file's rights and content
    changed: it is refused.
    """
    descriptor = _opened(path, flags | os.O_CREAT)
    held = os.fstat(descriptor)
    if held.st_nlink != 1 or held.st_uid != os.geteuid():
        os.close(descriptor)
        raise OSError(errno.EPERM, f"{path.name} is somebody else's, or has a second name")
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, _OWN)
    return descriptor


@contextlib.contextmanager
def _unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StateError("store.unwritable", found=f"{path}: {fault.strerror or type(fault).__name__}") from None


def _write(path: Path, data: bytes) -> None:
    """A file whole or not at all; its folder is synced by the caller."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
