"""Look-ups with purpose and power, and those that an inquiry keeps back until their day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from icard_crypto.encoding import cbor
from icard_crypto.errors import StateError
from issuer import cards
from issuer.approvals import engine
from issuer.audit.reads import close_days, day_hash, prune_reads
from issuer.audit.verify import verify
from issuer.cards import NewCard, lookups
from issuer.cards.deferrals import deferred_by_month, end_deferral, list_deferrals, reveal
from issuer.cards.models import LookupDeferral, OnlineLookup
from issuer.db.base import Base
from issuer.notices.inbox import inbox
from issuer.rules.days import day_of
from issuer.service.app import make_service
from tests.kit.callers import by_session, problem
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, Somebody, make, new_service_under_test
from verifier.runtime.http import Drain

DAY = 86_400


@dataclass
class Inquiry:
    """A holder with a card, an inspector who inquires, another one, and the head of the office."""

    issuing_service: ServiceUnderTest
    holder: Somebody
    inspector: Somebody
    other: Somebody
    head: Somebody
    card_id: str

    def today(self) -> date:
        """In Beijing."""
        return day_of(int(self.issuing_service.clock.at))

    def asked(self, days: int = 30, **changes: Any) -> str:
        """The inspector has asked for a deferral; the request."""
        arguments = {
            "card_id": self.card_id,
            "account_id": self.inspector.account_id,
            "shown_on": (self.today() + timedelta(days=days)).isoformat(),
            "law": "Labour inspection, article 17",
            **changes,
        }
        return engine.ask(
            self.issuing_service.core, self.inspector.who(), "lookup.defer", arguments, "an inquiry"
        ).confirmation_id

    def deferred(self, days: int = 30, **changes: Any) -> str:
        """A deferral that the head has confirmed."""
        request = self.asked(days, **changes)
        self.issuing_service.later(1)
        return engine.confirm(self.issuing_service.core, self.head.who(), request).subject

    def look(self, who: Somebody, purpose: str | None = None) -> None:
        """Somebody looks the card up."""
        self.issuing_service.later(1)
        lookups.note_lookup(self.issuing_service.core, who.who(), self.card_id, "card", purpose)

    def log(self) -> list[tuple[str, str | None]]:
        """What the holder sees: role and purpose, newest first."""
        found = lookups.list_own_lookups(self.issuing_service.core, self.holder.person_id)
        assert found == lookups.list_lookups(self.issuing_service.core, self.card_id)
        return [(one.role, one.purpose) for one in found]

    def notices(self, kind: str) -> int:
        """How many of a kind the holder has."""
        return [one.kind for one in inbox(self.issuing_service.core, self.holder.account_id)].count(kind)


@pytest.fixture
def inquiry(tmp_path: Path) -> Iterator[Inquiry]:
    issuing_service = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db", keys=True)
    holder, inspector = make(issuing_service, "holder", "holder"), make(issuing_service, "inspector", "inspector")
    other, head = make(issuing_service, "inspector", "other"), make(issuing_service, "office_head", "head")
    (issued,) = cards.issue(issuing_service.core, [NewCard(person(1), holder=holder.person_id)], HOST)
    yield Inquiry(issuing_service, holder, inspector, other, head, issued.card_id)
    issuing_service.core.close()


def refused(work: Any) -> tuple[str, str | None]:
    with pytest.raises(StateError) as caught:
        work()
    return caught.value.code, caught.value.path


def test_log_names_purpose_and_power(inquiry: Inquiry) -> None:
    inquiry.look(inquiry.inspector)
    inquiry.look(inquiry.inspector, "inquiry")
    lookups.note_person_lookup(inquiry.issuing_service.core, inquiry.other.who(), inquiry.holder.person_id, "insurance")
    found = lookups.list_own_lookups(inquiry.issuing_service.core, inquiry.holder.person_id)
    assert [(one.way, one.purpose) for one in found] == [
        ("insurance", "inspection"),
        ("card", "inquiry"),
        ("card", "inspection"),
    ]
    assert found[2].for_what["en"] == "Labour security inspection"
    assert found[2].power["zh"].startswith("《劳动保障监察条例》")
    assert not any(one.deferred for one in found)
    other = refused(lambda: inquiry.look(inquiry.inspector, "benefit_check"))
    assert other == ("lookup.purpose", "purpose")
    assert refused(lambda: inquiry.look(inquiry.inspector, "curiosity"))[0] == "lookup.purpose"
    assert len(lookups.list_own_lookups(inquiry.issuing_service.core, inquiry.holder.person_id)) == 3


def test_deferred_look_up_is_hidden_and_appears_on_its_day(inquiry: Inquiry) -> None:
    inquiry.look(inquiry.inspector, "inquiry")
    inquiry.deferred(30)
    shown = inquiry.today() + timedelta(days=30)
    before = inquiry.notices("card.looked_up")
    inquiry.look(inquiry.inspector, "inquiry")
    # Hidden is what this official looks up for the inquiry, nothing else.
    assert inquiry.log() == [("inspector", "inquiry")]
    assert inquiry.notices("card.looked_up") == before
    inquiry.look(inquiry.inspector)
    inquiry.look(inquiry.other, "inquiry")
    assert inquiry.log() == [("inspector", "inquiry"), ("inspector", "inspection"), ("inspector", "inquiry")]
    assert reveal(inquiry.issuing_service.core) == 0
    # The last minute before, and the first of the day, in Beijing.
    inquiry.issuing_service.clock.at = float((shown.toordinal() - date(1970, 1, 1).toordinal()) * DAY - 8 * 3600 - 1)
    assert len(inquiry.log()) == 3
    inquiry.issuing_service.later(1)
    assert len(inquiry.log()) == 4
    found = lookups.list_own_lookups(inquiry.issuing_service.core, inquiry.holder.person_id)
    assert [one.deferred for one in found] == [False, False, True, False]
    assert (reveal(inquiry.issuing_service.core), reveal(inquiry.issuing_service.core)) == (1, 0)
    assert inquiry.notices("person.lookups_shown") == 1


def test_deferral_prolonged_by_two_hides_what_the_first_hid(inquiry: Inquiry) -> None:
    first = inquiry.deferred(10)
    inquiry.look(inquiry.inspector, "inquiry")
    inquiry.issuing_service.later(5 * DAY)
    assert inquiry.deferred(10) == first
    inquiry.issuing_service.later(6 * DAY)
    assert inquiry.log() == []
    inquiry.issuing_service.later(5 * DAY)
    assert inquiry.log() == [("inspector", "inquiry")]


def test_official_ends_a_deferral_and_the_look_ups_show(inquiry: Inquiry) -> None:
    deferral_id = inquiry.deferred()
    inquiry.look(inquiry.inspector, "inquiry")
    (shown,) = list_deferrals(inquiry.issuing_service.core, inquiry.other.who())
    assert (shown.deferral_id, shown.law) == (deferral_id, "Labour inspection, article 17")
    assert refused(lambda: end_deferral(inquiry.issuing_service.core, inquiry.holder.who(), deferral_id))[0] == (
        "access.not_allowed"
    )
    assert (
        refused(lambda: end_deferral(inquiry.issuing_service.core, inquiry.other.who(), "0" * 32))[0] == "lookup.none"
    )
    end_deferral(inquiry.issuing_service.core, inquiry.other.who(), deferral_id)
    end_deferral(inquiry.issuing_service.core, inquiry.other.who(), deferral_id)
    assert inquiry.log() == [("inspector", "inquiry")]
    assert list_deferrals(inquiry.issuing_service.core, inquiry.other.who()) == []


def test_deferral_needs_two_people_and_an_end_within_bounds(inquiry: Inquiry) -> None:
    issuing_service = inquiry.issuing_service
    for days in (0, -1, 181):
        assert refused(lambda days=days: inquiry.asked(days)) == ("lookup.deferral", "shown_on")
    assert refused(lambda: inquiry.asked(shown_on="soon"))[1] == "shown_on"
    assert refused(lambda: inquiry.asked(law="")) == ("lookup.law", "law")
    assert refused(lambda: inquiry.asked(person_id=inquiry.holder.person_id)) == ("lookup.deferral", "person_id")
    assert refused(lambda: inquiry.asked(account_id=inquiry.holder.account_id)) == ("account.none", "account_id")
    own = refused(lambda: inquiry.asked(card_id=None, person_id=inquiry.inspector.person_id))
    assert own[0] == "account.self"
    request = inquiry.asked()
    issuing_service.later(1)
    assert (
        refused(lambda: engine.confirm(issuing_service.core, inquiry.inspector.who(), request))[0]
        == "confirm.same_person"
    )
    inquiry.look(inquiry.inspector, "inquiry")
    assert inquiry.log() == [("inspector", "inquiry")]


def test_deferral_that_would_outlive_the_log_is_refused(tmp_path: Path) -> None:
    """Each look-up is shown for 90 days before it is deleted: no deferral where look-ups are kept for 90 days."""
    issuing_service = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db", keys=True, lookup_days=100)
    holder, inspector = make(issuing_service, "holder", "holder"), make(issuing_service, "inspector", "inspector")
    today = day_of(int(issuing_service.clock.at))
    for days, wanted in ((11, "lookup.deferral"), (10, None)):
        arguments = {
            "person_id": holder.person_id,
            "account_id": inspector.account_id,
            "shown_on": (today + timedelta(days=days)).isoformat(),
            "law": "a law",
        }

        def ask(arguments: dict[str, str] = arguments) -> None:
            engine.ask(issuing_service.core, inspector.who(), "lookup.defer", arguments, "an inquiry")

        if wanted is None:
            ask()
        else:
            assert refused(ask) == (wanted, "shown_on")
    issuing_service.core.close()


def test_deferred_look_ups_are_counted_by_month_once_it_is_over(inquiry: Inquiry) -> None:
    inquiry.deferred(60)
    inquiry.look(inquiry.inspector, "inquiry")
    month = inquiry.today().strftime("%Y-%m")
    assert deferred_by_month(inquiry.issuing_service.core) == []
    inquiry.issuing_service.later(32 * DAY)
    assert [(one.month, one.lookups) for one in deferred_by_month(inquiry.issuing_service.core)] == [(month, 1)]
    app = make_service(inquiry.issuing_service.core, Drain())
    auditor = make(inquiry.issuing_service, "auditor", "auditor")
    counted = by_session(app, auditor.enter())("GET", "/v1/lookups/deferred").json()
    assert counted == [{"month": month, "lookups": 1}]
    own = by_session(app, inquiry.holder.enter())
    assert problem(own("GET", "/v1/lookups/deferred")) == (403, "access.not_allowed")
    assert own("GET", "/v1/lookups").json()["items"] == []
    inquiry.issuing_service.later(30 * DAY)
    (item,) = by_session(app, inquiry.holder.enter())("GET", "/v1/lookups").json()["items"]
    assert (item["purpose"], item["deferred"], item["role"]) == ("inquiry", True, "inspector")
    assert inquiry.inspector.account_id not in str(item)


def test_row_that_hides_for_longer_than_two_agreed_on_is_refused(inquiry: Inquiry) -> None:
    """Somebody who has the database alone cannot keep look-ups from a person."""
    deferral_id = inquiry.deferred(5)
    inquiry.look(inquiry.inspector, "inquiry")
    table = Base.metadata.tables[LookupDeferral.__tablename__]
    longer = update(table).where(table.c.id == deferral_id).values(ends_at=table.c.ends_at + 900 * DAY)
    inquiry.issuing_service.core.database.transact(lambda session: session.execute(longer) and None)
    assert refused(inquiry.log)[0] == "at_rest.altered"


def test_days_closed_by_an_earlier_version_keep_their_hash(inquiry: Inquiry) -> None:
    """A row without purpose, person and deferral hashes as it did; a purpose that is changed later is found."""
    core = inquiry.issuing_service.core
    inquiry.look(inquiry.inspector)
    table = Base.metadata.tables[OnlineLookup.__tablename__]

    def write(**values: Any) -> None:
        core.database.transact(lambda session: session.execute(update(table).values(**values)) and None)

    write(purpose=None, person_id=None)
    row = core.database.read(lambda session: session.scalars(select(OnlineLookup)).one())
    day = row.at - row.at % DAY
    earlier: list[cbor.Value] = [row.account_id, row.at, row.card_id, row.id, row.role, row.way]
    wanted = hashlib.sha256(cbor.encode(["online_lookups", *earlier])).hexdigest()
    assert core.database.read(lambda session: day_hash(session, day)) == (wanted, 1)
    write(purpose="inspection")
    inquiry.issuing_service.later(DAY)
    close_days(core)
    assert [fault.code for fault in verify(core).faults] == []
    write(purpose="inquiry")
    assert [fault.code for fault in verify(core).faults] == ["audit.reads_changed"]
    write(purpose="inspection")
    inquiry.issuing_service.later(1200 * DAY)
    assert prune_reads(core, 1095) == 1
