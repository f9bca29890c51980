"""What the page says of a verdict, before any browser: signs, persons, words."""

from __future__ import annotations

import functools
import json
import re
import struct
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest

from icard_crypto.errors import Language
from tests.kit.scan.memory_desk import SeenCode
from tests.kit.scan.scenes import PHOTO, SCENES, reference_name
from tests.kit.trust_domain import DAY, HOUR, NOW, TRUST_LIST, World, code
from tests.verifier.decision.test_verdict import many_verdicts
from verifier import Policy, TrustDomain, Verdict, Verifier
from verifier.service.scan.freshness import Age, age_of_knowledge, age_words
from verifier.service.scan.rendering import _SAID
from verifier.service.scan.view import Answer, answer
from verifier.service.scan.words import LANGUAGES, Words, duration


@functools.cache
def verdict_of(name: str) -> Verdict:
    """The verdict on a scene."""
    scene = SCENES[name]
    return Verifier(scene.domains, Policy.named(scene.policy)).verify(scene.shown(), now=NOW)


def told(verdict: Verdict, language: Language = "en", known: Age | None = None) -> Answer:
    """What the page says of it."""
    return answer(SeenCode("k", verdict), Words(language), known)


@pytest.mark.parametrize("name", SCENES)
def test_scene_is_what_it_says(name: str) -> None:
    """Each scene of the tests and screenshots gets the verdict that it stands for."""
    verdict = verdict_of(name)
    assert (verdict.outcome, str(verdict.reason)) == (SCENES[name].outcome, SCENES[name].reason)


def test_no_tick_beside_what_was_not_checked() -> None:
    """Over verdicts of every kind a tick stands only in a row that is live and good, and a dash where nothing is
    known."""
    ticks = dashes = 0
    for verdict in many_verdicts():
        rows = told(verdict).rows
        for row, state in zip(rows, (verdict.permit, verdict.insurance), strict=True) if rows else ():
            strict = state.live and state.as_of is not None and verdict.now - state.as_of <= 24 * HOUR
            assert (row.sign == "tick") == (strict and state.state in ("valid", "exempt"))
            if state.state in ("unknown", "not_disclosed"):
                assert row.sign == "dash"
            ticks += row.sign == "tick"
            dashes += row.sign == "dash"
    assert ticks > 10
    assert dashes > 10


def test_a_public_codes_insurance_is_never_live() -> None:
    """The insurance of a public code has a dash and the day that the card speaks of, and is not said to be in force."""
    row = told(verdict_of("valid")).rows[1]
    assert (row.sign, row.state, row.until, row.told) == (
        *("dash", "", "paid to Sep 2026"),
        "stated on the card, 8 Oct 2026",
    )


def test_details_say_when_too() -> None:
    """Among the details a state that was not read from a fresh list has the day of what says it, a live one none."""
    facts = {label: value for label, value, _ in told(verdict_of("valid")).facts}
    assert (facts["Work permit"], facts["Social insurance"]) == ("In force", "In force · as of 8 Oct 2026")
    chinese = {label: value for label, value, _ in told(verdict_of("valid"), "zh").facts}
    assert chinese["社会保险"] == "有效 · 截至2026年10月8日"
    assert "、" in chinese["险种"]


def test_a_lapse_that_the_rule_does_not_ask_for_is_said_in_the_row() -> None:
    """Under a rule that does not ask for insurance the panel stays green and the row says lapsed, with a warning."""
    shown = told(verdict_of("valid-lapsed"))
    assert shown.form == "valid"
    assert (shown.rows[1].sign, shown.rows[1].state, shown.rows[1].warn) == ("cross", "Lapsed", True)


@pytest.mark.parametrize("name", ["untrusted_key", "malformed", "not_a_card", "wrong_type", "key_revoked"])
def test_without_a_trusted_signature_nobody_is_shown(name: str) -> None:
    """Without a trusted signature there is neither name nor photo nor row, and nothing of what was shown."""
    shown = told(verdict_of(name))
    assert shown.person is None
    assert shown.hidden_photo is None
    assert shown.rows == ()
    assert reference_name() not in repr(shown)
    assert "example.com" not in repr(shown)


