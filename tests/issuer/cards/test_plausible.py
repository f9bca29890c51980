"""What is signed is looked at, and what is searched for is found. No database."""

from __future__ import annotations

import datetime
import io
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from icard_crypto.card.card import Card
from icard_crypto.errors import CardError
from issuer.cards.plausible import NATIONALITIES, check_plausible
from issuer.cards.records import normal
from tests.kit.reference import reference_card

TODAY = datetime.date(2026, 10, 8)


def holder(**changes: Any) -> Card:
    card = reference_card()
    return replace(card, holder=replace(card.holder, **changes))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": "\u3164"}, "holder.name"),
        ({"name": "\u2800\u2800"}, "holder.name"),
        ({"name": "\u200d\u200c"}, "holder.name"),
        ({"name": "A\u034fB"}, "holder.name"),
        ({"name": "Z" + "\u0301" * 40}, "holder.name"),
        ({"name": "MUSTER\ufe0f"}, "holder.name"),
        ({"name": "- -"}, "holder.name"),
        ({"name_native": "\uffa0"}, "holder.name_native"),
        ({"date_of_birth": datetime.date(2199, 1, 1)}, "holder.date_of_birth"),
        ({"date_of_birth": TODAY + datetime.timedelta(days=1)}, "holder.date_of_birth"),
        ({"date_of_birth": None, "year_of_birth": 2027}, "holder.year_of_birth"),
        ({"date_of_birth": None, "year_of_birth": 1880}, "holder.year_of_birth"),
        ({"nationality": "CHN"}, "holder.nationality"),
        ({"nationality": "XXX"}, "holder.nationality"),
        ({"nationality": "ZZZ"}, "holder.nationality"),
        ({"photo": b"\xff\xd8\xff" + b"x" * 300}, "holder.photo"),
        ({"photo": b"RIFF\x10\x00\x00\x00WEBPVP8 xxxx"}, "holder.photo"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], path: str) -> None:
    """By the field's name, without its value."""
    with pytest.raises(CardError) as caught:
        check_plausible(holder(**changes), TODAY)
    assert (caught.value.code, caught.value.path, caught.value.found) == ("card.implausible", path, None)


def test_what_can_be_passes() -> None:
    """Names of many scripts, babies, the oldest, every nationality, a real photo."""
    for name in ("NGUYỄN THỊ ÁNH", "O\u2019BRIEN", "علي رضا", "ก้ามปู", "שָׁלוֹם", "می\u200cخواهم", "李小龙", "Z"):
        check_plausible(holder(name=name), TODAY)
        check_plausible(holder(name=unicodedata.normalize("NFD", name)), TODAY)
    check_plausible(holder(date_of_birth=TODAY), TODAY)
    check_plausible(holder(date_of_birth=None, year_of_birth=1900), TODAY)
    for nationality in sorted(NATIONALITIES):
        check_plausible(holder(nationality=nationality), TODAY)
    made = io.BytesIO()
    Image.new("L", (24, 32)).save(made, "JPEG")
    check_plausible(holder(photo=made.getvalue()), TODAY)


def test_people_find_what_they_mean() -> None:
    """Composed or not, spaces, hyphens, apostrophes, joiners, case of other scripts; other names stay others."""
    for one, other in (
        ("Müller Jürgen", unicodedata.normalize("NFD", "MÜLLER JÜRGEN")),
        ("O\u2019Brien  Seán", "O'BRIEN SEÁN"),
        ("OBrien", "O\u02bcBrien"),
        ("Anna-Maria Weiß", "ANNA MARIA WEISS"),
        ("İSTANBUL", "istanbul"),
        ("ΣΊΣΥΦΟΣ", "Σίσυφος"),
        (" ИВАНОВ\u00a0ИВАН ", "Иванов Иван"),
        ("می\u200cخواهم", "میخواهم"),
        ("ＬＩ ＷＥＩ", "Li Wei"),
    ):
        assert normal("name", one) == normal("name", other), (one, other)
    assert len({normal("name", each) for each in ("Muller", "Müller", "Mueller", "Anna Maria", "Annamaria")}) == 5
    assert normal("permit", "r3101 1520 2605") == normal("permit", "R310115202605")
