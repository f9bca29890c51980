"""What a card claims as Arrow columns, each only where it is asked for by name.

Promises:

1. The names are those of ``fields.json``: the holder's as they are (``name``), the permit's and the insurance's with
   their part in front (``permit_until``, ``insurance_paid_through``). Photos and exemptions have no column.
2. A value is as in the card's JSON form, dates as dates. It is null where the verdict discloses no card, and where the
   code does not disclose the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa

from icard_crypto.card.claims import CardClaims
from icard_crypto.card.fields import FIELDS

from .errors import DataError

__all__ = ["CLAIMS", "Claim", "ClaimColumns", "claims_type"]

_DATES: Final = frozenset({"day", "birthday"})
_LEFT_OUT: Final = frozenset({"photo", "photo_format", "exemptions"})
#: Where the JSON form has another path than part and name.
_PATHS: Final = {
    "name_native": ("holder", "name_native", "text"),
    "native_language": ("holder", "name_native", "language"),
}
_TEXTS: Final = pa.list_(pa.string())


class Claim(NamedTuple):
    """A claim's Arrow type, and where it is in the card's JSON form."""

    type: pa.DataType
    path: tuple[str, ...]


def _table() -> dict[str, Claim]:
    made = {"year_of_birth": Claim(pa.int32(), ("holder", "year_of_birth")), "services": Claim(_TEXTS, ("services",))}
    for part, map_name, prefix in (
        ("holder", "identity", ""),
        ("permit", "permit", "permit_"),
        ("insurance", "insurance", "insurance_"),
    ):
        for name, field in FIELDS[map_name].items():
            if name not in _LEFT_OUT:
                kind = pa.date32() if field.type in _DATES else _TEXTS if name == "schemes" else pa.string()
                made[prefix + name] = Claim(kind, _PATHS.get(name, (part, name)))
    return made


CLAIMS: Final = _table()
"""Every claim that has a column, by name."""


def claims_type(names: Sequence[str]) -> pa.StructType:
    """The struct of these claims.

    Raises:
        DataError: ``data.claim``, ``data.column_twice``.
    """
    for name in names:
        if name not in CLAIMS:
            raise DataError("data.claim", path=str(name)[:64], expected=f"one of {', '.join(CLAIMS)}")
    if len(set(names)) != len(names):
        raise DataError("data.column_twice", path="claims")
    return pa.struct([(name, CLAIMS[name].type) for name in names])


class ClaimColumns:
    """The claims of many codes as they come, column by column."""

    def __init__(self, names: Sequence[str]) -> None:
        self._claims = [CLAIMS[name] for name in names]
        self._values: list[list[Any]] = [[] for _ in names]
        self._disclosed: list[bool] = []

    def add(self, claims: CardClaims | None) -> None:
        """The next row; None where no card is disclosed."""
        self._disclosed.append(claims is not None)
        card = {} if claims is None else claims.card.to_json()
        for claim, values in zip(self._claims, self._values, strict=True):
            found: Any = card
            for name in claim.path:
                found = found.get(name) if found else None
            values.append(found)

    def array(self, kind: pa.StructType) -> pa.StructArray:
        """All rows as a struct array of the type that :func:`claims_type` gave."""
        columns = [_array(claim, values) for claim, values in zip(self._claims, self._values, strict=True)]
        fields = [kind.field(place) for place in range(kind.num_fields)]
        return pa.StructArray.from_arrays(
            columns, fields=fields, mask=pa.array([not each for each in self._disclosed], pa.bool_())
        )


def _array(claim: Claim, values: list[Any]) -> pa.Array:
    if claim.type == pa.date32():
        return pa.array(values, pa.string()).cast(claim.type)
    return pa.array(values, claim.type)
