"""Issue, replace, renew, suspend, resume, revoke; lapse and payment: on both databases."""

from __future__ import annotations

import datetime
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from icard_crypto.card.card import Profile
from icard_crypto.errors import CardError, Conflict, StateError
from issuer import cards
from issuer.acts import Actor
from issuer.audit.models import AuditRow
from issuer.cards import Decision, NewCard, Reissue
from issuer.cards.models import CodeRow
from issuer.core import Core
from issuer.db.idempotency import Request
from issuer.keys.states import all_keys, trusted_key
from issuer.status.models import StatusListRow
from tests.kit.issuing_service import new_core, person
from verifier import Policy, TrustDomain, Verifier

BY = Actor("officer:1", "a test")
GLASS = Actor("host:test", "a reason", break_glass=True)


@pytest.fixture
def core(tmp_path: Path, database_url: str) -> Core:
    return new_core(tmp_path, database_url)


def entries(core: Core, card_id: str) -> list[tuple[int, int]]:
    """Profile and entry of every code of a card, oldest first."""
    return [(int(profile), value) for _, profile, _, value in cards.show(core, card_id).entries]


def read_codes(core: Core, texts: list[str]) -> list[str]:
    """What a verifier says of codes, by the service's public keys."""
    keys = core.database.read(all_keys)
    domain = TrustDomain.from_keys([trusted_key(key, core.issuer) for key in keys], environment="test")
    verifier = Verifier(domain, Policy.named("unsafe_no_status"))
    return [verifier.verify(text, now=int(core.clock.local())).outcome for text in texts]


def test_issue_gives_a_code_for_each_profile(core: Core) -> None:
    """Three codes, each with its own cti and index, each VALID for a verifier with the public key."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    assert [code.profile for code in issued.codes] == list(Profile)
    assert len({code.cti for code in issued.codes}) == len({code.index for code in issued.codes}) == 3
    assert read_codes(core, [code.text for code in issued.codes]) == ["VALID"] * 3
    assert cards.show(core, issued.card_id).codes == issued.codes
    assert cards.show(core, issued.card_id).card == person(1)


def test_many_cards_at_once_are_all_or_none(core: Core) -> None:
    """A batch with one card that may not be issued leaves nothing."""
    cards.issue(core, [NewCard(person(9))], BY)
    with pytest.raises(Conflict) as caught:
        cards.issue(core, [NewCard(person(1)), NewCard(person(9))], BY)
    assert (caught.value.code, caught.value.path) == ("issue.card_exists", "permit.number")
    assert "Replace or renew" in caught.value.hint()
    assert cards.find_cards(core, "permit", person(1).permit.number or "") == []


def test_a_region_of_another_issuer_is_refused_before_anything_is_written(core: Core) -> None:
    """No index is spent on a card whose code no verifier would take."""
    with pytest.raises(CardError) as caught:
        cards.issue(core, [NewCard(person(1, region="440100"))], BY)
    assert (caught.value.code, caught.value.path, caught.value.found) == ("issue.region", "permit.region", "440100")
    assert core.database.read(lambda session: list(session.scalars(select(CodeRow.cti)))) == []


def test_a_permit_number_may_be_issued_again_after_a_revocation(core: Core) -> None:
    """By two people, or on the host: one officer alone would undo what two have done."""
    (first,) = cards.issue(core, [NewCard(person(1))], BY)
    cards.revoke(core, first.card_id, BY)
    with pytest.raises(StateError) as caught:
        cards.issue(core, [NewCard(person(1))], BY)
    assert (caught.value.code, caught.value.path) == ("issue.two_needed", "permit.number")
    (second,) = cards.issue(core, [NewCard(person(1))], GLASS)
    assert cards.find_cards(core, "permit", person(1).permit.number or "") == sorted([first.card_id, second.card_id])


def test_replaced_codes_read_replaced_at_once(core: Core) -> None:
    """After a change the old codes read 3, the new ones 0, and the record says the new."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    moved = replace(person(1), permit=replace(person(1).permit, position="Head of design"))
    again = cards.replace(core, Reissue(issued.card_id, moved), BY)
    assert entries(core, issued.card_id) == [(1, 3), (2, 3), (3, 3), (1, 0), (2, 0), (3, 0)]
    assert (again.generation, cards.show(core, issued.card_id).card) == (2, moved)
    assert read_codes(core, [code.text for code in again.codes]) == ["VALID"] * 3


