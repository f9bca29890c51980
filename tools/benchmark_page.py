"""What docs/benchmarks.md says about the kept run, as tables.

Promises:

1. All of it comes from ``kept.json`` and ``native.json`` in ``benchmarks/results``.
2. A contender, a part or a target that has no figure keeps its row, with the reason; what is missed is shown as missed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.keeping import short
from tools.benchmark_more import growth, issuing, machine_figures, memory, native, robustness
from tools.kept_run import failed, kept, markdown, ratio, series_of

__all__ = ["BLOCKS"]


def machine() -> str:
    """What the figures belong to."""
    told = kept()
    of = told["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in of["libraries"].items())
    rows = [
        ("measured", f"{told['measured_at'].replace('T', ' ').replace('+00:00', ' UTC')}, in {told['seconds']} s"),
        ("processor", f"{of['processor']}, {of['cores']} cores"),
        ("load before the run", f"{of['load']}"),
        ("system", f"{of['system']}, {of['python']}"),
        ("libraries", libraries),
        *((f"peer {name}", ", ".join(pins)) for name, pins in told["peers"].items()),
    ]
    return "| | |\n| --- | --- |\n" + "".join(f"| {name} | {said} |\n" for name, said in rows)


def targets() -> str:
    """What should be reached, and what was."""
    rows = [
        (each["what"], each["limit"], ratio(each["measured"]), ratio(each["of_best"]), f"**{each['result']}**")
        for each in kept()["targets"]
    ]
    return markdown(("target", "limit", "median", "of best", ""), rows)


def runs() -> str:
    """Every interleaved run that is no growth."""
    return "\n".join(_run_table(run) for run in kept()["runs"].values() if "sizes" not in run)


def _run_table(run: Mapping[str, Any]) -> str:
    rows: list[Sequence[str]] = [
        (
            name,
            short(each["median_us"]),
            short(each["best_us"]),
            f"{each['spread']:.0%}",
            ratio(each["ratio"]),
            ratio(each["ratio_of_best"]),
        )
        for name, each in run["series"].items()
    ]
    rows += [(f"{name}: {reason}", *[""] * 5) for name, reason in run["failed"].items()]
    headings = ("", "median us", "best us", "spread", f"x {run['reference']}", "of best")
    return f"**{run['title']}** ({run['rounds']} rounds)\n\n{markdown(headings, rows)}"


def stages() -> str:
    """Where the time of one code goes."""
    told = kept()["stages_us"]
    rows = [
        (f"`{name}`", short(each["median"]), short(each["best"])) for name, each in told.items() if name != "failed"
    ]
    return failed(told) or markdown(("stage", "median us", "best us"), rows)


def refusals() -> str:
    """What each contender accepts that must be refused, beside its speed."""
    scores = kept()["refusals"]
    reason = failed(scores)
    if reason is not None:
        return reason
    rows: list[Sequence[str]] = []
    lists = []
    for name, score in scores.items():
        form = score["form"] if score["form"] != "text" else "ic1"
        speed = series_of(form, "icard libsodium" if name == "icard" else name)
        took = "" if speed is None else f"{short(speed['median_us'])} ({form})"
        missing = "; ".join(score["missing"])
        accepted = str(len(score["accepted"])) if score["shown"] else f"not measured: {missing}"
        rows.append((name, score["form"], str(score["shown"]), f"**{accepted}**", str(score["died"]), took))
        if score["accepted"]:
            lists.append(f"- {name}: {', '.join(f'`{each}`' for each in score['accepted'])}\n")
    headings = ("", "shown as", "must be refused", "accepted", "died", "median us a good code")
    accepted = f"\n<details><summary>Which ones</summary>\n\n{''.join(lists)}\n</details>\n" if lists else ""
    return markdown(headings, rows) + accepted


def limits() -> str:
    """What each figure cannot fall below, in the same run."""
    check = ("verdict libsodium", "raw check")
    rows = [
        _limit("Claim 169 text to claims", ("claim169", "icard libsodium"), "the raw check, libsodium", check),
        _limit("IC1 text to claims", ("ic1", "icard libsodium"), "the raw check, libsodium", check),
        _limit("whole verdict, libsodium", ("verdict libsodium", "verdict"), "the raw check, libsodium", check),
        _limit(
            "whole verdict, OpenSSL",
            ("verdict openssl", "verdict"),
            "the raw check, OpenSSL",
            ("verdict openssl", "raw check"),
        ),
        _limit("verify_many on two cores, a code", ("many", "two cores"), "half the raw check", check, 0.5),
        _limit(
            "10,000,000 status entries",
            ("status list", "10,000,000 entries"),
            "inflating alone",
            ("status list", "inflating alone"),
        ),
        _limit(
            "a bundle of ten status lists",
            ("bundle", "decode and verify"),
            "inflating alone",
            ("bundle", "inflating alone"),
        ),
        _limit(
            "status look-up in 10,000 entries",
            ("look-up", "10,000 entries"),
            "an empty method call",
            ("look-up", "empty method"),
        ),
        _limit("a clean picture read", ("reading", "icard"), "zxing-cpp alone", ("reading", "zxingcpp")),
        _limit("a picture drawn, read back", ("drawing", "icard"), "zxing-cpp, not read back", ("drawing", "zxingcpp")),
        _limit("one code made", ("issue", "code"), "the signature alone, OpenSSL", ("issue", "signature alone")),
    ]
    return markdown(("figure", "best us", "limit", "best us", "x limit"), rows)


def _limit(what: str, of: tuple[str, str], limit: str, to: tuple[str, str], part: float = 1) -> Sequence[str]:
    mine, least = series_of(*of), series_of(*to)
    if mine is None or least is None:
        return (what, "not measured", limit, "", "")
    took, bound = mine["best_us"], least["best_us"] * part
    return (what, short(took), limit, short(bound), ratio(took / bound))


BLOCKS: dict[str, Callable[[], str]] = {
    "benchmark-machine": machine,
    "benchmark-targets": targets,
    "benchmark-runs": runs,
    "benchmark-robustness": robustness,
    "benchmark-whole-machine": machine_figures,
    "benchmark-issuing": issuing,
    "benchmark-growth": growth,
    "benchmark-memory": memory,
    "benchmark-stages": stages,
    "benchmark-refusals": refusals,
    "benchmark-limits": limits,
    "benchmark-native": native,
}
