"""Cards: the JSON form, its refusals, and what each profile discloses."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from icard_crypto.card.card import Card, Month, Profile
from icard_crypto.card.fields import SERVICE_NUMBERS, SERVICES
from icard_crypto.errors import CardError, catalogue
from tests.kit.reference import reference_card
from tests.kit.strategies import cards, credit_codes, json_values

_FILE = Path(__file__).parent.parent.parent / "vectors" / "cards" / "reference.json"
_REMOVED = object()
_WEBP = b"RIFF\x04\x00\x00\x00WEBP"


def _object() -> Any:
    return json.loads(_FILE.read_text("utf-8"))


def _put(value: object, *path: Any) -> Any:
    obj = _object()
    place = obj
    for key in path[:-1]:
        place = place[key]
    if value is _REMOVED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return obj


def _refusal(obj: object) -> CardError:
    with pytest.raises(CardError) as caught:
        Card.from_json(obj)
    return caught.value


def _attempt(obj: object) -> CardError | None:
    try:
        Card.from_json(obj)
    except CardError as error:
        return error
    return None


@settings(deadline=None)
@given(cards())
def test_from_json_inverts_to_json(card: Card) -> None:
    """Every card that may be issued survives its JSON form, through real JSON text."""
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_to_json_inverts_from_json() -> None:
    """The reference file is in the form that to_json gives."""
    assert reference_card().to_json() == _object()


@settings(deadline=None)
@given(json_values())
def test_any_json_gives_a_card_or_a_card_error(value: object) -> None:
    """Nothing but CardError card.* leaves from_json, as the whole or as a part."""
    for obj in (value, _put(value, "holder"), _put(value, "permit"), _put(value, "insurance"), _put(value, "services")):
        error = _attempt(obj)
        assert error is None or error.layer == "card"


_MISSING = [
    ("holder", "an object", ("holder",)),
    ("permit", "an object", ("permit",)),
    ("holder.name", "text", ("holder", "name")),
    ("holder.nationality", "three capital letters", ("holder", "nationality")),
    ("holder.name_native.language", "a language tag such as zh or zh-Hant", ("holder", "name_native", "language")),
    ("permit.category", "A, B or C", ("permit", "category")),
    ("permit.region", "six digits of GB/T 2260", ("permit", "region")),
    ("permit.until", "a date as YYYY-MM-DD", ("permit", "until")),
    ("insurance.schemes", "a list of schemes, which may be empty", ("insurance", "schemes")),
    ("insurance.exemptions[0].from", "a date as YYYY-MM-DD", ("insurance", "exemptions", 0, "from")),
    ("insurance.exemptions[0].certificate", "text", ("insurance", "exemptions", 0, "certificate")),
]


@pytest.mark.parametrize(("named", "expected", "path"), _MISSING)
def test_what_every_card_needs_is_missed(named: str, expected: str, path: tuple[Any, ...]) -> None:
    """card.missing_field with the path and what would stand there."""
    error = _refusal(_put(_REMOVED, *path))
    assert (error.code, error.path, error.expected, error.found) == ("card.missing_field", named, expected, None)
    assert error.message() == "A field that every card needs is missing."


def test_a_year_or_a_date_of_birth_is_needed() -> None:
    """Either will do; neither is missed."""
    obj = _object()
    del obj["holder"]["year_of_birth"]
    assert Card.from_json(obj).holder.year_of_birth == 1988
    del obj["holder"]["date_of_birth"]
    error = _refusal(obj)
    assert (error.code, error.path) == ("card.missing_field", "holder.year_of_birth")
    obj["holder"]["year_of_birth"] = 1988
    assert Card.from_json(obj).holder.date_of_birth is None


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("passport",), "passport"),
        (("holder", "passport_number"), "holder.passport_number"),
        (("permit", "valid_until"), "permit.valid_until"),
        (("insurance", "exemptions", 0, "note"), "insurance.exemptions[0].note"),
        (("holder", "a\x1b[2J"), r"holder.a\x1b[2J"),
    ],
)
def test_unknown_fields_are_refused(path: tuple[Any, ...], named: str) -> None:
    """A misspelt field is no silent loss; its name is escaped, the known names are listed."""
    error = _refusal(_put("x", *path))
    assert (error.code, error.path) == ("card.unknown_field", named)
    assert str(error.expected).startswith("one of ")


_WRONG = [
    ("card.wrong_type", "holder.name", "text", "a number", 5, ("holder", "name")),
    ("card.wrong_type", "holder", "an object", "a list", [], ("holder",)),
    ("card.wrong_type", "holder.year_of_birth", "a number", "true or false", True, ("holder", "year_of_birth")),
    ("card.wrong_type", "permit.until", "text", "a number", 21304, ("permit", "until")),
    ("card.wrong_type", "permit.employer", "text", "null", None, ("permit", "employer")),
    ("card.wrong_type", "services", "a list", "text", "transit", ("services",)),
    ("card.wrong_type", "insurance.schemes[0]", "text", "a number", [2], ("insurance", "schemes")),
    ("card.too_long", "holder.name", "1 to 66 characters", "text of 67 characters", "N" * 67, ("holder", "name")),
    ("card.too_short", "holder.name", "1 to 66 characters", "text of 0 characters", "", ("holder", "name")),
    ("card.too_long", "insurance.exemptions", "at most 8 entries", "9 entries", [{}] * 9, ("insurance", "exemptions")),
    ("card.bad_format", "permit.category", "A, B or C", "'D'", "D", ("permit", "category")),
    ("card.bad_format", "permit.region", "six digits of GB/T 2260", "'31011O'", "31011O", ("permit", "region")),
    ("card.bad_format", "holder.nationality", "three capital letters", "'Ger'", "Ger", ("holder", "nationality")),
    ("card.bad_format", "permit.until", "a date as YYYY-MM-DD", "'30.4.2028'", "30.4.2028", ("permit", "until")),
    ("card.bad_format", "permit.until", "a day of the calendar", "'2027-02-29'", "2027-02-29", ("permit", "until")),
    (
        "card.bad_format",
        "holder.date_of_birth",
        "a day of the calendar",
        "text that is no date",
        "1988-02-30",
        ("holder", "date_of_birth"),
    ),
    (
        "card.bad_format",
        "insurance.paid_through",
        "a month as YYYY-MM",
        "'2026-13'",
        "2026-13",
        ("insurance", "paid_through"),
    ),
    ("card.out_of_range", "permit.until", "a year from 1970 to 2199", "2200", "2200-01-01", ("permit", "until")),
    (
        "card.out_of_range",
        "holder.date_of_birth",
        "a year from 1900 to 2199",
        "a year outside",
        "1899-12-31",
        ("holder", "date_of_birth"),
    ),
    ("card.disagrees", "permit.until", "2026-05-01 or later", "2026-04-30", "2026-04-30", ("permit", "until")),
    (
        "card.disagrees",
        "insurance.exemptions[0].until",
        "2026-05-01 or later",
        "2020-01-01",
        "2020-01-01",
        ("insurance", "exemptions", 0, "until"),
    ),
    (
        "card.disagrees",
        "holder.year_of_birth",
        "the year of holder.date_of_birth",
        None,
        1989,
        ("holder", "year_of_birth"),
    ),
    ("card.disagrees", "permit.number_last4", "the end of permit.number", None, "4128", ("permit", "number_last4")),
    ("card.unknown_value", "holder.gender", "one of male, female, other", "'F'", "F", ("holder", "gender")),
    ("card.duplicate", "services[1]", "each name once", "transit", ["transit", "transit"], ("services",)),
    (
        "card.too_short",
        "insurance.exemptions[0].schemes",
        "at least one scheme",
        "none",
        [],
        ("insurance", "exemptions", 0, "schemes"),
    ),
]


@pytest.mark.parametrize(("code", "named", "expected", "found", "value", "path"), _WRONG)
def test_a_wrong_value_is_named(
    code: str, named: str, expected: str, found: str | None, value: object, path: tuple[Any, ...]
) -> None:
    """Each fault has its code, the path, what was expected and what was found."""
    error = _refusal(_put(value, *path))
    assert (error.code, error.path, error.expected, error.found) == (code, named, expected, found)
    assert catalogue()[code]["en"] in str(error)


def test_an_unknown_scheme_is_named_where_it_stands() -> None:
    """The path reaches into the lists."""
    error = _refusal(_put(["pension", "dental"], "insurance", "exemptions", 0, "schemes"))
    assert (error.code, error.path) == ("card.unknown_value", "insurance.exemptions[0].schemes[1]")
    assert (error.expected, error.found) == (
        "one of pension, medical, unemployment, work_injury, maternity",
        "'dental'",
    )


def test_an_unknown_service_is_refused() -> None:
    """Only services of the registry are issued; what a code's unknown value is written as is no name either."""
    for name in ("spa", "unknown-77"):
        error = _refusal(_put([name], "services"))
        assert (error.code, error.path, error.found) == ("card.unknown_value", "services[0]", f"'{name}'")


