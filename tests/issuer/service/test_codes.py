"""A card's codes over HTTP, as text, PNG and SVG: who gets which, and that an official's look is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from icard_crypto import qr
from icard_crypto.card.card import Profile
from issuer import cards
from issuer.cards import NewCard, lookups
from issuer.cards.models import CardRow
from issuer.keys.signer import SignerBusy
from issuer.service.app import make_app
from tests.kit.callers import Caller, by_session, problem
from tests.kit.issuing_service import Recording, person
from tests.kit.people import HOST, ServiceUnderTest, make, new_service_under_test, organisation
from tests.kit.reference import reference_card
from verifier.runtime import http

pytestmark = pytest.mark.slow

_FORMS = {"txt": "text/plain", "png": "image/png", "svg": "image/svg+xml"}


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str) -> Iterator[ServiceUnderTest]:
    """A service that issues."""
    made = new_service_under_test(tmp_path, database_url, keys=True)
    yield made
    made.core.close()


def test_whose_card_it_is_gets_its_codes(issuing_service: ServiceUnderTest) -> None:
    """The holder has every profile in every form, and each shows the code that was issued; his employer
    has public and work; a card of nobody's is 404 to both, as if it were not there."""
    employer = organisation(issuing_service, "employer", 1)
    holder, boss = (
        make(issuing_service, "holder", "mei.lin"),
        make(issuing_service, "employer", "boss", organisation_id=employer),
    )
    new = NewCard(person(1), holder=holder.person_id, employer=employer)
    (issued,) = cards.issue(issuing_service.core, [new], HOST)
    (other,) = cards.issue(issuing_service.core, [NewCard(person(2))], HOST)
    app = make_app(issuing_service.core, http.Drain())
    asks: dict[str, Caller] = {"holder": by_session(app, holder.enter()), "employer": by_session(app, boss.enter())}
    for code in issued.codes:
        path, profile = f"/v1/cards/{issued.card_id}/code", f"?profile={code.profile.name.lower()}"
        answers = {form: asks["holder"]("GET", f"{path}.{form}{profile}") for form in _FORMS}
        for form, answer in answers.items():
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), profile
            assert answer.headers["content-type"].partition(";")[0] == _FORMS[form]
        assert answers["txt"].text == code.text
        assert [found.content for found in qr.read(answers["png"].content)] == [code.text]
        assert answers["svg"].text == qr.draw_svg(code.text)
        answer = asks["employer"]("GET", f"{path}.png{profile}")
        if code.profile.name == "AUTHORITY":
            assert problem(answer) == (403, "access.not_allowed")
        else:
            assert answer.content == answers["png"].content
    for who in asks.values():
        missing, others = (who("GET", f"/v1/cards/{name}/code.svg") for name in ("0" * 32, other.card_id))
        assert problem(missing) == problem(others) == (404, "issue.no_card")
    assert problem(asks["holder"]("GET", f"/v1/cards/{issued.card_id}/code.png?profile=other")) == (422, "http.invalid")


def test_an_employer_reads_of_a_card_what_its_work_code_says(issuing_service: ServiceUnderTest) -> None:
    """Over HTTP: no date of birth, gender, permit number, insurance digits, exemptions, and no authority's code in the
    list; the holder reads all of it."""
    employer = organisation(issuing_service, "employer", 1)
    holder, boss = (
        make(issuing_service, "holder", "mei.lin"),
        make(issuing_service, "employer", "boss", organisation_id=employer),
    )
    (issued,) = cards.issue(
        issuing_service.core, [NewCard(reference_card(), holder=holder.person_id, employer=employer)], HOST
    )
    app = make_app(issuing_service.core, http.Drain())
    path = f"/v1/cards/{issued.card_id}"
    seen = by_session(app, boss.enter())("GET", path).json()
    assert seen["card"] == reference_card().for_profile(Profile.WORK).to_json()
    assert [code["profile"] for code in seen["codes"]] == ["public", "work"]
    own = by_session(app, holder.enter())("GET", path).json()
    assert own["card"] == reference_card().to_json()
    assert [code["profile"] for code in own["codes"]] == ["public", "work", "authority"]


def test_an_official_who_fetches_a_code_is_seen(issuing_service: ServiceUnderTest) -> None:
    """An officer gets the authority's code, and the holder's log has the look; auditors and administrators get none."""
    holder = make(issuing_service, "holder", "mei.lin")
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id)], HOST)
    app = make_app(issuing_service.core, http.Drain())
    path = f"/v1/cards/{issued.card_id}/code.txt?profile=authority"
    officer = by_session(app, make(issuing_service, "permit_officer", "li.wei").enter())
    assert officer("GET", path).text == issued.codes[2].text
    for role in ("auditor", "administrator"):
        assert problem(by_session(app, make(issuing_service, role, role).enter())("GET", path)) == (
            403,
            "access.not_allowed",
        )
    log = lookups.list_lookups(issuing_service.core, issued.card_id)
    assert [(look.role, look.way) for look in log] == [("permit_officer", "card")]


def test_a_code_that_is_not_signed_yet_is_503(issuing_service: ServiceUnderTest) -> None:
    """While the signer is away a card is there and its codes are not: 503 with Retry-After, and no half a code."""
    holder = make(issuing_service, "holder", "mei.lin")
    assert isinstance(issuing_service.core.signer, Recording)
    issuing_service.core.signer.fault = SignerBusy("signer.unavailable")
    with pytest.raises(SignerBusy):
        cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id)], HOST)
    card_id = issuing_service.core.database.read(lambda session: session.scalar(select(CardRow.id)))
    answer = by_session(make_app(issuing_service.core, http.Drain()), holder.enter())(
        "GET", f"/v1/cards/{card_id}/code.png"
    )
    assert (problem(answer), answer.headers["retry-after"]) == ((503, "http.not_ready"), "5")
