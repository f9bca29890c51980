"""Every error that icard raises, as one tree, each with a stable code.

Promises:

1. All errors descend from :class:`IcardError`; an exception of another library never leaves icard.
2. ``code`` is stable and reads ``layer.fault`` (``cbor.duplicate_key``); programs compare codes, people read messages.
3. Every code has a sentence and a next step in English and Chinese, in ``messages/<layer>.json`` of the package that
   raises it; each package registers its own.
4. Building an error costs nothing but the object: the catalogue is read only when someone asks for words.
5. A refusal is of one of five kinds, by what its caller can do about it, and a code always has the same kind. A service
   derives the HTTP status from the kind.

::

    IcardError
     +-- DecodeError     what was shown (bytes, text, a picture, a file) breaks a rule of the format
     +-- CardError       a card's data is wrong; ``path`` names the field
     +-- KeyFault        a key is missing, malformed, weak, of another kind, or its passphrase is wrong
     +-- EncodeError     something valid cannot be written in the form asked for (a code too large for a QR symbol)
     +-- MissingPart     an optional part is not installed; the hint says what to install
     +-- StateError      a file, folder or list that icard keeps is unusable as it is; an operator has to act
          +-- NotAllowed     this caller may not do that, or not without logging in, a second factor, another approver
          +-- NotFound       there is no such thing, or none that this caller may know about
          +-- Conflict       it doesn't fit the present state; read it again, then decide
          +-- Invalid        a value, or what several values say together, can't be accepted; correct it
          +-- Unavailable    not now; the same request may succeed later
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Final, Literal, ParamSpec, TypeVar

__all__ = [
    "CardError",
    "Conflict",
    "DecodeError",
    "EncodeError",
    "Faults",
    "IcardError",
    "Invalid",
    "KeyFault",
    "Language",
    "MissingPart",
    "NotAllowed",
    "NotFound",
    "StateError",
    "Unavailable",
    "catalogue",
    "register",
    "together",
]

Language = Literal["en", "zh"]
_P = ParamSpec("_P")
_T = TypeVar("_T")
_E = TypeVar("_E", bound="IcardError")
#: Faults that are named of one thing.
_MOST_FAULTS: Final = 20


_packages = ["icard_crypto"]


def register(package: str) -> None:
    """Add the words of a package's own codes: its files ``messages/<layer>.json``. Repeating it changes nothing."""
    if package not in _packages:
        _packages.append(package)


@functools.cache
def _layer_messages(layer: str) -> dict[str, dict[str, str]]:
    files = [resources.files(package) / "messages" / f"{layer}.json" for package in _packages]
    text = next(file for file in files if file.is_file()).read_text("utf-8")
    messages: dict[str, dict[str, str]] = json.loads(text)
    return messages


