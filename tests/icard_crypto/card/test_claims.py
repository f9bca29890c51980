"""Claims: what is read, kept, refused, and how a card becomes a code's claims."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto import limits
from icard_crypto.card.card import Card, Exemption, Holder, Insurance, Month, Permit, Profile, Scheme
from icard_crypto.card.claims import CardClaims, StatusRef, decode_claims, decode_payload, encode_claims, to_map
from icard_crypto.card.facts import day_end, day_start
from icard_crypto.card.frozen import twin
from icard_crypto.card.issuing import expiry, issue_claims
from icard_crypto.encoding import cbor, envelope
from icard_crypto.errors import CardError, DecodeError, catalogue
from icard_crypto.signing import algorithms, cose, keys
from tests.kit.reference import CTI, ISSUED_AT, ISSUER, STATUS, reference_card, reference_claims
from tests.kit.strategies import claims

_AUTHORITY = to_map(reference_claims(Profile.AUTHORITY))


def _payload() -> Any:
    return copy.deepcopy(_AUTHORITY)


def _put(value: object, *path: Any) -> Any:
    payload = _payload()
    place = payload
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return payload


def _decode(data: bytes) -> CardClaims:
    return decode_claims(cbor.decode(data, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS))


def _refusal(payload: object) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode_claims(payload)
    return caught.value


def _attempt(payload: object) -> DecodeError | None:
    try:
        decode_claims(payload)
    except DecodeError as error:
        return error
    return None


@settings(deadline=None)
@given(claims())
def test_decode_inverts_encode(issued: CardClaims) -> None:
    """Promise 6: what is written is read back equal, for every profile."""
    assert _decode(encode_claims(issued)) == issued


@settings(deadline=None)
@given(st.data())
def test_any_value_in_any_place_gives_claims_or_a_claims_error(data: st.DataObject) -> None:
    """Promise 1: nothing but DecodeError claims.* leaves decode_claims, and its words exist in both languages."""
    payload = _payload()
    place: Any = payload
    while True:
        keys_here = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys_here))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    leaf = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20) | st.binary(max_size=20)
    place[key] = data.draw(leaf | st.lists(leaf, max_size=5) | st.dictionaries(st.integers(0, 20) | st.text(), leaf))
    error = _attempt(payload)
    if error is not None:
        assert error.layer == "claims"
        assert error.path
        assert error.message("en")
        assert error.message("zh")


def test_reference_public_claims_are_laid_out_as_documented() -> None:
    """The keys and values of the public code, one by one."""
    assert to_map(reference_claims(Profile.PUBLIC)) == {
        1: "cn.310000",
        4: ISSUED_AT + 400 * 86400,
        6: ISSUED_AT,
        7: CTI,
        65535: {"status_list": {"idx": 48231, "uri": "https://icard.example/s/k7Qd"}},
        169: {4: "HANNELORE BRIGITTA VOGEL", 13: "DEU", 19: "沃格尔汉娜", 20: "zh"},
        -65537: {1: {2: "B", 7: 21304, 8: "310115"}, 2: {2: 26, 4: 680}, 3: [1, 2], 4: 1988, 5: 1},
    }


def test_reference_authority_card_is_laid_out_as_documented() -> None:
    """The keys and values of what only the authority's code has."""
    assert _AUTHORITY[169] == {
        4: "HANNELORE BRIGITTA VOGEL",
        8: "19880314",
        9: 2,
        13: "DEU",
        19: "沃格尔汉娜",
        20: "zh",
    }
    assert _AUTHORITY[-65537] == {
        1: {
            1: "R310115202605004127",
            2: "B",
            3: "上海申乐精密机械有限公司",
            4: "91310115MA1K4XD073",
            5: "Design engineer",
            6: 20574,
            7: 21304,
            8: "310115",
            9: "上海市人力资源和社会保障局",
            10: "4127",
        },
        2: {1: "407X", 2: 26, 3: 20574, 4: 680, 5: "310115", 6: [[5, "DE-CHN 2026/048813", 20574, 22399]]},
        3: [1, 2],
        4: 1988,
        5: 3,
    }


