"""The policies that a request may name: the shipped ones and the operator's own, with titles for people.

Promises:

1. An operator's policy is read as strictly as any; one that takes a shipped name is refused, so that ``gate`` is the
   same everywhere.
2. A policy that comes with a request is one with the name ``inline`` unless it says another that is free.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from icard_crypto.errors import Invalid
from verifier.decision.policy import Policy

__all__ = ["Policies"]


class Policies:
    """Policies by name.

    Args:
        own: the operator's.
        default: the name of the one that counts where a request names none.

    Raises:
        Invalid: ``policy.taken``: a name twice; ``policy.name``: no such default.
    """

    def __init__(self, own: Iterable[Policy] = (), default: str = "gate") -> None:
        by_name = {name: Policy.named(name) for name in Policy.names()}
        for policy in own:
            if policy.name in by_name:
                raise Invalid("policy.taken", path="name", found=policy.name)
            by_name[policy.name] = policy
        self.by_name: Mapping[str, Policy] = by_name
        self.default = self.named(default)

    def named(self, name: str) -> Policy:
        """A policy by its name.

        Raises:
            Invalid: ``policy.name``.
        """
        found = self.by_name.get(name)
        if found is None:
            raise Invalid("policy.name", path="policy", expected=", ".join(self.by_name), found=repr(name)[:60])
        return found

    def asked(self, given: object) -> Policy:
        """What a request asks for: nothing, a name, or a policy as JSON (promise 2).

        Raises:
            Invalid: ``policy.*``.
        """
        if given is None:
            return self.default
        if isinstance(given, str):
            return self.named(given)
        if isinstance(given, Mapping):
            policy = Policy.from_dict({"name": "inline", **given})
            if policy.name in self.by_name:
                raise Invalid("policy.taken", path="policy.name", found=policy.name)
            return policy
        raise Invalid("policy.value", path="policy", expected="a name or an object", found=type(given).__name__)

    def to_list(self) -> list[dict[str, Any]]:
        """All policies for a program: names, titles, rules."""
        return [
            {
                "name": name,
                "title": _titles().get(name, {"en": name, "zh": name}),
                "default": policy is self.default,
                "rules": policy.to_dict(),
            }
            for name, policy in self.by_name.items()
        ]


@functools.cache
def _titles() -> dict[str, dict[str, str]]:
    text = (resources.files("verifier.service") / "policy_titles.json").read_text("utf-8")
    titles: dict[str, dict[str, str]] = json.loads(text)
    return titles