def test_a_refused_cards_photo_is_for_inspectors_alone() -> None:
    """The photo of a revoked card is there only under the policy of inspections; its name for everybody."""
    gate, inspection = told(verdict_of("revoked")), told(verdict_of("revoked-inspection"))
    assert gate.person is not None
    assert (gate.person.name, gate.person.photo, gate.hidden_photo) == (reference_name(), "", None)
    assert inspection.person is not None
    assert inspection.hidden_photo is not None
    assert inspection.person.photo == ""
    assert inspection.hidden_photo.photo != ""


def test_what_is_known_and_what_is_not() -> None:
    """An open verdict says what is known and what is not; the last bad news stands in the panel."""
    shown = told(verdict_of("status_stale-suspended"))
    assert shown.known == ("Issued by a trusted authority.",)
    assert shown.last_known == "Last known: SUSPENDED on 6 Nov 2026. Do not accept until updated."
    assert shown.order == "Update and scan again."
    assert told(verdict_of("status_stale")).order == "Update and scan again. This is not the holder's fault."
    assert shown.unknown == ("Whether it was cancelled since 6 Nov 2026.",)
    assert shown.operator
    assert not told(verdict_of("not_disclosed")).operator


def test_the_input_nearest_its_limit_speaks() -> None:
    """A status list of 19 hours out of 24 decides, not the timestamp of one hour out of 72; the hint comes with it."""
    shown = told(verdict_of("valid-test-no-photo"))
    assert (shown.age, shown.age_level) == ("Lists updated 19 h ago. Limit 24 h: update soon", "soon")
    assert told(verdict_of("valid")).age_level == "good"
    missing = told(verdict_of("trust_list_missing"))
    assert (missing.age, missing.age_level) == ("No lists yet: cards cannot be confirmed.", "over")
    known = Age(2 * HOUR, 24 * HOUR)
    assert told(verdict_of("untrusted_key"), known=known).age == "Lists updated 2 h ago"
    assert told(verdict_of("not_a_card"), known=known).age == "No list used"
    assert told(verdict_of("status_stale")).age == "Lists updated 26 h ago. Limit 24 h: cards cannot be confirmed"


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (175, "Lists updated 1 h ago"),
        (280, "Lists updated 280 days ago. Limit 365 days: update soon"),
        (370, "Lists updated 370 days ago. Limit 365 days: cards cannot be confirmed"),
    ],
)
def test_trust_list_of_a_year_speaks_when_its_end_is_near(days: int, age: str) -> None:
    """Half a year old it is no reason to call lists of this hour half a year old, before a scan or after it."""
    world = World(trust_list=replace(TRUST_LIST, iat=NOW - days * DAY, exp=NOW + (365 - days) * DAY))
    known = age_of_knowledge([world.domain()], Policy.named("gate"), NOW)
    assert known is not None
    assert age_words(known, Words("en")) == age
    assert told(world.verify()).age == age


def test_trust_list_speaks_where_nothing_else_is_known() -> None:
    world = World(timestamp=None, status_list=False)
    known = age_of_knowledge([world.domain()], Policy.named("gate"), NOW)
    assert known is not None
    assert age_words(known, Words("en")) == "Lists updated 10 days ago"


def test_age_without_a_limit_of_the_policy_is_a_share_of_the_tokens_own_life() -> None:
    """Under a policy that names no limit a status list of 15 days out of its own 31 decides, not a younger trust
    list."""
    world = World(environment="production", status_iat=NOW - 15 * DAY)
    verdict = Verifier(world.domain(), Policy.named("offline")).verify(SCENES["valid"].shown(), now=NOW)
    shown = told(verdict)
    assert verdict.evidence.status_expires is not None
    assert shown.age == "Lists updated 15 days ago"
    assert [row.sign for row in shown.rows] == ["dash", "dash"]
    assert shown.weak
    assert not told(verdict_of("valid")).weak


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_can_be_told(language: Language) -> None:
    """Verdicts of every kind become an answer in both languages, and no Chinese answer holds an English sentence."""
    for verdict in many_verdicts():
        shown = told(verdict, language)
        told_too = filter(None, (shown.last_known,))
        for sentence in (shown.fact, shown.order, shown.age, *shown.known, *shown.unknown, *told_too):
            chinese = re.search(r"[\u4e00-\u9fff]", sentence) is not None
            assert chinese == (language == "zh"), sentence


