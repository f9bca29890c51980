"""The status entry, for every record and profile."""

from __future__ import annotations

import itertools

import pytest

from icard_crypto.card.card import Profile
from issuer.status.entry import Record, status_entry

EVERY = [
    Record(*states)
    for states in itertools.product(
        ("active", "suspended", "revoked"), ("good", "suspended"), ("good", "lapsed"), (False, True), (False, True)
    )
]


@pytest.mark.parametrize("record", EVERY, ids=str)
def test_a_public_code_never_shows_a_lapse(record: Record) -> None:
    """Its entry is the same whether the insurance lapsed or not, and never 13 or 14."""
    other = Record(record.status, record.permit, "good", record.replaced, record.burnt)
    assert status_entry(record, Profile.PUBLIC) == status_entry(other, Profile.PUBLIC)
    assert status_entry(record, Profile.PUBLIC) in (0, 1, 2, 3, 12)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("record", EVERY, ids=str)
def test_precedence(record: Record, profile: Profile) -> None:
    """Of all that holds the first of 1, 3, 2, 14, 12, 13 is shown; 0 where nothing holds."""
    lapsed = record.insurance == "lapsed" and profile is not Profile.PUBLIC
    stopped = record.permit == "suspended"
    holds = {
        1: record.status == "revoked" or record.burnt,
        3: record.replaced,
        2: record.status == "suspended",
        14: stopped and lapsed,
        12: stopped,
        13: lapsed,
    }
    assert status_entry(record, profile) == next((value for value, true in holds.items() if true), 0)


def test_work_and_authority_codes_read_alike() -> None:
    """No record has different entries for them."""
    assert [status_entry(record, 2) for record in EVERY] == [status_entry(record, 3) for record in EVERY]
