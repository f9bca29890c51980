"""The processes of a permit as state machines, declared once: drawn from here, enforced from here.

Promises:

1. A move is possible where the machine has it: from that state, by that party, with those guards. Any other is an error
   that names the state, and what is allowed from it and to whom.
2. Each move names its guards, the rows that it reads, and what follows; ``icard-issuer processes`` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .machines import (
    APPEAL,
    APPLICANT,
    CLOCK,
    HEAD,
    HOLDER,
    IMPORT,
    OFFICER,
    OFFICERS,
    OPEN,
    Machine,
    Move,
    diagram,
    many,
)
from .permit_processes import EMPLOYER, HEARING, OBJECTION, PERMIT, SOCIAL_CARD

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
    "SOCIAL_CARD",
    "Machine",
    "Move",
    "diagram",
]

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
        Move(
            "carry_over",
            "DRAFT",
            "SUBMITTED",
            (IMPORT,),
            ("open at the switch", "one open file of a kind"),
            ("deadlines/D01", "deadlines/D02"),
            ("clocks from the days on file", "notice"),
        ),
        Move(
            "carry_notification",
            "DRAFT",
            "APPROVED",
            (IMPORT,),
            ("approved before the switch", "the notification is not used and not over", "no permit here"),
            (),
            ("permit granted", "notification with a token of its own and its former last day", "notice"),
        ),
        Move("withdraw", "DRAFT", "WITHDRAWN", (APPLICANT,), ("no forged paper",)),
        Move(
            "return",
            "SUBMITTED",
            "RETURNED",
            (OFFICER, IMPORT),
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
        Move("pre_review", "SUBMITTED", "PRE_REVIEWED", (OFFICER, IMPORT), (), ("deadlines/D01",), ("notice",)),
        Move(
            "accept",
            "PRE_REVIEWED",
            "ACCEPTED",
            (OFFICER, IMPORT),
            (),
            ("deadlines/D03", "deadlines/D04"),
            ("clock D03", "clock D04", "notice"),
        ),
        *many(
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
            (*APPEAL, "sanctions/forged_application"),
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
        *many(
            "transfer",
            (*OPEN, "RETURNED"),
            "",
            (HEAD,),
            guards=("another office", "with a reason"),
            then=("clocks by the new region", "notice to both sides"),
        ),
        *many(
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
        *many(
            "withdraw",
            (*OPEN, "RETURNED"),
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
        *many(
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
        *many(
            "show",
            ("DUE", "OVERDUE"),
            "SHOWN",
            (OFFICER,),
            guards=("originals, visa and medical report seen",),
            rules=("deadlines/D11", "window/originals"),
            then=("written decision handed out", "notice"),
        ),
        *many(
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

MACHINES: Final[Mapping[str, Machine]] = {
    machine.name: machine
    for machine in (FILING, PAPER, NOTIFICATION, ENTRY, PERMIT, HEARING, OBJECTION, EMPLOYER, SOCIAL_CARD)
}
