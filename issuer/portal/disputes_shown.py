"""Facts of a record with the way to report that one is wrong, and with what is disputed.

Promises:

1. The person can report each fact, from beside it; where a report waits already, the link leads to it.
2. An official sees that a fact is disputed, and whoever may decide on the report is led to it. Nobody else sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from issuer.privacy.disputes import Topic, disputed_facts
from issuer.privacy.requests import DECIDES

from .catalogue import Words
from .parts import Act, Fact
from .rendering import BASE
from .visits import Visit

__all__ = ["fact_label", "reportable"]

#: Labels of facts that are not those of a card.
_LABELS: Final[Mapping[tuple[Topic, str], str]] = {
    ("account", "name"): "account.name",
    ("account", "email"): "account.email",
    ("permit", "region"): "permit.region",
    ("insurance", "number"): "insurance.number",
    ("insurance", "region"): "permit.region",
    ("insurance", "work_since"): "insurance.work_since",
    ("insurance", "contributions"): "requests.contributions",
}


def fact_label(t: Words, topic: Topic, fact: str) -> str:
    """What a page calls a fact of a record."""
    return t(_LABELS.get((topic, fact), f"card.{fact}"))


def reportable(visit: Visit, topic: Topic, person_id: str | None, facts: Sequence[Fact]) -> list[Fact]:
    """These facts, as the viewer can report them or sees them disputed.

    Args:
        person_id: whose record it is; None: nobody's that is known.
    """
    who = visit.call.who
    own = person_id == who.person_id and who.may("privacy.own")
    if person_id is None or not (own or who.role.official):
        return list(facts)
    disputed = disputed_facts(visit.core, person_id, topic)
    opens = own or who.may(DECIDES[topic])
    return [_shown(visit.words, topic, fact, disputed.get(fact.reports), own=own, opens=opens) for fact in facts]


def _shown(t: Words, topic: Topic, fact: Fact, request_id: str | None, *, own: bool, opens: bool) -> Fact:
    if request_id is not None:
        act = Act(t("report.open"), f"{BASE}privacy/requests/{request_id}") if opens else fact.act
        return replace(fact, disputed=True, act=act)
    if own and fact.reports and fact.act is None:
        address = f"{BASE}privacy/requests/new?topic={topic}&fact={fact.reports}"
        return replace(fact, act=Act(t("report.wrong"), address))
    return fact
