"""The words of the portal: complete in both languages, all of them used, and written as each language writes."""

from __future__ import annotations

import re
import string
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import Language, NotFound, Unavailable
from issuer.accounts.roles import ROLES
from issuer.approvals.acts import ACTS
from issuer.permits.materials import PROCESSES
from issuer.permits.processes import FILING
from issuer.portal.catalogue import LANGUAGES, Words, entries
from issuer.portal.parts import name_differences
from tests.kit.cases import check_all

FOLDER = Path(str(resources.files("issuer.portal")))
#: Entries whose names are put together from parts; the parts are tested below.
BUILT = re.compile(
    r"^(roles|due|rules|situations|steps|checks|acts|approvals|keys|outbox|done|faults|help|privacy|accessible|nav|home)\."
    r"|^card\.(scheme|why|way|code|public|work|office)|^accounts\.(state|lock|unlock|end|reset|close|role|login|name|email)"
    r"|^organisation\.(state|employer|agency)|^mandate\.(live|later|over|ended|none)|^staff\.(employer|agency|none)"
    r"|^(filing|permit|insurance|desk|rules|webhooks|offices|messages|endings|objections|entries|requests|benefits|services|windows|states)\."
    r"|^lists\.(kind|state|title|ready|done|start|do|lead|no_permits)_|^history\.|^insurance\.c_"
    r"|^social\.(state|do)_|^search\.(active|suspended|revoked)|^common\.span|^audit\.only|^tokens\.|^gallery\."
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def forms(entry: dict[str, Any], language: Language) -> list[str]:
    """The forms of an entry in one language."""
    form = entry[language]
    return list(form.values()) if isinstance(form, dict) else [form]


def places(text: str) -> set[str]:
    """The names in a text's braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name} - {"n"}


def test_entries_have_both_languages_with_the_same_places() -> None:
    """English has no Chinese in it and Chinese has some, unless the entry is nothing but a place; both have the same
    places, and every plural has the form for any other number."""
    check_all({name: name for name in entries()}, _check_entry)


def _check_entry(name: str) -> None:
    entry = entries()[name]
    assert set(entry) == set(LANGUAGES)
    english, chinese = forms(entry, "en"), forms(entry, "zh")
    assert all(text.strip() == text and text for text in (*english, *chinese))
    assert not CHINESE.search("".join(english))
    assert all(CHINESE.search(text) for text in chinese) or name in LATIN
    assert len({frozenset(places(text)) for text in (*english, *chinese)}) == 1
    for language in LANGUAGES:
        assert not isinstance(entry[language], dict) or "other" in entry[language]


#: Chinese entries without a Chinese character.
LATIN = {"desk.checked", "filing.refusal", "permit.term", "help.office_at", "gallery.f_kinds", "privacy.cookies"}


def test_every_entry_is_used() -> None:
    """Each entry stands in a template or a module, or is one of those whose names are put together."""
    text = "".join(path.read_text("utf-8") for path in FOLDER.rglob("*") if path.suffix in (".html", ".py"))
    assert [name for name in entries() if f'"{name}"' not in text and not BUILT.search(name)] == []


def test_every_name_in_templates_and_modules_is_an_entry() -> None:
    """What pages ask for is there."""
    asked = set()
    for path in FOLDER.rglob("*"):
        if path.suffix in (".html", ".py"):
            asked |= set(re.findall(r'\bt\("([a-z_]+\.[A-Za-z_.-]+)"[,)]', path.read_text("utf-8")))
            asked |= set(re.findall(r'words\("([a-z_]+\.[A-Za-z_.-]+)"[,)]', path.read_text("utf-8")))
    assert len(asked) > 200
    assert asked - set(entries()) == set()


def test_names_that_are_put_together_are_entries() -> None:
    """Roles, grounds of terms, moves of applications and who makes them, acts under dual control and their effects."""
    words = Words("en")
    for role in ROLES:
        assert words.has(f"roles.{role}")
    for ground in (*PROCESSES, "import", "merger", "employer_code", "employer_name"):
        assert words.has(f"filing.process_{ground}"), ground
    for move in FILING.moves:
        assert words.has(f"filing.move_{move.name}"), move.name
        assert all(words.has(f"filing.by_{party}") for party in move.by), move.name
    for act in ACTS:
        assert words.has(f"approvals.{act}")
        assert words.has(f"approvals.{act}_effect")


@pytest.mark.parametrize(
    ("language", "count", "expected"),
    [("en", 1, "1 day left"), ("en", 12, "12 days left"), ("en", 0, "0 days left"), ("zh", 1, "还剩1天")],
)
def test_plural_follows_the_language(language: Language, count: int, expected: str) -> None:
    assert Words(language)("due.left", n=count) == expected


@pytest.mark.parametrize(
    ("language", "long", "short", "moment"),
    [
        ("en", "3 November 2026", "3 Nov 2026", "3 November 2026, 14:05"),
        ("zh", "2026年11月3日", "2026年11月3日", "2026年11月3日 14:05"),
    ],
)
def test_day_and_moment_are_written_as_the_language_does_in_beijing_time(
    language: Language, long: str, short: str, moment: str
) -> None:
    words = Words(language)
    # 2026-11-03T06:05:00Z
    assert words.moment(1_793_685_900) == moment
    assert words.day(date(2026, 11, 3)) == long
    assert words.day(date(2026, 11, 3), short=True) == short
    # 16:30 UTC is the next day in Beijing.
    assert words.day(1_793_723_400) == words.day(date(2026, 11, 4))


def test_span_is_rounded_down() -> None:
    words = Words("en")
    spans = [words.span(seconds) for seconds in (59, 119, 3600, 3 * 86_400 - 1, 3 * 86_400)]
    assert spans == ["under a minute", "1 minute", "1 hour", "71 hours", "3 days"]


def test_text_that_turns_the_direction_is_isolated() -> None:
    """A name with an override or in Arabic cannot reorder the sentence around it; others stay as they are."""
    words = Words("en")
    assert words("card.issued_by", authority="\u202eabc") == "Issued by \u2068\u202eabc\u2069"
    assert words("card.issued_by", authority="سارة") == "Issued by \u2068سارة\u2069"
    assert words("card.issued_by", authority="上海") == "Issued by 上海"


def test_portal_words_replace_those_of_the_catalogue() -> None:
    """Where the portal has words for a fault they are used, with what was found; else the catalogue's."""
    message, hint = Words("en").fault(Unavailable("login.wait", found="32"))
    assert "32 seconds" in hint
    assert "seconds to wait is given" not in message
    assert Words("zh").fault(NotFound("confirm.none"))[0] == NotFound("confirm.none").message("zh")


def test_name_differences_name_the_part() -> None:
    """Case is no difference; a part that one side lacks is one."""
    found = name_differences("LI Anna Maria", "li ANNE")
    assert [(each.ours, each.theirs, each.same) for each in found] == [
        ("LI", "li", True),
        ("Anna", "ANNE", False),
        ("Maria", "", False),
    ]
