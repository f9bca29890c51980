"""``python -m tests.kit.engine_decisions ENGINE FOLDER [ADDRESS]``: the vectors of decisions through an engine.

It runs in the engine's own environment: each row of ``decisions.parquet`` names a vector, and its verdict is made in
the engine's worker by the vector's own verifier. The rows are written to ``decided.parquet``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.kit.vector_verifiers import VECTORS, decision_verifier, load, shown
from verifier.data import spark_ddl, verdict_type, verdicts

__all__ = ["SCHEMA", "decide"]

SCHEMA = pa.schema([("name", pa.string()), ("verdict", verdict_type(plain=True))])


def decide(names: Any) -> pa.Array:
    """The verdicts on the vectors of these names."""
    return pa.array([_row(name) for name in names.to_pylist()], SCHEMA.field("verdict").type)


def _row(name: str) -> Any:
    vector = load(VECTORS / "decisions" / f"{name}.json")
    column = pa.array([shown(vector)], pa.string() if "text" in vector else pa.binary())
    return verdicts(column, decision_verifier(vector), vector["now"], plain=True).to_pylist()[0]


def _batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        names = batch.column("name")
        yield pa.RecordBatch.from_arrays([names, decide(names)], schema=SCHEMA)


def _with_duckdb(folder: Path) -> pa.Table:
    import duckdb  # type: ignore[import-not-found,unused-ignore]

    database = duckdb.connect()
    kind = database.from_arrow(SCHEMA.empty_table()).types[1]
    database.create_function("decide", decide, ["VARCHAR"], kind, type="arrow")
    names = database.read_parquet(str(folder / "decisions.parquet"))
    return names.project("name, decide(name) AS verdict").to_arrow_table()


def _with_spark(folder: Path, address: str) -> pa.Table:
    from pyspark.sql import SparkSession  # type: ignore[import-not-found,unused-ignore]

    spark = SparkSession.builder.remote(address).getOrCreate()
    names = spark.read.parquet(str(folder / "decisions.parquet"))
    return names.mapInArrow(_batches, spark_ddl(SCHEMA)).toArrow()


def main() -> None:
    """Decide and write."""
    engine, folder = sys.argv[1], Path(sys.argv[2])
    made = _with_duckdb(folder) if engine == "duckdb" else _with_spark(folder, sys.argv[3])
    pq.write_table(made, folder / "decided.parquet")


if __name__ == "__main__":
    main()
