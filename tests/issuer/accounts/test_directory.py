"""Accounts as administrators change them; organisations, mandates, and whose card it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from icard_crypto.errors import StateError
from issuer import cards
from issuer.accounts import directory, host, mandates, organisations
from issuer.accounts.changes import NewAccount
from issuer.accounts.models import Person
from issuer.accounts.organisations import NewOrganisation, close_organisation
from issuer.accounts.people import read_name
from issuer.cards import NewCard, parties
from issuer.notices.models import NoticeRow
from tests.kit.issuing_service import person
from tests.kit.people import HOST, ServiceUnderTest, at_once, count, make, new_service_under_test, organisation

DAY = 86_400


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(StateError) as caught:
        act()
    return caught.value.code


def test_an_administrator_finds_accounts(issuing_service: ServiceUnderTest) -> None:
    """By id, by login name, page by page; nobody else does."""
    admin = make(issuing_service, "administrator", "admin").who()
    made = [host.add(issuing_service.core, NewAccount("holder", f"name-{n}", "Name"), HOST) for n in range(5)]
    assert directory.find_account(issuing_service.core, admin, "NAME-3").account_id == made[3].account_id
    shown = directory.show_account(issuing_service.core, admin, made[0].account_id)
    assert (shown.login, shown.name, shown.state, shown.totp) == ("name-0", "Name", "invited", False)
    pages: list[str] = []
    while page := directory.list_accounts(
        issuing_service.core, admin, after=pages[-1] if pages else "", limit=2, role="holder"
    ):
        assert len(page) <= 2
        pages += [each.account_id for each in page]
    assert pages == sorted(each.account_id for each in made)
    officer = make(issuing_service, "permit_officer", "officer").who()
    for act in (
        lambda: directory.list_accounts(issuing_service.core, officer),
        lambda: directory.show_account(issuing_service.core, officer, made[0].account_id),
        lambda: directory.lock_account(issuing_service.core, officer, made[0].account_id),
    ):
        assert refused(act) == "access.not_allowed"
    assert refused(lambda: directory.find_account(issuing_service.core, admin, "nobody")) == "account.none"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"login": "a"}, "login"),
        ({"login": "zhañg"}, "login"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "email"),
        ({"language": "fr"}, "language"),
        ({"identity": "x y"}, "identity"),
        ({"organisation_id": "0" * 32}, "organisation_id"),
        ({"role": "king"}, "role"),
    ],
)
def test_a_wrong_field_is_named_and_never_shown(tmp_path: Path, changes: dict[str, str], path: str) -> None:
    """And nothing is made."""
    issuing_service = new_service_under_test(tmp_path, f"sqlite:///{tmp_path}/issuer.db")
    fields = {"role": "holder", "login": "zhang", "name": "Zhang", **changes}
    with pytest.raises(StateError) as caught:
        host.add(issuing_service.core, NewAccount(**fields), HOST)  # type: ignore[arg-type]
    assert caught.value.path == path
    assert caught.value.found is None
    assert count(issuing_service.core, Person) == 0
    issuing_service.core.close()


def test_a_login_name_is_taken_once(issuing_service: ServiceUnderTest) -> None:
    """In any case of letters, and by two at once; the same person may have another."""
    roles = (("inspector", "zhang"), ("inspector", "Zhang"), ("holder", "zhang2"))
    new = [NewAccount(role, name, "Zhang", "P-1234567") for role, name in roles]
    found = at_once([partial(host.add, issuing_service.core, each, HOST) for each in new[:2]])
    assert sorted(getattr(each, "code", "made") for each in found) == ["account.login_taken", "made"]
    host.add(issuing_service.core, new[2], HOST)
    assert count(issuing_service.core, Person) == 1


def test_accounts_of_one_person_made_at_once(issuing_service: ServiceUnderTest) -> None:
    """They are known by their number to be one person's."""
    new = [NewAccount("inspector", f"name-{number}", "Zhang", "p-1234567") for number in range(4)]
    found = at_once([partial(host.add, issuing_service.core, each, HOST) for each in new])
    assert [each for each in found if isinstance(each, Exception)] == []
    assert count(issuing_service.core, Person) == 1


def test_a_person_has_one_holders_account(issuing_service: ServiceUnderTest) -> None:
    """Whoever opened a second one would read the cards of the first."""
    make(issuing_service, "holder", "zhang", identity="P-1234567")
    second = NewAccount("holder", "zhang2", "Zhang", "P-1234567")
    assert refused(lambda: host.add(issuing_service.core, second, HOST)) == "account.conflict"
    host.change(issuing_service.core, "zhang", "close", HOST)
    host.add(issuing_service.core, second, HOST)