def test_words_are_in_both_languages() -> None:
    """Every word of the page has both languages with the same places, no English please and no Chinese full stop in
    English."""
    file: dict[str, Any] = json.loads((resources.files("verifier.service.scan") / "words.json").read_text("utf-8"))
    file.pop("about")
    groups = [file.pop(name) for name in ("schemes", "facts")]
    for name, entry in (pair for group in (file, *groups) for pair in group.items()):
        assert set(entry) == {"en", "zh"}, name
        places = [sorted(re.findall(r"\{(\w+)\}", words)) for words in entry.values()]
        assert places[0] == places[1], name
        assert "please" not in entry["en"].lower()
        assert not re.search(r"[\u3000-\u9fff]", entry["en"]), name


def test_every_word_is_used() -> None:
    """No word stands in the file that neither a template nor a module names."""
    web = resources.files("verifier.service.scan")
    sources = [entry for entry in web.iterdir() if entry.name.endswith(".py")]
    sources += [entry for folder in ("templates", "static/js") for entry in (web / folder).iterdir()]
    text = "\n".join(source.read_text("utf-8") for source in sources)
    file: dict[str, Any] = json.loads((web / "words.json").read_text("utf-8"))
    groups = {"about", "schemes", "facts"}
    named = {*re.findall(r"""["'](\w+)["']""", text)}
    built = re.compile(r"lists_(soon|over)|.*_do$")
    assert [name for name in file if name not in groups | named and not built.fullmatch(name)] == []


def test_scripts_get_the_words_that_they_say() -> None:
    """Each word that goes along for scripts is one that a script names."""
    folder = resources.files("verifier.service.scan") / "static" / "js"
    text = "\n".join(script.read_text("utf-8") for script in folder.iterdir())
    # An order goes with its fact: ``${name}_do``.
    assert [name for name in _SAID if f'"{name.removesuffix("_do")}"' not in text] == []


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, ("under 1 min", "不到1分钟")),
        (59, ("under 1 min", "不到1分钟")),
        (60, ("1 min", "1分钟")),
        (3599, ("59 min", "59分钟")),
        (26 * HOUR + 3599, ("26 h", "26小时")),
        (3 * 24 * HOUR, ("3 days", "3天")),
    ],
)
def test_an_age_is_rounded_down(seconds: int, told: tuple[str, str]) -> None:
    """In the unit that people would use; nothing is zero minutes old."""
    assert (duration(seconds, Words("en")), duration(seconds, Words("zh"))) == told


def test_a_photo_that_would_exhaust_a_browser_is_not_shown() -> None:
    """A code of an issuer may declare any size; the page then asks for the passport, as without a photo."""
    bomb = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/" + struct.pack("<I", 7999 | 7999 << 14) + bytes(9)
    shown = told(World().verify(code(holder={"photo": bomb, "photo_format": 4})))
    assert shown.person is not None
    assert (shown.person.photo, shown.passport) == ("", True)
    fine = told(World().verify(code(holder=PHOTO)))
    assert fine.person is not None
    assert fine.person.photo


def test_lists_that_cannot_be_read_are_not_called_missing() -> None:
    """Neither "no lists yet", nor, in green, that none is used."""
    shown = told(Verifier(TrustDomain.unread("cn", "store.unreadable"), Policy.named("gate")).verify(code(), now=NOW))
    assert (shown.age, shown.age_level) == ("The lists on this machine cannot be read.", "over")
