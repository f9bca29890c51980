"""Acts of one second keep their order wherever the newest of them decides: times are whole seconds, and ids random."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from issuer.accounts.models import Person
from issuer.accounts.people import write_name
from issuer.core import Core
from issuer.permits.activation import activated_by
from issuer.permits.models import Entry, Filing, Notification, Permit, PermitTerm, Upload
from issuer.permits.names import PassportName
from issuer.permits.people import passport_of, record_passport
from issuer.permits.records import FilingRecord
from issuer.permits.restoring import newest_notification
from issuer.permits.uploads import newest_photo
from tests.issuer.conftest import new_database_url
from tests.kit.people import ServiceUnderTest, Somebody, make, new_service_under_test, organisation

DAY = "2026-03-02"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceUnderTest]:
    """A service whose clock stands still."""
    folder = tmp_path_factory.mktemp("order")
    made = new_service_under_test(folder, new_database_url("sqlite", folder))
    yield made
    made.core.close()


@pytest.fixture(scope="module")
def holder(service: ServiceUnderTest) -> Somebody:
    """Somebody with a permit that was granted twice within one second, and activated both times; the ids of what came
    later are the smaller ones."""
    holder = make(service, "holder", "holder")
    employer = organisation(service, "employer", 1)
    now = int(service.clock.at)
    change: dict[str, Any] = {"created_at": now, "changed_at": now, "revision": 1}
    sealed = {"record": b"sealed"}
    permit = Permit(id="a" * 32, person_id=holder.person_id, number_key="0" * 64, state="GRANTED", region="310115",
                    employer_id=employer, until=DAY, **change, **sealed)  # fmt: skip
    rows: list[Any] = [permit]
    for number, name in enumerate(("f" * 32, "0" * 32), 1):
        ids = {"permit_id": permit.id, "filing_id": name}
        rows += [
            Filing(id=name, process="overseas", state="APPROVED", region="310115", filer="employer", prolonged=0,
                   employer_id=employer, returns=0, **change, **sealed),
            PermitTerm(id=name, number=number, employer_id=employer, category="B", first=DAY, until=DAY,
                       region="310115", ground="overseas", created_at=now, **ids, **sealed),
            Notification(id=name, token_hash=name * 2, token=b"sealed", state="ISSUED", until=DAY, created_at=now,
                         **ids),
            Entry(id=name, entered_on=DAY, originals="DUE", originals_due=DAY, residence="not_applied",
                  residence_due=DAY, **ids, **change, **sealed),
        ]  # fmt: skip

    def write(session: Session) -> None:
        for row in rows:
            session.add(row)
            session.flush()

    service.core.database.transact(write)
    return holder


def test_notification_and_entry_of_the_newest_term_are_the_newest(service: ServiceUnderTest, holder: Somebody) -> None:
    assert activated_by(service.core, "a" * 32).entry_id == "0" * 32
    found = service.core.database.read(lambda session: newest_notification(session, "a" * 32))
    assert found is not None
    assert found.id == "0" * 32


def passport(number: str) -> FilingRecord:
    return FilingRecord(surname="MUSTER", given="ERIKA", nationality="DEU", birth=date(1988, 5, 1), sex="female",
                        passport=number, passport_until=date(2030, 1, 1))  # fmt: skip


def test_passport_that_was_recorded_last_is_the_newest(service: ServiceUnderTest) -> None:
    """Eight in one second: by chance they would stand in this order once in 40,000 times."""
    core, now = service.core, int(service.clock.at)

    def work(session: Session) -> list[str]:
        person = Person(id="b" * 32, identity_key=None, created_at=now)
        write_name(core, person, PassportName("MUSTER", "ERIKA").shown)
        session.add(person)
        session.flush()
        seen = []
        for place in range(8):
            record_passport(core, session, now, person.id, passport(f"C0{place}X00T47"))
            seen.append(passport_of(core, session, person.id)["number"])
        return seen

    assert core.database.transact(work) == [f"C0{place}X00T47" for place in range(8)]


def test_photo_of_a_card_and_of_the_package_is_the_same_of_two_of_one_second(
    service: ServiceUnderTest, holder: Somebody
) -> None:
    """Of rows that were written with one time, both take the same; before, each took another."""
    core: Core = service.core
    rows = [
        Upload(id=name * 32, filing_id="f" * 32, code="M08", digest="0" * 64, media_type="image/jpeg", size=1, pages=1,
               key=b"sealed", account_id=holder.account_id, created_at=5)
        for name in "cde"
    ]  # fmt: skip
    core.database.transact(lambda session: session.add_all(rows))
    found = core.database.read(lambda session: newest_photo(session, "f" * 32))
    assert found is not None
    assert found.id == "e" * 32
