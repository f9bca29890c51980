"""The optional native core: whether it is here, whether it fits, and how it is set.

Promises:

1. icard is complete without the distribution ``icard-native``: whatever is wrong with it (not installed, of another
   version, a failed self-test, an odd setting) costs speed and nothing else, and all but the first is said in one line.
2. It is used only where its self-test holds: with the best instructions of the processor, else with its scalar code,
   else not at all.
3. When a table or an answer of it is found to be wrong, it answers nothing more in this process, and that is logged as
   critical: the next backend answers from then on.

Settings, read once when this module is imported:

``ICARD_NATIVE``
    ``0``: do not use it.
``ICARD_NATIVE_ENGINE``
    ``scalar``: no vector instructions. ``ifma``: AVX-512 IFMA, which is chosen anyway where the processor has it.
``ICARD_NATIVE_AUDIT``
    A whole number n: one of n answers is asked of the next backend too; a difference refuses the signature.
``ICARD_NATIVE_TABLES``
    MiB that the tables of all keys may take together; 64 where nothing is set, at 172 KiB a key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

try:
    import icard_native as core
except ImportError:
    core = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import logging

    from icard_native import Keyring

__all__ = ["INTERFACE", "State", "core", "new_keyring", "state"]

INTERFACE: Final = 4
"""What the two distributions must agree on."""

_TABLES_MIB: Final = 64
_BUILD_AFTER: Final = 8
_MOST: Final = 1 << 20
"""No setting is larger: a terabyte of tables, or an audit of one in a million answers, is a mistake."""


class State(NamedTuple):
    """What this process has of the native core.

    Attributes:
        keyring: of all keys, or None where the native core is not used.
        words: one line that says which engine runs, or why none does.
    """

    keyring: Keyring | None
    words: str


class _Unfit(Exception):
    """Why the native core is not used, in one line."""


def new_keyring(
    engine: str, *, build_after: int = _BUILD_AFTER, mib: int = _TABLES_MIB, audit: int = 0
) -> Keyring | None:
    """A keyring whose engine has passed its self-test; None for one that fails, or that this processor lacks."""
    if engine not in core.engines():
        return None
    made = core.Keyring(engine, build_after=build_after, most_bytes=mib << 20, audit=audit, on_fault=_log_a_fault)
    return made if made.passes_self_test() else None


def _log() -> logging.Logger:
    # Here, because it is 5 of the milliseconds of importing the verifier, and mostly there is nothing to log.
    import logging

    return logging.getLogger("icard.native")


def _log_a_fault(what: str) -> None:
    _log().critical("icard-native is not used any more in this process: %s", what)


def _start(environment: Mapping[str, str]) -> State:
    if core is None:
        return State(None, "no native core: icard-native is not installed")
    try:
        if not _number(environment, "ICARD_NATIVE", 1, most=1):
            return State(None, "no native core: ICARD_NATIVE=0")
        if core.INTERFACE != INTERFACE:
            raise _Unfit(
                f"icard-native {core.__version__} speaks interface {core.INTERFACE}, "
                f"this icard needs {INTERFACE}: install the two in versions that fit"
            )
        audit = _number(environment, "ICARD_NATIVE_AUDIT", 0)
        mib = _number(environment, "ICARD_NATIVE_TABLES", _TABLES_MIB)
        engines = _engines(environment.get("ICARD_NATIVE_ENGINE", ""))
    except _Unfit as unfit:
        _log().warning("icard-native is not used: %s", unfit)
        return State(None, f"no native core: {unfit}")
    for engine in engines:
        keyring = new_keyring(engine, audit=audit, mib=mib)
        if keyring is not None:
            return State(keyring, f"native core {core.__version__}, engine {engine}")
        _log().warning("icard-native: engine %s fails its self-test and is not used", engine)
    return State(None, "no native core: its self-test fails")


def _number(environment: Mapping[str, str], name: str, default: int, most: int = _MOST) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= most):
        raise _Unfit(f"{name} must be a whole number from 0 to {most}, not {text[:20]!r}")
    return int(text)


def _engines(wanted: str) -> list[str]:
    """The engines to try, in order."""
    here = core.engines()
    if not wanted:
        return here
    if wanted not in ("scalar", "ifma"):
        raise _Unfit(f"ICARD_NATIVE_ENGINE must be scalar or ifma, not {wanted[:20]!r}")
    if wanted not in here:
        raise _Unfit(f"ICARD_NATIVE_ENGINE is {wanted}, which this processor cannot run")
    return [wanted, "scalar"] if wanted != "scalar" else [wanted]


_state: Final = _start(os.environ)


def state() -> State:
    """What this process has of the native core: it may stop being used, never start."""
    if _state.keyring is not None and _state.keyring.stopped:
        return State(None, "no native core: it gave a wrong answer and was stopped")
    return _state
