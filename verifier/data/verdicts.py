"""A column of codes in, a column of verdicts out.

Promises:

1. Each row is what :meth:`verifier.Verifier.verify` says about that code at ``now``; rows keep their order, a null
   stays null, and no row is lost or ends the work.
2. Nothing that a card says about a person is in the column unless its claim is named. The identity of the code
   (``cti``), its times and its issuer are.
3. ``cti``, times and claims are there only where the verdict has the card: a trusted key signed it. Without it both
   states are ``unknown``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final

import pyarrow as pa

from verifier.decision.arguments import Now, whole_seconds
from verifier.decision.reasons import OUTCOMES, catalogue
from verifier.decision.states import UNKNOWN, insurance_word, permit_word
from verifier.decision.verdict import Verdict
from verifier.decision.verifier import Verifier

from .claims import ClaimColumns, claims_type
from .codes import Codes, pieces

__all__ = ["VERDICT", "verdict_type", "verdicts"]

VERDICT: Final = "verdict"
"""The name of the column wherever one is made."""

_MOMENT: Final = pa.timestamp("us", tz="UTC")
_WORDS: Final = pa.dictionary(pa.int8(), pa.string())
_ERROR: Final = pa.struct([("code", pa.string()), ("offset", pa.int64())])
_MICROSECONDS: Final = 1_000_000

#: The fields that every verdict has: name, type, and the type for engines without dictionaries and fixed widths.
_FIELDS: Final = (
    ("outcome", _WORDS, pa.string()),
    ("reason", _WORDS, pa.string()),
    ("also", pa.list_(pa.string()), None),
    ("environment", pa.string(), None),
    ("issuer", pa.string(), None),
    ("kid", pa.string(), None),
    ("cti", pa.binary(8), pa.binary()),
    ("issued_at", _MOMENT, None),
    ("expires_at", _MOMENT, None),
    ("permit_state", pa.string(), None),
    ("insurance_state", pa.string(), None),
    ("status_value", pa.int16(), None),
    ("status_issued_at", _MOMENT, None),
    ("trust_version", pa.int64(), None),
    ("error", _ERROR, None),
)
_OUTCOME_PLACES: Final = {outcome: place for place, outcome in enumerate(OUTCOMES)}
_REASON_PLACES: Final = {reason: place for place, reason in enumerate(catalogue())}


def verdict_type(claims: Sequence[str] = (), *, plain: bool = False) -> pa.StructType:
    """The type of a verdict.

    Args:
        claims: names of :data:`verifier.data.CLAIMS`; the struct then has a last field ``claims``.
        plain: text instead of dictionaries and variable instead of fixed width, for engines that know no others.

    Raises:
        DataError: ``data.claim``.
    """
    fields = [(name, other if plain and other is not None else kind) for name, kind, other in _FIELDS]
    if claims:
        fields.append(("claims", claims_type(claims)))
    return pa.struct(fields)


def verdicts(
    codes: Codes, verifier: Verifier, now: Now, *, claims: Sequence[str] = (), plain: bool = False
) -> pa.StructArray:
    """The verdicts on a column of codes, in this process.

    Args:
        codes: text or binary, also as a dictionary, also chunked.
        now: Unix time, or a datetime with a zone; the same for all rows.
        claims: which claims go along, by name; see :data:`verifier.data.CLAIMS`.
        plain: as for :func:`verdict_type`.

    Raises:
        DataError: ``data.column_type``, ``data.claim``.
        UsageError: ``usage.now``.
    """
    wanted = verdict_type(claims, plain=plain)
    clock = whole_seconds(now)
    rows = _Rows(claims)
    for piece in pieces(codes):
        found = iter(verifier.verify_many([code for code in piece if code is not None], now=clock, workers=1))
        for code in piece:
            rows.add(None if code is None else next(found))
    return rows.array(wanted)


class _Rows:
    """Verdicts as they come, turned into columns at the end."""

    def __init__(self, claims: Sequence[str]) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._claims = ClaimColumns(claims) if claims else None

    def add(self, verdict: Verdict | None) -> None:
        """The next row; None for a null."""
        self._rows.append(_NULL if verdict is None else _values(verdict))
        if self._claims is not None:
            self._claims.add(None if verdict is None else verdict.claims)

    def array(self, wanted: pa.StructType) -> pa.StructArray:
        """All rows as a struct array of a verdict's type."""
        columns = zip(*self._rows, strict=True) if self._rows else repeat((), len(_FIELDS))
        made = [_array(place, values, wanted.field(place).type) for place, values in enumerate(columns)]
        if self._claims is not None:
            made.append(self._claims.array(wanted.field("claims").type))
        fields = [wanted.field(place) for place in range(wanted.num_fields)]
        missing = pa.array([row is _NULL for row in self._rows], pa.bool_())
        return pa.StructArray.from_arrays(made, fields=fields, mask=missing)


_NULL: Final = (None,) * len(_FIELDS)


def _values(verdict: Verdict) -> tuple[Any, ...]:
    """A verdict's fields in the order of the columns."""
    evidence, facts, error, also = verdict.evidence, verdict.facts, verdict.error, verdict.also
    cti = issued_at = expires_at = None
    permit = insurance = UNKNOWN.state
    if facts is not None:
        cti, issued_at, expires_at = facts.cti, facts.issued_at, facts.expires
        moment = max(verdict.now, evidence.clock_floor or 0)
        permit = permit_word(facts, evidence.status_value, moment, verdict.policy.leeway)
        insurance = insurance_word(facts, evidence.status_value, moment)
    return (
        _OUTCOME_PLACES[verdict.outcome],
        _REASON_PLACES[verdict.reason],
        [str(reason) for reason in also] if also else _NOTHING,
        verdict.environment,
        evidence.issuer,
        evidence.kid,
        cti,
        issued_at,
        expires_at,
        permit,
        insurance,
        evidence.status_value,
        evidence.status_issued_at,
        evidence.trust_list_version,
        None if error is None else {"code": error.code, "offset": error.offset},
    )


_NOTHING: Final[list[str]] = []
_DICTIONARIES: Final = {0: pa.array(OUTCOMES), 1: pa.array(list(catalogue()))}


def _array(place: int, values: Sequence[Any], wanted: pa.DataType) -> pa.Array:
    words = _DICTIONARIES.get(place)
    if words is not None:
        coded = pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), words)
        return coded if pa.types.is_dictionary(wanted) else coded.cast(wanted)
    if wanted == _MOMENT:
        return pa.array([None if value is None else value * _MICROSECONDS for value in values], pa.int64()).cast(wanted)
    return pa.array(values, wanted)
