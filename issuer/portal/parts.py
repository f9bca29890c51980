"""What pages are made of, as values: deadlines with their rule, steps, timelines, checklists, messages.

Promises:

1. A deadline always has its day, how it is counted, whether it is firm, whose turn it is and what happens otherwise, so
   that no page can leave one of them out.
2. A number that a law or a region sets carries its :class:`Rule`.
3. Nothing here reads a clock: whoever makes a value says what day it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

__all__ = [
    "SOON",
    "Act",
    "Cell",
    "Certainty",
    "Check",
    "Choice",
    "Deadline",
    "Difference",
    "Entry",
    "Fact",
    "Grid",
    "Message",
    "Report",
    "Row",
    "Rule",
    "Step",
    "Tag",
    "Upload",
    "name_differences",
]

#: Days at and below which a deadline is shown as near.
SOON = 10

Tone = Literal["ok", "info", "neutral", "warn", "bad"]
Certainty = Literal["law", "secondary", "recalled", "own"]


@dataclass(frozen=True, slots=True)
class Tag:
    """A state in one adjective. ``tone``: ok only for what is in force now."""

    text: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do, as a link."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a number comes from.

    Attributes:
        text: what the rule says, in the language of the page.
        source: law and article, or notice and number.
        region: what it applies in, in words.
        since: from which day.
        certainty: read in the law; from a secondary source; recalled and not found; the service's own.
    """

    text: str
    source: str
    region: str
    since: date
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when somebody has to do something.

    Attributes:
        left: days from today to ``day``, of the kind that ``counted`` says; negative: overdue.
        firm: False: holidays of that time are not announced yet, and the day may move.
        whose: whose turn it is, in words.
        otherwise: what happens when the day passes.
        begins: the day is the first on which something can be done, not the last.
    """

    day: date
    left: int
    counted: Literal["calendar", "working"]
    firm: bool
    whose: str
    otherwise: str
    rule: Rule | None = None
    begins: bool = False

    @property
    def level(self) -> Literal["over", "soon", "later"]:
        """How near it is."""
        if self.begins:
            return "later"
        return "over" if self.left < 0 else "soon" if self.left <= SOON else "later"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a due list: what is due for whom, by when, and the one act."""

    what: str
    who: str
    deadline: Deadline
    act: Act


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a process. ``under``: the date or the deadline beneath the one that is now."""

    text: str
    state: Literal["done", "now", "later"]
    under: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a timeline, newest first. ``turn``: whose turn it is now, on the newest alone."""

    at: str
    text: str
    who: str = ""
    detail: str = ""
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A line of a checklist.

    Attributes:
        state: waiting: done as far as one's own part goes, and not looked at yet.
        why: what fulfils it, or what is wrong with it.
        name: what errors lead to.
        said: the state in words for who does not see its sign; empty: that of a document.
    """

    text: str
    state: Literal["done", "waiting", "open", "wrong", "unneeded"]
    why: str = ""
    act: Act | None = None
    name: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a summary list.

    Attributes:
        act: change it, or report it; its hidden part names the key.
        code: shown in a monospaced face.
        lang: of the value, where it is not the page's.
        disputed: somebody has reported that it is wrong.
        name: of the field, which errors lead to; wrong: what has to be corrected about it.
        reports: the fact of the record (:mod:`issuer.privacy.disputes`) that a report about this line names.
    """

    key: str
    value: str
    act: Act | None = None
    code: bool = False
    lang: str | None = None
    tag: Tag | None = None
    rule: Rule | None = None
    disputed: bool = False
    name: str = ""
    wrong: str = ""
    reports: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a select, of radios, or of filters. ``href``: of a filter."""

    value: str
    text: str
    hint: str = ""
    href: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table. ``number``: digits, aligned to the right."""

    text: str
    href: str | None = None
    tag: Tag | None = None
    number: bool = False
    code: bool = False
    more: str = ""
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was taken in. ``thumbnail``: the address of its first page as a picture, drawn by the service."""

    name: str
    size: str
    pages: int
    href: str
    thumbnail: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message between a file's parties and its office."""

    who: str
    at: str
    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A report that a fact is wrong: its number, where it is, and the answer once there is one."""

    number: str
    about: str
    text: str
    tag: Tag
    deadline: Deadline | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Months by schemes. Each sign is ``tick``, ``cross``, ``dash`` or ``open``, with its words."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[str, str]]]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of a name as two records write it. ``same``: whether they agree."""

    ours: str
    theirs: str
    same: bool


def name_differences(ours: str, theirs: str) -> list[Difference]:
    """Two ways to write a name, part by part: which part differs.

    Args:
        ours: as the record has it.
        theirs: as it was given.
    """
    left, right = ours.split(), theirs.split()
    width = max(len(left), len(right))
    pairs = zip(left + [""] * (width - len(left)), right + [""] * (width - len(right)), strict=True)
    return [Difference(one, other, one.casefold() == other.casefold()) for one, other in pairs]
