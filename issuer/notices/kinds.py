"""The types of notices: their facts, channels and texts.

Promises:

1. A notice says ids, nothing else: its facts are those that its kind names, each an id in form. No personal data can
   come into a subject, a text or a payload.
2. Every kind has words in English and Chinese (``kinds.json``, ``mail.json``); an act that makes a notice names its
   kind there.
3. Every kind names the roles that it can reach, and stands in one group of the settings (``groups.json``).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal

from icard_crypto.errors import Invalid, Language

__all__ = [
    "CHANNELS",
    "LANGUAGES",
    "Channel",
    "Group",
    "Kind",
    "Words",
    "groups",
    "kind_of",
    "kind_of_act",
    "kinds",
    "mail_words",
]

Channel = Literal["email", "webhook"]
CHANNELS: Final[tuple[Channel, ...]] = ("email", "webhook")
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

#: Ids and words of closed sets; no space, so no name and no sentence.
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Words:
    """A kind's subject and text in one language."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice.

    Args:
        facts: the names of what it says.
        channels: where it goes beside the inbox.
        fixed: of these, the ones that cannot be turned off.
        link: the path below the service's address, with the names of facts and perhaps ``secret`` in braces.
        roles: of the accounts that it can reach.
    """

    name: str
    facts: frozenset[str]
    channels: tuple[Channel, ...]
    fixed: frozenset[Channel]
    link: str
    words: Mapping[Language, Words]
    roles: frozenset[str]

    def check(self, facts: Mapping[str, str]) -> None:
        """Refuse facts that are not this kind's, or no ids.

        Raises:
            Invalid: ``notice.facts``; a fault of the program that causes the notice.
        """
        if facts.keys() != self.facts or not all(_ID.fullmatch(value) for value in facts.values()):
            raise Invalid("notice.facts", path=self.name, expected=f"ids: {', '.join(sorted(self.facts))}")

    def path(self, facts: Mapping[str, str], secret: str | None) -> str:
        """The path of its link."""
        return self.link.format_map({**facts, "secret": secret or ""})


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds that the settings list under one heading: ``words``, by language."""

    words: Mapping[Language, str]
    kinds: tuple[Kind, ...]


def kind_of(name: str) -> Kind:
    """The kind with this name.

    Raises:
        Invalid: ``notice.kind``.
    """
    found = kinds().get(name)
    if found is None:
        raise Invalid("notice.kind", expected="a kind of notice", found=name[:40])
    return found


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by name."""
    roles = _roles()
    return {
        name: Kind(
            name,
            frozenset(entry["facts"]),
            tuple(entry["channels"]),
            frozenset(entry["fixed"]),
            entry["link"],
            {language: Words(**entry[language]) for language in LANGUAGES},
            roles[name],
        )
        for name, entry in _read("kinds.json").items()
    }


@functools.cache
def groups() -> tuple[Group, ...]:
    """All kinds by group, in the order of the settings."""
    return tuple(
        Group({language: entry[language] for language in LANGUAGES}, tuple(kinds()[name] for name in entry["kinds"]))
        for entry in _read("groups.json")["groups"]
    )


def kind_of_act(act: str) -> Kind:
    """The kind of notice that an act on a card makes, by the act's name in the audit."""
    return kinds()[_acts()[act]]


@functools.cache
def mail_words() -> Mapping[str, Mapping[str, str]]:
    """The words around every e-mail, by language."""
    return _read("mail.json")


def _roles() -> dict[str, frozenset[str]]:
    """The roles that each kind can reach."""
    table = _read("groups.json")
    return {
        name: frozenset(role for one in to.split() for role in table["audiences"].get(one, one).split())
        for group in table["groups"]
        for name, to in group["kinds"].items()
    }


@functools.cache
def _acts() -> dict[str, str]:
    return {entry["act"]: name for name, entry in _read("kinds.json").items() if "act" in entry}


@functools.cache
def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((resources.files("issuer.notices") / name).read_text("utf-8"))
    return content