def test_all_faults_are_told_at_once() -> None:
    """Each with its path, in the order in which the card is read; whoever types a card mends it in one go."""
    obj = _put("2027-02-29", "permit", "until")
    obj["permit"]["region"] = "31011O"
    obj["holder"]["name"] = 5
    obj["insurance"]["exemptions"] += [{}, "none"]
    obj |= {"services": ["spa"], "passport": "C01X00T47"}
    first = _refusal(obj)
    assert [(one.code.removeprefix("card."), one.path) for one in (first, *first.also)] == [
        ("unknown_field", "passport"),
        ("wrong_type", "holder.name"),
        ("bad_format", "permit.region"),
        ("bad_format", "permit.until"),
        ("missing_field", "insurance.exemptions[1].schemes"),
        ("missing_field", "insurance.exemptions[1].certificate"),
        ("missing_field", "insurance.exemptions[1].from"),
        ("missing_field", "insurance.exemptions[1].until"),
        ("wrong_type", "insurance.exemptions[2]"),
        ("unknown_value", "services[0]"),
    ]


@pytest.mark.parametrize(
    ("value", "path", "gone"),
    [
        ("1988-02-30", ("holder", "date_of_birth"), ("holder", "year_of_birth")),
        ("R" * 99, ("permit", "number"), ("permit", "number_last4")),
        ("2026", ("permit", "from"), ("permit", "employer")),
    ],
)
def test_a_fault_makes_no_other(value: str, path: tuple[str, ...], gone: tuple[str, ...]) -> None:
    """What depends on a field that is at fault is not called missing, or in disagreement with it."""
    obj = _put(value, *path)
    obj[gone[0]].pop(gone[1], None)
    error = _refusal(obj)
    assert (error.path, error.also) == (".".join(path), ())


