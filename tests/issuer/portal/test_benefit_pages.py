"""Benefits, services of the card and deferred look-ups through their pages: for the person, the agency, the auditor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from fastapi import FastAPI

from issuer import cards
from issuer.cards import NewCard
from issuer.insurance import registration
from issuer.portal import BASE, make_portal
from issuer.rules.days import day_of
from issuer.service.app import make_service
from tests.issuer.portal.test_guard import Person, of
from tests.kit.forms import field, words
from tests.kit.insured import new_registration
from tests.kit.issuing_service import person
from tests.kit.people import HOST, make
from tests.kit.portal import Town, town
from verifier.runtime import http


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with people and cards, and somebody insured in Beijing who has a card."""
    new = town(tmp_path_factory.mktemp("benefits"))
    core, officer = new.issuing_service.core, new.people["insurance_officer"].who()
    about = new_registration(1, region="110105", employer_id=new.employer_id)
    person_id = registration.register(core, officer, about).person_id
    new.people["insured"] = make(new.issuing_service, "holder", "insured-1", person_id=person_id)
    cards.issue(core, [NewCard(person(40), holder=person_id)], HOST)
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


def claimed(holder: Person, key: str, benefit: str) -> str:
    """Claim a benefit; the claim's path."""
    sent = holder.post("benefits/apply", key=key * 32, benefit=benefit, words="")
    assert sent.status_code == 303, words(sent.text)[-300:]
    return sent.headers["location"].removeprefix(BASE).partition("?")[0]


def test_benefit_shows_what_is_missing_and_is_claimed_granted_and_paid(app: FastAPI, made: Town) -> None:
    """The officer finds what no record shows; without it nothing is granted; the person follows each step."""
    holder, officer = of(app, made, "insured"), of(app, made, "insurance_officer")
    text = words(holder.get("benefits?lang=en").text)
    assert "Evidence needed: the injury is recognised as a work injury." in text
    assert "_" not in re.sub(r"[^_]*_[A-Z]", "", text)
    path = claimed(holder, "1", "work_injury")
    assert "Next step: the insurance agency." in words(holder.get(f"{path}?lang=en").text)
    again = holder.post("benefits/apply", key="2" * 32, benefit="work_injury", words="")
    assert again.status_code == 409
    desk = officer.get("benefits?lang=en").text
    assert f'href="{BASE}{path}"' in desk
    month = day_of(int(made.issuing_service.clock.at)).isoformat()[:7]
    form = {"outcome": "granted", "reasons": "Recognised.", "monthly": "2000.00", "first_month": month, "months": "2"}
    early = officer.post(f"{path}/decide", key="3" * 32, **form)
    assert early.status_code == 409
    assert "Recognised." in early.text
    missing = officer.post(f"{path}/decide", key="4" * 32, **{**form, "monthly": "", "reasons": ""})
    assert missing.text.count('class="field wrong"') == 2
    done = officer.post(f"{path}/decide", key="5" * 32, **form, found="injury_recognised")
    assert done.status_code == 303, words(done.text)[-300:]
    order = re.findall(r'<option value="([0-9a-f]{32})"', officer.get(path).text)[0]
    paid = officer.post(
        f"{path}/paid", key="6" * 32, order=order, day=day_of(int(made.issuing_service.clock.at)).isoformat()
    )
    assert paid.status_code == 303, words(paid.text)[-300:]
    text = words(holder.get(f"{path}?lang=en").text)
    for wanted in ("Granted", "Recognised.", "2000.00", "Paid"):
        assert wanted in text


def test_claim_is_the_persons_and_the_agencys_alone(app: FastAPI, made: Town) -> None:
    """A refusal names the ways of redress; an official's look leaves a row that the person sees."""
    holder, officer = of(app, made, "insured"), of(app, made, "insurance_officer")
    path = claimed(holder, "7", "pension")
    before = holder.get("lookups?lang=en").text.count("Insurance officer")
    officer.get(path)
    assert holder.get("lookups?lang=en").text.count("Insurance officer") > before
    assert of(app, made, "holder").get(path).status_code == 404
    for role in ("employer", "agency", "permit_officer", "auditor"):
        assert of(app, made, role).get(path).status_code == 403
        assert of(app, made, role).get("benefits").status_code == 403
    assert of(app, made, "inspector").get(f"{path}/decide").status_code == 403
    assert holder.get(f"{path}/decide").status_code == 403
    assert officer.post(f"{path}/decide", key="8" * 32, outcome="refused", reasons="Too young.").status_code == 303
    text = words(holder.get(f"{path}?lang=en").text)
    assert "Too young." in text
    assert "Action before the court" in text


