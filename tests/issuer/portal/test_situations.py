"""What is said about every state that there is: complete, in both languages, and without the program's own names."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from icard_crypto.errors import Language
from issuer.insurance.models import BenefitClaim, BenefitOrder, FindingState, RefusalReport
from issuer.insurance.views import SchemeState
from issuer.permits.case_moves import WAYS
from issuer.permits.papers import HOW
from issuer.permits.processes import FILING, MACHINES
from issuer.portal.catalogue import LANGUAGES, Words, entries
from issuer.portal.situations import situation
from issuer.rules.book import shipped
from tests.kit.walked_pages import STATES

#: Of the machines, those whose states have sentences; of the others a paper's stand in the checklist.
SUBJECTS = [name for name in MACHINES if name != "paper"]


def states_of(table: type) -> list[str]:
    """The states that the table of a model allows."""
    for constraint in table.__table__.constraints:  # type: ignore[attr-defined]
        found = re.fullmatch(r"state in \((.*)\)", str(getattr(constraint, "sqltext", "")))
        if found:
            return re.findall(r"'([a-z_]+)'", found[1])
    raise AssertionError(table)


def pairs() -> list[tuple[str, str]]:
    """Every subject with every state that it can be in."""
    found = [(name, state) for name in SUBJECTS for state in MACHINES[name].states]
    found += [("entry", "NOT_NEEDED")]
    found += [("residence", state) for state in ("not_applied", "applied", "granted", "refused")]
    for subject, table in (("finding", FindingState), ("claim", BenefitClaim), ("refusal", RefusalReport)):
        found += [(subject, state) for state in states_of(table)]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_its_sentence(language: Language) -> None:
    """It ends as a sentence does, and has no name of a program in it."""
    t = Words(language)
    for subject, state in pairs():
        said = situation(t, subject, state)
        assert said.endswith("." if language == "en" else "。"), (subject, state)
        assert not re.search(rf"\b({'|'.join(STATES)})\b|_", said), (subject, state)


def test_no_sentence_is_about_a_state_that_is_gone() -> None:
    said = {name.removeprefix("situations.") for name in entries() if name.startswith("situations.")}
    beside = {"filing_paused", "filing_held", "filing_held_until", "permit_filed", "permit_readmitted"}
    beside |= {f"insurance_{state}" for state in ("good", "lapsed", "none")}
    assert said - {f"{subject}_{state}" for subject, state in pairs()} == beside


def test_every_state_and_move_has_its_word() -> None:
    """Tags, steps of the history, schemes, orders of benefits: whatever is put together from a name has an entry."""
    wanted = {f"filing.state_{state}" for state in FILING.states}
    wanted |= {f"filing.move_{move.name}" for move in FILING.moves}
    wanted |= {f"filing.by_{party}" for move in FILING.moves for party in move.by}
    wanted |= {f"filing.delivered_{way}" for way in WAYS} | {f"filing.how_{way}" for way in HOW}
    wanted |= {f"desk.how_{way}_hint" for way in HOW} | {f"desk.paper_{state}" for state in MACHINES["paper"].states}
    wanted |= {f"filing.paper_{state.lower()}" for state in MACHINES["paper"].states}
    wanted |= {f"permit.state_{state}" for state in MACHINES["permit"].states}
    wanted |= {f"entries.originals_{state}" for state in (*MACHINES["entry"].states, "NOT_NEEDED")}
    wanted |= {f"objections.state_{state}" for state in MACHINES["objection"].states}
    wanted |= {f"social.state_{state}" for state in MACHINES["social_card"].states}
    wanted |= {f"social.do_{move.name}" for move in MACHINES["social_card"].moves if move.name != "replace"}
    wanted |= {f"insurance.s_{state}" for state in get_args(SchemeState)}
    wanted |= {f"insurance.f_{state}" for state in states_of(FindingState)}
    wanted |= {f"benefits.state_{state}" for state in states_of(BenefitClaim)}
    wanted |= {f"benefits.order_{state}" for state in states_of(BenefitOrder)}
    wanted |= {f"services.state_{state}" for state in states_of(RefusalReport)}
    wanted |= {f"rules.kind_{kind}" for kind in shipped().kinds}
    assert {name for name in wanted if not Words("en").has(name)} == set()
