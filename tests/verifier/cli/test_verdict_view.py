"""Verdicts as people see them: what is live, how old knowledge is, what was known last, boxes on a terminal."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from icard_crypto.card.card import Profile
from tests.kit.reference import ISSUER
from tests.kit.trust_domain import DAY, HERE, HOUR, NOW, World, code
from verifier import Policy, Verifier
from verifier.cli.verdict_view import show
from verifier.decision.reasons import catalogue
from verifier.decision.verdict import Verdict, new_verdict
from verifier.runtime.cli.run_context import begin


def shown(verdict: Verdict, language: str = "en", *, terminal: bool = False, width: int = 70) -> str:
    """What is printed in that language."""
    begin({"LANG": language})
    out = StringIO()
    console = Console(
        file=out, force_terminal=terminal, width=width if terminal else 1000, markup=False, emoji=False, highlight=False
    )
    show(verdict, "a.png", console)
    return out.getvalue()


def test_live_permit_and_ages_are_told() -> None:
    """Under fresh lists the permit is live, and each list's age stands beside it."""
    text = shown(World().verify())
    assert "Permit: In force (live) · category B · until 2028-04-30 · region 310115\n" in text
    assert "Known: trust list 7 (10 d old) · timestamp (1 h old) · status list (1 h old)\n" in text


def test_public_insurance_is_never_called_live() -> None:
    """A public code's insurance is as of its issue; a work code's is live."""
    assert "Insurance: In force (as of 2026-10-08)" in shown(World().verify())
    assert "Insurance: In force (live)" in shown(World().verify(code(Profile.WORK)))


def test_ages_in_chinese() -> None:
    """Words and units are Chinese."""
    text = shown(World(status_iat=NOW - 120).verify(), "zh")
    assert "依据：可信机关名单 7 (10天前) · 时间戳 (1小时前) · 状态名单 (2分钟前)\n" in text


def test_last_known_state_of_a_stale_list_is_told() -> None:
    """A suspension on a list that is too old does not decide, and is shown as what was known last."""
    verdict = World(entry=2, status_iat=NOW - 2 * DAY).verify()
    text = shown(verdict)
    assert text.startswith("a.png: ? NOT CONFIRMED\n")
    assert f"last known: {catalogue()['suspended']['en']}\n" in text


def test_without_a_list_no_key_is_said_to_be_a_strangers() -> None:
    """Where no trust list is here, nothing was known last either."""
    text = shown(Verifier((), Policy.named("gate")).verify(code(), now=NOW))
    assert text.startswith("a.png: ? NOT CONFIRMED\n")
    assert "last known" not in text


def test_issuer_without_a_name_is_said_once() -> None:
    """A file of trusted keys that was made without names has the issuer's id in their place."""
    assert "Issuer: Shanghai (cn.310000)\n" in shown(World().verify())
    for names in ({}, {"en": ISSUER}):
        nameless = replace(HERE, names=names)
        assert f"Issuer: {ISSUER}\n" in shown(World(issuer=nameless).verify())


def test_further_reasons_are_listed() -> None:
    """What else stands against the card is not hidden behind the first reason."""
    verdict = World(entry=1).verify(now=NOW + 3 * 365 * DAY)
    text = shown(verdict)
    assert len(verdict.also) > 0
    assert text.count("Also: ") == len(verdict.also)


def test_production_has_no_band() -> None:
    """Only test verdicts are called test verdicts."""
    assert "TEST" not in shown(World(environment="production").verify())
    assert "TEST ENVIRONMENT - this is not a real card\n" in shown(World().verify())


@pytest.mark.parametrize(
    ("world", "sign", "colour"),
    [
        (World(), "✓ VALID", "42"),
        (World(entry=1), "✕ INVALID", "41"),
        (World(status_list=False), "? NOT CONFIRMED", "43"),
    ],
    ids=["valid", "invalid", "not confirmed"],
)
def test_terminal_shows_a_box_in_the_colour_of_the_answer(world: World, sign: str, colour: str) -> None:
    """Green, red or yellow behind the word and its sign; no line is wider than the terminal."""
    text = shown(world.verify(), terminal=True)
    [line] = [line for line in text.splitlines() if f" {sign} " in line]
    assert f"{colour}m {sign} " in line
    assert text.startswith("\x1b[")
    assert "TEST ENVIRONMENT" in text


@pytest.mark.parametrize("reason", catalogue())
def test_every_reason_can_be_what_was_known_last(reason: str) -> None:
    """No reason's words need figures that "last known" does not have."""
    good = World().verify()
    verdict = new_verdict("INDETERMINATE", good.reason, (), good.policy, good.now, "test", last_known=reason)
    assert "last known: " in shown(verdict)


def test_time_of_issue_is_a_day_in_china() -> None:
    """Issued at 23:00 UTC is issued on the next day in China."""
    late = code(issued_at=NOW - NOW % DAY - HOUR - 20 * DAY)
    assert "(as of 2026-10-18)" in shown(World(status_list=False).verify(late))
