"""Whom each kind of notice reaches, and the groups of the settings."""

from __future__ import annotations

from collections import Counter

import pytest

from issuer.accounts.roles import ROLES
from issuer.approvals.acts import ACTS
from issuer.notices.kinds import groups, kind_of, kinds
from issuer.privacy.requests import DECIDES


def test_every_kind_stands_in_one_group_and_names_roles_that_there_are() -> None:
    """Each group has its heading in both languages."""
    listed = Counter(kind.name for group in groups() for kind in group.kinds)
    assert listed == dict.fromkeys(kinds(), 1)
    assert {kind.name for kind in kinds().values() if not kind.roles or not kind.roles <= ROLES.keys()} == set()
    assert all(group.words["en"] and group.words["zh"] for group in groups())


@pytest.mark.parametrize(
    ("kind", "rights"),
    [
        ("confirmation.wanted", {act.right for act in ACTS.values()}),
        ("privacy.wanted", set(DECIDES.values())),
        ("account.token_made", {"token.own"}),
        ("message.asked", {"filing.decide"}),
        ("webhook.disabled", {"notice.own"}),
        ("reminder.window_opens", {"permit.own"}),
    ],
)
def test_kind_reaches_the_roles_that_have_to_do_with_it(kind: str, rights: set[str]) -> None:
    assert kind_of(kind).roles == {role.name for role in ROLES.values() if role.rights & rights}
