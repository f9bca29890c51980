"""What each role sees of a card: role by field, from the declaration that all answers use. No database."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from icard_crypto.card.card import Card, Profile
from icard_crypto.errors import StateError
from issuer.accounts.principals import Principal
from issuer.accounts.roles import ROLES
from issuer.cards.views import CardView
from issuer.cards.visibility import disclosed_to, require_profile, visible
from tests.kit.reference import reference_card

WORK = {
    *("holder.name", "holder.name_native", "holder.native_language", "holder.year_of_birth", "holder.nationality"),
    *("permit.number_last4", "permit.category", "permit.employer", "permit.employer_code", "permit.position"),
    *("permit.valid_from", "permit.valid_until", "permit.region", "permit.authority"),
    *("insurance.schemes", "insurance.paid_through"),
}
WHOLE = WORK | {
    *(
        "holder.date_of_birth",
        "holder.gender",
        "permit.number",
        "insurance.number_last4",
        "insurance.exemptions",
        "insurance.enrolled_from",
        "insurance.region",
    ),
}


def principal(role: str, *, token: bool = False) -> Principal:
    organisation = "0" * 32 if ROLES[role].organisation else None
    return Principal("a" * 32, "b" * 32, ROLES[role], organisation, True, token_id="t" if token else None)


def shown(card: Card) -> set[str]:
    """The fields of a card that say something."""
    parts: dict[str, Any] = {"holder": card.holder, "permit": card.permit, "insurance": card.insurance}
    return {
        f"{name}.{field.name}"
        for name, part in parts.items()
        if part is not None
        for field in fields(part)
        if getattr(part, field.name) not in (None, ())
    }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("token", [False, True])
def test_each_role_sees_exactly_its_fields(role: str, token: bool) -> None:
    """Employers and agencies see what a work code says, by session and by token; all others the whole record."""
    view = CardView("c" * 32, reference_card(), "active", "good", "good", 1, 1, (), ())
    assert shown(view.card) == WHOLE
    wanted = WORK if role in ("employer", "agency") else WHOLE
    assert shown(visible(view, principal(role, token=token)).card) == wanted


def test_codes_that_say_more_are_neither_listed_nor_handed_out() -> None:
    """An employer's list of codes ends with work, and the authority's code is refused."""
    view = CardView(
        "c" * 32, reference_card(), "active", "good", "good", 1, 1, (), tuple(("00", p, "issued", 0) for p in Profile)
    )
    employer = principal("employer")
    assert disclosed_to(employer) is Profile.WORK
    assert [entry[1] for entry in visible(view, employer).entries] == [Profile.PUBLIC, Profile.WORK]
    require_profile(employer, Profile.WORK)
    require_profile(principal("holder"), Profile.AUTHORITY)
    with pytest.raises(StateError) as caught:
        require_profile(employer, Profile.AUTHORITY)
    assert (caught.value.code, caught.value.message()) == ("access.not_allowed", caught.value.message("en"))
