"""Record batches in and out, as an engine calls it: in other processes, more than once, with what a bundle may lack."""

from __future__ import annotations

import hashlib
import multiprocessing
import pickle
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from icard_crypto.errors import DecodeError, IcardError
from tests.kit import adversary
from tests.kit.adversary import DAY, EXP, ROOTS, published, put
from tests.kit.columns import ANCHOR, BUNDLE, CODES, GATE, HOUR, NOW, REVOKED, expected, job
from tests.kit.publisher import code, packed, status, timestamp
from verifier import Policy
from verifier.data import BatchVerifier, DataError, spark_ddl, verdict_type
from verifier.data import batches as batches_module
from verifier.store import Store, Update, domain_of_bundle

IDS = list(range(len(CODES)))
BATCH = pa.RecordBatch.from_pydict({"scan": IDS, "code": list(CODES), "gate": ["north"] * len(CODES)})


def out(mapper: BatchVerifier, *batches: pa.RecordBatch) -> list[Any]:
    """The rows that come out."""
    return [row for batch in mapper(iter(batches or (BATCH,))) for row in batch.to_pylist()]


def reasons(mapper: BatchVerifier, *codes: str) -> list[str]:
    """The reasons on these codes."""
    batch = pa.RecordBatch.from_pydict({"code": list(codes)})
    return [row["verdict"]["reason"] for row in out(mapper, batch)]


def test_verdicts_are_those_of_a_state_folder_with_the_same_bundle(tmp_path: Any) -> None:
    store = Store(tmp_path)
    store.create(ANCHOR, name="cn", now=NOW)
    store.apply("cn", Update((), (status(NOW - HOUR, {REVOKED: 1}),), timestamp(NOW - HOUR)), NOW)
    (stored,), (made,) = store.load(), job().verifier().domains
    assert [row["verdict"] for row in out(job())] == expected(job().verifier(), list(CODES), NOW)
    assert (stored.clock_floor, stored.keys, stored.timestamp, stored.trust_list, stored.denied) == (
        made.clock_floor,
        made.keys,
        made.timestamp,
        made.trust_list,
        made.denied,
    )
    assert stored.status_lists.keys() == made.status_lists.keys()


def test_only_kept_columns_go_along_and_in_their_order() -> None:
    (batch,) = job(keep=("gate", "scan"))([BATCH])
    assert batch.schema.names == ["gate", "scan", "verdict"]
    assert batch.column("scan").to_pylist() == IDS
    assert next(iter(job()([BATCH]))).schema.names == ["verdict"]


def test_empty_batches_and_no_batches() -> None:
    found = list(job(keep=("scan",))([BATCH.slice(0, 0), BATCH, BATCH.slice(0, 0)]))
    assert [batch.num_rows for batch in found] == [0, len(CODES), 0]
    assert {batch.schema for batch in found} == {job(keep=("scan",)).schema(BATCH.schema)}
    assert list(job()([])) == []


