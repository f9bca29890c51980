"""The native core in tests: keyrings whose keys have their tables at once, so that it alone answers.

Tests that ask for it are skipped, visibly, where icard-native is not installed; ``ICARD_NATIVE_REQUIRED=1``, which CI
sets where it has built the wheel, makes that a failure.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

from icard_crypto import native
from verifier.decision.reading import NativeReading

if TYPE_CHECKING:
    from icard_native import Keyring

__all__ = ["ENGINES", "WIDTHS", "keyring", "needed", "reference_alone", "refuse_to_answer"]

#: All there are, best first; a test of one that this processor lacks is skipped and says so.
ENGINES: Final = ("ifma", "scalar")
WIDTHS: Final = (4, 5, 6, 7, 8)


def needed(engine: str | None = None, *, in_use: bool = False) -> None:
    """Skip the calling test where the native core, or this engine of it, is not here, or is switched off."""
    missing = None
    if native.core is None:
        missing = "icard-native is not installed (make native)"
    elif engine is not None and engine not in native.core.engines():
        missing = f"this processor has no engine {engine}"
    elif in_use and native.state().keyring is None:
        missing = native.state().words
    if missing and os.environ.get("ICARD_NATIVE_REQUIRED") == "1" and engine != "ifma":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


def refuse_to_answer(signature: bytes, message: bytes) -> bool:
    """The next backend of a key that must answer by itself."""
    raise AssertionError("the native core asked the next backend")


def keyring(engine: str, width: int = 6, *, audit: int = 0, faults: list[str] | None = None) -> Keyring:
    """A keyring that builds a key's table with the first question. What it reports goes to ``faults``, else fails."""
    needed(engine)

    def report(what: str) -> None:
        assert faults is not None, what
        faults.append(what)

    return native.core.Keyring(engine, width=width, build_after=0, audit=audit, on_fault=report)


def reference_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verifiers that are made from now on read every code in Python, as they do without the native core."""
    monkeypatch.setattr(NativeReading, "of", lambda domains: None)
