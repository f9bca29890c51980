"""Columns of codes in, columns of verdicts out: Apache Arrow, without any engine.

>>> import pyarrow as pa
>>> from verifier import Policy, TrustDomain, Verifier
>>> from verifier.data import verdicts
>>> verifier = Verifier((), Policy.named("gate"))
>>> column = verdicts(pa.array(["https://example.com/", None]), verifier, now=1_800_000_000)
>>> column.field("reason").to_pylist()
['not_a_card', None]

:func:`map_batches` makes of a bundle, an anchor, a policy and a time what Spark, Ray and DuckDB call with record
batches. ``docs/data.md`` has a recipe for each.

Raises:
    MissingPart: ``data.extra_missing``: pyarrow is not installed.
"""

from icard_crypto.errors import MissingPart

try:
    import pyarrow  # noqa: F401
except ModuleNotFoundError as absent:
    if absent.name != "pyarrow":
        raise
    raise MissingPart("data.extra_missing") from None

from .batches import BatchVerifier, map_batches
from .claims import CLAIMS
from .errors import DataError
from .job import Job, run
from .journal import Summary
from .spark import spark_ddl
from .verdicts import verdict_type, verdicts

__all__ = [
    "CLAIMS",
    "BatchVerifier",
    "DataError",
    "Job",
    "Summary",
    "map_batches",
    "run",
    "spark_ddl",
    "verdict_type",
    "verdicts",
]
