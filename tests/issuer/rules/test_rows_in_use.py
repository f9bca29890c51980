"""Every shipped row is alive: it holds where and when it says, and the program or its people read it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from issuer.permits.ending import KINDS
from issuer.permits.processes import MACHINES, PERMIT
from issuer.permits.records import record_from
from issuer.rules.book import shipped
from issuer.rules.citations import cite
from issuer.rules.rows import Rule

BOOK = shipped()
SOURCES = "\n".join(path.read_text("utf-8") for path in (Path(__file__).parents[3] / "issuer").rglob("*.py"))
#: Duties of the person or the employer towards others: shown with the rules, and nothing here counts them.
SHOWN_ONLY = {"D13", "D14", "D15", "D16", "D21", "D22"}
GROUNDS = ("contract_ended", "dismissed", "resigned", "death", "incapacity", "left_china", "employer_gone")


@pytest.mark.parametrize("kind", BOOK.kinds)
def test_each_row_is_found_where_and_when_it_holds_and_names_its_source(kind: str) -> None:
    for rule in BOOK.all(kind):
        assert BOOK.find(kind, rule.id, rule.region, rule.valid_from) is rule, rule.name
        if rule.valid_to is not None:
            after = BOOK.find(kind, rule.id, rule.region, rule.valid_to + timedelta(days=1))
            assert after is not rule, rule.name
        assert cite(rule, "en").endswith(f"; rule {rule.id})")
        assert cite(rule, "zh").endswith(f"；规则 {rule.id}）")


@pytest.mark.parametrize("kind", BOOK.kinds)
def test_each_kind_is_read_by_the_program(kind: str) -> None:
    named = {row.partition("/")[0] for machine in MACHINES.values() for move in machine.moves for row in move.rules}
    assert f'"{kind}"' in SOURCES or kind in named


def test_no_deadline_is_dead() -> None:
    declared = {row for machine in MACHINES.values() for move in machine.moves for row in move.rules}
    ids = {rule.id for rule in BOOK.all("deadlines")}
    unread = {name for name in ids if f'"{name}"' not in SOURCES and f"deadlines/{name}" not in declared}
    assert unread <= SHOWN_ONLY, unread - SHOWN_ONLY
    assert ids >= SHOWN_ONLY


@pytest.mark.parametrize("rule", BOOK.all("ends"), ids=lambda rule: rule.id)
def test_each_end_has_its_kind_its_words_and_who_decides(rule: Rule) -> None:
    kind = rule.id.partition(".")[0]
    assert rule.value["title"].keys() == {"en", "zh"}
    assert isinstance(rule.value["hearing"], bool)
    if rule.value["two"]:
        assert PERMIT.move(KINDS[kind], "ACTIVE", "officers").target == kind.upper().replace("DEATH", "DEAD")
    else:
        assert kind == "expired", "what time alone does takes no officer"


@pytest.mark.parametrize("ground", GROUNDS)
def test_each_ground_of_a_cancellation_has_its_end(ground: str) -> None:
    assert record_from({"ground": ground}).ground == ground
    name = "dead.death" if ground == "death" else f"cancelled.{ground}"
    assert BOOK.all("ends", name)


@pytest.mark.parametrize("kind", ["pauses", "sanctions"])
def test_each_ground_of_a_pause_and_each_sanction_has_words_in_both_languages(kind: str) -> None:
    assert all(rule.value["title"].keys() == {"en", "zh"} for rule in BOOK.all(kind))
