"""Types of icard's native core."""

from collections.abc import Callable, Sequence
from typing import Any, final

__all__ = [
    "INTERFACE",
    "Book",
    "Ed25519Key",
    "Keyring",
    "Precedents",
    "Reader",
    "__version__",
    "engines",
    "is_acceptable_point",
]

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
    def keyring(self) -> Keyring: ...
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

@final
class Reader:
    """The fields of a card and what is told of them, from icard's ``fields.json``.

    Args:
        maps: rows of each map, the payload first: the encoded key, whether it is required, ``number``, ``plain``,
            ``form``, ``bytes``, ``map``, ``numbers`` or ``elsewhere`` (only the reference reads it), what that refers
            to (a form's or map's number; bounds of a list's numbers), least and greatest value or length, a slot.
        told: slot and how: ``value``, ``presence``, ``list`` (empty where absent), ``scaled`` by factor and summand;
            and what it is to the group of its code: ``same`` in all its codes, a number ``between`` others (at most
            eight), the number ``beside`` it (one), or ``aside``, of no account.
        multiples: slots whose numbers are multiples of these.
        spans: slots of two numbers, and the least and greatest by which the second exceeds the first, where both are
            there.
        visible: ranges of characters that texts without a form may have beside the space, one of them at least.
        forms: for each form, whether a text has it; answers of yes are remembered.

    Raises:
        ValueError: a number that refers to nothing.
    """

    def __new__(
        cls,
        maps: Sequence[Sequence[tuple[bytes, bool, str, tuple[int, int], tuple[int, int], int]]],
        told: Sequence[tuple[int, str, int, int, str]],
        multiples: Sequence[tuple[int, int]],
        spans: Sequence[tuple[int, int, int, int]],
        visible: Sequence[tuple[str, str]],
        forms: Sequence[Callable[[str], object]],
    ) -> Reader: ...
    def facts(self, payload: bytes) -> tuple[Any, ...] | None:
        """What is told of a payload; None where the reference is to be asked."""

@final
class Book:
    """The keys of a verifier that alone have their kids, for reading and checking a text in one call.

    Raises:
        ValueError: a kid that is not 8 bytes long, a key of another keyring.
    """

    def __new__(cls, reader: Reader, keyring: Keyring, keys: Sequence[tuple[bytes, Ed25519Key]]) -> Book: ...
    def read(
        self, text: str, precedents: Precedents
    ) -> tuple[Any, int, bytes] | tuple[None, tuple[int, tuple[Any, ...], bytes], bytes] | None:
        """What was decided of codes that this one is like, and the number beside its group; or None, and the place of
        the key that signed, what the reader tells, and the name of the group. Either with the payload.

        None where the reference is to be asked: for anything but a good code, and while the key has no table.

        Raises:
            ValueError: precedents of another book.
        """

    def read_many(
        self, texts: Sequence[object], threads: int, precedents: Precedents, wanted: Sequence[int] = ()
    ) -> tuple[list[Any], list[Any], list[bytes | None], list[bytes]]:
        """For each text what :meth:`read` says, in three lists, without the interpreter's lock; three times None where
        the reference is to be asked, as for what is no str.

        The fourth list has a column for each place in what the reader tells that is ``wanted``: eight bytes a text, a
        number in the machine's order or bytes of that length, zeros where the reference is to be asked. That is so for
        every text that has no such value there.
        """

@final
class Precedents:
    """What was decided of codes of a book, by group; some thousand groups, then all are forgotten.

    A code is like its group's precedents where each of its numbers stands between those of two of them.
    """

    def __new__(cls, book: Book) -> Precedents: ...
    def put(self, group: bytes, facts: tuple[Any, ...], decided: object) -> None:
        """Add a code that :meth:`Book.read` told of. ``decided`` is what is given back for codes like it; the first of
        its group stays.

        Raises:
            ValueError: not so many facts as the reader tells.
        """
