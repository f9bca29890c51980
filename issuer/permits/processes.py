"""The processes of a permit as state machines, declared once: drawn from here, enforced from here.

Promises:

1. A move is possible where the machine has it: from that state, by that party, with those guards. Any other is an error
   that names the state, and what is allowed from it and to whom.
2. Each move names its guards, the rows that it reads, and what follows; ``icard-issuer processes`` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from icard_crypto.errors import StateError

__all__ = [
    "EMPLOYER",
    "ENTRY",
    "FILING",
    "HEARING",
    "MACHINES",
    "NOTIFICATION",
    "OBJECTION",
    "PAPER",
    "PERMIT",
    "Machine",
    "Move",
    "diagram",
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
            StateError: ``process.move``; ``found`` is the state, ``expected`` what is allowed from it and to whom.
        """
        for move in self.allowed(state, by):
            if move.name == name:
                return move
        may = "; ".join(f"{move.name} ({', '.join(move.by)})" for move in self.allowed(state)) or "nothing"
        raise StateError("process.move", path=self.name, expected=f"from {state}: {may}", found=f"{name} by {by}")


def _many(name: str, sources: tuple[str, ...], target: str, by: tuple[str, ...], **more: tuple[str, ...]) -> list[Move]:
    """A move from several states; without a target each stays where it is."""
    return [Move(name, source, target or source, by, **more) for source in sources]


_OPEN: Final = ("SUBMITTED", "PRE_REVIEWED", "ACCEPTED")
_APPEAL: Final = ("deadlines/reconsideration", "deadlines/court")
_LIVE: Final = ("ACTIVE", "EXTENDED_BY_LAW", "GRANTED")
_ENDED: Final = ("CANCELLED", "EXPIRED", "REVOKED", "WITHDRAWN", "LICENCE_WITHDRAWN")

#: An application, from the draft to the decision.
FILING: Final = Machine(
    "filing",
    "An application",
    "DRAFT",
    frozenset({"WITHDRAWN", "LAPSED"}),
    (
        Move(
            "submit",
            "DRAFT",
            "SUBMITTED",
            (APPLICANT,),
            ("employer verified", "complete", "papers handed in", "one open file of a kind", "in time"),
            ("materials", "deadlines/D06", "eligibility"),
            ("clock D01", "clock D02", "notice"),
        ),
        Move("withdraw", "DRAFT", "WITHDRAWN", (APPLICANT,), ("no forged paper",)),
        Move(
            "return",
            "SUBMITTED",
            "RETURNED",
            (OFFICER,),
            ("all defects named", "a further return names a new ground"),
            ("deadlines/D02", "deadlines/returned"),
            ("notice with every defect",),
        ),
        Move(
            "submit",
            "RETURNED",
            "SUBMITTED",
            (APPLICANT,),
            ("employer verified", "complete", "papers handed in", "in time"),
            ("materials",),
            ("clock D02 anew",),
        ),
        Move("lapse", "RETURNED", "LAPSED", (CLOCK,), ("not answered in time",), ("deadlines/returned",), ("notice",)),
        Move("pre_review", "SUBMITTED", "PRE_REVIEWED", (OFFICER,), (), ("deadlines/D01",), ("notice",)),
        Move(
            "accept",
            "PRE_REVIEWED",
            "ACCEPTED",
            (OFFICER,),
            (),
            ("deadlines/D03", "deadlines/D04"),
            ("clock D03", "clock D04", "notice"),
        ),
        *_many(
            "accept_by_silence",
            ("SUBMITTED", "PRE_REVIEWED"),
            "ACCEPTED",
            (CLOCK,),
            guards=("defects not notified in time",),
            rules=("deadlines/D02", "deadlines/D03"),
            then=("accepted from the day of receipt", "notice"),
        ),
        Move(
            "prolong",
            "ACCEPTED",
            "ACCEPTED",
            (HEAD,),
            ("once", "with a reason"),
            ("deadlines/D03",),
            ("clock D03 longer", "notice with the reason"),
        ),
        Move(
            "approve",
            "ACCEPTED",
            "APPROVED",
            (OFFICER,),
            (
                "each needed paper verified",
                "category confirmed",
                "term within its limits",
                "the person was heard, where a cancellation lacks their signature",
                "not paused",
            ),
            (
                "materials",
                "terms",
                "deadlines/hearing",
            ),
            ("permit or notification", "clock D05", "notice"),
        ),
        Move(
            "refuse",
            "ACCEPTED",
            "REFUSED",
            (OFFICER,),
            ("reasons", "not paused"),
            (*_APPEAL, "sanctions/forged_application"),
            ("ways of redress with their last days", "warning where a paper is forged", "notice"),
        ),
        Move(
            "pause",
            "ACCEPTED",
            "ACCEPTED",
            (OFFICER,),
            ("a ground of the law", "not paused"),
            ("pauses/hearing", "pauses/test", "pauses/expert_review"),
            ("clocks D03, D04 stop", "notice"),
        ),
        Move("resume", "ACCEPTED", "ACCEPTED", (OFFICER,), ("paused",), (), ("clocks D03, D04 go on", "notice")),
        *_many(
            "transfer",
            (*_OPEN, "RETURNED"),
            "",
            (HEAD,),
            guards=("another office", "with a reason"),
            then=("clocks by the new region", "notice to both sides"),
        ),
        *_many(
            "deliver",
            ("APPROVED", "REFUSED"),
            "",
            (OFFICER, APPLICANT, HOLDER),
            guards=("decided",),
            rules=("deadlines/D05",),
            then=("ways of redress count from then",),
        ),
        Move(
            "reopen",
            "REFUSED",
            "ACCEPTED",
            (HEAD,),
            ("an objection succeeded", "one open file of a kind"),
            ("deadlines/D03",),
            ("clock D03 anew", "notice"),
        ),
        *_many(
            "withdraw",
            (*_OPEN, "RETURNED"),
            "WITHDRAWN",
            (APPLICANT,),
            guards=("no forged paper",),
            then=("notice",),
        ),
    ),
)

