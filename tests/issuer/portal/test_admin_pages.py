"""Rules, offices and webhooks through their pages: what is asked for, what a second person sees, what is refused."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from issuer.accounts.models import Person
from issuer.accounts.organisations import change_code
from issuer.accounts.people import passport_digest, passports_of
from issuer.portal import BASE, make_portal
from issuer.rules.store import read_book
from issuer.service.app import make_service
from tests.issuer.portal.test_guard import of
from tests.kit.forms import field, words
from tests.kit.people import credit_code, organisation
from tests.kit.portal import Town, town
from verifier.runtime import http

D06 = "deadlines/D06/CN/2018-02-28"
ROW = {
    "kind": "deadlines",
    "id": "D06",
    "region": "310000",
    "valid_from": "2027-01-01",
    "source": "Notice of the office, number 3 of 2026",
    "certainty": "V",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A service with people."""
    new = town(tmp_path_factory.mktemp("admin"))
    yield new
    new.issuing_service.core.close()


@pytest.fixture(scope="module")
def app(made: Town) -> FastAPI:
    """Its application, without the edge."""
    return make_service(made.issuing_service.core, http.Drain(), [make_portal(made.issuing_service.core)])


def test_rule_is_shown_with_its_effect_asked_for_and_confirmed_by_a_second_administrator(
    app: FastAPI, made: Town
) -> None:
    """Whoever confirms reads the row field by field, not its JSON arguments; one's own request has no button."""
    one, two = of(app, made, "administrator"), of(app, made, "second_administrator")
    like = one.get(f"rules/add?like={D06}&lang=en").text
    assert field(like, "id") == "D06"
    assert field(like, "valid_from") == ""
    row = {**ROW, "value": field(like, "value").replace('"number": 30', '"number": 20')}
    checked = one.post("rules/check", key="1" * 32, **row)
    assert checked.status_code == 200
    assert "0 applications are open." in words(checked.text)
    assert "Filing of an extension" in words(checked.text)
    kept = {name: field(checked.text, name) for name in (*ROW, "value")}
    asked = one.post("rules/add", key="2" * 32, reason="The notice is out.", **kept)
    assert asked.status_code == 303, words(asked.text)[-400:]
    number = two.asked("Notice of the office, number 3 of 2026")
    page = two.get(f"{number}?lang=en").text
    assert "Notice of the office, number 3 of 2026" in words(page)
    assert "from 1 Jan 2027" in words(page)
    assert "read in the text of the law" in words(page)
    assert '"valid_from"' not in html.unescape(page)
    assert "Confirm" not in re.findall(r"<button[^>]*>([^<]*)", one.get(f"{number}?lang=en").text)
    assert two.post(f"{number}/confirm", key="3" * 32).status_code == 303
    found = [rule for rule in read_book(made.issuing_service.core).all("deadlines", "D06") if rule.region == "310000"]
    assert [rule.value["number"] for rule in found] == [20]


def test_rule_that_does_not_fit_is_refused_at_its_field_and_keeps_what_was_typed(app: FastAPI, made: Town) -> None:
    person = of(app, made, "administrator")
    bad = person.post("rules/check", key="4" * 32, **{**ROW, "value": "{"})
    assert bad.status_code == 422
    assert "This is no JSON." in words(bad.text)
    assert field(bad.text, "source") == ROW["source"]
    order = {**ROW, "region": "440000", "valid_to": "2026-01-01", "value": '{"unit": "calendar_days", "number": 1}'}
    late = person.post("rules/check", key="5" * 32, **order)
    assert late.status_code == 422
    assert 'href="#f-valid_to"' in late.text


def test_end_of_a_rule_names_it_and_its_last_day_to_whoever_confirms(app: FastAPI, made: Town) -> None:
    one, two = of(app, made, "administrator"), of(app, made, "second_administrator")
    asked = one.post(
        "rules/end", key="6" * 32, name="deadlines/D19/CN/2017-04-01", last="2027-06-30", reason="Replaced."
    )
    assert asked.status_code == 303, words(asked.text)[-300:]
    assert two.asked("Filing by the next employer", "Last day 30 June 2027")


