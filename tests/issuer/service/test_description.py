"""The service's description of itself, as a reader has it: words for everything, and examples that work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from icard_crypto.errors import catalogue
from issuer.service.access import Access
from issuer.service.api import SUBJECTS
from issuer.service.app import STATUSES
from issuer.service.described import described
from tests.kit.callers import by_session
from tests.kit.people import ServiceUnderTest, make, new_service_under_test
from tests.kit.raised_errors import raised_error

#: Fields whose values nobody could use: what an earlier answer gave, or what depends on another field.
_WITHOUT = {"proof", "arguments"}


@pytest.fixture
def issuing_service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service with signing keys."""
    made = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db", keys=True)
    yield made
    made.core.close()


def operations(described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """All of them, by method and address."""
    return [(f"{way.upper()} {path}", one) for path, ways in described["paths"].items() for way, one in ways.items()]


def body_of(one: dict[str, Any]) -> str | None:
    """The name of the body's schema; None without one, and for files."""
    content = one.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    return str(content["application/json"]["schema"]["$ref"]).rpartition("/")[2]


def test_everything_has_words(app: FastAPI) -> None:
    """The whole, every subject in order, and every operation, which says who may call it; no markup of the code."""
    told = app.openapi()
    assert "Idempotency-Key" in told["info"]["description"]
    assert [tag["name"] for tag in told["tags"]] == [subject.tag["name"] for subject in SUBJECTS]
    texts = [tag["description"] for tag in told["tags"]]
    for label, one in operations(told):
        assert one["tags"][0] in {tag["name"] for tag in told["tags"]}, label
        does, _, who = one["description"].rpartition("\n\n")
        assert len(does) > 5, label
        assert who.startswith("**For** "), label
        assert ("a program" in who) == ({"token": []} in one["security"]), label
        texts.append(does)
    assert [text for text in texts if "``" in text or ":mod:" in text or ":class:" in text] == []


def test_who_may_is_said_in_words() -> None:
    """Roles, the way they come, a fresh code, and the scopes that a program can have at all."""

    def does() -> None:
        """Do it."""

    def who(access: Access) -> str:
        return described(does, access).removeprefix("Do it.\n\n")

    assert who(Access("anyone")) == "**For** anyone."
    assert who(Access("begun")) == "**For** whoever has logged in, before the second factor too."
    assert who(Access("account")) == "**For** everybody in a session, or a program with any token."
    assert who(Access("account", ("card.issue",))) == (
        "**For** permit officer in a session, or a program whose token has `card.issue`."
    )
    assert who(Access("person", ("account.manage", "card.revoke"), fresh=True)) == (
        "**For** permit officer and administrator in a session with a TOTP code that is at most five minutes old."
    )
    # A holder has no tokens, whatever the right allows.
    assert who(Access("account", ("lookup.read_own",))) == "**For** holder in a session."


def test_a_change_in_a_session_needs_its_csrf_token(app: FastAPI) -> None:
    """As OpenAPI says it: both schemes together, wherever a session's cookie changes something."""
    for label, one in operations(app.openapi()):
        for way in one["security"]:
            if "session" in way:
                assert ("csrf" in way) == (not label.startswith(("GET ", "HEAD "))), label


def test_every_field_that_has_to_be_sent_has_an_example(app: FastAPI) -> None:
    """By itself, by its pattern's type, or by its values; and an example fits what it is an example of."""
    told = app.openapi()
    seen = 0
    names = [found for _, one in operations(told) if (found := body_of(one))]
    for name in names:
        schema = told["components"]["schemas"][name]
        for field in set(schema.get("required", ())) - _WITHOUT:
            about = schema["properties"][field]
            items = about.get("items", {})
            part = items.get("$ref") or about.get("$ref")
            if part is not None:
                # A part, or a list of them: each has its own examples.
                names += {part.rpartition("/")[2]} - set(names)
                continue
            known = about.keys() | items.keys()
            assert known & {"examples", "enum"} or about.get("type") == "boolean", (name, field)
            seen += 1
    assert seen > 25


def test_the_example_of_a_problem_is_one(app: FastAPI) -> None:
    """With the catalogue's words, and the status that its code has."""
    schema = app.openapi()["components"]["schemas"]["ProblemBody"]
    (shown,) = schema["examples"]
    entry = catalogue()[shown["code"]]
    assert (shown["title"], shown["hint"]) == (entry["en"], entry["do_en"])
    assert STATUSES.problem(raised_error(shown["code"])).status == shown["status"]
    assert set(schema["required"]) == shown.keys()


@pytest.mark.slow
def test_the_example_of_a_card_is_issued(issuing_service: ServiceUnderTest, app: FastAPI) -> None:
    """And is found by the example of a search."""
    schemas = app.openapi()["components"]["schemas"]
    (card,) = schemas["NewCardBody"]["properties"]["card"]["examples"]
    (number,) = schemas["SearchBody"]["properties"]["value"]["examples"]
    officer = by_session(app, make(issuing_service, "permit_officer", "li.wei").enter())
    issued = officer("POST", "/v1/cards", {"card": card})
    assert issued.status_code == 201, issued.text
    found = officer("POST", "/v1/cards/search", {"kind": "permit", "value": number}).json()
    assert [each["card_id"] for each in found] == [issued.json()["card_id"]]


def test_an_address_has_one_form(app: FastAPI, issuing_service: ServiceUnderTest) -> None:
    """No redirect to another form of it: that would name the address behind the proxy."""
    officer = by_session(app, make(issuing_service, "permit_officer", "li.wei").enter())
    assert officer("GET", "/v1/tokens").status_code == 200
    assert officer("GET", "/v1/tokens/").status_code == 404