#: A paper that was handed in.
PAPER: Final = Machine(
    "paper",
    "A paper of an application",
    "UNCHECKED",
    frozenset(),
    (
        Move(
            "verify",
            "UNCHECKED",
            "VERIFIED",
            (OFFICER,),
            ("how it was checked", "no refusal by its rules"),
            ("document_validity", "authentication"),
        ),
        Move("reject", "UNCHECKED", "REJECTED", (OFFICER,), ("a note",)),
        Move("verify", "REJECTED", "VERIFIED", (OFFICER,), ("how it was checked", "no refusal by its rules")),
        Move("reject", "VERIFIED", "REJECTED", (OFFICER,), ("a note",)),
        *_many(
            "forge",
            ("UNCHECKED", "VERIFIED", "REJECTED"),
            "FORGED",
            (OFFICER,),
            guards=("a note",),
            rules=("sanctions/forged_application", "ends/revoked.fraud"),
            then=("refusal with a warning, or a hearing before a revocation for fraud",),
        ),
        Move("reject", "FORGED", "REJECTED", (OFFICER,), ("a note",)),
    ),
)

#: The notification of a first entry.
NOTIFICATION: Final = Machine(
    "notification",
    "The notification of a first entry",
    "ISSUED",
    frozenset({"USED"}),
    (
        Move(
            "use",
            "ISSUED",
            "USED",
            (OFFICER,),
            ("token right", "in time", "name as in the passport", "permit number", "person checked"),
            ("deadlines/D20",),
            ("permit active", "card issued", "clock D11", "clock D12", "clock D16", "notice"),
        ),
        Move("expire", "ISSUED", "EXPIRED", (CLOCK,), ("its life is over",), ("deadlines/D20",), ("notice",)),
        Move("void", "ISSUED", "EXPIRED", (OFFICER,), ("the permit has ended",)),
        Move("restore", "EXPIRED", "ISSUED", (OFFICERS,), ("the permit was restored",), ("deadlines/D20",)),
    ),
)

#: What follows a first entry of somebody in B or C.
ENTRY: Final = Machine(
    "entry",
    "Originals at the window after a first entry",
    "DUE",
    frozenset({"SHOWN", "NOT_SHOWN"}),
    (
        *_many(
            "show",
            ("DUE", "OVERDUE"),
            "SHOWN",
            (OFFICER,),
            guards=("originals, visa and medical report seen",),
            rules=("deadlines/D11", "window/originals"),
            then=("written decision handed out", "notice"),
        ),
        *_many(
            "prolong",
            ("DUE", "OVERDUE"),
            "DUE",
            (OFFICER,),
            guards=("a later day", "with a reason"),
            then=("notice with the reason",),
        ),
        Move("overdue", "DUE", "OVERDUE", (CLOCK,), ("last day over",), ("deadlines/D11",), ("notice",)),
        Move("not_shown", "OVERDUE", "NOT_SHOWN", (OFFICER,), ("a reason",), (), ("notice",)),
    ),
)

