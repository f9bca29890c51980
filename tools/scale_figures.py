"""The figures of docs/data.md and docs/scaling.md, from what the benchmarks of columns, growth and contention wrote."""

from __future__ import annotations

from typing import Final

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
    many, one = (f"{told['ratios'][name]:.2f}" for name in ("column", "column, one core"))
    cores = f"{told['cores']} cores"
    compared = (
        f"A column gives {many} times as many verdicts a second as `verify_many` on the same {cores}, and {one} times "
        "on one. Both were measured in turns.\n"
    )
    load = (
        f"The machine did other work: its load was {told['load']:.0f} on {cores}. The memory stands; the times are too "
        "long by as much as that work took.\n"
    )
    return "\n".join((about(told), compared, lines(heading, rows), load, _billion(told["ratios"]["column"])))


def _billion(ratio: float) -> str:
    """From the idle machine's rate of ``verify_many`` on two cores, and the column's share of it."""
    kept = measured("kept")
    seconds = 2 * kept["runs"]["many"]["series"]["two cores"]["median_us"] / 1e6 / min(ratio, 1.0)
    hours = seconds * _BILLION / 3600
    return (
        f"**A billion rows**, calculated: `verify_many` takes {seconds * 1e6:.0f} microseconds of a core for a code on "
        f"an idle machine ([benchmarks.md](benchmarks.md), {kept['measured_at'][:10]}), so a billion takes {hours:.0f} "
        f"core-hours: {hours * 60 / _CORES:.0f} minutes on {_CORES} such cores, without an engine's own work.\n"
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
