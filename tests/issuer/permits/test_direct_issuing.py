"""Without direct issuing a card, and what it says, comes from an approved application or an import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.card.card import Card
from icard_crypto.errors import StateError
from issuer import cards
from issuer.acts import Actor
from issuer.bulk import run as bulk
from issuer.bulk.refusals import refusals
from issuer.bulk.rows import Source
from issuer.cards import NewCard, Reissue
from issuer.settings import Settings
from issuer.switchover.physical import import_permits
from tests.issuer.permits.test_permit_life import extension
from tests.issuer.permits.test_switchover import row, write
from tests.kit.callers import problem
from tests.kit.issuing_service import person
from tests.kit.people import HOST
from tests.kit.permit_office import PermitOffice

NUMBER = "310115202500000001"


def test_a_new_service_issues_nothing_directly() -> None:
    assert Settings.model_fields["direct_issuing"].default is False


def test_a_card_without_an_application_is_refused_by_api_and_by_two(office: PermitOffice) -> None:
    card = person(1).to_json()
    answer = office.ask(office.officer, "POST", "/v1/cards", {"card": card})
    assert problem(answer) == (403, "issue.file_needed")
    with pytest.raises(StateError, match=r"issue\.file_needed"):
        cards.issue(office.core, [NewCard(person(1))], Actor("account:x"))
    asked = office.asked("card.issue", {"card": json.dumps(card)})
    assert problem(asked) == (403, "issue.file_needed")


def test_another_record_needs_an_application_and_new_codes_do_not(office: PermitOffice) -> None:
    permit = office.employed()
    path = f"/v1/cards/{permit['card_id']}"
    shown = office.ok(office.officer, "GET", path)["card"]

    def version() -> str:
        return str(office.ask(office.officer, "GET", path).headers["ETag"])

    changed = {**shown, "permit": {**shown["permit"], "position": "Head of design"}}
    for act in ("replace", "renew"):
        body = {"card": changed, "reason": "x"}
        answer = office.ask(office.officer, "POST", f"{path}/{act}", body, version=version())
        assert problem(answer) == (403, "issue.file_needed")
    asked = office.asked("card.replace", {"card_id": permit["card_id"], "card": json.dumps(changed)})
    assert problem(asked) == (403, "issue.file_needed")
    for act in ("renew", "replace"):
        office.ok(office.officer, "POST", f"{path}/{act}", {"reason": "telephone lost"}, version=version())
    assert office.verdict(office.code(permit)) == ["VALID"]


def test_on_the_host_one_person_issues_with_a_reason(office: PermitOffice) -> None:
    (issued,) = cards.issue(office.core, [NewCard(person(1))], HOST)
    record: Card = cards.show(office.core, issued.card_id).card
    cards.replace(office.core, Reissue(issued.card_id, record), HOST)
    with pytest.raises(StateError, match=r"issue\.file_needed"):
        cards.replace(office.core, Reissue(issued.card_id, record), Actor("host:somebody"))


def test_a_file_of_cards_is_refused_as_a_whole(office: PermitOffice, tmp_path: Path) -> None:
    path = tmp_path / "cards.csv"
    path.write_text("holder.name\nVOGEL\n", "utf-8")
    with pytest.raises(StateError, match=r"issue\.file_needed"):
        bulk.run(office.core, "issue", Source.of(path), Actor("host:somebody"))


def carried(office: PermitOffice, tmp_path: Path, **changes: Any) -> tuple[str, list[tuple[str, str | None]]]:
    """A card from before the switch, and the import of its permit; the card's id, and what was refused."""
    begun = person(1).to_json()
    begun["holder"] |= {"name": "ADLER MAX", "year_of_birth": 1980, "date_of_birth": "1980-05-17", **changes}
    begun["permit"] |= {"number": NUMBER, "number_last4": NUMBER[-4:], "from": "2025-07-01", "until": "2026-06-30"}
    (issued,) = cards.issue(office.core, [NewCard(Card.from_json(begun))], HOST)
    made = import_permits(office.core, write(tmp_path, [row(1, number=NUMBER)]), HOST)
    return issued.card_id, [(one.code, one.path) for one in refusals(office.core, made.run_id)]


def test_a_card_from_before_goes_on_under_its_imported_permit(office: PermitOffice, tmp_path: Path) -> None:
    card_id, refused = carried(office, tmp_path)
    assert refused == []
    (permit,) = office.ok(office.employer, "GET", "/v1/permits")["items"]
    seen = office.permit(permit["permit_id"])
    assert seen["card_id"] == card_id
    before = office.code(seen)
    assert office.verdict(before) == ["VALID"]
    office.travel("2026-04-20")
    office.approved("extension", extension(office, seen), permit_id=seen["permit_id"])
    after = office.permit(seen["permit_id"])
    assert (after["card_id"], after["until"]) == (card_id, "2027-06-30")
    assert office.code(after) != before
    assert office.verdict(office.code(after)) == ["VALID"]


def test_another_persons_card_under_that_number_refuses_the_row(office: PermitOffice, tmp_path: Path) -> None:
    _, refused = carried(office, tmp_path, name="SMITH JOHN", date_of_birth="1971-01-01", year_of_birth=1971)
    assert refused == [("issue.card_exists", "number")]