def test_roles_exclude_each_other_in_one_person(issuing_service: ServiceUnderTest) -> None:
    """Who makes accounts touches no card, under no other account either."""
    make(issuing_service, "administrator", "admin", identity="STAFF-1")
    for role in ("permit_officer", "auditor", "inspector"):
        new = NewAccount(role, f"{role}-x", "x", "STAFF-1")
        assert refused(lambda n=new: host.add(issuing_service.core, n, HOST)) == "account.conflict"  # type: ignore[misc]
    host.add(issuing_service.core, NewAccount("holder", "private", "x", "STAFF-1"), HOST)
    host.change(issuing_service.core, "admin", "close", HOST)
    host.add(issuing_service.core, NewAccount("auditor", "audit", "x", "STAFF-1"), HOST)


def test_a_change_names_its_version(issuing_service: ServiceUnderTest) -> None:
    """One that was decided on something older is refused."""
    admin = make(issuing_service, "administrator", "admin").who()
    holder = make(issuing_service, "holder", "zhang")
    version = directory.show_account(issuing_service.core, admin, holder.account_id).version
    directory.lock_account(issuing_service.core, admin, holder.account_id, version=version)
    again = directory.unlock_account
    assert refused(lambda: again(issuing_service.core, admin, holder.account_id, version=version)) == "account.changed"
    again(issuing_service.core, admin, holder.account_id, version=version + 1)
    assert refused(lambda: again(issuing_service.core, admin, holder.account_id)) == "account.state"


def test_access_is_taken_by_one_and_given_by_two(issuing_service: ServiceUnderTest) -> None:
    """One administrator locks an officer at once, and alone cannot let him in again."""
    admin = make(issuing_service, "administrator", "admin").who()
    officer = make(issuing_service, "permit_officer", "officer")
    directory.lock_account(issuing_service.core, admin, officer.account_id)
    unlock = directory.unlock_account
    assert refused(lambda: unlock(issuing_service.core, admin, officer.account_id)) == "account.two_needed"


def test_a_closed_account_is_erased(issuing_service: ServiceUnderTest) -> None:
    """Its login name is free again; the person's name goes with the last account."""
    admin = make(issuing_service, "administrator", "admin").who()
    one = make(issuing_service, "holder", "zhang", identity="P-1234567")
    two = make(issuing_service, "inspector", "zhang2", identity="P-1234567")

    def name() -> str:
        return issuing_service.core.database.read(
            lambda s: read_name(issuing_service.core, s.get_one(Person, one.person_id))
        )

    directory.close_account(issuing_service.core, admin, one.account_id)
    assert name() == "Name of zhang"
    shown = directory.show_account(issuing_service.core, admin, one.account_id)
    assert (shown.login, shown.name, shown.email, shown.state) == ("", "", None, "closed")
    make(issuing_service, "holder", "zhang")
    directory.close_account(issuing_service.core, admin, two.account_id)
    assert refused(lambda: directory.close_account(issuing_service.core, admin, two.account_id)) == "account.state"
    for account in directory.list_accounts(issuing_service.core, admin):
        if account.state != "closed" and account.role != "administrator":
            directory.close_account(issuing_service.core, admin, account.account_id)
    assert name() == ""


def test_organisations_by_their_code(issuing_service: ServiceUnderTest) -> None:
    """Once, with the right check character; members see their own and no other; closing one shuts its members out."""
    one, two = organisation(issuing_service, "employer", 1), organisation(issuing_service, "agency", 2)
    admin = make(issuing_service, "administrator", "admin").who()
    member = make(issuing_service, "employer", "member", organisation_id=one)
    shown = organisations.show_organisation(issuing_service.core, member.who(), one)
    assert (shown.kind, shown.name, shown.state) == ("employer", "Organisation 1", "active")
    assert (
        refused(lambda: organisations.show_organisation(issuing_service.core, member.who(), two)) == "organisation.none"
    )
    assert (
        refused(lambda: organisations.show_organisation(issuing_service.core, member.who(), "f" * 32))
        == "organisation.none"
    )
    create = organisations.create_organisation
    again = NewOrganisation("agency", shown.code.lower(), "Again")
    assert refused(lambda: create(issuing_service.core, admin, again)) == "organisation.exists"
    wrong = shown.code[:-1] + ("0" if shown.code[-1] != "0" else "1")
    assert (
        refused(lambda: create(issuing_service.core, admin, NewOrganisation("agency", wrong, "x"))) == "account.field"
    )
    assert refused(lambda: create(issuing_service.core, member.who(), again)) == "access.not_allowed"
    for role, organisation_id in (("employer", two), ("employer", None), ("agency", one)):
        new = NewAccount(role, "other", "x", organisation_id=organisation_id)
        assert refused(lambda n=new: host.add(issuing_service.core, n, HOST)) == "organisation.none"  # type: ignore[misc]
    assert {each.organisation_id for each in organisations.list_organisations(issuing_service.core, admin)} == {
        one,
        two,
    }
    organisations.close_organisation(issuing_service.core, admin, one)
    organisations.close_organisation(issuing_service.core, admin, one)
    assert refused(member.enter) == "login.refused"