def test_one_officer_ends_no_card_by_replacing_it(core: Core) -> None:
    """A record that ends sooner, of another permit, of another person: two people's; a name put right is one's."""
    before = person(1)
    (issued,) = cards.issue(core, [NewCard(before)], BY)
    tomorrow = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    sooner = replace(before, permit=replace(before.permit, valid_until=tomorrow))
    somebody = replace(before, holder=replace(before.holder, name="SOMEBODY ELSE", nationality="FRA"))
    for make in (cards.replace, cards.renew):
        for record in (sooner, somebody, person(2)):
            with pytest.raises(StateError) as caught:
                make(core, Reissue(issued.card_id, record), BY)
            assert (caught.value.code, caught.value.path) == ("issue.two_needed", "card")
    assert entries(core, issued.card_id) == [(1, 0), (2, 0), (3, 0)]
    right = replace(before, holder=replace(before.holder, name="MUSTERMANN-BEISPIEL ERIKA"))
    cards.replace(core, Reissue(issued.card_id, right), BY)
    cards.replace(core, Reissue(issued.card_id, sooner), GLASS)


def test_one_officer_makes_no_other_person_one_field_after_the_other(core: Core) -> None:
    """Name, then birth, then nationality, each alone a slip: from the second on it takes two, who then decide whose
    card it is; what was put back is no step."""
    before = person(1)
    (issued,) = cards.issue(core, [NewCard(before)], BY)

    def replaced(by: Actor, **fields: Any) -> str | None:
        record = cards.show(core, issued.card_id).card
        try:
            cards.replace(core, Reissue(issued.card_id, replace(record, holder=replace(record.holder, **fields))), by)
        except StateError as fault:
            return fault.code
        return None

    assert replaced(BY, name="SOMEBODY ELSE") is None
    assert replaced(BY, nationality="FRA") == "issue.two_needed"
    assert replaced(BY, date_of_birth=datetime.date(1991, 2, 3), year_of_birth=1991) == "issue.two_needed"
    cards.renew(core, Reissue(issued.card_id), BY)
    same = Decision(lambda unit: cards.show(core, issued.card_id).card, lambda unit, card_id: None)
    cards.reissue_decided(core, issued.card_id, same, BY, old_end=False)
    assert replaced(BY, nationality="FRA") == "issue.two_needed"
    assert [replaced(BY, name=before.holder.name), replaced(BY, nationality="FRA")] == [None, None]
    assert replaced(BY, name="SOMEBODY ELSE") == "issue.two_needed"
    assert [replaced(GLASS, name="SOMEBODY ELSE"), replaced(BY, nationality="ITA")] == [None, None]
    assert replaced(BY, date_of_birth=datetime.date(1991, 2, 3), year_of_birth=1991) == "issue.two_needed"


