"""Verification as a function over record batches, as Spark, Ray and other engines call it.

Promises:

1. A :class:`BatchVerifier` carries all that it needs: bundle, anchor, policy and time. A worker that receives it needs
   no state folder, no network and no clock, and a retried task gives the same rows.
2. Bundle and anchor are checked against their hashes in each worker, and the chain of trust is followed from the
   anchor. A worker makes one :class:`verifier.Verifier` for all tasks with the same bundle, anchor and policy.
3. A bundle that is stale at ``now``, or of another environment, stops nothing: each row says so.
4. What is wrong with the job is one error before it starts: the anchor, the chain of trust lists, a claim's name, and
   with :meth:`BatchVerifier.schema` the columns.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from icard_crypto.lists.bundle import Bundle, decode_bundle
from verifier.decision.arguments import Now, whole_seconds
from verifier.decision.policy import Policy
from verifier.decision.verifier import Verifier
from verifier.store import Report, domain_of_bundle

from .codes import Codes, check_type, column_of
from .errors import DataError
from .spark import spark_ddl
from .verdicts import VERDICT, verdict_type, verdicts

__all__ = ["BatchVerifier", "map_batches"]

#: Verifiers that a worker keeps: one for each job that it works on at a time.
_KEPT: Final = 4
_HASH_LENGTH: Final = 64

_verifiers: OrderedDict[tuple[object, ...], Verifier] = OrderedDict()
_lock = threading.Lock()


def map_batches(
    bundle: bytes,
    anchor: bytes | str,
    policy: Policy,
    now: Now,
    column: str = "code",
    *,
    keep: Sequence[str] = (),
    claims: Sequence[str] = (),
    unsafe_single_root: bool = False,
) -> BatchVerifier:
    """A picklable callable that makes record batches of verdicts from record batches of codes.

    Args:
        bundle: the file that ``icard bundle export`` or the publisher writes.
        anchor: the signed trust list whose roots people have compared, as bytes; or the SHA-256 of that file in
            hexadecimal, where the bundle holds the list.
        policy: what is asked of a card.
        now: when the codes are verified, Unix time or a datetime with a zone. It belongs to the job.
        column: the column of codes.
        keep: the columns that go along, in this order. A code is personal data: it goes along only where it is named.
        claims: which claims go along; see :data:`verifier.data.CLAIMS`.
        unsafe_single_root: accept a trust list that one root signed.

    Raises:
        DataError: ``data.anchor``, ``data.claim``, ``data.column_name``, ``data.column_twice``.
        DecodeError: ``bundle.*``, ``trust.*``: what is wrong with the bundle or its trust lists.
        UsageError: ``usage.now``.
    """
    clock, opened = whole_seconds(now), decode_bundle(bytes(bundle))
    verdict_type(claims)
    if VERDICT in keep:
        raise DataError("data.column_name", path=VERDICT, expected=f"a name that is not {VERDICT}")
    if len(set(keep)) != len(keep):
        raise DataError("data.column_twice", path="keep")
    first = _anchor_of(opened, anchor)
    _, report = domain_of_bundle(first, opened, unsafe_single_root=unsafe_single_root)
    return BatchVerifier(
        bundle=bytes(bundle),
        anchor=first,
        hashes=(_hash(bundle), _hash(first)),
        policy=policy,
        now=clock,
        column=column,
        keep=tuple(keep),
        claims=tuple(claims),
        unsafe_single_root=unsafe_single_root,
        report=report,
    )


@dataclass(frozen=True, eq=False)
class BatchVerifier:
    """What :func:`map_batches` gives; made by it alone.

    Args:
        bundle, anchor, policy, column, keep, claims, unsafe_single_root: as given, the anchor as bytes.
        hashes: SHA-256 of bundle and anchor, which each worker checks them against.
        now: Unix time.
        report: what became of each token of the bundle; a status list that was refused is in ``report.refused``.
    """

    bundle: bytes = field(repr=False)
    anchor: bytes = field(repr=False)
    hashes: tuple[str, str]
    policy: Policy
    now: int
    column: str
    keep: tuple[str, ...]
    claims: tuple[str, ...]
    unsafe_single_root: bool
    report: Report = field(repr=False)

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """The columns that come out where batches of this schema go in.

        Raises:
            DataError: ``data.no_column``, ``data.column_type``, ``data.column_twice``.
        """
        check_type(schema.field(column_of(schema, self.column)).type, self.column)
        kept = [schema.field(column_of(schema, name)) for name in self.keep]
        return pa.schema([*kept, pa.field(VERDICT, verdict_type(self.claims, plain=True))])

    def spark_schema(self, schema: pa.Schema) -> str:
        """The same as a schema in Spark's own words, for ``mapInArrow``.

        Raises:
            DataError: as :meth:`schema`; ``data.spark_type``.
        """
        return spark_ddl(self.schema(schema))

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The verdicts of each batch, one batch for one.

        Raises:
            DataError: as :meth:`schema`, at the first batch; ``data.hash``.
        """
        verifier = self.verifier()
        for batch in batches:
            yield self._one(batch, verifier)

    def verdicts(self, codes: Codes) -> pa.StructArray:
        """The verdicts on a column by itself, for engines that call functions on columns.

        Raises:
            DataError: ``data.column_type``, ``data.hash``.
        """
        return verdicts(codes, self.verifier(), self.now, claims=self.claims, plain=True)

    def verifier(self) -> Verifier:
        """This worker's verifier for the job (promise 2).

        Raises:
            DataError: ``data.hash``.
        """
        key = (*self.hashes, self.unsafe_single_root, self.policy)
        with _lock:
            found = _verifiers.get(key)
            if found is None:
                found = _verifiers[key] = self._make()
                while len(_verifiers) > _KEPT:
                    _verifiers.popitem(last=False)
            _verifiers.move_to_end(key)
        return found

    def _make(self) -> Verifier:
        for name, data, wanted in zip(("bundle", "anchor"), (self.bundle, self.anchor), self.hashes, strict=True):
            found = _hash(data)
            if found != wanted:
                raise DataError("data.hash", path=name, expected=wanted, found=found)
        opened = decode_bundle(self.bundle)
        domain, _ = domain_of_bundle(self.anchor, opened, unsafe_single_root=self.unsafe_single_root)
        return Verifier(domain, self.policy)

    def _one(self, batch: pa.RecordBatch, verifier: Verifier) -> pa.RecordBatch:
        made = self.schema(batch.schema)
        codes = batch.column(column_of(batch.schema, self.column))
        kept = [batch.column(column_of(batch.schema, name)) for name in self.keep]
        found = verdicts(codes, verifier, self.now, claims=self.claims, plain=True)
        return pa.RecordBatch.from_arrays([*kept, found], schema=made)


def _anchor_of(bundle: Bundle, anchor: bytes | str) -> bytes:
    """The anchor's bytes, out of the bundle where only its hash was given."""
    if not isinstance(anchor, str):
        return bytes(anchor)
    wanted = anchor.strip().lower()
    if len(wanted) != _HASH_LENGTH:
        raise DataError("data.anchor", expected="the SHA-256 of a trust list, 64 hexadecimal digits", found=anchor[:80])
    for data in bundle.trust_lists:
        if _hash(data) == wanted:
            return data
    raise DataError("data.anchor", expected="a bundle that holds the trust list with this SHA-256", found=wanted)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