@pytest.mark.parametrize(
    ("profile", "capacity"), [(Profile.PUBLIC, 417), (Profile.WORK, 656), (Profile.AUTHORITY, 734)]
)
def test_the_reference_code_fits_its_symbol(profile: Profile, capacity: int) -> None:
    """Characters that 12-M, 16-M and 17-M hold; for the public code the target is two below the 419 of 12-M."""
    algorithm = algorithms.by_name("Ed25519")
    assert algorithm is not None
    message = cose.sign_token(encode_claims(reference_claims(profile)), keys.SigningKey.generate(algorithm))
    assert len(envelope.to_ic1(message)) <= capacity


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ((1,), "claims.iss"),
        ((4,), "claims.exp"),
        ((6,), "claims.iat"),
        ((7,), "claims.cti"),
        ((65535,), "claims.status"),
        ((169,), "claims.identity"),
        ((-65537,), "claims.card"),
        ((-65537, 5), "card.profile"),
        ((65535, "status_list"), "status.status_list"),
        ((65535, "status_list", "idx"), "status.status_list.idx"),
        ((65535, "status_list", "uri"), "status.status_list.uri"),
        ((-65537, 2, 6, 0, 3), "card.insurance.exemptions[0].until"),
    ],
)
def test_what_is_required_is_missed_by_name(path: tuple[Any, ...], named: str) -> None:
    """Promise 2: each required claim, absent, gives claims.missing with its path and key."""
    payload = _payload()
    place = payload
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    error = _refusal(payload)
    assert (error.code, error.path, error.expected) == ("claims.missing", named, f"key {path[-1]!r}")
    assert error.message() == "The code lacks a claim that every card needs."


def test_a_card_may_leave_out_all_else() -> None:
    """Promise 2: the smallest claims that are read; absent parts are not disclosed."""
    read = decode_claims(
        {
            1: "cn.310000",
            4: 1,
            6: 0,
            7: bytes(8),
            65535: {"status_list": {"idx": 0, "uri": "https://s.example/a"}},
            169: {},
            -65537: {5: 1},
        }
    )
    assert read.card == Card(Holder(), Permit(), None, ())
    assert read.not_before is None
    assert read.unknown == ()


_WRONG_TYPES = [
    (7, "claims.iss", "text", "an integer", (1,)),
    ("soon", "claims.exp", "an integer", "text", (4,)),
    (True, "claims.iat", "an integer", "true or false", (6,)),
    ("12345678", "claims.cti", "bytes", "text", (7,)),
    (None, "claims.nbf", "an integer", "null", (5,)),
    (b"", "claims.cnf", "a map", "bytes", (8,)),
    ([], "claims.identity", "a map", "a list", (169,)),
    (1, "confirmation.key", "a map", "an integer", (8,)),
    (5, "identity.name", "text", "an integer", (169, 4)),
    (19880314, "identity.date_of_birth", "text", "an integer", (169, 8)),
    ("2028-04-30", "card.permit.until", "an integer", "text", (-65537, 1, 7)),
    (["x"], "card.insurance.exemptions[0]", "a list", "text", (-65537, 2, 6)),
    ([1, True], "card.services[1]", "an integer", "true or false", (-65537, 3)),
]


@pytest.mark.parametrize(("value", "named", "expected", "found", "path"), _WRONG_TYPES)
def test_a_wrong_type_is_refused(value: object, named: str, expected: str, found: str, path: tuple[Any, ...]) -> None:
    """Promise 3: the path, the type that was expected and the type that was found."""
    error = _refusal(_put({1: value} if named == "confirmation.key" else value, *path))
    assert (error.code, error.path, error.expected, error.found) == ("claims.wrong_type", named, expected, found)
    assert error.message() == "A claim has a value of the wrong type."


_OUTSIDE = [
    ("claims.out_of_range", "claims.exp", "0 to 253402300799", "253402300800", 253402300800, (4,)),
    ("claims.out_of_range", "claims.nbf", "0 to 253402300799", "-1", -1, (5,)),
    ("claims.too_short", "claims.cti", "8 bytes", "7 bytes", bytes(7), (7,)),
    ("claims.too_long", "claims.cti", "8 bytes", "9 bytes", bytes(9), (7,)),
    ("claims.too_long", "identity.name", "1 to 66 characters", "67 characters", "é" * 67, (169, 4)),
    ("claims.too_long", "identity.photo", "1 to 2048 bytes", "2049 bytes", bytes(2049), (169, 16)),
    ("claims.out_of_range", "card.year_of_birth", "1900 to 2199", "an integer outside", 1899, (-65537, 4)),
    ("claims.out_of_range", "card.profile", "1 to 255", "0", 0, (-65537, 5)),
    ("claims.out_of_range", "card.permit.until", "0 to 84005", "84006", 84006, (-65537, 1, 7)),
    ("claims.out_of_range", "card.insurance.paid_through", "0 to 2759", "2760", 2760, (-65537, 2, 4)),
    ("claims.too_long", "card.services", "0 to 32 entries", "33 entries", [1] * 33, (-65537, 3)),
    ("claims.out_of_range", "card.services[1]", "1 to 65535", "0", [1, 0], (-65537, 3)),
    ("claims.out_of_range", "status.status_list.idx", "0 to 4294967295", "-1", -1, (65535, "status_list", "idx")),
]


