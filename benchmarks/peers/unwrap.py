"""From what is shown to COSE bytes, as a user of a COSE library writes it: with the ``base45`` package and ``zlib``."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import base45  # type: ignore[import-not-found]

__all__ = ["unwrap"]


def _claim169(text: Any) -> bytes:
    return zlib.decompress(base45.b45decode(text))


def _ic1(text: Any) -> bytes:
    data: bytes = base45.b45decode(text.removeprefix("IC1:"))
    return data


def unwrap(form: str) -> Callable[[Any], bytes]:
    """The reader of a form: ``claim169``, ``ic1``, or ``cose`` (bytes as they are)."""
    readers: dict[str, Callable[[Any], bytes]] = {"claim169": _claim169, "ic1": _ic1, "cose": bytes}
    return readers[form]
