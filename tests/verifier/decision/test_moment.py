"""A moment is remembered for a second and changes no verdict; the card is made when somebody asks for it."""

from __future__ import annotations

import random

import pytest

from icard_crypto.card import claims as card_claims
from icard_crypto.card.card import Profile
from tests.kit.trust_domain import DAY, HOUR, NOW, OTHER_KEY, World, claims, code
from verifier import Verdict
from verifier.decision import moment as moments
from verifier.decision.moment import Moment

#: Before everything, around the ends and ages of timestamp, status list and trust list, and after everything.
TIMES = [
    *(0, NOW - 40 * DAY, NOW - 2 * HOUR, NOW - HOUR - 301, NOW - HOUR, NOW, NOW + 23 * HOUR, NOW + 23 * HOUR + 1),
    *(NOW + 71 * HOUR, NOW + 6 * DAY, NOW + 20 * DAY, NOW + 290 * DAY, NOW + 300 * DAY, NOW + 900 * DAY),
]


@pytest.mark.parametrize("policy", ["gate", "inspection", "benefit", "offline", "unsafe_no_status"])
def test_a_verifier_that_has_seen_other_times_says_what_a_new_one_says(policy: str) -> None:
    """Times in any order, each twice, of all profiles and an unknown key: one verifier, and a new one for each code."""
    world = World(policy=policy, entry=4)
    codes = [code(profile) for profile in Profile] + [code(expires=NOW + 5 * DAY), code(key=OTHER_KEY)]
    kept = world.verifier()
    chance = random.Random(5)
    outcomes = set()
    for now in chance.sample(TIMES * 2, 2 * len(TIMES)):
        for shown in codes:
            verdict = kept.verify(shown, now=now)
            assert verdict.to_dict() == world.verifier().verify(shown, now=now).to_dict(), (now, shown)
            outcomes.add(str(verdict.reason))
    assert len(outcomes) >= 5


def test_no_card_is_made_before_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome, its words and the states need the facts alone; the card is decoded once, when it is asked for."""
    made = []
    real = card_claims.decode_payload

    def counted(payload: bytes) -> object:
        made.append(payload)
        return real(payload)

    monkeypatch.setattr("verifier.decision.verdict.decode_payload", counted)
    verdict = World().verify()
    assert (verdict.outcome, verdict.permit.state, verdict.insurance.state) == ("VALID", "valid", "valid")
    assert (verdict.holder, verdict.profile, verdict.evidence.status_value) == ("not_checked", "public", 0)
    assert made == []
    assert verdict.claims == claims()
    assert verdict.card == claims().card
    assert len(made) == 1


def test_an_untrusted_code_never_makes_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody trusted signed stays bytes."""

    def refuse(payload: bytes) -> object:
        raise AssertionError("decoded")

    monkeypatch.setattr("verifier.decision.verdict.decode_payload", refuse)
    monkeypatch.setattr("verifier.decision.verdict.decode_facts", refuse)
    for verdict in (World(usage="status").verify(), World().verify(code(key=OTHER_KEY))):
        assert isinstance(verdict, Verdict)
        assert (verdict.card, verdict.claims, verdict.profile) == (None, None, None)
        assert verdict.permit.state == "unknown"


def test_what_a_moment_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions and addresses stand in signed cards: an issuer cannot fill a verifier's memory with them."""
    monkeypatch.setattr(moments, "_REMEMBERED", 8)
    world = World()
    domain = world.domain()
    moment = Moment(domain, world.verifier().policy, NOW)
    for number in range(100):
        region = f"31{number:04}"
        uri = f"https://icard.example/s/{number}"
        for _ in range(2):
            scope = moment.scope_of(world.issuer, uri, region, None)
            assert scope.covered is world.issuer.covers_region(region)
            assert scope.owned is world.issuer.owns_status_uri(uri)
            assert scope.listed is None
    assert max(len(moment._scopes), len(moment._lists)) <= 8


@pytest.mark.parametrize(
    ("region", "other", "covered"),
    [
        (None, None, True),
        ("310000", None, True),
        (None, "310115", True),
        ("310000", "310115", True),
        ("440000", None, False),
        (None, "440000", False),
        ("310000", "440000", False),
        ("440000", "310000", False),
    ],
)
def test_a_scope_covers_both_regions_or_none(region: str | None, other: str | None, covered: bool) -> None:
    """Each region that a code names must be the issuer's, whichever of the two it is."""
    world = World()
    moment = Moment(world.domain(), world.verifier().policy, NOW)
    assert moment.scope_of(world.issuer, "https://icard.example/s/1", region, other).covered is covered