def test_of_many_faults_twenty_are_told() -> None:
    """A file of nothing but faults makes no long answer."""
    error = _refusal(_object() | {f"field{number}": number for number in range(99)})
    assert len(error.also) == 19


@pytest.mark.parametrize("name", ["ANN\u202eEGLOV", "ANN\x00", " ANN", "ANN\u3000B", "ANN\n"])
def test_names_are_plain_text(name: str) -> None:
    """Controls, reordering marks and stray spaces are refused without repeating the name."""
    error = _refusal(_put(name, "holder", "name"))
    assert (error.code, error.path, error.found) == (
        "card.bad_format",
        "holder.name",
        f"text of {len(name)} characters",
    )


@pytest.mark.parametrize("tag", ["zh", "zh-Hant", "zh-cmn-Hans-CN", "de-CH-1996", "fa-x-persian", "sl-rozaj-biske"])
def test_language_tags_are_taken(tag: str) -> None:
    """Examples of RFC 5646, appendix A."""
    assert Card.from_json(_put(tag, "holder", "name_native", "language")).holder.native_language == tag


@pytest.mark.parametrize("tag", ["chinese!", "zh_CN", "zh-", "-zh", "zh--CN", "1zh"])
def test_other_language_tags_are_not(tag: str) -> None:
    """What RFC 5646 2.1 does not produce."""
    error = _refusal(_put(tag, "holder", "name_native", "language"))
    assert (error.code, error.path) == ("card.bad_format", "holder.name_native.language")


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000101623741K", "911101066976941872"])
def test_published_credit_codes_are_taken(code: str) -> None:
    """Codes of public record, GB 32100-2015."""
    assert Card.from_json(_put(code, "permit", "employer_code")).permit.employer_code == code


@given(credit_codes())
def test_a_mistyped_credit_code_is_refused(code: str) -> None:
    """Every other last character is refused, and the code is not repeated."""
    last = "1" if code[-1] == "0" else "0"
    error = _refusal(_put(code[:-1] + last, "permit", "employer_code"))
    assert (error.code, error.path) == ("card.bad_check_character", "permit.employer_code")
    assert error.message() == "The check character of the unified social credit code is wrong."
    assert code[:-1] not in str(error)


