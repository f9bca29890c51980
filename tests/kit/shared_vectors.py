"""Public test vectors of others: read from where they lie, never copied into the project.

They are found in the folder named by ``ICARD_VECTORS``, and what is missing there is a failure: whoever names them
means them. Without the variable they are looked for in ``../shared/vectors`` beside the checkout; where that is missing
too, a test that needs them is skipped, visibly.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

__all__ = ["folder", "load"]

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def folder() -> Path:
    """The folder of the vectors; the calling test is skipped, or fails, when there is none."""
    found = Path(os.environ.get("ICARD_VECTORS") or CHECKOUT.parent / "shared" / "vectors")
    if not found.is_dir():
        _missing(found)
    return found


def load(name: str) -> Any:
    """The parsed JSON file ``name``, a path such as ``wycheproof/ed25519_test.json``."""
    path = folder() / name
    if not path.is_file():
        _missing(path)
    return json.loads(path.read_text("utf-8"))


def _missing(path: Path) -> NoReturn:
    reason = f"no public vectors at {path}; ICARD_VECTORS names their folder"
    if os.environ.get("ICARD_VECTORS"):
        pytest.fail(reason)
    pytest.skip(reason)
