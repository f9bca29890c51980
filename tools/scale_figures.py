"""The figures of docs/data.md and docs/scaling.md, from what the benchmarks of columns, growth and contention wrote."""

from __future__ import annotations

from typing import Any, Final

from tools.issuing_figures import about, lines, measured

__all__ = ["column_figures", "contention_figures", "growth_figures"]

_BILLION: Final = 1_000_000_000
_CORES: Final = 100


def column_figures() -> str:
    """Codes a second by column, jobs from Parquet to Parquet, and what a billion would take."""
    told = measured("columns")
    rows = [
        (
            f"{job['rows']:,}" + ("" if job["signed"] else ", no cards"),
            f"{job['seconds']:.0f} s",
            f"{job['rows'] / job['seconds']:,.0f}",
            f"{job['parent_mib']} MiB",
            f"{job['worker_mib']} MiB",
        )
        for job in told["jobs"]
    ]
    heading = ("rows", "time", "rows a second", "memory", "memory of a worker")
    compared = [
        (engine, f"{ratios['column']:.2f}", f"{ratios['column, one core']:.2f}")
        for engine, ratios in told["ratios"].items()
    ]
    cores = f"{told['cores']} cores"
    return "\n".join(
        (
            about(told),
            "Verdicts a second by column, as multiples of `verify_many` on the same cores, measured in turns:\n",
            lines(("engine", cores, "one core"), compared),
            f"Jobs with the engine {told['engine']}:\n",
            lines(heading, rows),
            _billion(max(told["jobs"], key=lambda job: job["rows"]), told["cores"]),
        )
    )


def _billion(job: dict[str, Any], cores: int) -> str:
    """From the longest job, as its rows have nothing in common."""
    seconds = job["seconds"] * cores / job["rows"]
    hours = seconds * _BILLION / 3600
    return (
        f"**A billion rows**, calculated from the longest job: {seconds * 1e6:.0f} microseconds of a core for a row, "
        f"from file to file, are {hours:.1f} core-hours: {hours * 60 / _CORES:.0f} minutes on {_CORES} such cores, "
        "without an engine's own work.\n"
    )


def growth_figures() -> str:
    """Issue and look-up on PostgreSQL, by how many rows there are."""
    told = measured("growth")
    run = told["databases"]["PostgreSQL"]
    rows = []
    for name, filled in run["filled"].items():
        ratios = [run["ratios"][what].get(name) for what in ("issue", "look-up")]
        shown = ["1" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        rows.append((name, f"{filled['codes']:,}", f"{filled['database_gib']:.1f} GiB", *shown))
    return "\n".join((about(told), lines(("", "codes", "database", "issue", "look-up"), rows)))


def contention_figures() -> str:
    """How much of an issue holds which lock, and what more processes would give."""
    told = measured("contention")
    shares = [(name, f"{share:.0%}", f"{1 / share:.1f}") for name, share in told["shares"].items()]
    simulated = [(count, f"{rate:.1f}") for count, rate in told["simulated"].items()]
    return "\n".join(
        (
            about(told),
            lines(("lock", "held for this share of an issue", "so at most so many times one process"), shares),
            lines(("processes on one database", "cards, as multiples of one process (simulated)"), simulated),
        )
    )