#: The permit itself.
PERMIT: Final = Machine(
    "permit",
    "The permit",
    "GRANTED",
    frozenset(),
    (
        Move("activate", "GRANTED", "ACTIVE", (OFFICER,), ("notification used",), (), ("card issued",)),
        Move("carry_over", "GRANTED", "ACTIVE", (IMPORT,), ("valid physical permit",), (), ("no card yet",)),
        Move("extend", "ACTIVE", "ACTIVE", (OFFICER,), ("approved extension",), ("terms",), ("new codes",)),
        Move("change", "ACTIVE", "ACTIVE", (OFFICER,), ("approved change",), (), ("new codes",)),
        Move(
            "extend_by_law",
            "ACTIVE",
            "EXTENDED_BY_LAW",
            (CLOCK,),
            ("extension filed in time and undecided at the end", "switch on"),
            ("deadlines/D07", "switches/extension_by_law"),
            ("interim codes", "notice"),
        ),
        Move("extend", "EXTENDED_BY_LAW", "ACTIVE", (OFFICER,), ("approved extension",), ("terms",), ("new codes",)),
        Move("expire", "ACTIVE", "EXPIRED", (CLOCK,), ("last day over",), ("deadlines/D10",), ("codes end", "notice")),
        Move(
            "expire",
            "EXTENDED_BY_LAW",
            "EXPIRED",
            (OFFICER, APPLICANT),
            ("extension refused or withdrawn",),
            (),
            ("codes end", "notice"),
        ),
        Move(
            "lapse",
            "EXTENDED_BY_LAW",
            "EXPIRED",
            (CLOCK,),
            ("extension returned and never answered",),
            ("deadlines/returned",),
            ("codes end", "notice"),
        ),
        Move("lapse", "GRANTED", "EXPIRED", (CLOCK,), ("notification not used",), ("deadlines/D20",), ("notice",)),
        *_many(
            "cancel",
            _LIVE,
            "CANCELLED",
            (OFFICER, OFFICERS, HEAD, APPLICANT, HOLDER),
            guards=(
                "approved cancellation, two officers, or the end of a stay",
                "heard, without the person's signature",
            ),
            rules=(*_APPEAL, "ends", "deadlines/hearing"),
            then=("codes end", "notice"),
        ),
        *_many(
            "die",
            _LIVE,
            "DEAD",
            (OFFICER, OFFICERS, HEAD, APPLICANT, HOLDER),
            guards=("approved cancellation, two officers, or the end of a stay",),
            rules=("ends/dead.death",),
            then=("codes end", "notice"),
        ),
        *_many(
            "revoke",
            _LIVE,
            "REVOKED",
            (OFFICERS, HEAD, APPLICANT, HOLDER),
            guards=("two officers, or the end of a stay", "heard"),
            rules=(*_APPEAL, "ends/revoked.fraud", "ends/revoked.wrongly_granted", "deadlines/hearing"),
            then=("codes end", "notice"),
        ),
        *_many(
            "withdraw",
            _LIVE,
            "WITHDRAWN",
            (OFFICERS, HEAD, APPLICANT, HOLDER),
            guards=("two officers, or the end of a stay", "heard"),
            rules=(*_APPEAL, "ends/withdrawn.law_changed", "ends/withdrawn.facts_changed", "deadlines/hearing"),
            then=("codes end", "notice"),
        ),
        *_many(
            "withdraw_licence",
            _LIVE,
            "LICENCE_WITHDRAWN",
            (OFFICERS, HEAD, APPLICANT, HOLDER),
            guards=("two officers, or the end of a stay", "heard"),
            rules=(*_APPEAL, "ends/licence_withdrawn.penalty", "deadlines/hearing"),
            then=("codes end", "notice"),
        ),
        Move(
            "end_stay",
            "ACTIVE",
            "EXPIRED",
            (HEAD, APPLICANT, HOLDER),
            ("what a stay had restored",),
            (),
            ("codes end", "notice"),
        ),
        Move(
            "end_stay",
            "EXTENDED_BY_LAW",
            "EXPIRED",
            (HEAD, APPLICANT, HOLDER),
            ("what a stay had restored",),
            (),
            ("codes end", "notice"),
        ),
        *_many(
            "restore",
            (*_ENDED, "DEAD"),
            "ACTIVE",
            (OFFICERS,),
            guards=("two officers", "an objection succeeded or stayed the end", "last day not over"),
            then=("new card, same number", "notice"),
        ),
        *_many(
            "restore_grant",
            (*_ENDED, "DEAD"),
            "GRANTED",
            (OFFICERS,),
            guards=("two officers", "an objection succeeded or stayed the end", "never activated"),
            rules=("deadlines/D20",),
            then=("the notification holds again", "notice"),
        ),
        Move(
            "restore_by_law",
            "EXPIRED",
            "EXTENDED_BY_LAW",
            (OFFICERS,),
            ("two officers", "an objection succeeded or stayed the end", "extension undecided again", "switch on"),
            ("switches/extension_by_law", "deadlines/interim-code"),
            ("new card, same number", "notice"),
        ),
        *_many(
            "grant",
            _ENDED,
            "GRANTED",
            (OFFICER,),
            guards=("approved application from abroad", "readmitted by two officers after a grave end"),
            then=("notification, same number",),
        ),
        *_many(
            "grant_again",
            _ENDED,
            "ACTIVE",
            (OFFICER,),
            guards=("approved application", "readmitted by two officers after a grave end"),
            then=("new card, same number",),
        ),
    ),
)