def test_service_is_granted_by_the_agency_and_withdrawn_by_the_person(app: FastAPI, made: Town) -> None:
    holder, officer = of(app, made, "insured"), of(app, made, "insurance_officer")
    path = f"insurance/{made.people['insured'].person_id}/services"
    name = re.findall(r'name="service" value="([a-z_]+)"', officer.get(path).text)[0]
    assert of(app, made, "inspector").post(path, key="1" * 32, service=name).status_code == 403
    assert officer.post(path, key="2" * 32, service=name).status_code == 303
    page = holder.get("services?lang=en").text
    assert "On the card" in words(page)
    withdraw = re.findall(rf'action="{BASE}(services/[0-9a-f]{{32}}/withdraw)"', page)[0]
    assert of(app, made, "holder").post(withdraw, key="3" * 32).status_code == 404
    assert holder.post(withdraw, key="4" * 32).status_code == 303
    assert "On the card" not in words(holder.get("services?lang=en").text).replace("Not on the card", "")


def test_place_that_refused_the_card_is_reported_and_answered(app: FastAPI, made: Town) -> None:
    holder, officer = of(app, made, "insured"), of(app, made, "insurance_officer")
    form = holder.get("services/refusals/new").text
    service = re.findall(r'<option value="([a-z_]+)"', form)[0]
    today = day_of(int(made.issuing_service.clock.at))
    fields = {"service": service, "day": (today + timedelta(days=2)).isoformat(), "place": "Gate", "words": "<b>No"}
    late = holder.post("services/refusals/new", key="1" * 32, **fields)
    assert 'href="#f-day"' in late.text
    sent = holder.post("services/refusals/new", key="2" * 32, **{**fields, "day": today.isoformat()})
    assert sent.status_code == 303, words(sent.text)[-300:]
    path = sent.headers["location"].removeprefix(BASE).partition("?")[0]
    assert "<b>No" not in officer.get(path).text
    assert of(app, made, "holder").get(path).status_code == 404
    assert of(app, made, "employer").get(path).status_code == 403
    done = officer.post(f"{path}/answer", key="3" * 32, outcome="upheld", answer="The gate takes it now.")
    assert done.status_code == 303
    assert "The gate takes it now." in words(holder.get(f"{path}?lang=en").text)


def test_deferral_waits_for_a_second_official_and_is_counted_for_the_auditor(app: FastAPI, made: Town) -> None:
    """Its form refuses a day that is too late at the field; no page of the person shows it; one official ends it."""
    inspector, head = of(app, made, "inspector"), of(app, made, "office_head")
    day = day_of(int(made.issuing_service.clock.at)) + timedelta(days=10)
    number = person(1).permit.number or ""
    asked = inspector.get("lookups/deferrals/new").text
    assert field(asked, "official") == made.people["inspector"].login
    about = {"number": number, "official": made.people["inspector"].login}
    for name, wrong in (("number", "0" * 18), ("official", made.people["holder"].login)):
        bad = {**about, name: wrong, "law": "x", "reason": "y", "shown_on": day.isoformat()}
        assert f'href="#f-{name}"' in inspector.post("lookups/deferrals/new", key="9" * 32, **bad).text
    form = {**about, "law": "Criminal Procedure Law, 115", "reason": "An inquiry"}
    late = inspector.post("lookups/deferrals/new", key="1" * 32, **form, shown_on=date(2099, 1, 1).isoformat())
    assert 'href="#f-shown_on"' in late.text
    sent = inspector.post("lookups/deferrals/new", key="2" * 32, **form, shown_on=day.isoformat())
    assert sent.status_code == 303, words(sent.text)[-300:]
    number = head.asked("Criminal Procedure Law, 115")
    assert f"Official Name of {made.people['inspector'].login}" in words(head.get(f"{number}?lang=en").text)
    assert head.post(f"{number}/confirm", key="3" * 32).status_code == 303
    page = inspector.get("lookups/deferrals?lang=en").text
    assert "Criminal Procedure Law, 115" in page
    # The card was issued without an application: no office knows its holder.
    assert f"Name of {made.people['holder'].login}" in words(page)
    assert made.people["holder"].person_id in head.get("lookups/deferrals").text
    assert "Criminal" not in of(app, made, "holder").get("lookups").text
    for role in ("holder", "auditor", "permit_officer"):
        assert of(app, made, role).get("lookups/deferrals").status_code == 403
    end = re.findall(rf'action="{BASE}(lookups/deferrals/[0-9a-f]{{32}}/end)"', page)[0]
    assert head.post(end, key="4" * 32).status_code == 303
    assert "No deferral runs." in words(inspector.get("lookups/deferrals?lang=en").text)
    assert of(app, made, "auditor").get("lookups/deferred").status_code == 200
    assert of(app, made, "holder").get("lookups/deferred").status_code == 403
