"""The words of the portal: its own, and those that its pages have in common with documents (:mod:`issuer.wording`).

Every word of a page comes from ``words/*.json`` of these two packages.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from icard_crypto.errors import IcardError
from icard_crypto.moments import DAY
from issuer import wording
from issuer.wording.catalogue import BEIJING, LANGUAGES, Wording, beijing_day, read_entries

__all__ = ["BEIJING", "LANGUAGES", "Words", "beijing_day", "entries"]


@functools.cache
def entries() -> Mapping[str, dict[str, Any]]:
    """Every entry by ``file.name``."""
    return {**read_entries(wording.__name__), **read_entries(str(__package__))}


class Words(Wording):
    """The words in one language: ``words("card.until", day="31 March 2027")``."""

    @property
    def entries(self) -> Mapping[str, dict[str, Any]]:
        """Every entry by ``file.name``."""
        return entries()

    def fault(self, fault: IcardError) -> tuple[str, str]:
        """What is wrong and what to do about it: the portal's own words where it has some, else the catalogue's."""
        own, do = f"faults.{fault.code}", f"faults.{fault.code}.do"
        places = {"found": fault.found or "", "expected": fault.expected or ""}
        message = self(own, **places) if self.has(own) else fault.message(self.language)
        return message, self(do, **places) if self.has(do) else fault.hint(self.language)

    def span(self, seconds: int) -> str:
        """A length of time, rounded down: under a minute, 4 minutes, 26 hours, 3 days."""
        if seconds < 60:
            return self("common.span_short")
        for size, unit in ((3 * DAY, "days"), (3600, "hours"), (60, "minutes")):
            if seconds >= size:
                return self(f"common.span_{unit}", n=seconds // {"days": DAY, "hours": 3600, "minutes": 60}[unit])
        raise AssertionError(seconds)