def test_mandates_have_an_end(issuing_service: ServiceUnderTest) -> None:
    """An employer gives its own; an agency sees its clients from begin to end, or until it is ended."""
    employer, other, agency = (
        organisation(issuing_service, kind, n) for n, kind in enumerate(("employer", "employer", "agency"))
    )
    boss = make(issuing_service, "employer", "boss", organisation_id=employer).who()
    agent = make(issuing_service, "agency", "agent", organisation_id=agency).who()
    now = int(issuing_service.clock.at)
    give = mandates.give_mandate
    for begins, ends in ((now, now), (now, now - 1), (now - DAY, now), (now, now + 6 * 366 * DAY)):
        assert (
            refused(lambda b=begins, e=ends: give(issuing_service.core, boss, agency, employer, b, e))  # type: ignore[misc]
            == "mandate.period"
        )
    assert refused(lambda: give(issuing_service.core, boss, agency, other, now, now + DAY)) == "organisation.none"
    assert refused(lambda: give(issuing_service.core, boss, other, employer, now, now + DAY)) == "organisation.none"
    assert refused(lambda: give(issuing_service.core, agent, agency, employer, now, now + DAY)) == "access.not_allowed"
    made = give(issuing_service.core, boss, agency, employer, now + DAY, now + 2 * DAY)

    def clients(at: int) -> set[str]:
        return issuing_service.core.database.read(lambda session: mandates.clients(session, agent, at))

    assert [clients(now + offset) for offset in (DAY - 1, DAY, 2 * DAY - 1, 2 * DAY)] == [
        set(),
        {employer},
        {employer},
        set(),
    ]
    assert mandates.list_mandates(issuing_service.core, agent) == [made]
    stranger = make(issuing_service, "employer", "stranger", organisation_id=other).who()
    assert mandates.list_mandates(issuing_service.core, stranger) == []
    assert refused(lambda: mandates.end_mandate(issuing_service.core, stranger, made.mandate_id)) == "mandate.none"
    mandates.end_mandate(issuing_service.core, agent, made.mandate_id)
    mandates.end_mandate(issuing_service.core, boss, made.mandate_id)
    assert clients(now + DAY) == set()


