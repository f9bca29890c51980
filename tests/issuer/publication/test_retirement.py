"""Status lists whose codes have all ended: when they go, from where, and that nothing goes early, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from icard_crypto.lists import tree
from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.lists.list_maps import DAY
from icard_crypto.signing.keys import Thumbprint
from issuer import cards
from issuer.acts import Actor
from issuer.cards import NewCard
from issuer.core import Core
from issuer.publication.export import export
from issuer.publication.retirement import GRACE, end_lists
from issuer.published import artefacts
from issuer.published.trust_lists import accepted, import_trust_lists
from issuer.restore.restore import restore
from issuer.status.models import StatusListRow
from tests.kit.issuing_service import FakeClock, person
from tests.kit.signed_domain import bundle_domain, file_of, published_core, step, trust_list
from verifier import Policy
from verifier.store import Store, Update, freshness
from verifier.store.decide import OVER
from verifier.store.manifest import Mark
from verifier.sync.sources import named_lists

BY = Actor("officer:1")
#: The longest that a code lives, and a status token.
CODE, TOKEN = 400 * DAY, 31 * DAY


class Years:
    """A service whose one full list has thirty cards, and a verifier that is brought the news."""

    def __init__(self, folder: Path, url: str) -> None:
        self.clock = FakeClock()
        self.core: Core = published_core(folder, url, self.clock, list_capacity=100)
        self.tree, self.version = folder / "www", 1
        step(self.core, self.clock)
        issued = cards.issue(self.core, [NewCard(person(number)) for number in range(30)], BY)
        self.code = issued[0].codes[0]
        self.uri, self.name = self.code.uri, self.code.uri.rpartition("/")[2]
        step(self.core, self.clock)
        self.ended = max(code.expires_at for card in issued for code in card.codes)
        self.store = Store(folder / "state")
        anchor = decode_bundle(file_of(self.core, tree.BUNDLE)).trust_lists[0]
        self.store.create(anchor, name="test", now=int(self.clock.at))
        self.carry()

    def to(self, moment: float) -> None:
        """Go there in steps of weeks, which a person accepts, with the worker's chores and the roots' at each."""
        while self.clock.at < moment:
            self.clock.at = min(moment, self.clock.at + 25 * DAY)
            self.core.database.transact(self.core.clock.accept)
            if int(self.clock.at - self.core.database.read(_trusted_at)) > 200 * DAY:
                self.version += 1
                import_trust_lists(self.core, [trust_list(self.core, self.version)], "host:test")
            end_lists(self.core)
            step(self.core, self.clock)
            export(self.core, self.tree)
            self.carry()

    def carry(self) -> None:
        bundle = decode_bundle(file_of(self.core, tree.BUNDLE))
        assert not self.store.apply("test", Update.of_bundle(bundle), int(self.clock.at)).refused

    def row(self) -> StatusListRow:
        return self.core.database.read(lambda session: session.get_one(StatusListRow, self.name))

    def where(self) -> set[str]:
        """Where the list is to be found."""
        domain = bundle_domain(file_of(self.core, tree.BUNDLE), int(self.clock.at))
        places = {"bundle": self.uri in domain.status_lists, "tree": (self.tree / "status" / self.name).exists()}
        places["timestamp"] = domain.timestamp is not None and self.uri in domain.timestamp.lists
        places["row"] = self.core.database.read(
            lambda session: artefacts.newest_at(session, tree.status_path(self.name)) is not None
        )
        return {place for place, there in places.items() if there}


def _trusted_at(session: Session) -> int:
    chain = accepted(session)
    assert chain is not None
    return chain.current.iat


@pytest.fixture
def years(tmp_path: Path, database_url: str) -> Years:
    return Years(tmp_path, database_url)


EVERYWHERE = {"bundle", "tree", "timestamp", "row"}


def test_a_list_goes_when_its_codes_have_ended_and_its_token_too(years: Years) -> None:
    """Signed until a week after the last code's end, found until a week after the token's; then nowhere, at once."""
    years.to(years.ended + GRACE - 60)
    assert (end_lists(years.core), years.where()) == ([], EVERYWHERE)
    assert years.clock.at - (years.row().published_iat or 0) < DAY
    years.to(years.ended + GRACE + 60)
    last = years.row().published_iat or 0
    step(years.core, years.clock, force=True)
    assert years.row().published_iat == last
    years.to(last + TOKEN + GRACE - 60)
    assert (years.row().published_iat, years.where()) == (last, EVERYWHERE)
    years.to(last + TOKEN + GRACE + 60)
    assert years.where() == set()
    assert years.row().retired_at is not None
    # What is done to a card of it still is; nothing is published anew for that.
    (card,) = cards.find_cards(years.core, "permit", person(1).permit.number or "")
    cards.revoke(years.core, card, BY)
    step(years.core, years.clock, force=True)
    assert years.where() == set()


def test_a_verifier_drops_a_list_that_no_living_code_needs(years: Years) -> None:
    """Its token goes a month after the last code that it may know of, not before; the mark stays, and nobody asks."""
    years.to(years.ended + GRACE + 60)
    (mark,) = years.store.manifest("test").marks[years.uri].values()
    years.to(mark.iat + OVER - DAY)
    (domain,) = years.store.load()
    assert years.where() == set()
    assert years.store.manifest("test").marks[years.uri][_only(years)] == mark
    # It says what it said, for whoever has an old code, and no list of health or of errands has it.
    assert years.uri in domain.status_lists
    assert years.uri not in {row.name for row in freshness(domain, Policy.named("gate"), int(years.clock.at))}
    assert years.uri not in named_lists(domain, years.store.manifest("test").marks)
    years.to(mark.iat + OVER + DAY)
    (domain,) = years.store.load()
    assert years.store.manifest("test").marks[years.uri][_only(years)] == Mark(mark.iat, None)
    assert years.uri not in domain.status_lists
    assert not years.store.holds("test", mark.token or "")
    assert years.store.faults == ()
    assert years.uri not in named_lists(domain, years.store.manifest("test").marks)


def _only(years: Years) -> Thumbprint:
    (key,) = years.store.manifest("test").marks[years.uri]
    return key


def test_other_lists_stay(years: Years) -> None:
    """A list that still gives indexes, and one with a single code that lives, are published as ever."""
    (one,) = cards.issue(years.core, [NewCard(person(99))], BY)
    other = one.codes[0].uri
    years.to(years.ended + GRACE + TOKEN + GRACE + 2 * DAY)
    domain = bundle_domain(file_of(years.core, tree.BUNDLE), int(years.clock.at))
    assert other in domain.status_lists
    assert years.uri not in domain.status_lists


def test_a_list_that_a_restore_closed_waits_for_codes_that_nobody_knows(years: Years) -> None:
    """Indexes may have been given until the restore: the list stays as long as those codes may live."""
    (one,) = cards.issue(years.core, [NewCard(person(99))], BY)
    later = one.codes[0].uri.rpartition("/")[2]
    years.to(one.codes[0].expires_at - 50 * DAY)
    restored = int(years.clock.at)
    restore(years.core, years.tree, BY)
    years.to(restored + CODE + GRACE - DAY)
    row = years.core.database.read(lambda session: session.get_one(StatusListRow, later))
    assert (row.state, row.retired_at) == ("closed", None)
    years.to(restored + CODE + GRACE + DAY)
    row = years.core.database.read(lambda session: session.get_one(StatusListRow, later))
    assert row.retired_at is not None
