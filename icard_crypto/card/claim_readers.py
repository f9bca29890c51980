"""Two straight-line readers for the claims of a card, written from ``fields.json`` when the first is read.

One makes the claims with the card, the other the facts that a decision looks at. The checks of both are one text.

Promises:

1. A reader says only yes: it gives the claims, or the facts, where every key is known, every value keeps to its field
   and every head is the shortest; None otherwise. What is wrong, or unknown, is for
   :func:`icard_crypto.encoding.cbor.decode` and :func:`icard_crypto.card.claims.decode_claims` to say.
2. It accepts nothing that those two would refuse, and gives the same claims and facts; tests hold that on every field.

Why code that writes code: a loop over a table spends most of its time on the table, and a call and a list for each of
seven maps cost nearly as much again. The same checks written out, with the bounds as constants, take half the time,
which is why ``dataclasses`` writes its ``__init__`` too. Nothing but ``fields.json`` and names goes into the text.

Why the number of bytes is proof of the encoding: with the types of the fields, and after cbor2 has refused indefinite
lengths, bad UTF-8 and duplicate keys, the only choices that an encoder has are the length of a head and what comes
behind the value. So the bytes are as many as the known values need exactly where each head is the shortest, no key is
unknown (its bytes would be too many) and nothing is left over. Counting takes a third of the time of encoding again.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Final

from icard_crypto.encoding import cbor

from .card import Card
from .characters import common, is_plain
from .facts import DAY, EPOCH_ORDINAL, HOUR, LONGEST_LIFE, OFFSET, Facts
from .fields import FIELDS, Field
from .frozen import twin
from .parts import ATTRIBUTES, Exemption, Holder, Insurance, Month, Permit, Scheme, Service

__all__ = ["Reader", "is_birthday", "make_facts_reader", "make_reader", "reader_text", "scheme_of"]

#: ``(a value of cbor2, the number of bytes that it was read from) -> claims or None``.
Reader = Callable[[Any, int], Any]

# What ``@`` lines become: map, the checks of a map's values, which are then called <map>_<field>; value, of one value;
# new, a part of the card; claims and facts, a line of that reader alone. ``size`` is the number of bytes that no value
# has explained yet.
_TEMPLATE: Final = """
def read(claims, size):
    if type(claims) is not dict: return None
    @map claims claims
    # Kept as it is in claims: nobody has looked at its types.
    if claims_cnf is not None: return None
    @map status claims_status
    @map status_list status_status_list
    @map identity claims_identity
    @map card claims_card
    keys = (*claims, *claims_identity, *claims_card)
    @claims permit = no_permit
    @facts permit_category = permit_employer = permit_from = permit_until = permit_region = None
    if card_permit is not None:
        @map permit card_permit
        keys += (*card_permit,)
        @new permit permit
    @claims insurance = None
    @facts insurance_schemes = insurance_paid_through = insurance_region = None
    exemptions = []
    if card_insurance is not None:
        @map insurance card_insurance
        keys += (*card_insurance,)
        for entry in insurance_exemptions or ():
            if type(entry) is not list or len(entry) != 4: return None
            exemption_schemes, exemption_certificate, exemption_from, exemption_until = entry
            size -= 1
            @value exemption schemes
            @value exemption certificate
            @value exemption from
            @value exemption until
            @claims exemption_schemes = scheme_of(exemption_schemes)
            @new exemption exemption
            @claims exemptions.append(exemption)
            @facts exemptions.append((exemption_from, exemption_until + DAY))
        insurance_exemptions = tuple(exemptions)
        @claims if insurance_schemes is not None: insurance_schemes = scheme_of(insurance_schemes)
        @new insurance insurance
    for service_service in card_services or ():
        @value service service
    # True and 1.0 equal 1 as keys of a dict, and are never the same claim. A text equals nothing but a text.
    for key in keys:
        if type(key) is not int: return None
    if claims_iat % HOUR or not claims_iat < claims_exp <= claims_iat + LONGEST_LIFE: return None
    if claims_nbf is not None and claims_nbf >= claims_exp: return None
    if identity_date_of_birth is not None and card_year_of_birth is not None:
        @claims if identity_date_of_birth.year != card_year_of_birth: return None
        @facts if identity_date_of_birth != card_year_of_birth: return None
    if size: return None
    @facts return new_tuple(Facts, (
    @facts     claims_iss, claims_iat, claims_nbf, claims_exp, claims_cti, status_list_uri, status_list_idx,
    @facts     card_profile, tuple(card_services or ()), identity_photo is not None,
    @facts     permit_category, permit_employer is not None, permit_from,
    @facts     None if permit_until is None else permit_until + DAY, permit_region,
    @facts     card_insurance is not None, insurance_schemes, insurance_paid_through, insurance_region,
    @facts     tuple(exemptions)))
    identity_year_of_birth = card_year_of_birth
    @new holder identity
    card_services = tuple(map(Service, card_services or ()))
    card_holder, card_permit, card_insurance = holder, permit, insurance
    @new card card
    status_index, status_uri = status_list_idx, status_list_uri
    @new status status
    made_issuer, made_expires, made_not_before, made_issued_at = claims_iss, claims_exp, claims_nbf, claims_iat
    made_cti, made_status, made_profile, made_card = claims_cti, status, card_profile, card
    made_confirmation, made_unknown = None, ()
    @new made made
    return made