@pytest.mark.parametrize(("code", "named", "expected", "found", "value", "path"), _OUTSIDE)
def test_a_length_or_range_is_kept(
    code: str, named: str, expected: str, found: str, value: object, path: tuple[Any, ...]
) -> None:
    """Promise 3: beyond its bounds a field is refused, with the bounds; a year of birth is not repeated."""
    error = _refusal(_put(value, *path))
    assert (error.code, error.path, error.expected, error.found) == (code, named, expected, found)


_FORMS = [
    ("claims.iss", "'CN 31'", "CN 31", (1,)),
    ("status.status_list.uri", "text of 18 characters", "http://s.example/a", (65535, "status_list", "uri")),
    ("identity.nationality", "'deu'", "deu", (169, 13)),
    ("identity.date_of_birth", "text of 8 characters", "19880230", (169, 8)),
    ("identity.date_of_birth", "text of 8 characters", "1988-3-4", (169, 8)),
    ("identity.name", "text of 9 characters", "ANN\u202eEGLOV", (169, 4)),
    ("card.permit.region", "'31011x'", "31011x", (-65537, 1, 8)),
    ("card.permit.employer", "text of 7 characters", "A\x1b[2JB.", (-65537, 1, 3)),
]


@pytest.mark.parametrize(("named", "found", "value", "path"), _FORMS)
def test_a_form_is_kept(named: str, found: str, value: object, path: tuple[Any, ...]) -> None:
    """Promise 3: a date that is none, a reversed line, an escape sequence: refused, and no name is repeated."""
    error = _refusal(_put(value, *path))
    assert (error.code, error.path, error.found) == ("claims.bad_format", named, found)
    assert error.message() == "A claim does not have the form that the format demands."


def test_joiners_belong_to_names() -> None:
    """A Persian name keeps its zero-width non-joiner."""
    read = decode_claims(_put("می\u200cترا", 169, 19))
    assert read.card.holder.name_native == "می\u200cترا"


def test_a_payload_that_is_no_map_is_refused() -> None:
    """A list or text where the claims should be."""
    error = _refusal([1])
    assert (error.code, error.path, error.expected, error.found) == ("claims.wrong_type", "claims", "a map", "a list")


def test_years_of_birth_agree() -> None:
    """Promise 5."""
    error = _refusal(_put(1989, -65537, 4))
    assert (error.code, error.path) == ("claims.disagrees", "card.year_of_birth")
    assert error.message() == "Two claims of the code contradict each other."


def test_unknown_claims_and_subkeys_are_listed() -> None:
    """Promise 4: ignored in every map, listed with a path; a text key is quoted, escaped and shortened."""
    payload = _payload()
    payload[100] = 1
    payload["a\x1b.b"] = 1
    payload[8] = {1: {1: 1}, 3: b"kid"}
    payload[65535]["other"] = {}
    payload[65535]["status_list"][9] = 1
    payload[169][1] = "id"
    payload[-65537]["x" * 99] = None
    payload[-65537][1][44] = 1
    payload[-65537][2][45] = 1
    payload[-65537][2][6][0].append("more")
    read = decode_claims(payload)
    assert set(read.unknown) == {
        "claims.100",
        r"claims.'a\x1b.b'",
        "confirmation.3",
        "status.'other'",
        "status.status_list.9",
        "identity.1",
        f"card.'{'x' * 24}'",
        "card.permit.44",
        "card.insurance.45",
        "card.insurance.exemptions[0].4",
    }
    assert read.card == reference_claims(Profile.AUTHORITY).card


def test_unknown_values_are_kept() -> None:
    """Promise 4: category D, scheme bit 32, service 77, gender 9, photo format 7, profile 9."""
    payload = _payload()
    payload[169][9] = 9
    payload[169][17] = 7
    payload[-65537][1][2] = "D"
    payload[-65537][2][2] = 34
    payload[-65537][3] = [1, 77]
    payload[-65537][5] = 9
    read = decode_claims(payload)
    assert read.profile == 9
    assert read.unknown == ()
    shown = read.card.to_json()
    assert shown["holder"]["gender"] == "unknown-9"
    assert shown["permit"]["category"] == "D"
    assert shown["insurance"]["schemes"] == ["medical", "unknown-32"]
    assert shown["services"] == ["transit", "unknown-77"]