def test_office_is_set_up_once_and_an_official_joins_it(app: FastAPI, made: Town) -> None:
    person = of(app, made, "administrator")
    fields = {"region": "深圳", "name_en": "Shenzhen", "name_zh": "深圳"}
    nowhere = person.post("offices/new", key="6" * 32, **{**fields, "region": "Nowhere"})
    assert 'href="#f-region"' in nowhere.text
    assert field(nowhere.text, "region") == "Nowhere"
    done = person.post("offices/new", key="7" * 32, **fields)
    assert done.status_code == 303
    address = done.headers["location"].removeprefix(BASE).partition("?")[0]
    assert "Shenzhen (440300)" in words(person.get(f"{address}?lang=en").text)
    again = person.post("offices/new", key="8" * 32, **fields)
    assert 'href="#f-region"' in again.text
    assert person.post(f"{address}/join", key="9" * 32, login="holder-1").status_code == 404
    assert person.post(f"{address}/join", key="a" * 32, login=made.people["permit_officer"].login).status_code == 303
    assert "Name of permit_officer-1" in words(person.get(address).text)


def test_webhook_is_added_shown_switched_off_and_removed(app: FastAPI, made: Town) -> None:
    """Its secret is shown once; the address in a notice leads to its page; another's is not found."""
    person, other = of(app, made, "employer"), of(app, made, "agency")
    bad = person.post("account/webhooks", key="b" * 32, url="http://hr.example.cn/")
    assert 'href="#f-url"' in bad.text
    sent = [person.post("account/webhooks", key="c" * 32, url="https://hr.example.cn/icard") for _ in range(2)]
    assert "whsec_" in sent[0].text
    assert "whsec_" not in sent[1].text
    number = re.findall(rf'href="{BASE}(account/webhooks/[0-9a-f]{{32}})"', person.get("account/webhooks").text)[0]
    assert other.get(number).status_code == 404
    page = person.get(f"{number}?lang=en")
    assert "Switch off" in page.text
    version = field(page.text, "version")
    assert person.post(f"{number}/state", key="d" * 32, version=version, state="disabled").status_code == 303
    assert person.post(f"{number}/state", key="e" * 32, version=version, state="active").status_code == 412
    version = field(person.get(number).text, "version")
    assert person.post(f"{number}/remove", key="f" * 32, version=version).status_code == 303
    assert person.get(number).status_code == 404


def test_holder_ends_the_codes_of_a_lost_telephone_and_nobody_else_can(app: FastAPI, made: Town) -> None:
    """The codes go at once and the other sessions end; a suspension of an officer stays what it was."""
    holder, telephone = of(app, made, "holder"), of(app, made, "holder")
    card = made.cards[0]
    for role in ("employer", "permit_officer"):
        assert of(app, made, role).post(f"cards/{card}/lost", key="1" * 32).status_code == 403
    officer = of(app, made, "permit_officer")
    version = field(officer.get(f"cards/{card}/suspend").text, "version")
    assert officer.post(f"cards/{card}/suspend", key="2" * 32, version=version, reason="Asked.").status_code == 303
    assert holder.post(f"cards/{card}/lost", key="3" * 32).status_code == 303
    assert telephone.get("account").status_code == 303
    page = holder.get("?lang=en").text
    assert "Codes ended" in words(page)
    assert 'role="img"' not in page
    view = officer.get(f"cards/{card}?lang=en").text
    assert "End the suspension" in words(view)
    version = field(officer.get(f"cards/{card}/replace").text, "version")
    assert (
        officer.post(f"cards/{card}/replace", key="4" * 32, version=version, reason="Passport seen.").status_code == 303
    )
    assert "Suspended" in words(holder.get("?lang=en").text)


