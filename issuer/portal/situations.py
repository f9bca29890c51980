"""What is going on, in a sentence: for every state that an application, a permit or an insurance can be in.

Promises:

1. Every state has its sentence in both languages; it says whose turn it is and what comes next. A day stands beside it,
   with its rule, wherever one runs.
2. No state is shown by the name that the program has for it.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from icard_crypto.errors import NotAllowed, NotFound
from issuer.insurance.views import InsuranceView
from issuer.permits import notification_views, offices
from issuer.permits.machines import UNDECIDED
from issuer.permits.notification_views import NotificationView
from issuer.permits.views import FilingView, PermitView
from issuer.rules.deadlines import due, window

from .catalogue import Words
from .parts import Deadline
from .rule_shown import ShownRules
from .visits import Visit

__all__ = [
    "employer_situation",
    "filing_situation",
    "insurance_situation",
    "permit_situation",
    "situation",
]

Titled = tuple[str, Deadline]
#: Of an application about a permit, the deadline of its filing, and the day in its record from which it counts.
_REPORTED: Final = {"change": ("D08", "changed_on"), "cancellation": ("D09", "ended_on")}


def situation(t: Words, subject: str, state: str) -> str:
    """The sentence for a state: of a machine of :mod:`issuer.permits.processes`, of a residence permit, or of what is
    followed about insurance (finding, claim, refusal).

    Raises:
        KeyError: there is none.
    """
    return t(f"situations.{subject}_{state}")


def filing_situation(
    visit: Visit, rules: ShownRules, view: FilingView, permit: PermitView | None
) -> tuple[list[str], list[Titled]]:
    """Where an application is: its sentences, and the days that run beside the office's clocks.

    Args:
        permit: that it is about, or has led to, where the viewer sees it.
    """
    t = rules.t
    if view.state == "ACCEPTED" and view.paused_since is not None:
        said = [t("situations.filing_paused", day=t.day(view.paused_since))]
    else:
        said = [situation(t, "filing", view.state)]
    if view.state in ("DRAFT", *UNDECIDED):
        days = _filed_by(rules, view, permit) if view.state == "DRAFT" else []
        state = _employer_state(visit, view.employer_id)
        if state is not None and state != "verified":
            said.append(situation(t, "employer", state))
            if view.state == "DRAFT":
                said.append(t("situations.filing_held_until" if days else "situations.filing_held"))
        return said, days
    found = None
    if view.process == "overseas" and view.state == "APPROVED":
        found = notification_views.notification_of_filing(visit.core, visit.call.who, view.filing_id)
    if found is None:
        return said, []
    return [*said, situation(t, "notification", found.state)], _used_by(rules, found, view.region)


def permit_situation(visit: Visit, rules: ShownRules, view: PermitView, *, filed: bool) -> tuple[str, list[Titled]]:
    """What comes next for a permit, and until when a notification is used.

    Args:
        filed: an extension is filed and not decided.
    """
    t = rules.t
    if view.state == "ACTIVE" and filed:
        return t("situations.permit_filed"), []
    if view.readmitted:
        return t("situations.permit_readmitted"), []
    used_by: list[Titled] = []
    if view.state == "GRANTED":
        found = notification_views.notification_of_permit(visit.core, visit.call.who, view.permit_id)
        used_by = _used_by(rules, found, view.terms[-1].region)
    return situation(t, "permit", view.state), used_by


def employer_situation(visit: Visit) -> str:
    """Whether one's own employer may file; empty for an agency."""
    state = _employer_state(visit, visit.call.who.organisation_id or "")
    return situation(visit.words, "employer", state) if state is not None else ""


def insurance_situation(t: Words, view: InsuranceView) -> str:
    """Whether somebody is insured, and who has to do something about it."""
    if view.state == "lapsed":
        return situation(t, "insurance", "lapsed")
    enrolled = any(state == "ENROLLED" for state in view.schemes.values())
    return situation(t, "insurance", "good" if enrolled else "none")


def _employer_state(visit: Visit, employer_id: str) -> str | None:
    """An employer as an officer found it, for whoever files for it or decides about it; None: for others."""
    try:
        return offices.show_employer(visit.core, visit.call.who, employer_id).state
    except (NotAllowed, NotFound):
        return None


def _used_by(rules: ShownRules, found: NotificationView | None, region: str) -> list[Titled]:
    """Until when a notification is used; empty where it was used or is over."""
    row, t = rules.of_deadline("D20", region), rules.t
    if found is None or found.state != "ISSUED" or row is None:
        return []
    then, whose = t("due.then_notification"), t("permit.whose_holder")
    return [(t("due.what_notification"), rules.deadline(row, found.until, region, whose=whose, otherwise=then))]


def _filed_by(rules: ShownRules, view: FilingView, permit: PermitView | None) -> list[Titled]:
    """Until when a draft about a permit has to be submitted: an extension by the permit's end, a report by the day in
    its record from which that counts; empty while it has none."""
    t, whose = rules.t, rules.t("filing.whose_applicant")
    name, field = _REPORTED.get(view.process, ("D06", ""))
    row, begun = rules.of_deadline(name, view.region), view.record.get(field)
    if row is None:
        return []
    if view.process == "extension" and permit is not None:
        closes = window(row, date.fromisoformat(permit.until)).closes
        return [(t("permit.extension_closes"), rules.deadline(row, closes, view.region, whose=whose))]
    last = due(row, rules.calendar(view.region), date.fromisoformat(str(begun))) if begun else None
    if last is None:
        return []
    shown = rules.deadline(row, last.day, view.region, whose=whose, provisional=last.provisional)
    return [(row.value["title"][t.language], shown)]