def test_a_photo_is_recognised() -> None:
    """Bare base64 and the object form give the same photo; the format is that of the bytes."""
    data = base64.b64encode(_WEBP).decode()
    bare = Card.from_json(_put(data, "holder", "photo"))
    assert (bare.holder.photo, bare.holder.photo_format) == (_WEBP, 4)
    assert Card.from_json(_put({"format": "webp", "data": data}, "holder", "photo")) == bare
    assert bare.to_json()["holder"]["photo"] == {"format": "webp", "data": data}


@pytest.mark.parametrize(
    ("code", "path", "photo"),
    [
        ("card.bad_format", "holder.photo", "not base64!"),
        ("card.bad_format", "holder.photo", base64.b64encode(b"GIF89a").decode()),
        ("card.bad_format", "holder.photo.data", {"data": ""}),
        ("card.missing_field", "holder.photo.data", {"format": "webp"}),
        ("card.unknown_value", "holder.photo.format", {"format": "gif", "data": base64.b64encode(_WEBP).decode()}),
        ("card.disagrees", "holder.photo.format", {"format": "jpeg", "data": base64.b64encode(_WEBP).decode()}),
        ("card.too_long", "holder.photo", base64.b64encode(_WEBP + bytes(2040)).decode()),
        ("card.wrong_type", "holder.photo", 7),
    ],
)
def test_a_bad_photo_is_refused(code: str, path: str, photo: object) -> None:
    """Not base64, no picture, another format than it says, too large."""
    error = _refusal(_put(photo, "holder", "photo"))
    assert (error.code, error.path) == (code, path)


_PUBLIC = {
    "holder": {"name", "name_native", "year_of_birth", "nationality", "photo"},
    "permit": {"category", "until", "region"},
    "insurance": {"schemes", "paid_through"},
}
_WORK = _PUBLIC | {
    "permit": _PUBLIC["permit"] | {"employer", "employer_code", "position", "authority", "from", "number_last4"}
}
_AUTHORITY = {
    "holder": _PUBLIC["holder"] | {"date_of_birth", "gender"},
    "permit": _WORK["permit"] | {"number"},
    "insurance": _PUBLIC["insurance"] | {"number_last4", "enrolled_from", "region", "exemptions"},
}


@pytest.mark.parametrize(
    ("profile", "disclosed"), [(Profile.PUBLIC, _PUBLIC), (Profile.WORK, _WORK), (Profile.AUTHORITY, _AUTHORITY)]
)
def test_a_profile_discloses_this_and_no_more(profile: Profile, disclosed: dict[str, set[str]]) -> None:
    """The fields of each profile, by name; services are in all."""
    card = Card.from_json(_put(base64.b64encode(_WEBP).decode(), "holder", "photo"))
    shown = card.for_profile(profile).to_json()
    assert {part: set(shown[part]) for part in disclosed} == disclosed
    assert shown["services"] == ["transit", "library"]
    assert "photo" not in card.for_profile(profile, photo=False).to_json()["holder"]


@settings(deadline=None)
@given(cards())
def test_profiles_nest(card: Card) -> None:
    """The authority's card is the whole card; reducing twice is reducing once."""
    assert card.for_profile(Profile.AUTHORITY) == card
    work = card.for_profile(Profile.WORK)
    assert work.for_profile(Profile.PUBLIC) == card.for_profile(Profile.PUBLIC)


def test_the_registry_of_services_is_sound() -> None:
    """Numbers are unique and fit a code; each has both languages."""
    assert len(SERVICE_NUMBERS) == len(SERVICES)
    assert all(1 <= service.number <= 65535 and service.en and service.zh for service in SERVICES.values())
    assert {"transit", "library", "hospital_registration"} <= set(SERVICES)


def test_months_order_and_print() -> None:
    """Months compare in time's order and print as in JSON."""
    assert Month(2025, 12) < Month(2026, 1)
    assert str(Month(2026, 9)) == "2026-09"


def test_all_codes_have_words() -> None:
    """Each card code has both languages."""
    rows = {code: row for code, row in catalogue().items() if code.startswith("card.")}
    assert len(rows) == 13
    assert all(row[key] for row in rows.values() for key in ("en", "zh", "do_en", "do_zh"))
