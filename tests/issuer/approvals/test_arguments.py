"""JSON within a request for two people, and in what a form brings back after a log-in."""

from __future__ import annotations

import pytest

from icard_crypto.errors import Invalid
from issuer.approvals.json_arguments import card_of, rule_of
from issuer.portal.subjects import login

NO_JSON = ("", "{", '{"kind": "fees", "kind": "photo"}', "[" * 60_000, '{"a":' * 20_000, "NaN")


@pytest.mark.parametrize("text", NO_JSON)
def test_what_two_people_decide_on_reads_alike_for_everybody(text: str) -> None:
    """A name twice, or nested too deeply, is refused by the field's name: what the one checks the other signs."""
    with pytest.raises(Invalid) as rule:
        rule_of({"rule": text})
    assert (rule.value.code, rule.value.path) == ("rules.field", "rule")
    with pytest.raises(Invalid) as card:
        card_of({"card": text})
    assert (card.value.code, card.value.path) == ("account.field", "card")


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_no_draft_comes_back_as_none(text: str) -> None:
    assert login._drafted(text) == {}