def test_dates_become_dates() -> None:
    """Days and months since 1970 are read as calendar dates."""
    card = _decode(encode_claims(reference_claims(Profile.AUTHORITY))).card
    assert card.permit.valid_until == datetime.date(2028, 4, 30)
    assert card.holder.date_of_birth == datetime.date(1988, 3, 14)
    assert card.insurance is not None
    assert card.insurance.paid_through == Month(2026, 9)
    assert card.insurance.exemptions == (
        Exemption(
            Scheme.PENSION | Scheme.UNEMPLOYMENT,
            "DE-CHN 2026/048813",
            datetime.date(2026, 5, 1),
            datetime.date(2031, 4, 30),
        ),
    )


def test_encode_refuses_what_a_reader_would() -> None:
    """Promise 6: nothing is written that decode_claims refuses."""
    good = reference_claims()
    bad = CardClaims(ISSUER, good.issued_at, None, good.expires, bytes(7), STATUS, 1, good.card)
    with pytest.raises(DecodeError) as caught:
        encode_claims(bad)
    assert (caught.value.code, caught.value.path) == ("claims.too_short", "claims.cti")


def test_all_codes_have_words() -> None:
    """Each claims code has both languages."""
    rows = {code: row for code, row in catalogue().items() if code.startswith("claims.")}
    assert set(rows) == {
        f"claims.{fault}"
        for fault in (
            "missing",
            "bad_key",
            "wrong_type",
            "too_long",
            "too_short",
            "out_of_range",
            "bad_format",
            "disagrees",
        )
    }
    assert all(row[key] for row in rows.values() for key in ("en", "zh", "do_en", "do_zh"))


@pytest.mark.parametrize("part", [Card, Holder, Permit, Insurance, CardClaims])
def test_quick_construction_is_construction(part: type[Any]) -> None:
    """A filled twin that is given the class equals part(*values), and is frozen."""
    values = [str(place) for place in range(len(part.__dataclass_fields__))]
    made = twin(part)(*values)
    made.__class__ = part
    assert made == part(*values)
    assert type(made) is part
    assert hash(made) == hash(part(*values))
    with pytest.raises(AttributeError):
        setattr(made, next(iter(part.__dataclass_fields__)), "other")


def _issue(
    card: Card | None = None, profile: Profile = Profile.PUBLIC, *, at: int = ISSUED_AT, **more: Any
) -> CardClaims:
    return issue_claims(
        reference_card() if card is None else card,
        profile,
        issuer=ISSUER,
        issued_at=at,
        status=StatusRef("https://s.example/a", 1),
        cti=CTI,
        **more,
    )


def test_iat_is_the_hour() -> None:
    """The minute of issue does not stand in the code."""
    assert _issue(at=ISSUED_AT + 3599).issued_at == ISSUED_AT


def test_a_day_ends_at_midnight_in_china() -> None:
    """24:00 +08:00 is 16:00 UTC of the same day."""
    assert day_end(datetime.date(2028, 4, 30)) == 1840723200
    assert datetime.datetime.fromtimestamp(1840723200, datetime.UTC).isoformat() == "2028-04-30T16:00:00+00:00"
    assert day_start(datetime.date(1970, 1, 1)) == -8 * 3600


def test_exp_is_the_earlier_end() -> None:
    """400 days after issue, or the permit's end."""
    until = datetime.date(2028, 4, 30)
    end = 1840723200
    assert expiry(until, end - 401 * 86400) == end - 86400
    assert expiry(until, end - 400 * 86400) == end
    assert expiry(until, end - 399 * 86400) == end


def test_a_permit_that_is_over_gets_no_code() -> None:
    """At the second the permit ends there is nothing to issue; an hour before there is."""
    end = 1840723200
    assert _issue(at=end - 3600).expires == end
    with pytest.raises(CardError) as caught:
        _issue(at=end)
    error = caught.value
    assert (error.code, error.path, error.found) == ("card.out_of_range", "permit.until", "2028-04-30")


