"""State machines: moves, who may make them, and how a machine is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from icard_crypto.errors import Conflict

__all__ = [
    "APPEAL",
    "APPLICANT",
    "CLOCK",
    "ENDED",
    "HEAD",
    "HOLDER",
    "IMPORT",
    "LIVE",
    "OFFICER",
    "OFFICERS",
    "OPEN",
    "UNDECIDED",
    "Machine",
    "Move",
    "diagram",
    "many",
]

APPLICANT: Final = "applicant"
OFFICER: Final = "officer"
OFFICERS: Final = "officers"
HEAD: Final = "head"
HOLDER: Final = "holder"
CLOCK: Final = "clock"
IMPORT: Final = "import"


@dataclass(frozen=True, slots=True)
class Move:
    """A move.

    Args:
        by: applicant (employer or agency; the person where the employer is gone), officer, officers (two of them),
            head, holder, clock (the worker), import.
        guards: what has to hold, words that the services check.
        rules: kinds and ids of the rows that it reads.
        then: what follows.
    """

    name: str
    source: str
    target: str
    by: tuple[str, ...]
    guards: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """A process: its first state, the states that end it, and its moves."""

    name: str
    title: str
    first: str
    last: frozenset[str]
    moves: tuple[Move, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """All states, in the order in which the moves name them."""
        named = (state for move in self.moves for state in (move.source, move.target))
        return tuple(dict.fromkeys((self.first, *named)))

    def allowed(self, state: str, by: str | None = None) -> tuple[Move, ...]:
        """The moves from a state, for one party or for all."""
        return tuple(move for move in self.moves if move.source == state and (by is None or by in move.by))

    def move(self, name: str, state: str, by: str) -> Move:
        """The move of that name from a state by a party.

        Raises:
            Conflict: ``process.move``; ``found`` is the state, ``expected`` what is allowed from it and to whom.
        """
        for move in self.allowed(state, by):
            if move.name == name:
                return move
        may = "; ".join(f"{move.name} ({', '.join(move.by)})" for move in self.allowed(state)) or "nothing"
        raise Conflict("process.move", path=self.name, expected=f"from {state}: {may}", found=f"{name} by {by}")


def many(name: str, sources: tuple[str, ...], target: str, by: tuple[str, ...], **more: tuple[str, ...]) -> list[Move]:
    """A move from several states; without a target each stays where it is."""
    return [Move(name, source, target or source, by, **more) for source in sources]


OPEN: Final = ("SUBMITTED", "PRE_REVIEWED", "ACCEPTED")
#: Filed, and neither decided nor over.
UNDECIDED: Final = ("SUBMITTED", "RETURNED", "PRE_REVIEWED", "ACCEPTED")
APPEAL: Final = ("deadlines/reconsideration", "deadlines/court")
LIVE: Final = ("ACTIVE", "EXTENDED_BY_LAW", "GRANTED")
ENDED: Final = ("CANCELLED", "EXPIRED", "REVOKED", "WITHDRAWN", "LICENCE_WITHDRAWN")


def diagram(machine: Machine) -> str:
    """The machine as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.first}"]
    for move in machine.moves:
        lines.append(f"    {move.source} --> {move.target}: {move.name} ({', '.join(move.by)})")
    lines += [f"    {state} --> [*]" for state in machine.states if not machine.allowed(state)]
    return "\n".join(lines) + "\n"
