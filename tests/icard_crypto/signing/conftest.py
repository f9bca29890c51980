"""Where the native core is installed, keys get their tables with the first question: it is the one that answers."""

from __future__ import annotations

import pytest

from icard_crypto import native
from tests.kit.native import keyring


@pytest.fixture(autouse=True)
def tables_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of signatures here asks the native core itself, never the backend behind it."""
    used = native.state().keyring
    if used is not None:
        monkeypatch.setattr(native, "_state", native.State(keyring(used.engine), "of the tests"))
