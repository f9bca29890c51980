"""Types of icard's native core."""

from collections.abc import Callable, Sequence
from typing import final

__all__ = ["INTERFACE", "Ed25519Key", "Keyring", "__version__", "engines", "is_acceptable_point"]

__version__: str
INTERFACE: int
"""What icard and this package must agree on; raised with every change that the other side would notice."""

def engines() -> list[str]:
    """What this processor can run, best first: ``ifma``, ``scalar``."""

def is_acceptable_point(raw: bytes) -> bool:
    """Whether 32 bytes are a canonical encoding of a point that is not of small order; False for other lengths."""

@final
class Ed25519Key:
    """A public key of a keyring. Made by :meth:`Keyring.key`."""

    @property
    def raw(self) -> bytes: ...
    @property
    def has_table(self) -> bool: ...
    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is the key's over the message; False for a signature that is not 64 bytes long."""

    def prepare(self) -> bool:
        """Build the key's table now; whether the key has one then."""

@final
class Keyring:
    """All keys of a process and their tables.

    Args:
        engine: one of :func:`engines`.
        width: of a key's window in bits, 4 to 8; 6 takes 172 KiB a key.
        build_after: good signatures before a key's table is built; 0: with the first question.
        most_bytes: that all tables together may take.
        audit: ask the next backend too for one of so many answers; 0: never.
        on_fault: called with a sentence when an answer or a table was wrong, once; nothing is answered here after.

    Raises:
        ValueError: no such engine on this processor, or no such width.
    """

    def __new__(
        cls,
        engine: str,
        *,
        width: int = 6,
        build_after: int = 8,
        most_bytes: int = 67108864,
        audit: int = 0,
        on_fault: Callable[[str], object],
    ) -> Keyring: ...
    @property
    def engine(self) -> str: ...
    @property
    def stopped(self) -> bool: ...
    def passes_self_test(self) -> bool:
        """Whether the engine answers known questions rightly."""

    def key(self, raw: bytes, next: Callable[[bytes, bytes], bool]) -> Ed25519Key:
        """A key, and who answers for it while it has no table.

        Raises:
            ValueError: not an acceptable point.
        """

    def verify_many(self, items: Sequence[tuple[Ed25519Key, bytes, bytes]], threads: int = 1) -> list[bool]:
        """For each (key, signature, message) what :meth:`Ed25519Key.verify` answers, in order; the lock of the
        interpreter is released for all that have tables."""

    def tables(self) -> tuple[int, int]:
        """How many keys have tables, and the bytes these take."""