def test_account_is_asked_for_with_the_credit_code_of_its_organisation(app: FastAPI, made: Town) -> None:
    """Whoever confirms reads the name with the code, as does the account's page; no internal id is typed or shown."""
    one, two = of(app, made, "administrator"), of(app, made, "second_administrator")
    assert 'name="organisation_id"' not in one.get("accounts/new").text
    fields = {"role": "employer", "login": "li.na", "name": "Li Na", "identity": "E1234567", "reason": "She joined."}
    # None, one that nobody has, and an agency's for an employer's account.
    for number, code in enumerate(("", credit_code(77), credit_code(2))):
        refused = one.post("accounts/new", key=f"{number}" * 32, credit_code=code, **fields)
        assert 'href="#f-credit_code"' in refused.text
    official = {**fields, "role": "inspector"}
    assert (
        'href="#f-credit_code"' in one.post("accounts/new", key="3" * 32, credit_code=credit_code(1), **official).text
    )
    asked = one.post("accounts/new", key="4" * 32, credit_code=f" {credit_code(1).lower()} ", **fields)
    assert asked.status_code in (200, 303), words(asked.text)[-300:]
    path = two.asked("Li Na")
    page = two.get(f"{path}?lang=en").text
    assert f"Organisation Organisation 1 ({credit_code(1)})" in words(page)
    assert made.employer_id not in page
    assert two.post(f"{path}/confirm", key="5" * 32).status_code in (200, 303)
    found = one.post("accounts/search", key="6" * 32, login="li.na")
    account = one.get(found.headers["location"].removeprefix(BASE)).text
    assert f"Organisation 1 ({credit_code(1)})" in words(account)
    assert f'href="{BASE}organisations/{made.employer_id}"' in account

    core, renamed = made.issuing_service.core, organisation(made.issuing_service, "employer", 60)
    core.database.transact(
        lambda session: change_code(core, session, core.clock.now(session), renamed, credit_code(71))
    )
    fields = {**fields, "login": "li.na.2", "name": "Li Nan", "identity": "E7654321"}
    found = one.post("accounts/new", key="7" * 32, credit_code=credit_code(60), **fields)
    assert (found.status_code, credit_code(71) in words(found.text)) == (200, True), "by a former code, which is said"


def test_passport_of_somebody_who_works_here_is_asked_for_and_confirmed(app: FastAPI, made: Town) -> None:
    """Noted, then removed, each by two administrators; a number that can be none is refused at its field."""
    core = made.issuing_service.core
    one, two = of(app, made, "administrator"), of(app, made, "second_administrator")
    officer = made.people["permit_officer"]
    account = officer.account_id
    page = one.get(f"accounts/{account}?lang=en").text
    given = {"nationality": "DEU", "number": "c01x 00t47", "reason": "Shown at the office."}
    keys = iter(f"{number:032x}" for number in range(100, 200))
    for name in ("passport", "no-passport"):
        path = f"accounts/{account}/{name}"
        assert f'href="{BASE}{path}"' in page
        assert '<option value="DEU">Germany' in one.get(f"{path}?lang=en").text
        for place, wrong in (("number", "?"), ("nationality", "<b>"), ("nationality", "")):
            refused = one.post(path, key=next(keys), **{**given, place: wrong})
            assert (refused.status_code, f'href="#f-{place}"' in refused.text) == (422, True), wrong
            assert ('value="DEU" selected' in refused.text) == (place == "number")
        assert one.post(path, key=next(keys), **given).status_code == 303
        request = two.asked("State that issued the passport Germany (DEU)", "Passport number c01x 00t47")
        assert two.post(f"{request}/confirm", key=next(keys)).status_code == 303
        noted = core.database.read(lambda session: passports_of(core, session.get_one(Person, officer.person_id)))
        assert noted == (frozenset({passport_digest(core, "DEU", "C01X00T47")}) if name == "passport" else frozenset())
