"""Cards by key, list, region, state and end; after new codes a card is found by these alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard, Reissue
from issuer.cards.selection import Selection, select_cards
from issuer.core import Core
from issuer.keys.states import active_key
from tests.issuer.conftest import new_database_url
from tests.kit.issuing_service import new_core, new_key, person

BY = Actor("host:Li Na", "a test", break_glass=True)


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return new_core(tmp_path, new_database_url("sqlite", tmp_path))


def ids(core: Core, **wanted: object) -> set[str]:
    return {line.card_id for line in select_cards(core, Selection(**wanted))}  # type: ignore[arg-type]


def issue(core: Core, number: int, **permit: object) -> str:
    return cards.issue(core, [NewCard(person(number, **permit))], BY)[0].card_id


def active(core: Core) -> str:
    row = core.database.read(lambda session: active_key(session, "card"))
    assert row is not None
    return row.thumbprint


def test_cards_of_a_key_until_they_have_other_codes(core: Core) -> None:
    """Those of the next key are not among them; a replaced card is the next key's."""
    old = active(core)
    first, second = issue(core, 1), issue(core, 2)
    new = new_key(core, "card")
    third = issue(core, 3)
    assert (ids(core, key=old), ids(core, key=new)) == ({first, second}, {third})
    cards.replace_many(core, [Reissue(first)], BY)
    assert (ids(core, key=old), ids(core, key=new)) == ({second}, {first, third})
    assert ids(core) == {first, second, third}


def test_by_state_region_list_and_end(core: Core) -> None:
    """Revoked cards only when they are asked for."""
    here, there = issue(core, 1, region="310000"), issue(core, 2, region="310115")
    cards.revoke(core, here, BY)
    assert ids(core) == {there}
    assert ids(core, status="revoked") == {here}
    assert ids(core, region="310115") == {there}
    assert ids(core, region="110000") == set()
    (line,) = select_cards(core, Selection())
    assert ids(core, list_name=line.list_name) == {there}
    assert ids(core, list_name="none") == set()
    assert (ids(core, ends_before=line.ends_at), ids(core, ends_before=line.ends_at + 1)) == (set(), {there})


def test_pages_join_without_a_gap(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("issuer.cards.selection._PAGE", 2)
    issued = {issue(core, number) for number in range(5)}
    found = [line.card_id for line in select_cards(core, Selection())]
    assert (set(found), found) == (issued, sorted(issued))
