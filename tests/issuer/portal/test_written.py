"""Values as pages write them: regions and states by their names, in the signs of the language."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from icard_crypto.errors import Language
from issuer import rules
from issuer.cards.plausible import NATIONALITIES
from issuer.portal.catalogue import Words
from issuer.portal.parts import Deadline
from issuer.portal.places import country_choices, region_code, region_options
from issuer.portal.rendering import Templates
from issuer.portal.rule_shown import region_words
from issuer.portal.static_files import StaticFiles
from issuer.rules.regions import NATION, known_regions
from tests.kit.forms import words


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("SWE", "Sweden (SWE)", "瑞典（SWE）"),
        ("KOR", "South Korea (KOR)", "韩国（KOR）"),
        ("XXA", "Stateless person (XXA)", "无国籍人（XXA）"),
        ("XSA", "XSA", "XSA"),
        ("D", "D", "D"),
        ("HKG", "Hong Kong, China (HKG)", "中国香港（HKG）"),
        ("<b>", "<b>", "<b>"),
    ],
)
def test_state_of_a_passport_has_its_name_and_its_code(code: str, english: str, chinese: str) -> None:
    assert (Words("en").country(code), Words("zh").country(code)) == (english, chinese)


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("310000", "Shanghai (310000)", "上海市（310000）"),
        ("310115", "Shanghai (310115)", "上海市（310115）"),
        ("CN", "the whole country", "全国"),
        ("990000", "990000", "990000"),
    ],
)
def test_region_has_its_name_and_its_code(code: str, english: str, chinese: str) -> None:
    assert (region_words(code, Words("en")).lower(), region_words(code, Words("zh"))) == (english.lower(), chinese)


def test_sayings_stand_in_a_row_by_the_signs_of_the_language() -> None:
    assert Words("en").in_row([Words("en").pair("Photo", "blurred"), "b"]) == "Photo: blurred; b"
    assert Words("zh").in_row([Words("zh").pair("证件照片", "模糊"), "b"]) == "证件照片：模糊；b"


def test_every_shipped_kind_of_rules_has_words() -> None:
    kinds = {file.stem for file in (Path(rules.__file__).parent / "data").glob("*.json")}
    assert {kind for kind in kinds if not Words("zh").has(f"rules.kind_{kind}")} == set()


def test_a_state_is_chosen_by_its_name_and_every_three_letter_code_can_be() -> None:
    """The order is the language's own; China has papers but no foreign nationals; what is not among them stays."""
    for language, first, last in (("en", "Afghanistan", "Zimbabwe"), ("zh", "阿尔巴尼亚", "中非共和国")):
        t = Words(language)  # type: ignore[arg-type]
        states = country_choices(t, "SWE")
        names = [one.text for one in states[1:]]
        assert names.index(first) < names.index(t.country_name("SWE")) < names.index(last)
        named = {code for code in NATIONALITIES if len(code) == 3 and t.country_name(code) != code}
        assert {one.value for one in states} == {"", *named}
        assert len(set(names)) == len(names)
        assert "CHN" in {one.value for one in country_choices(t, "", china=True)}
        assert country_choices(t, "QQQ")[1].value == "QQQ"
    assert [one.text for one in country_choices(Words("en"), "") if one.value in ("ALA", "CIV")] == [
        "Åland Islands",
        "Côte d’Ivoire",
    ]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        *(("Shanghai (310000)", "310000"), ("上海市（310000）", "310000"), ("Shanghai (310115)", "310115")),
        *(("shanghai", "310000"), ("上海", "310000"), ("310115", "310115"), (" 内蒙古 ", "150000"), ("CN", "CN")),
        *(("全国", "CN"), ("the whole country", "CN"), ("Suzhou, Jiangsu (320500)", "320500"), ("苏州", "320500")),
        # Two prefectures have this name in English, and a province and its city that one.
        *(("Suzhou", "Suzhou"), ("Jilin", "Jilin"), ("Nowhere", "Nowhere"), ("", "")),
    ],
)
def test_a_region_is_typed_as_a_name_or_a_code(typed: str, code: str) -> None:
    assert region_code(typed) == code


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_region_that_is_proposed_leads_back_to_itself(language: Language) -> None:
    """None of them twice; the whole country where it is asked for."""
    proposed = region_options(language)
    assert [region_code(text) for text in proposed] == [code for code in known_regions() if code != NATION]
    assert len(set(proposed)) == len(proposed)
    assert set(region_options(language, nation=True)) - set(proposed) == {region_words(NATION, Words(language))}


def test_paper_comes_from_a_state_or_territory() -> None:
    """A passport may say organisation or refugee, a diploma not; nothing that only has a code is offered."""
    passports = {one.value: one.text for one in country_choices(Words("en"), "")}
    papers = {one.value for one in country_choices(Words("en"), "", china=True, places=True)}
    others = {"XPO", "XXB", "EUE", "UNO", "GBN"}
    assert others <= set(passports)
    assert others & papers == set()
    assert {"CHN", "DEU", "HKG", "RKS"} <= papers
    assert [code for code, name in passports.items() if code == name] == []


@pytest.mark.parametrize(
    ("language", "said", "unsaid"),
    [("en", "from 12 October 2027", " left"), ("zh", "自2027年10月12日起", "到期")],
)
def test_day_from_which_something_can_be_done_is_no_last_day(language: Language, said: str, unsaid: str) -> None:
    """It is shown with "from", by no colour that warns, and with no days left."""
    template = Templates(StaticFiles())._environment.get_template("parts/process.html")
    macros: Any = template.make_module({"t": Words(language)})
    opens = Deadline(date(2027, 10, 12), 3, "calendar", True, "X", "Y", begins=True)
    assert opens.level == "later"
    for big in (False, True):
        shown = words(macros.deadline(opens, big=big))
        assert said in shown
        assert unsaid not in shown
