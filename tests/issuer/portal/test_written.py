"""Values as pages write them: regions and states by their names, in the signs of the language."""

from __future__ import annotations

from pathlib import Path

import pytest

from issuer import rules
from issuer.portal.catalogue import Words
from issuer.portal.rule_shown import region_words


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("SWE", "Sweden (SWE)", "瑞典（SWE）"),
        ("KOR", "South Korea (KOR)", "韩国（KOR）"),
        ("XXA", "XXA", "XXA"),
        ("D", "D", "D"),
        ("HKG", "HKG", "HKG"),
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
