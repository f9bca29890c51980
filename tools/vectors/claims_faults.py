"""``refuse/``: the payload is strict CBOR, properly signed, and no card's claims.

Promises:

1. Every field of ``fields.json`` occurs with a value of a wrong type, and one beyond each bound that it has.
2. All other claims are the reference card's, of the profile authority and with the holder's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from icard_crypto.card.fields import FIELDS, Field
from icard_crypto.encoding import cbor
from tests.kit.reference import ISSUED_AT
from tools.vectors.base import Json, card_map, signed
from tools.vectors.refusal import refused_cose

__all__ = ["vectors"]

#: Where each map of ``fields.json`` is in the claims, and its path in errors.
_PLACES: Final[dict[str, tuple[tuple[Any, ...], str]]] = {
    "claims": ((), "claims"),
    "confirmation": ((8,), "confirmation"),
    "status": ((65535,), "status"),
    "status_list": ((65535, "status_list"), "status.status_list"),
    "identity": ((169,), "identity"),
    "card": ((-65537,), "card"),
    "permit": ((-65537, 1), "card.permit"),
    "insurance": ((-65537, 2), "card.insurance"),
    "exemption": ((-65537, 2, 6, 0), "card.insurance.exemptions[0]"),
}

_WRONG_TYPE: Final[dict[str, Any]] = {
    "text": 7,
    "birthday": 19880314,
    "int": "7",
    "day": "2026-05-01",
    "month": "2026-09",
    "bytes": "6f1d0a93",
    "map": [],
    "list": {},
}

#: How to fill a text that keeps its form at any length.
_FILL: Final[dict[str, tuple[str, str]]] = {
    "iss": ("", "a"),
    "uri": ("https://", "a"),
    "date_of_birth": ("19880314", "0"),
    "region": ("310115", "0"),
}

#: map, field, name of the fault, what it is, value
_BAD_FORMS: Final = (
    ("claims", "iss", "capitals", "Capital letters.", "CN.310000"),
    ("claims", "iss", "two-dots", "Two dots in a row.", "cn..310000"),
    ("claims", "iss", "dot-at-end", "A dot at the end.", "cn.310000."),
    ("claims", "iss", "line-break", "A line break at the end.", "cn.310000\n"),
    ("status_list", "uri", "http", "Not https.", "http://icard.example/s/k7Qd"),
    ("status_list", "uri", "space", "A space.", "https://icard.example/s/k 7Qd"),
    ("status_list", "uri", "not-ascii", "A host outside ASCII.", "https://卡.example/s/k7Qd"),
    ("identity", "name", "line-break", "A line break.", "HANNELORE\nVOGEL"),
    ("identity", "name", "nul", "A control character.", "HANNELORE\0VOGEL"),
    ("identity", "name", "no-break-space", "A space other than U+0020.", "HANNELORE\u00a0VOGEL"),
    ("identity", "name", "bidi-override", "A character that turns the line around, U+202E.", "HANNELORE \u202eLEGOV"),
    ("identity", "name", "bidi-isolate", "A character that isolates a direction, U+2067.", "HANNELORE \u2067VOGEL"),
    ("identity", "name", "zero-width-space", "A character that nobody sees, U+200B.", "HANNELORE\u200bVOGEL"),
    ("identity", "name", "line-separator", "A line separator, U+2028.", "HANNELORE\u2028VOGEL"),
    ("identity", "name", "private-use", "A character of private use, U+E000.", "HANNELORE \ue000"),
    ("identity", "name_native", "line-break", "A line break.", "沃格尔\n汉娜"),
    ("identity", "native_language", "escape", "A control character.", "zh\u001b"),
    ("identity", "date_of_birth", "dashes", "Dashes in a text of eight characters.", "1988-3-4"),
    ("identity", "date_of_birth", "february-30", "A day that does not exist.", "19880230"),
    ("identity", "date_of_birth", "month-13", "A month that does not exist.", "19881301"),
    ("identity", "date_of_birth", "1899", "A year before 1900.", "18990314"),
    ("identity", "date_of_birth", "other-digits", "Digits of another script.", "١٩٨٨٠٣١٤"),
    ("identity", "nationality", "lower-case", "Lower case.", "deu"),
    ("identity", "nationality", "digit", "A digit.", "D3U"),
    ("permit", "number", "tab", "A tab.", "R31011520\t260"),
    ("permit", "category", "line-break", "A line break at the end.", "B\n"),
    ("permit", "employer", "line-break", "A line break.", "申乐\n机械"),
    ("permit", "employer_code", "bidi-mark", "A mark of direction, U+200F.", "91310115MA1K4XD07\u200f"),
    ("permit", "position", "line-break", "A line break.", "Design\nengineer"),
    ("permit", "authority", "bidi-override", "A character that turns the line around.", "\u202e上海"),
    ("permit", "number_last4", "nul", "A control character.", "412\0"),
    ("permit", "region", "leading-zero", "A code that begins with 0.", "010115"),
    ("permit", "region", "full-width", "Full-width digits.", "３１０１１５"),
    ("permit", "region", "letter", "A letter.", "31011X"),
    ("insurance", "number_last4", "line-break", "A line break.", "407\n"),
    ("insurance", "region", "space", "A space.", "31011 "),
    ("exemption", "certificate", "line-break", "A line break.", "DE\n813"),
)


def _at(claims: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        claims = claims[key]
    return claims


def _refused(about: str, code: str, path: str, change: Callable[[dict[int | str, Any]], object]) -> Json:
    claims = card_map()
    change(claims)
    return refused_cose(about, "payload", code, signed(cbor.encode(claims)), path=path)


def _set(map_name: str, field: Field, about: str, code: str, value: Any) -> Json:
    keys, path = _PLACES[map_name]

    def change(claims: dict[int | str, Any]) -> None:
        _at(claims, keys)[field.key] = value

    return _refused(f"{path}.{field.name}: {about}", code, f"{path}.{field.name}", change)


def _fields() -> Iterator[tuple[str, str, Field]]:
    for map_name in _PLACES:
        for name, field in FIELDS[map_name].items():
            yield f"claims-{map_name.replace('_', '-')}-{name.replace('_', '-')}", map_name, field


def _wrong_types() -> dict[str, Json]:
    made = {
        f"{name}-type": _set(map_name, field, "A value of a wrong type.", "claims.wrong_type", _WRONG_TYPE[field.type])
        for name, map_name, field in _fields()
    }
    for map_name, field_name in (
        ("claims", "iat"),
        ("status_list", "idx"),
        ("card", "profile"),
        ("insurance", "schemes"),
    ):
        field = FIELDS[map_name][field_name]
        made[f"claims-{field_name}-true"] = _set(map_name, field, "True is no integer.", "claims.wrong_type", True)
    for map_name, field_name in (("claims", "nbf"), ("identity", "name"), ("card", "permit"), ("permit", "until")):
        field = FIELDS[map_name][field_name]
        about = "Null; what is not there is left out."
        made[f"claims-{field_name}-null"] = _set(map_name, field, about, "claims.wrong_type", None)
    return made


def _sized(field: Field, length: int) -> Any:
    """A value of this length that has no other fault."""
    if field.type == "bytes":
        return bytes(length)
    if field.type == "map":
        return {1000 + number: 0 for number in range(length)}
    if field.type == "list":
        return [1] * length
    start, filler = _FILL.get(field.name, ("", "A"))
    return start.ljust(length, filler)[:length]


def _bounds() -> dict[str, Json]:
    made = {}
    for name, map_name, field in _fields():
        number = field.type in ("int", "day", "month")
        high, low = (field.high + 1, field.low - 1) if number else (None, None)
        code = "claims.out_of_range" if number else "claims.too_long"
        value = high if number else _sized(field, field.high + 1)
        made[f"{name}-above"] = _set(map_name, field, f"Beyond {field.length}.", code, value)
        if number or field.low > 0:
            code = "claims.out_of_range" if number else "claims.too_short"
            value = low if number else _sized(field, field.low - 1)
            made[f"{name}-below"] = _set(map_name, field, f"Below {field.length}.", code, value)
    return made


def _forms() -> dict[str, Json]:
    return {
        f"claims-{field_name.replace('_', '-')}-{fault}": _set(
            map_name, FIELDS[map_name][field_name], about, "claims.bad_format", value
        )
        for map_name, field_name, fault, about, value in _BAD_FORMS
    }


def _missing() -> dict[str, Json]:
    made = {}
    for name, map_name, field in _fields():
        if not field.required or map_name == "exemption":
            continue
        keys, path = _PLACES[map_name]

        def change(claims: dict[int | str, Any], keys: tuple[Any, ...] = keys, key: int | str = field.key) -> None:
            del _at(claims, keys)[key]

        where = f"{path}.{field.name}"
        made[f"{name}-missing"] = _refused(f"{where} is missing.", "claims.missing", where, change)
    return made


def _lists() -> dict[str, Json]:
    def services(*numbers: object) -> Callable[[dict[int | str, Any]], object]:
        return lambda claims: claims[-65537].update({3: list(numbers)})

    def exemptions(*entries: object) -> Callable[[dict[int | str, Any]], object]:
        return lambda claims: claims[-65537][2].update({6: list(entries)})

    first = "card.insurance.exemptions[0]"
    made = {
        "services-text": ("A service by name.", "claims.wrong_type", "card.services[1]", services(1, "library")),
        "services-zero": ("Service 0.", "claims.out_of_range", "card.services[0]", services(0)),
        "services-65536": ("Service 65,536.", "claims.out_of_range", "card.services[2]", services(1, 2, 65536)),
        "services-true": ("True is no service.", "claims.wrong_type", "card.services[0]", services(True)),
        "exemptions-map": ("An exemption as a map.", "claims.wrong_type", first, exemptions({0: 5})),
        "exemptions-empty": ("An exemption without entries.", "claims.missing", f"{first}.schemes", exemptions([])),
        "exemptions-no-until": (
            "An exemption without its end.",
            "claims.missing",
            f"{first}.until",
            exemptions([5, "DE 1", 20574]),
        ),
    }
    return {f"claims-{name}": _refused(*row) for name, row in made.items()}


def _wholes() -> dict[str, Json]:
    made: dict[str, Any] = {"list": [1], "text": "card", "null": None, "bytes": b"", "integer": 0}
    found = {
        f"claims-whole-{name}": refused_cose(
            f"The payload is no map: {name}.", "payload", "claims.wrong_type", signed(cbor.encode(value)), path="claims"
        )
        for name, value in made.items()
    }
    found["claims-whole-empty"] = refused_cose(
        "An empty map.", "payload", "claims.missing", signed(b"\xa0"), path="claims.iss"
    )
    found["claims-birth-disagrees"] = _refused(
        "The year of birth is not the date's.",
        "claims.disagrees",
        "card.year_of_birth",
        lambda claims: claims[-65537].update({4: 1989}),
    )
    return found | _times()


def _times() -> dict[str, Json]:
    def at(**changes: int) -> Callable[[dict[int | str, Any]], object]:
        keys = {"exp": 4, "nbf": 5, "iat": 6}
        return lambda claims: claims.update({keys[name]: ISSUED_AT + seconds for name, seconds in changes.items()})

    made = {
        "iat-no-hour": ("iat is no whole hour.", "iat", at(iat=1)),
        "exp-at-iat": ("The code ends when it is issued.", "exp", at(exp=0)),
        "exp-too-late": ("The code lives for 400 days and a second.", "exp", at(exp=400 * 86400 + 1)),
        "nbf-at-exp": ("The code begins when it ends.", "nbf", at(nbf=86400, exp=86400)),
        "nbf-9999": ("The code begins in the last hour of 9999.", "nbf", at(nbf=253402300799 - ISSUED_AT)),
    }
    return {
        f"claims-{name}": _refused(about, "claims.disagrees", f"claims.{field}", change)
        for name, (about, field, change) in made.items()
    }


def vectors() -> dict[str, Json]:
    """``refuse/*.json`` of the layer claims."""
    return _wrong_types() | _bounds() | _forms() | _missing() | _lists() | _wholes()
