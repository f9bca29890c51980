"""The figures of docs/permits.md, docs/insurance.md, docs/portal.md and docs/running.md, from what the benchmarks of
permits, insurance, the month's end, the portal and storage wrote."""

from __future__ import annotations

from typing import Final

from benchmarks.portal import TARGETS
from tools.issuing_figures import about, lines, measured

__all__ = ["insurance_figures", "month_end_figures", "permit_figures", "portal_figures", "storage_figures"]

_HEADING: Final = ("", "measured", "target", "")


def permit_figures() -> str:
    """What an application and a day of reminders cost."""
    told = measured("permits")
    rows = [
        _row(one["what"], one["measured"], one["at_most"], one["unit"], digits=2) for one in told["databases"]["SQLite"]
    ]
    return "\n".join((about(told), lines(_HEADING, rows)))


def insurance_figures() -> str:
    """Contributions from a file, compliance, and what is computed again."""
    told = measured("insurance")
    people, rows = f"{told['people']:,}", f"{told['rows']:,}"
    rate = told["import_rows_a_second"]
    found = [
        (f"{rows} rows from a file", f"{rate:,.0f} a second", "at least 10,000", _met(rate >= 10_000)),
        _row("the same, memory", told["import_mib"], 300, "MiB"),
        _row(
            f"compliance of {people} people over {told['months']} months, {told['processes']} processes",
            told["compliance_seconds"],
            60,
            "s",
        ),
        _row("the same, memory", told["compliance_mib"], 500, "MiB"),
        _row("compliance of one person", told["one_person_ms"], 5, "ms"),
        ("people computed again after one payment", f"{told['one_payment_people']:g}", "1", ""),
        (
            f"{people} people computed again after a late rate for twelve months",
            f"{told['recompute_seconds']:.0f} s, {told['recompute_mib']:.0f} MiB",
            "",
            "",
        ),
    ]
    return "\n".join((about(told), lines(_HEADING, found)))


def month_end_figures() -> str:
    """How long lapses took from each chunk's commit to the origin."""
    told = measured("month_end")
    rows = [
        (
            kind,
            f"{run['lapsed']:,} of {run['people']:,}",
            f"{run['median']:.1f} s",
            f"{run['longest']:.1f} s",
            f"{run['all']:.0f} s",
            f"{run['other_longest']:.2f} s",
        )
        for kind, run in told["databases"].items()
    ]
    heading = ("", "lapsed", "commit to origin, median", "longest", "all at the origin", "another writer's longest")
    return "\n".join((about(told), lines(heading, rows)))


def portal_figures() -> str:
    """Pages as people and their telephones meet them."""
    told = measured("portal")
    found = {what: one for part in told["figures"].values() for what, one in part.items() if what in TARGETS}
    rows = []
    for what, target in TARGETS.items():
        limit = "" if target is None else f"at most {target:g}"
        met = "" if target is None else _met(found[what] <= target)
        rows.append((what, f"{found[what]:.2f}" if found[what] < 10 else f"{found[what]:.0f}", limit, met))
    return "\n".join((about(told), lines(_HEADING, rows)))


def storage_figures() -> str:
    """MiB of the database by kind of act, scaled to ten thousand."""
    told = measured("storage")
    sizes = {kind: run["mib_per_10000"] for kind, run in told["databases"].items()}
    rows = [(act, *(f"{sizes[kind][act]:.1f}" for kind in sizes)) for act in next(iter(sizes.values()))]
    return "\n".join((about(told), lines(("per 10,000", *sizes), rows)))


def _row(what: str, figure: float, at_most: float, unit: str, digits: int = 1) -> tuple[str, str, str, str]:
    return what, f"{figure:.{digits}f} {unit}", f"at most {at_most:g} {unit}", _met(figure <= at_most)


def _met(met: bool) -> str:
    return "met" if met else "missed"