def test_a_new_record_loses_no_field_by_omission(core: Core) -> None:
    """What the record has and the new one lacks is refused, each field with its path, and nothing is changed; named in
    ``remove``, as a field or as the part it belongs to, it goes."""
    before = person(1)
    (issued,) = cards.issue(core, [NewCard(before)], BY)
    less = replace(before, permit=replace(before.permit, position=None, authority=None), insurance=None)
    for make in (cards.replace, cards.renew):
        for removed, left in (
            ((), ["permit.position", "permit.authority", "insurance"]),
            (("permit.position",), ["permit.authority", "insurance"]),
            (("permit", "other"), ["insurance"]),
        ):
            with pytest.raises(CardError) as caught:
                make(core, Reissue(issued.card_id, less, remove=frozenset(removed)), BY)
            faults = [caught.value, *caught.value.also]
            assert [(one.code, one.path) for one in faults] == [("card.lost_field", path) for path in left]
    assert caught.value.message() == "The new record lacks a field that the card has."
    assert caught.value.message("zh") == "新记录缺少该卡已有的字段。"
    assert cards.show(core, issued.card_id).card == before
    cards.replace(
        core, Reissue(issued.card_id, less, remove=frozenset({"permit.position", "permit.authority", "insurance"})), BY
    )
    assert cards.show(core, issued.card_id).card == less


def test_renewed_codes_run_to_their_own_end(core: Core) -> None:
    """Renewing leaves the old codes as they are; what happens to the card happens to both."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    cards.renew(core, Reissue(issued.card_id), BY)
    assert entries(core, issued.card_id) == [(profile, 0) for profile in (1, 2, 3, 1, 2, 3)]
    cards.suspend(core, issued.card_id, BY)
    assert entries(core, issued.card_id) == [(profile, 2) for profile in (1, 2, 3, 1, 2, 3)]


def test_new_codes_inherit_what_the_record_says(core: Core) -> None:
    """A card that is suspended, with a lapse behind it, gets codes that say so from their first moment."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    cards.set_insurance(core, issued.card_id, "lapsed", BY)
    cards.renew(core, Reissue(issued.card_id), BY)
    assert entries(core, issued.card_id)[3:] == [(1, 0), (2, 13), (3, 13)]


def test_a_lapse_never_shows_in_a_public_code(core: Core) -> None:
    """Lapse, permit suspended, both, and back: the entries of all profiles."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    seen = []
    for part, state in (("insurance", "lapsed"), ("permit", "suspended"), ("insurance", "good"), ("permit", "good")):
        change = cards.set_insurance if part == "insurance" else cards.set_permit
        change(core, issued.card_id, state, BY)  # type: ignore[arg-type]
        seen.append([value for _, value in entries(core, issued.card_id)])
    assert seen == [[0, 13, 13], [12, 14, 14], [12, 12, 12], [0, 0, 0]]


def test_suspend_and_resume(core: Core) -> None:
    """A suspension ends; repeating a step changes nothing and is no error."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    cards.suspend(core, issued.card_id, BY)
    cards.suspend(core, issued.card_id, BY)
    cards.resume(core, issued.card_id, BY)
    assert entries(core, issued.card_id) == [(1, 0), (2, 0), (3, 0)]
    acts = core.database.read(lambda session: list(session.scalars(select(AuditRow.action).order_by(AuditRow.seq))))
    assert acts[-3:] == ["card.issue", "card.suspend", "card.resume"]


def test_a_change_gives_the_revision_that_it_left(core: Core) -> None:
    """Not the one that somebody else has made since: the next change meant for it is refused then."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    card_id = issued.card_id
    left = [
        cards.suspend(core, card_id, BY),
        cards.suspend(core, card_id, BY),
        cards.resume(core, card_id, BY),
        cards.set_permit(core, card_id, "suspended", BY),
        cards.set_insurance(core, card_id, "lapsed", BY),
    ]
    assert left == [2, 2, 3, 4, 5]
    assert cards.revision_of(core, card_id) == 5
    assert cards.set_insurance(core, card_id, "good", BY, left[-1]) == 6
    with pytest.raises(StateError) as caught:
        cards.set_permit(core, card_id, "good", BY, left[-1])
    assert caught.value.code == "issue.changed"


def test_a_revoked_card_comes_back_never(core: Core) -> None:
    """Resume, replace and renew are refused; the entries stay 1."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    cards.revoke(core, issued.card_id, BY)
    for step in (cards.resume, cards.suspend):
        with pytest.raises(StateError) as caught:
            step(core, issued.card_id, BY)
        assert caught.value.code == "issue.card_revoked"
    for make in (cards.replace, cards.renew):
        with pytest.raises(StateError) as caught:
            make(core, Reissue(issued.card_id), BY)
        assert caught.value.code == "issue.card_revoked"
    assert entries(core, issued.card_id) == [(1, 1), (2, 1), (3, 1)]


