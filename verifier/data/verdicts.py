"""A column of codes in, a column of verdicts out.

Promises:

1. Each row is what :meth:`verifier.Verifier.verify` says about that code at ``now``; rows keep their order, a null
   stays null, and no row is lost or ends the work.
2. Nothing that a card says about a person is in the column unless its claim is named. The identity of the code
   (``cti``), its times and its issuer are.
3. ``cti``, times and claims are there only where the verdict has the card: a trusted key signed it. Without it both
   states are ``unknown``, and beneath the nulls are zeros: whoever is handed Arrow's buffers reads nothing more than
   the column says.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, repeat
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from icard_crypto.card.facts import Facts
from verifier.decision.arguments import Now, whole_seconds
from verifier.decision.batch import OWN_FACTS, Answers, answer_many
from verifier.decision.precedents import Precedent
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
_SECONDS: Final = pa.timestamp("s", tz="UTC")

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
#: The columns that each row fills by itself, in the order of ``OWN_FACTS``, and what eight bytes of one are.
_OWN: Final = {"cti": pa.binary(8), "issued_at": _SECONDS, "expires_at": _SECONDS}
_SHARED: Final = tuple(name for name, *_ in _FIELDS if name not in _OWN)
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
        rows.add(piece, verifier, clock)
    return rows.array(wanted)


class _Rows:
    """Rows as they come, turned into columns at the end.

    Most rows have all in common but the code's own facts. So what they share is kept once, as a kind, and each row has
    the number of its kind and its own facts.
    """

    def __init__(self, claims: Sequence[str]) -> None:
        self._kinds: dict[tuple[Any, ...], int] = {}
        self._of_group: dict[Precedent, int] = {}
        self._numbers = array("i")
        #: Eight bytes a row of each of ``OWN_FACTS``, and whether the row has them; none of a null.
        self._facts: tuple[bytearray, ...] = tuple(bytearray() for _ in OWN_FACTS)
        self._disclosed = bytearray()
        self._present = bytearray()
        self._claims = ClaimColumns(claims) if claims else None

    def add(self, piece: Sequence[str | bytes | None], verifier: Verifier, clock: int) -> None:
        """The next rows: a null for each None, and the verdict on each code."""
        self._present += bytes(code is not None for code in piece)
        codes = [code for code in piece if code is not None]
        if self._claims is None:
            self._add(codes, answer_many(verifier, codes, clock), verifier, clock)
            return
        # Claims are each card's own.
        found = verifier.verify_many(codes, now=clock, workers=1)
        self._add(codes, Answers([*found], tuple(bytearray(8 * len(codes)) for _ in OWN_FACTS)), verifier, clock)
        verdicts = iter(found)
        for code in piece:
            self._claims.add(None if code is None else next(verdicts).claims)

    def _add(self, codes: Sequence[str | bytes], found: Answers, verifier: Verifier, clock: int) -> None:
        disclosed = bytearray(b"\1") * len(codes)
        for place, answer in enumerate(found.answers):
            if isinstance(answer, Precedent):
                number = self._of_group.get(answer)
                if number is None:
                    number = self._of_group[answer] = self._kind(verifier.verify(codes[place], now=clock))
            else:
                number = self._kind(answer)
                facts = answer.facts
                disclosed[place] = facts is not None
                for column, value in zip(found.facts, _own_facts(facts), strict=True):
                    column[8 * place : 8 * place + 8] = value
            self._numbers.append(number)
        self._disclosed += disclosed
        for own, more in zip(self._facts, found.facts, strict=True):
            own += more

    def _kind(self, verdict: Verdict) -> int:
        return self._kinds.setdefault(_shared(verdict), len(self._kinds))

    def array(self, wanted: pa.StructType) -> pa.StructArray:
        """All rows as a struct array of a verdict's type."""
        rows, present = _places(self._present), _bits(self._present)
        kinds = _taken(pa.array(self._numbers, pa.int32()), rows)
        shared = zip(*self._kinds, strict=True) if self._kinds else repeat((), len(_SHARED))
        columns = {
            name: _array(name, values, wanted.field(name).type).take(kinds)
            for name, values in zip(_SHARED, shared, strict=True)
        }
        disclosed = _bits(self._disclosed).buffers()[1]
        for (name, kind), data in zip(_OWN.items(), self._facts, strict=True):
            own = pa.Array.from_buffers(kind, len(self._numbers), [disclosed, pa.py_buffer(data)])
            columns[name] = _taken(own.cast(wanted.field(name).type), rows)
        if self._claims is not None:
            columns["claims"] = self._claims.array(wanted.field("claims").type)
        fields = [wanted.field(place) for place in range(wanted.num_fields)]
        return pa.StructArray.from_arrays(
            [columns[field.name] for field in fields], fields=fields, mask=pc.invert(present)
        )


def _own_facts(facts: Facts | None) -> Iterator[bytes]:
    """``OWN_FACTS`` of one code as :class:`Answers` has them; zeros where the verdict does not have the card."""
    for name in OWN_FACTS:
        value = 0 if facts is None else getattr(facts, name)
        yield value if isinstance(value, bytes) else value.to_bytes(8, sys.byteorder)


def _shared(verdict: Verdict) -> tuple[Any, ...]:
    """What a verdict may have in common with others, in the order of the columns."""
    evidence, facts, error = verdict.evidence, verdict.facts, verdict.error
    permit = insurance = UNKNOWN.state
    if facts is not None:
        moment = max(verdict.now, evidence.clock_floor or 0)
        permit = permit_word(facts, evidence.status_value, moment, verdict.policy.leeway)
        insurance = insurance_word(facts, evidence.status_value, moment)
    return (
        _OUTCOME_PLACES[verdict.outcome],
        _REASON_PLACES[verdict.reason],
        tuple(map(str, verdict.also)),
        verdict.environment,
        evidence.issuer,
        evidence.kid,
        permit,
        insurance,
        evidence.status_value,
        evidence.status_issued_at,
        evidence.trust_list_version,
        None if error is None else (error.code, error.offset),
    )


_DICTIONARIES: Final = {"outcome": pa.array(OUTCOMES), "reason": pa.array(list(catalogue()))}


def _array(name: str, values: Sequence[Any], wanted: pa.DataType) -> pa.Array:
    words = _DICTIONARIES.get(name)
    if words is not None:
        coded = pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), words)
        return coded if pa.types.is_dictionary(wanted) else coded.cast(wanted)
    return pa.array(values, _SECONDS).cast(wanted) if wanted == _MOMENT else pa.array(values, wanted)


def _places(present: bytearray) -> pa.Array | None:
    """For each row its place among those that are no nulls, or null; None where there are no nulls."""
    if all(present):
        return None
    places = zip(accumulate(present, initial=0), present, strict=False)
    return pa.array([place if there else None for place, there in places], pa.int64())


def _taken(values: pa.Array, rows: pa.Array | None) -> pa.Array:
    return values if rows is None else values.take(rows)


def _bits(flags: bytearray) -> pa.BooleanArray:
    return pa.Array.from_buffers(pa.uint8(), len(flags), [None, pa.py_buffer(flags)]).cast(pa.bool_())
