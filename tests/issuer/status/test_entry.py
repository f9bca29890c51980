"""The status entry, for every record and profile."""

from __future__ import annotations

import itertools

from icard_crypto.card.card import Profile
from issuer.status.entry import Record, status_entry
from tests.kit.cases import check_all

EVERY = [
    Record(*states)
    for states in itertools.product(
        ("active", "suspended", "revoked"), ("good", "suspended"), ("good", "lapsed"), (False, True), (False, True)
    )
]


def test_a_public_code_never_shows_a_lapse() -> None:
    """Its entry is the same whether the insurance lapsed or not, and never 13 or 14."""
    check_all({str(record): record for record in EVERY}, _check_public)


def _check_public(record: Record) -> None:
    other = Record(record.status, record.permit, "good", record.replaced, record.burnt)
    assert status_entry(record, Profile.PUBLIC) == status_entry(other, Profile.PUBLIC)
    assert status_entry(record, Profile.PUBLIC) in (0, 1, 2, 3, 12)


def test_precedence() -> None:
    """Of all that holds the first of 1, 3, 2, 14, 12, 13 is shown; 0 where nothing holds."""
    cases = itertools.product(EVERY, Profile)
    check_all({f"{record} {profile.name}": (record, profile) for record, profile in cases}, _check_precedence)


def _check_precedence(case: tuple[Record, Profile]) -> None:
    record, profile = case
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