#: A hearing before a decision against a person.
HEARING: Final = Machine(
    "hearing",
    "A hearing before a decision against a person",
    "OPEN",
    frozenset({"HEARD", "OVER"}),
    (
        Move("state", "OPEN", "HEARD", (HOLDER, OFFICER), ("a statement",), (), ("notice to the office",)),
        Move("run_out", "OPEN", "OVER", (CLOCK,), ("last day over",), ("deadlines/hearing",)),
    ),
)

#: An objection against a refusal or an end.
OBJECTION: Final = Machine(
    "objection",
    "An objection against a refusal or the end of a permit",
    "LODGED",
    frozenset({"INADMISSIBLE", "UPHELD", "ANNULLED", "WITHDRAWN"}),
    (
        Move(
            "admit",
            "LODGED",
            "ADMITTED",
            (HEAD,),
            ("took no part in the decision",),
            ("deadlines/reconsideration-decided", "deadlines/reconsideration-simple"),
            ("clock of the decision", "notice"),
        ),
        Move(
            "admit_by_silence",
            "LODGED",
            "ADMITTED",
            (CLOCK,),
            ("nothing said in time",),
            ("deadlines/reconsideration-examined", "deadlines/reconsideration-decided"),
            ("clock of the decision", "notice"),
        ),
        Move(
            "dismiss",
            "LODGED",
            "INADMISSIBLE",
            (HEAD,),
            ("took no part in the decision", "a reason"),
            ("deadlines/court-after-reconsideration",),
            ("way to the court", "notice"),
        ),
        Move(
            "stay",
            "ADMITTED",
            "ADMITTED",
            (HEAD,),
            ("once", "a reason"),
            (),
            ("two officers may restore the permit", "notice"),
        ),
        Move(
            "prolong",
            "ADMITTED",
            "ADMITTED",
            (HEAD,),
            ("once", "a reason"),
            ("deadlines/reconsideration-decided",),
            ("clock longer", "notice"),
        ),
        Move(
            "uphold",
            "ADMITTED",
            "UPHELD",
            (HEAD,),
            ("took no part in the decision", "a reason"),
            ("deadlines/court-after-reconsideration",),
            ("what a stay restored ends", "way to the court", "notice"),
        ),
        Move(
            "annul",
            "ADMITTED",
            "ANNULLED",
            (HEAD,),
            ("took no part in the decision", "a reason"),
            (),
            ("a refused application is decided anew", "two officers may restore the permit", "notice"),
        ),
        *_many(
            "withdraw",
            ("LODGED", "ADMITTED"),
            "WITHDRAWN",
            (APPLICANT, HOLDER),
            guards=("one's own",),
            then=("what a stay restored ends", "notice"),
        ),
    ),
)

#: An employer, as officers found it.
EMPLOYER: Final = Machine(
    "employer",
    "An employer",
    "pending",
    frozenset(),
    (
        *_many(
            "verify",
            ("pending", "verified", "suspended", "ceased"),
            "verified",
            (OFFICER,),
            guards=("licence checked",),
        ),
        *_many("suspend", ("pending", "verified"), "suspended", (OFFICER,), guards=("a reason",)),
        *_many(
            "cease",
            ("pending", "verified", "suspended"),
            "ceased",
            (OFFICER,),
            guards=("a reason",),
            then=("the person may file",),
        ),
    ),
)

MACHINES: Final[Mapping[str, Machine]] = {
    machine.name: machine for machine in (FILING, PAPER, NOTIFICATION, ENTRY, PERMIT, HEARING, OBJECTION, EMPLOYER)
}


def diagram(machine: Machine) -> str:
    """The machine as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.first}"]
    for move in machine.moves:
        lines.append(f"    {move.source} --> {move.target}: {move.name} ({', '.join(move.by)})")
    lines += [f"    {state} --> [*]" for state in machine.states if not machine.allowed(state)]
    return "\n".join(lines) + "\n"