def test_the_schema_is_known_before_the_job() -> None:
    mapper = job(keep=("scan",), claims=("name",))
    wanted = mapper.schema(BATCH.schema)
    assert next(iter(mapper([BATCH]))).schema == wanted
    assert wanted.field("verdict").type == verdict_type(("name",), plain=True)


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"scan": pa.int64()}, "data.no_column"),
        ({"code": pa.int64()}, "data.column_type"),
        ({"code": pa.list_(pa.string())}, "data.column_type"),
    ],
)
def test_a_wrong_column_is_one_error_before_the_job(schema: dict[str, pa.DataType], code: str) -> None:
    with pytest.raises(DataError) as caught:
        job().schema(pa.schema(list(schema.items())))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"keep": ("scan", "scan")}, "data.column_twice"),
        ({"keep": ("verdict",)}, "data.column_name"),
        ({"claims": ("passport",)}, "data.claim"),
        ({"claims": ("name", "name")}, "data.column_twice"),
        ({"anchor": "beef"}, "data.anchor"),
        ({"anchor": "0" * 64}, "data.anchor"),
        ({"bundle": b""}, "bundle.not_a_bundle"),
        ({"bundle": BUNDLE[:-20]}, "bundle.truncated"),
        ({"now": "today"}, "usage.now"),
    ],
)
def test_what_is_wrong_with_a_job_is_one_error_before_it_starts(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(IcardError) as caught:
        job(**changes)
    assert caught.value.code == code


def test_a_column_that_is_there_twice_is_refused() -> None:
    twice = pa.schema([("code", pa.string()), ("code", pa.string())])
    with pytest.raises(DataError) as caught:
        job().schema(twice)
    assert caught.value.code == "data.column_twice"


def test_the_anchor_may_be_its_hash() -> None:
    by_hash = job(anchor=hashlib.sha256(ANCHOR).hexdigest().upper())
    assert out(by_hash) == out(job())


def test_a_stranger_s_bundle_is_refused_under_the_anchor() -> None:
    """The chain is followed from the anchor: another authority's lists are no successors of it."""
    other = published(2, by=ROOTS[3:5])
    with pytest.raises(DecodeError) as caught:
        job(bundle=packed(lists=[ANCHOR, other], stamp=timestamp(NOW - HOUR)))
    assert caught.value.code == "trust.threshold_current"


def test_a_bundle_of_the_other_environment_is_refused_under_the_anchor() -> None:
    production = published(2, put("production", adversary.ENVIRONMENT))
    with pytest.raises(DecodeError) as caught:
        job(bundle=packed(lists=[ANCHOR, production]))
    assert caught.value.code == "trust.environment"


def test_rows_name_the_environment_of_their_bundle() -> None:
    anchor = published(1, put("production", adversary.ENVIRONMENT))
    mapper = job(
        anchor=anchor, bundle=packed(status(NOW - HOUR), lists=[anchor], stamp=timestamp(NOW - HOUR, trust=anchor))
    )
    assert out(mapper)[0]["verdict"]["environment"] == "production"
    assert out(job())[0]["verdict"]["environment"] == "test"


def test_a_bundle_that_is_stale_at_now_is_said_by_each_row() -> None:
    """Nothing is refused for its age: rows are INDETERMINATE, and what is over for good stays INVALID."""
    good, revoked = code(), code(index=REVOKED)
    assert reasons(job(now=NOW + 2 * DAY), good, revoked) == ["status_stale", "revoked"]
    assert reasons(job(now=NOW + 20 * DAY), good, revoked) == ["timestamp_stale", "revoked"]
    ended = published(1, put(NOW, EXP))
    mapper = job(
        anchor=ended, bundle=packed(status(NOW - HOUR), lists=[ended], stamp=timestamp(NOW - HOUR, trust=ended))
    )
    assert reasons(mapper, good) == ["trust_list_stale"]


def test_a_bundle_from_the_future_makes_no_row_valid() -> None:
    assert reasons(job(now=NOW - 5 * HOUR), code()) == ["clock_unreliable"]


def test_a_bundle_without_lists_says_so_in_rows() -> None:
    assert reasons(job(bundle=packed(lists=[ANCHOR])), code()) == ["timestamp_missing"]


def test_a_refused_status_list_is_in_the_report() -> None:
    spoiled = bytearray(status(NOW - HOUR))
    spoiled[-1] ^= 1
    mapper = job(bundle=packed(bytes(spoiled), lists=[ANCHOR], stamp=timestamp(NOW - HOUR)))
    assert [item.kind for item in mapper.report.refused] == ["status_list"]
    assert reasons(mapper, code()) == ["status_missing"]


def test_a_worker_makes_one_verifier_for_a_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counting(*given: Any, **more: Any) -> Any:
        made.append(1)
        return domain_of_bundle(*given, **more)

    monkeypatch.setattr(batches_module, "domain_of_bundle", counting)
    mapper = pickle.loads(pickle.dumps(job(policy=replace(GATE, name="alone"))))  # noqa: S301
    made.clear()
    again = pickle.loads(pickle.dumps(mapper))  # noqa: S301
    assert again.verifier() is mapper.verifier()
    assert len(made) == 1
    other = job(policy=Policy.named("offline"))
    made.clear()
    assert other.verifier() is not mapper.verifier()
    assert len(made) == 1


def test_what_changed_on_the_way_to_a_worker_is_refused() -> None:
    spoiled = replace(job(policy=replace(GATE, name="spoiled")), bundle=BUNDLE + b"\x00")
    with pytest.raises(DataError) as caught:
        list(spoiled([BATCH]))
    assert (caught.value.code, caught.value.path) == ("data.hash", "bundle")


def _in_a_worker(pickled: bytes) -> bytes:
    mapper = pickle.loads(pickled)  # noqa: S301
    return pickle.dumps(out(mapper))


def test_another_process_gives_the_same_rows() -> None:
    """A fresh interpreter that has only what was pickled, twice, as a retried task has it."""
    mapper = job(keep=("scan",))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        first, second = pool.map(_in_a_worker, [pickle.dumps(mapper)] * 2)
    assert pickle.loads(first) == pickle.loads(second) == out(mapper)  # noqa: S301


def test_spark_s_words_for_the_schema() -> None:
    schema = pa.schema([("scan", pa.int64()), ("at`", pa.timestamp("us", "UTC")), ("code", pa.string())])
    ddl = job(keep=("scan", "at`")).spark_schema(schema)
    assert ddl.startswith("`scan` BIGINT, `at``` TIMESTAMP, `verdict` STRUCT<`outcome`: STRING, `reason`: STRING, ")
    assert "`also`: ARRAY<STRING>" in ddl
    assert "`error`: STRUCT<`code`: STRING, `offset`: BIGINT>" in ddl


def test_a_kept_column_that_spark_cannot_have_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        spark_ddl(pa.schema([("x", pa.time64("ns"))]))
    assert (caught.value.code, caught.value.path) == ("data.spark_type", "x")
