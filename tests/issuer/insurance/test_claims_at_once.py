"""Two applications for one benefit at the same moment, on PostgreSQL: SQLite has one writer at a time."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from icard_crypto.errors import StateError
from issuer.insurance.claim_records import list_claims
from issuer.insurance.claims import apply_claim
from tests.issuer.insurance.conftest import Agency
from tests.issuer.insurance.test_registration import holder_of, registered


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_applications_at_once_make_one_claim(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look for an open claim before either is written, unless one waits for the other."""
    person_id, _ = registered(agency)
    both = threading.Barrier(2)

    def meet(*_told: object) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(2)

    monkeypatch.setattr("issuer.insurance.claims._due", meet)
    who = holder_of(agency, person_id).who()

    def apply(_number: int) -> str:
        try:
            return apply_claim(agency.core, who, person_id, "unemployment", {}, "Please.")
        except StateError as fault:
            return fault.code

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(apply, range(2)))
    assert "claim.open" in made
    assert len(list_claims(agency.core, who)) == 1