def test_a_permit_that_begins_when_its_code_has_ended_gets_no_code() -> None:
    """400 days before its permit a code would end as it begins; an hour later it lives for an hour."""
    begins = day_start(datetime.date(2026, 5, 1))
    longest = 400 * 86400
    last = _issue(at=begins - longest + 3600)
    assert (last.not_before, last.expires) == (begins, begins + 3600)
    with pytest.raises(CardError) as caught:
        _issue(at=begins - longest + 3599)
    error = caught.value
    assert (error.code, error.path, error.found) == ("card.out_of_range", "permit.from", "2026-05-01")
    assert error.expected == "a day within 400 days of the code's issue"
    assert error.message() == "A date or number is outside the range of its field."


def test_a_permit_that_begins_later_gives_nbf() -> None:
    """A public code does not show the permit's first day; nbf says it."""
    start = day_start(datetime.date(2026, 5, 1))
    assert _issue(at=start - 3600).not_before == start
    assert _issue(at=start).not_before is None


@pytest.mark.parametrize(
    ("profile", "field", "path"),
    [(Profile.WORK, "employer", "permit.employer"), (Profile.AUTHORITY, "number", "permit.number")],
)
def test_a_profile_needs_what_it_exists_for(profile: Profile, field: str, path: str) -> None:
    """No work code without an employer, no authority code without a number."""
    obj = reference_card().to_json()
    del obj["permit"][field]
    with pytest.raises(CardError) as caught:
        _issue(Card.from_json(obj), profile)
    assert (caught.value.code, caught.value.path) == ("card.missing_field", path)


def test_what_may_not_be_issued_is_not() -> None:
    """A card read from a code with an unknown category does not become a new code."""
    card = decode_claims(_put("D", -65537, 1, 2)).card
    with pytest.raises(CardError) as caught:
        _issue(card)
    assert (caught.value.code, caught.value.path) == ("card.bad_format", "permit.category")


def test_no_code_has_more_than_its_profile() -> None:
    """The bytes of the public and work codes do not contain what they must not disclose."""
    public = encode_claims(reference_claims(Profile.PUBLIC))
    work = encode_claims(reference_claims(Profile.WORK))
    for hidden in ("R310115202605004127", "407X", "19880314", "DE-CHN"):
        assert hidden.encode() not in public + work
    for hidden in ("91310115MA1K4XD073", "申乐", "4127", "Design"):
        assert hidden.encode() not in public
        assert hidden.encode() in work


def _strict(payload: bytes) -> CardClaims | str:
    try:
        decoded = cbor.decode(payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)
        return decode_claims(decoded)
    except DecodeError as error:
        return str(error)


def _quick(payload: bytes) -> CardClaims | str:
    try:
        return decode_payload(payload)
    except DecodeError as error:
        return str(error)


@pytest.mark.parametrize("profile", Profile)
def test_payload_is_read_the_same_way_byte_for_byte(profile: Profile) -> None:
    """Every byte of a payload changed to every value: the quick way says what the strict way says, fault and all."""
    payload = bytearray(encode_claims(reference_claims(profile)))
    for at, kept in enumerate(payload):
        for value in (
            0x00,
            0x01,
            0x1B,
            0x20,
            0x3B,
            0x40,
            0x60,
            0x80,
            0xA0,
            0xC1,
            0xF4,
            0xF5,
            0xF6,
            0xF7,
            0xF9,
            kept ^ 1,
        ):
            payload[at] = value
            assert _quick(bytes(payload)) == _strict(bytes(payload)), (at, value)
        payload[at] = kept


@pytest.mark.parametrize(
    ("label", "fault"),
    [(b"\xf5", "cbor.bad_key"), (b"\xf9\x3c\x00", "cbor.float"), (b"\xf4", "cbor.bad_key")],
)
def test_a_key_that_only_equals_an_integer_is_refused(label: bytes, fault: str) -> None:
    """True, false and 1.0 are equal to 1 and 0 in a Python dict: as keys they are refused, at any depth."""
    written = to_map(reference_claims())
    written[-65537] = {"place": 0}
    payload = cbor.encode(written).replace(b"\xa1\x65place\x00", b"\xa1" + label + b"\x00")
    assert str(_quick(payload)).startswith(fault)
    top = b"\xa1" + label + b"\x69cn.310000"
    assert str(_quick(top)).startswith(fault)


def test_a_float_in_a_confirmation_key_is_refused() -> None:
    """What the tables do not look at is walked: a float inside cnf is refused as CBOR."""
    written = to_map(reference_claims()) | {8: {1: {1: 2, -1: "place"}}}
    payload = cbor.encode(written).replace(b"\x65place", b"\xf9\x3c\x00")
    assert str(_quick(payload)).startswith("cbor.float: The data has a floating-point number")
