"""What someone has chosen on the page; it is in the address and nowhere else.

Promises:

1. A setting that the address does not name has its default; one that is not known is as if it were not there. But a
   rule that is not known, not offered, or named twice, is no rule: :attr:`PageSettings.refused`.
2. No policy that leaves the withdrawn cards unnoticed can be chosen here: a page is no place for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from icard_crypto.errors import Language
from verifier.decision.policy import Policy

from .words import LANGUAGES

__all__ = ["CHOICES", "PageSettings", "offered"]

#: Beside language and rule: the values of each setting, the default first.
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "sound": ("off", "on"),
    "vibration": ("on", "off"),
    "next": ("0", "8", "15", "30"),
    "keep": ("30", "60", "120"),
    "theme": ("as_device", "light"),
}
#: Whether the address's rule is the operator's, with no list to choose another.
_FIXED: Final = "fixed"


def offered(policies: Sequence[Policy]) -> list[Policy]:
    """The policies that the page lets people choose (promise 2)."""
    return [policy for policy in policies if policy.status_required] or list(policies)


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The settings of one request.

    Args:
        asked: what the address names, of what is known.
        refused: the address names a rule that cannot be chosen here.
    """

    language: Language
    policy: Policy
    choices: Mapping[str, str]
    asked: Mapping[str, str]
    refused: bool = False

    @property
    def fixed(self) -> bool:
        """Whether the page offers no other rule."""
        return _FIXED in self.asked

    @classmethod
    def of(cls, query: QueryParams, policies: Sequence[Policy], preferred: Language) -> PageSettings:
        """From the address; ``preferred`` by Accept-Language."""
        known = offered(policies)
        names = {policy.name: policy for policy in known}
        values = {"lang": tuple(LANGUAGES), "rule": tuple(names), **CHOICES, _FIXED: ("1",)}
        asked = {name: query[name] for name, good in values.items() if query.get(name) in good}
        language: Language = "zh" if asked.get("lang", preferred) == "zh" else "en"
        choices = {name: asked.get(name, good[0]) for name, good in CHOICES.items()}
        refused = len(query.getlist("rule")) > ("rule" in asked)
        return cls(language, names.get(asked.get("rule", ""), known[0]), choices, asked, refused)

    def query(self, **changes: str) -> str:
        """The address's query with these settings changed; empty without any."""
        kept = {**self.asked, **changes}
        return f"?{urlencode(kept)}" if kept else ""