def test_cards_are_seen_by_those_whose_they_are(tmp_path: Path, database_url: str) -> None:
    """Holder, employer, agency by mandate, officers; for anyone else it is as if there were none."""
    issuing_service = new_service_under_test(tmp_path, database_url, keys=True)
    employer, other, agency = (
        organisation(issuing_service, kind, n) for n, kind in enumerate(("employer", "employer", "agency"))
    )
    holder, stranger = make(issuing_service, "holder", "zhang"), make(issuing_service, "holder", "wang")
    officer = make(issuing_service, "permit_officer", "officer").who()
    boss = make(issuing_service, "employer", "boss", organisation_id=employer).who()
    foreign = make(issuing_service, "employer", "foreign", organisation_id=other).who()
    agent = make(issuing_service, "agency", "agent", organisation_id=agency).who()
    admin = make(issuing_service, "administrator", "admin").who()
    card_id = cards.issue(issuing_service.core, [NewCard(person(1))], HOST)[0].card_id
    parties.set_parties(issuing_service.core, officer, card_id, holder.person_id, employer)
    parties.set_parties(issuing_service.core, officer, card_id, holder.person_id, employer)
    assert parties.parties_of(issuing_service.core, card_id) == (holder.person_id, employer)

    def sees(who: object, card: str = card_id) -> str:
        try:
            parties.require_card(issuing_service.core, who, card)  # type: ignore[arg-type]
        except StateError as fault:
            return fault.code
        return "seen"

    people = [holder.who(), boss, officer, stranger.who(), foreign, agent, admin]
    assert [sees(who) for who in people] == ["seen"] * 3 + ["issue.no_card"] * 3 + ["access.not_allowed"]
    assert [sees(who, "f" * 32) for who in people] == ["issue.no_card"] * 6 + ["access.not_allowed"]
    now = int(issuing_service.clock.at)
    mandates.give_mandate(issuing_service.core, boss, agency, employer, now - 1, now + DAY)
    assert sees(agent) == "seen"
    assert parties.own_cards(issuing_service.core, agent) == [card_id]
    assert parties.own_cards(issuing_service.core, foreign) == []
    told = count(issuing_service.core, NoticeRow)
    parties.set_parties(issuing_service.core, officer, card_id, holder.person_id, other)
    assert [sees(who) for who in (holder.who(), boss, agent, foreign)] == [
        "seen",
        "issue.no_card",
        "issue.no_card",
        "seen",
    ]
    # Holder twice, the employer and the agency of before, the one of now.
    assert count(issuing_service.core, NoticeRow) - told == 5
    parties.set_parties(issuing_service.core, officer, card_id, holder.person_id, employer)
    issuing_service.later(DAY)
    assert sees(agent) == "issue.no_card"
    assert refused(lambda: parties.set_parties(issuing_service.core, boss, card_id, None, None)) == "access.not_allowed"
    issuing_service.core.close()


def test_nobody_is_let_in_for_a_closed_organisation(issuing_service: ServiceUnderTest) -> None:
    """Closing shuts its people out; unlocking or resetting one of them is refused."""
    employer = organisation(issuing_service, "employer", 1)
    boss = make(issuing_service, "employer", "boss", organisation_id=employer)
    admin = make(issuing_service, "administrator", "admin").who()
    close_organisation(issuing_service.core, admin, employer)
    assert refused(boss.enter) == "login.refused"
    assert (
        refused(lambda: directory.unlock_account(issuing_service.core, admin, boss.account_id)) == "organisation.none"
    )
    assert refused(lambda: host.reset(issuing_service.core, "boss", HOST)) == "organisation.none"


def test_an_employer_has_a_bounded_number_of_mandates(
    issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended ones make room; the same agency twice at a time is refused."""
    monkeypatch.setattr(mandates, "_MOST", 2)
    employer = organisation(issuing_service, "employer", 1)
    agencies = [organisation(issuing_service, "agency", number) for number in range(2, 5)]
    boss = make(issuing_service, "employer", "boss", organisation_id=employer).who()
    now = int(issuing_service.clock.at)
    give = mandates.give_mandate
    given = [give(issuing_service.core, boss, agency, employer, now, now + DAY) for agency in agencies[:2]]
    assert refused(lambda: give(issuing_service.core, boss, agencies[0], employer, now, now + DAY)) == "mandate.exists"
    assert (
        refused(lambda: give(issuing_service.core, boss, agencies[2], employer, now, now + DAY)) == "mandate.too_many"
    )
    mandates.end_mandate(issuing_service.core, boss, given[0].mandate_id)
    give(issuing_service.core, boss, agencies[2], employer, now, now + DAY)


def test_one_administrator_leaves_an_authority_its_people(
    issuing_service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last two administrators are closed by nobody here, and officials are shut out a few a day by each
    administrator; people of no office are not counted, and another administrator goes on."""
    monkeypatch.setattr(directory, "_MOST_SHUT", 2)
    admins = [make(issuing_service, "administrator", f"admin-{number}") for number in range(3)]
    officers = [make(issuing_service, "permit_officer", f"officer-{number}") for number in range(3)]
    holder = make(issuing_service, "holder", "holder")
    one, two, three = (admin.who() for admin in admins)
    core = issuing_service.core
    directory.close_account(core, one, holder.account_id)
    directory.close_account(core, one, three.account_id)
    assert refused(lambda: directory.close_account(core, one, two.account_id)) == "account.last_two"
    directory.lock_account(core, one, officers[0].account_id)
    assert refused(lambda: directory.lock_account(core, one, officers[1].account_id)) == "account.too_fast"
    directory.lock_account(core, two, officers[1].account_id)
    issuing_service.later(DAY)
    directory.lock_account(core, admins[0].who(), officers[2].account_id)
    assert refused(lambda: directory.close_account(core, admins[1].who(), one.account_id)) == "account.last_two"
