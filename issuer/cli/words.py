"""Labels of the issuer's output, in the run's language."""

from __future__ import annotations

import functools
import json
from importlib import resources

from verifier.runtime.cli.run_context import run_context

__all__ = ["label"]


@functools.cache
def _words() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads((resources.files("issuer.cli") / "words.json").read_text("utf-8"))
    return loaded


def label(name: str) -> str:
    """A label of the output in this run's language."""
    return _words()[name][run_context().language]