def test_a_change_tells_the_publisher(core: Core) -> None:
    """Every change of an entry counts the list's changes; issuing a good card does not."""

    def changes() -> int:
        return core.database.read(lambda session: sum(session.scalars(select(StatusListRow.changes))))

    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    assert changes() == 0
    cards.suspend(core, issued.card_id, BY)
    cards.suspend(core, issued.card_id, BY)
    assert changes() == 1


def test_a_request_that_is_sent_again_makes_one_card(core: Core) -> None:
    """Twenty at once with one idempotency key: one card, the same answer for all."""
    request = Request("employer:1", "POST /cards", "k1", b"body")
    answers = []

    def send() -> None:
        answers.extend(cards.issue(core, [NewCard(person(1), request=request)], BY))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len({answer.card_id for answer in answers}) == 1
    assert {answer.codes for answer in answers} == {answers[0].codes}


def test_a_permit_number_is_issued_once_however_many_try(core: Core) -> None:
    """Eight at once without a key: one card, seven refusals by name."""
    made, codes_of_faults = [], []

    def send() -> None:
        try:
            made.extend(cards.issue(core, [NewCard(person(1))], BY))
        except Conflict as fault:
            codes_of_faults.append(fault.code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), codes_of_faults) == (1, ["issue.card_exists"] * 7)


def test_a_permit_number_stands_once_in_a_batch(core: Core) -> None:
    """The same card twice in one call is refused as a whole."""
    with pytest.raises(Conflict) as caught:
        cards.issue(core, [NewCard(person(1)), NewCard(person(1))], BY)
    assert caught.value.code == "issue.card_exists"
    assert cards.find_cards(core, "permit", person(1).permit.number or "") == []


def test_a_replacement_may_not_take_another_cards_number(core: Core) -> None:
    """The new data is held to the same rule, and the old codes stand."""
    (first,) = cards.issue(core, [NewCard(person(1))], BY)
    cards.issue(core, [NewCard(person(2))], BY)
    with pytest.raises(Conflict) as caught:
        cards.replace(core, Reissue(first.card_id, person(2)), BY)
    assert caught.value.code == "issue.card_exists"
    assert entries(core, first.card_id) == [(1, 0), (2, 0), (3, 0)]


def test_an_idempotency_key_with_another_body_is_refused(core: Core) -> None:
    """The other's answer is never given."""
    cards.issue(core, [NewCard(person(1), request=Request("a", "POST /cards", "k", b"one"))], BY)
    with pytest.raises(StateError) as caught:
        cards.issue(core, [NewCard(person(2), request=Request("a", "POST /cards", "k", b"two"))], BY)
    assert caught.value.code == "idempotency.other_body"
    assert caught.value.message() == "This idempotency key was used for another request."


def test_cards_are_found_by_number_and_name(core: Core) -> None:
    """By keyed hashes: the database holds neither."""
    (issued,) = cards.issue(core, [NewCard(person(1))], BY)
    assert cards.find_cards(core, "permit", (person(1).permit.number or "").lower()) == [issued.card_id]
    assert cards.find_cards(core, "name", "Hannelore Brigitta Vogel") == [issued.card_id]
    assert cards.find_cards(core, "name", "HANNELORE") == []


def test_an_unknown_card_is_named(core: Core) -> None:
    """One code for every call."""
    for call in (lambda: cards.show(core, "0" * 32), lambda: cards.revoke(core, "0" * 32, BY)):
        with pytest.raises(StateError) as caught:
            call()
        assert (caught.value.code, caught.value.message()) == ("issue.no_card", "There is no such card.")
