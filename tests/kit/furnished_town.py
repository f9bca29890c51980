"""What only some pages are about: a request of each kind that waits, an objection, an entry, a webhook, a report.

These stand in a town of their own: other tests count what waits.
"""

from __future__ import annotations

from typing import Any

from issuer.approvals import engine
from issuer.delivery import webhooks
from issuer.insurance import registration
from issuer.insurance.service_grants import report_refusal
from issuer.permits import social_cards
from tests.kit.insured import new_registration
from tests.kit.people import make
from tests.kit.permit_office import PermitOffice, person_record
from tests.kit.portal import Town

__all__ = ["arrived", "furnish"]


def furnish(made: Town) -> Town:
    """Add to a town with an office what the rarer pages show; its ids stand beside the others.

    New people: ``newcomer``, activated after a first entry; ``beijinger``, insured where places must take the card.
    """
    office, core = made.office, made.issuing_service.core
    assert office is not None
    approved = office.approved("overseas", person_record(office.today, 7, surname="MOREAU", given="CLAIRE"))
    made.ids["approved"] = approved["filing_id"]
    entry = arrived(office, 8, surname="NAKAMURA", given="AOI", nationality="JPN")
    made.ids |= {"entry": entry["entry_id"], "arrived": entry["permit_id"]}
    made.people["newcomer"] = office.holder(office.permit(entry["permit_id"]))
    made.ids["paused"] = office.accepted("overseas", person_record(office.today, 10, surname="SILVA", given="INES"))
    review = {"ground": "expert_review", "reason": "Three experts look at the degree."}
    office.moved(office.officer, made.ids["paused"], "pause", review)
    refused = office.accepted("overseas", person_record(office.today, 9, surname="KOWALSKA", given="ZOFIA"))
    reasons = [{"path": "M03", "text": "The diploma is of another person."}]
    office.moved(office.officer, refused, "refuse", {"reasons": reasons})
    about = {"filing_id": refused, "grounds": "It is in my name before the marriage."}
    made.ids["objection"] = office.ok(office.employer, "POST", "/v1/objections", about)["objection_id"]

    officer, administrator = made.people["permit_officer"], made.people["administrator"]
    revoked = engine.ask(core, officer.who(), "card.revoke", {"card_id": made.cards[0]}, "Obtained by deception.")
    new = {"role": "inspector", "login": "inspector.new", "name": "Zhang Wei", "identity": "ID-ZHANG"}
    opened = engine.ask(core, administrator.who(), "account.create", new, "A new inspector.")
    made.ids |= {"request_to_revoke": revoked.confirmation_id, "request_for_account": opened.confirmation_id}
    url = "https://hooks.example/portal/notices/of/the/administrator"
    made.ids["webhook"] = webhooks.add(core, administrator.account_id, url, administrator.who().actor).webhook
    social_cards.order_social_card(core, made.people["resident"].who(), made.ids["permit"], "Bank of the East")
    made.ids["refusal"] = _refused_at_a_gate(made, office)
    return made


def arrived(office: PermitOffice, number: int, **changes: Any) -> dict[str, Any]:
    """The entry of somebody who came from abroad and was activated today."""
    filing = office.approved("overseas", person_record(office.today, number, **changes))
    found = office.ok(office.employer, "GET", f"/v1/filings/{filing['filing_id']}/notification")
    names = {name: office.newest_record[name] for name in ("surname", "given")}
    body = {"token": found["token"], "number": found["number"], **names, "checked": True}
    made = office.ok(office.officer, "POST", "/v1/permits/activations", body)
    return office.ok(office.officer, "GET", f"/v1/entries/{made['entry_id']}")


def _refused_at_a_gate(made: Town, office: PermitOffice) -> str:
    """A report of somebody whose card a place in Beijing refused, where it must take it."""
    core = made.issuing_service.core
    new = new_registration(61, surname="Haddad", given="Leila", region="110105", employer_id=made.employer_id)
    person_id = registration.register(core, made.people["insurance_officer"].who(), new).person_id
    made.people["beijinger"] = make(made.issuing_service, "holder", "beijing-1", person_id=person_id)
    words = "They asked for the passport and turned me away."
    return report_refusal(core, made.people["beijinger"].who(), "tourism", office.today, "West gate of the park", words)