"""

_TYPES: Final = {"text": "str", "birthday": "str", "bytes": "bytes", "list": "list", "map": "dict"}
#: What the card shows in the place of a value, and what the facts hold.
_SHOWN: Final = {
    "day": f"from_ordinal({EPOCH_ORDINAL} + {{0}})",
    "month": "new_tuple(Month, (1970 + {0} // 12, {0} % 12 + 1))",
    "birthday": "from_iso({0})",
}
_FACTS: Final = {"day": f"{{0}} * {DAY} - {OFFSET}", "birthday": "int({0}[:4])"}
# Forms repeat from code to code (issuers, regions, nationalities, addresses of lists): remembered, a check takes 0.04
# us instead of 0.12. This many texts of each, none longer than its field, are what strangers could fill it with.
_REMEMBERED: Final = 1024


@functools.lru_cache(_REMEMBERED)
def scheme_of(bits: int) -> Scheme:
    """The schemes of a code, bits that nobody has defined among them."""
    return Scheme(bits)


@functools.lru_cache(_REMEMBERED)
def is_birthday(text: str) -> bool:
    """Whether a text is a date of birth: of the form that ``fields.json`` asks for, and a day that exists."""
    form = FIELDS["identity"]["date_of_birth"].read_pattern
    if form is None or not form.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def make_reader(claims: type, status: type) -> Reader:
    """The reader of claims; it makes ``claims`` and ``status``, the classes of :mod:`icard_crypto.card.claims`."""
    parts = {"holder": Holder, "permit": Permit, "insurance": Insurance, "exemption": Exemption, "card": Card}
    parts |= {"status": status, "made": claims}
    return _made(parts)


def make_facts_reader() -> Reader:
    """The reader of facts: the same checks, and :class:`icard_crypto.card.facts.Facts` in the place of claims."""
    return _made({})


def _made(parts: dict[str, type]) -> Reader:
    known: dict[str, Any] = {
        "DAY": DAY,
        "Facts": Facts,
        "HOUR": HOUR,
        "LONGEST_LIFE": LONGEST_LIFE,
        "Month": Month,
        "Service": Service,
        "scheme_of": scheme_of,
        "from_iso": datetime.date.fromisoformat,
        "from_ordinal": datetime.date.fromordinal,
        "is_birthday": is_birthday,
        "is_common": common(),
        "is_plain": is_plain,
        "new": object.__new__,
        "new_tuple": tuple.__new__,
        "no_permit": Permit(),
    }
    known |= {f"{name}_class": part for name, part in parts.items()}
    known |= {f"{name}_twin": twin(part) for name, part in parts.items()}
    known |= _FORMS
    exec(reader_text(parts), known)  # noqa: S102 - the text is made of fields.json alone
    reader: Reader = known["read"]
    return reader


def _remembering(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return functools.lru_cache(_REMEMBERED)(lambda text: pattern.fullmatch(text) is not None)


_FORMS: Final = {
    f"{name}_{field.name}_form": _remembering(field.read_pattern)
    for name, rows in FIELDS.items()
    for field in rows.values()
    if field.read_pattern is not None
}


def reader_text(parts: dict[str, type]) -> str:
    """A reader in Python; ``parts`` are the classes that it makes, by the names of the template; none: of facts."""
    kind, shown = ("claims", _SHOWN) if parts else ("facts", _FACTS)
    lines = []
    for line in _TEMPLATE.splitlines():
        code = line.lstrip()
        margin = line[: len(line) - len(code)]
        match code.split():
            case ["@map", name, source]:
                lines += [margin + inner for inner in _map(name, source, shown)]
            case ["@value", name, field]:
                lines += [margin + inner for inner in _value(f"{name}_{field}", FIELDS[name][field], shown)]
            case ["@new", part, prefix]:
                lines += [margin + inner for inner in _new(part, parts[part], prefix)] if parts else []
            case [("@claims" | "@facts") as reader, *_]:
                lines += [margin + code.removeprefix(f"{reader} ")] if reader == f"@{kind}" else []
            case _:
                lines.append(line)
    return "\n".join(lines)


def _map(name: str, source: str, shown: Mapping[str, str]) -> Iterator[str]:
    rows = FIELDS[name].values()
    # The map's own head is one byte: it has fewer than 24 known keys, and no others.
    yield f"size -= {1 + sum(_key_size(field.key) for field in rows if field.required)}"
    yield f"get = {source}.get"
    for field in rows:
        value = f"{name}_{field.name}"
        yield f"{value} = get({field.key!r})"
        if field.required:
            yield from _value(value, field, shown)
        else:
            yield f"if {value} is not None:"
            yield f"    size -= {_key_size(field.key)}"
            yield from ("    " + line for line in _value(value, field, shown))


def _value(value: str, field: Field, shown: Mapping[str, str]) -> Iterator[str]:
    """The checks of one value, its bytes, and what is shown in its place."""
    kind, low, high = _TYPES.get(field.type, "int"), field.low, field.high
    yield f"if type({value}) is not {kind}: return None"
    if kind == "dict":
        return
    if kind == "int":
        yield f"if not {low} <= {value} <= {high}: return None"
        yield f"size -= {_head_size(value, low, high)}"
    else:
        yield f"length = len({value})"
        yield f"if length != {low}: return None" if low == high else f"if not {low} <= length <= {high}: return None"
        if field.type == "text" and field.read_pattern is None:
            # What is_plain says about ASCII, without a call.
            yield f"if {value}.isascii():"
            yield f"    if not {value}.isprintable() or {value}.isspace(): return None"
            yield "else:"
            yield f"    length = len({value}.encode())"
            yield f"    if not (is_common({value}) or is_plain({value})): return None"
        elif kind == "str":
            yield f"if not {value}.isascii(): length = len({value}.encode())"
        if kind == "str":
            high *= 4
        yield f"size -= {_head_size('length', low, high)}" + ("" if kind == "list" else " + length")
    if field.type == "birthday":
        yield f"if not is_birthday({value}): return None"
    elif field.read_pattern is not None:
        yield f"if not {value}_form({value}): return None"
    if field.type in shown:
        yield f"{value} = {shown[field.type].format(value)}"


def _head_size(number: str, low: int, high: int) -> str:
    """The bytes of the shortest head for a number of these bounds (RFC 8949 section 3), as an expression."""
    text = ""
    for bound, size in ((24, 1), (1 << 8, 2), (1 << 16, 3), (1 << 32, 5)):
        if high < bound:
            return f"({text}{size})"
        if low < bound:
            text += f"{size} if {number} < {bound} else "
    return f"({text}9)"


def _key_size(key: int | str) -> int:
    return len(cbor.encode(key))


def _new(name: str, part: type, prefix: str) -> Iterator[str]:
    """A frozen part of the card: its twin, filled by plain stores, is given the real class (see frozen.py)."""
    field_names = {attribute: name for name, attribute in ATTRIBUTES.items()}
    yield f"{name} = new({name}_twin)"
    for attribute in fields(part):
        yield f"{name}.{attribute.name} = {prefix}_{field_names.get(attribute.name, attribute.name)}"
    yield f"{name}.__class__ = {name}_class"
