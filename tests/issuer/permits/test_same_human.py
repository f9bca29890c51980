"""Who works here under one number and holds a card under another is one human being."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.callers import problem
from tests.kit.people import Somebody, make
from tests.kit.permit_office import PermitOffice, person_record

pytestmark = pytest.mark.slow


def test_nobody_decides_about_a_person_who_has_their_passport(office: PermitOffice) -> None:
    """An officer whose passport was noted acts neither on card nor permit of whoever has it, alone or with a second;
    once it is removed, they do."""
    permit = office.employed(1)
    told = person_record(office.today, 1)
    first, second = (make(office.issuing_service, "administrator", name) for name in ("adm.one", "adm.two"))
    office.issuing_service.later()
    note = {"account_id": office.officer.account_id, "nationality": told["nationality"], "number": told["passport"]}

    def decided(act: str) -> Any:
        asked = office.asked(act, note, first)
        assert asked.status_code == 201, asked.text
        return office.confirmed(asked.json()["confirmation_id"], second)

    def acts(by: Somebody) -> list[tuple[int, str] | int]:
        office.issuing_service.later()
        seen = office.ask(by, "GET", f"/v1/cards/{permit['card_id']}")
        version = {"version": f'"{office.permit(permit["permit_id"])["revision"]}"'}
        correction = {"field": "post", "value": "Head of design", "reason": "A slip."}
        path = f"/v1/permits/{permit['permit_id']}/corrections"
        found = [
            office.ask(by, "POST", f"/v1/cards/{permit['card_id']}/suspend", {"reason": "Lost."},
                       version=seen.headers["etag"]),
            office.ask(by, "POST", path, correction, **version),
            office.asked("card.revoke", {"card_id": permit["card_id"]}, by),
        ]  # fmt: skip
        return [one.status_code if one.status_code < 300 else problem(one) for one in found]

    assert decided("account.passport").status_code == 200
    assert acts(office.officer) == [(403, "account.self"), (403, "filing.own"), (403, "account.self")]
    assert decided("account.no_passport").status_code == 200
    assert problem(decided("account.no_passport")) == (404, "account.no_passport")
    assert [one for one in acts(office.officer) if isinstance(one, tuple)] == []


def test_one_passport_is_one_person_for_two_who_confirm(office: PermitOffice) -> None:
    """Two accounts under two staff numbers, with one passport: neither is the other's second."""
    permit = office.employed(1)
    told = person_record(office.today, 2)
    first, second = (make(office.issuing_service, "administrator", name) for name in ("adm.one", "adm.two"))
    twin = make(
        office.issuing_service,
        "permit_officer",
        "the.twin",
        identity=f"PASSPORT:{told['nationality']}:{told['passport']}",
    )
    office.issuing_service.later()
    note = {"account_id": office.second.account_id, "nationality": told["nationality"], "number": told["passport"]}
    asked = office.asked("account.passport", note, first)
    assert office.confirmed(asked.json()["confirmation_id"], second).status_code == 200
    office.issuing_service.later()
    wanted = office.asked("card.revoke", {"card_id": permit["card_id"]}, twin).json()["confirmation_id"]
    assert problem(office.confirmed(wanted, office.second)) == (403, "confirm.same_person")
    assert office.confirmed(wanted, office.officer).status_code == 200
