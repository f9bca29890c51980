"""Password hashes: argon2id in a bounded number of slots.

Promises:

1. Parameters come from the settings; their defaults are RFC 9106, section 4, second recommended option (64 MiB, 3
   passes, 4 lanes). A hash made with others is known as outdated, for whoever has the password at hand to make it
   again.
2. No more than ``at_once`` hashes are computed at once, and no more wait than eight times as many: logins cannot take
   more memory than the slots have. Whoever finds no place within ten seconds is asked to come back.
3. Strangers' hashes are computed beside these by threads of their own, half as many, on one processor in all, that
   stand back for everything else the machine has to do.
4. A name that nobody has costs one hash, as any other does.
5. Only what :mod:`issuer.accounts.password_rules` let pass is hashed: nothing that is too long.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from icard_crypto.errors import Unavailable

__all__ = ["Passwords"]

_WAITING: Final = 8
_PATIENCE: Final = 10.0
_SALT: Final = 16
_TAG: Final = 32
_NICE: Final = 19


def _stand_back() -> None:
    """Let this thread and those that it begins, a hash's lanes, run on one processor and when nothing else wants to.

    On Linux niceness and processors are a thread's own; elsewhere this does nothing.
    """
    with contextlib.suppress(OSError, AttributeError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, _NICE)
        os.sched_setaffinity(thread, {max(os.sched_getaffinity(thread))})


class Passwords:
    """Hashes and verifies. Thread-safe; one for each process."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int, at_once: int) -> None:
        """Args:
        memory_kib, passes, lanes: of argon2id (RFC 9106, section 3.1: m, t, p).
        """
        self._hasher = PasswordHasher(passes, memory_kib, lanes, _TAG, _SALT)
        self._slots = threading.BoundedSemaphore(at_once)
        self._strangers = ThreadPoolExecutor(max(1, at_once // 2), "stranger", initializer=_stand_back)
        self._places = threading.BoundedSemaphore(at_once * (1 + _WAITING))
        salt, tag = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_SALT, _TAG))
        # No password has this hash, for nothing was hashed: it was drawn.
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"

    def hash(self, password: str) -> str:
        """The argon2id hash in its encoded form.

        Raises:
            Unavailable: ``login.busy``.
        """
        with self._slot():
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str, *, stranger: bool = False) -> bool:
        """Whether the password is the one; None for nobody's: the same work, and False.

        Args:
            stranger: whoever asks is at no known device (promise 3).

        Raises:
            Unavailable: ``login.busy``.
        """
        if stranger:
            return self._strangers.submit(self._verified, stored, password).result()
        with self._slot():
            return self._verified(stored, password)

    def _verified(self, stored: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(stored or self._nobody, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Unavailable("login.busy")
        try:
            if not self._slots.acquire(timeout=_PATIENCE):
                raise Unavailable("login.busy")
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._places.release()
