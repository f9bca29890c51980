"""Many codes on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from .errors import UsageError

__all__ = ["verify_many"]

_SMALL = 64

_Verdict = TypeVar("_Verdict")


def verify_many(verify: Callable[..., _Verdict], shown: Iterable[Any], now: int, workers: int | None) -> list[_Verdict]:
    """``verify`` of each, in order."""
    if workers is not None and (type(workers) is not int or workers < 1):
        raise UsageError("usage.workers", path="workers", expected="a whole number from 1", found=repr(workers)[:20])
    codes = list(shown)
    count = min(workers or os.cpu_count() or 1, len(codes) // _SMALL + 1)

    def part(start: int) -> list[_Verdict]:
        return [verify(code, now=now) for code in codes[start::count]]

    if count == 1:
        return part(0)
    with ThreadPoolExecutor(count, thread_name_prefix="icard-verify") as pool:
        parts = list(pool.map(part, range(count)))
    verdicts: list[Any] = [None] * len(codes)
    for start, verified in enumerate(parts):
        verdicts[start::count] = verified
    return verdicts