def catalogue() -> dict[str, dict[str, str]]:
    """All codes of the packages that are loaded, sorted: ``{code: {"en", "zh", "do_en", "do_zh"}}``."""
    entries = [entry for package in _packages for entry in (resources.files(package) / "messages").iterdir()]
    layers = sorted(entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json"))
    return {code: texts for layer in layers for code, texts in sorted(_layer_messages(layer).items())}


class IcardError(Exception):
    """The root. Raised only through its subclasses.

    Args:
        code: ``layer.fault``, a key of the catalogue.
        offset: where in the input: a byte or, for text, a character, counted from 0.
        path: where in the data: a dotted path such as ``permit.until``.
        expected: what would have been right, in a few words.
        found: what was there instead, in a few words; never a secret, never personal data.

    ``also``: what else is wrong with the same thing, where all of it was looked at.
    """

    also: tuple[IcardError, ...] = ()

    def __init__(
        self,
        code: str,
        *,
        offset: int | None = None,
        path: str | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.offset = offset
        self.path = path
        self.expected = expected
        self.found = found

    @property
    def layer(self) -> str:
        """The layer that failed: the part of the code before the first dot."""
        return self.code.partition(".")[0]

    def message(self, language: Language = "en") -> str:
        """One sentence that says what is wrong."""
        return _layer_messages(self.layer)[self.code][language]

    def hint(self, language: Language = "en") -> str:
        """What to do next."""
        return _layer_messages(self.layer)[self.code][f"do_{language}"]

    def to_dict(self) -> dict[str, str | int]:
        """The error for a program: code, layer and whatever of offset, path, expected, found is known."""
        known: dict[str, str | int] = {"code": self.code, "layer": self.layer}
        for name in ("offset", "path", "expected", "found"):
            value = getattr(self, name)
            if value is not None:
                known[name] = value
        return known

    def __str__(self) -> str:
        parts = [self.message()]
        if self.path is not None:
            parts.append(f"at {self.path}")
        if self.offset is not None:
            parts.append(f"at offset {self.offset}")
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.found is not None:
            parts.append(f"found {self.found}")
        return f"{self.code}: {'; '.join(parts)}"

    def __reduce__(self) -> tuple[object, ...]:
        parts = (type(self), self.code, self.offset, self.path, self.expected, self.found)
        return (_rebuild, parts, {"also": self.also}) if self.also else (_rebuild, parts)


def _rebuild(
    kind: type[IcardError],
    code: str,
    offset: int | None,
    path: str | None,
    expected: str | None,
    found: str | None,
) -> IcardError:
    return kind(code, offset=offset, path=path, expected=expected, found=found)


class DecodeError(IcardError):
    """What was shown breaks a rule of the format."""


class CardError(IcardError):
    """A card's data is wrong; ``path`` names the field."""

    also: tuple[CardError, ...] = ()


class KeyFault(IcardError):
    """A key is missing, malformed, weak, of another kind, or its passphrase is wrong."""


class EncodeError(IcardError):
    """Something valid cannot be written in the form asked for."""


class MissingPart(IcardError):
    """An optional part is not installed."""


class StateError(IcardError):
    """A file, folder or list that icard keeps is unusable as it is.

    Raised itself where an operator has to act; its subclasses are the refusals that a caller can act on.
    """


class NotAllowed(StateError):
    """The caller may not do this: no log-in, no permission, a missing second factor or approver."""


class NotFound(StateError):
    """What was asked for isn't there, or the caller may not know that it is."""


class Conflict(StateError):
    """The request doesn't fit the present state: it exists already, is closed, or was changed meanwhile."""


class Invalid(StateError):
    """A value that was given can't be accepted, alone or together with the others; ``path`` names it."""


class Unavailable(StateError):
    """It can't be done now; the same request may succeed later."""


class Faults:
    """Everything that is wrong with one thing, looked at part by part.

    Attributes:
        found: the faults, in the order in which they were found.
    """

    def __init__(self) -> None:
        self.found: list[IcardError] = []

    def of(self, read: Callable[_P, _T], /, *args: _P.args, **options: _P.kwargs) -> _T | None:
        """What ``read`` gives; a fault is kept with those that were found with it, and None stands for it."""
        try:
            return read(*args, **options)
        except IcardError as fault:
            self.add(fault)
            return None

    def add(self, fault: IcardError) -> None:
        """Keep a fault."""
        others, fault.also = fault.also, ()
        # Without the frames that it came through: they hold what was read.
        self.found += [fault.with_traceback(None), *others]

    def on(self, path: str) -> bool:
        """Whether a fault of this place was found."""
        return any(one.path == path for one in self.found)

    def settle(self) -> None:
        """Raise the first fault, which has the others, if there is one."""
        if self.found:
            raise together(self.found)


def together(faults: Sequence[_E], most: int = _MOST_FAULTS) -> _E:
    """The first of several faults of one thing, with the others in ``also``; to be raised.

    Args:
        most: how many are named in all.
    """
    first, *others = faults
    first.also = tuple(others[: most - 1])
    return first
