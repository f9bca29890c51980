"""What docs/benchmarks.md says of the kept run: tables, and the drawings beside the page.

Promises:

1. All of it comes from ``benchmarks/results/kept.json``: a figure on the page is a figure of that run.
2. A contender that has no figure keeps its row, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.parts import RESULTS
from benchmarks.report import short
from tools.bars import Bar, bars

__all__ = ["BLOCKS", "DRAWINGS"]

_DOCS = Path(__file__).parent.parent / "docs"
_WHAT_TAKES = {
    "envelope_read[ic1]": "base45",
    "cose_parse": "the frame",
    "cose_token_headers": "the protected header",
    "cose_signed_bytes": "the Sig_structure",
    "signature_bare_ed25519[libsodium]": "the raw signature check",
    "payload_decode": "strict CBOR and the claims, to a typed card",
}
_RAW = "signature_bare_ed25519[libsodium]"


def _kept() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((RESULTS / "kept.json").read_text("utf-8"))
    return told


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _ratio(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.2f}"


def machine() -> str:
    """What the figures belong to."""
    kept = _kept()
    of = kept["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in of["libraries"].items())
    rows = [
        ("measured", kept["measured_at"].replace("T", " ").replace("+00:00", " UTC")),
        ("processor", f"{of['processor']}, {of['cores']} cores"),
        ("load before the run", f"{of['load']}"),
        ("system", f"{of['system']}, {of['python']}"),
        ("libraries", libraries),
        *((f"peer {name}", ", ".join(pins)) for name, pins in kept["peers"].items()),
    ]
    return "| | |\n| --- | --- |\n" + "".join(f"| {name} | {said} |\n" for name, said in rows)


def targets() -> str:
    """What should be reached, and what was."""
    rows = [
        (each["what"], each["limit"], _ratio(each["measured"]), _ratio(each["of_best"]), f"**{each['result']}**")
        for each in _kept()["targets"]
    ]
    return _table(("target", "limit", "median", "of best", ""), rows)


def runs() -> str:
    """Every interleaved run that is no growth."""
    return "\n".join(_run_table(run) for run in _kept()["runs"].values() if "sizes" not in run)


def _run_table(run: Mapping[str, Any]) -> str:
    rows: list[Sequence[str]] = [
        (
            name,
            short(each["median_us"]),
            short(each["best_us"]),
            f"{each['spread']:.0%}",
            _ratio(each["ratio"]),
            _ratio(each["ratio_of_best"]),
        )
        for name, each in run["series"].items()
    ]
    rows += [(f"{name}: {reason}", *[""] * 5) for name, reason in run["failed"].items()]
    headings = ("", "median us", "best us", "spread", f"x {run['reference']}", "of best")
    return f"**{run['title']}** ({run['rounds']} rounds)\n\n{_table(headings, rows)}"


def growth() -> str:
    """What grows with the size of lists."""
    kept = _kept()
    parts = []
    for run in kept["runs"].values():
        if "sizes" not in run:
            continue
        rows = []
        for name, each in run["series"].items():
            size = run["sizes"].get(name)
            per_unit = "" if size is None else short(each["median_us"] * 1000 / size)
            rows.append((name, f"{each['median_us'] / 1000:,.2f}", f"{each['best_us'] / 1000:,.2f}", per_unit))
        headings = ("", "median ms", "best ms", f"ns for one {run['unit']}")
        parts.append(f"**{run['title']}** ({run['rounds']} rounds)\n\n{_table(headings, rows)}\n")
    used = kept["memory"]
    taken = [
        ("packed entries", f"{used['entries'] // 2:,}"),
        ("kept by Python afterwards", f"{used['kept']:,}"),
        ("highest in between", f"{used['peak']:,}"),
    ]
    if "grown" in used:
        taken.append(("growth of the process's highest resident memory", f"{used['grown']:,}"))
    parts.append(f"**Memory to load {used['entries']:,} entries of 4 bits**\n\n{_table(('', 'bytes'), taken)}")
    return "".join(parts)


def stages() -> str:
    """Where the time of one code goes."""
    rows = [(f"`{name}`", short(each["median"]), short(each["best"])) for name, each in _kept()["stages_us"].items()]
    return _table(("stage", "median us", "best us"), rows)


def refusals() -> str:
    """What each contender accepts that must be refused, beside its speed."""
    kept = _kept()
    rows: list[Sequence[str]] = []
    lists = []
    for name, score in kept["refusals"].items():
        form = "claim169" if score["form"] == "claim169" else "cose" if score["form"] == "cose" else "ic1"
        speed = kept["runs"][form]["series"].get("icard libsodium" if name == "icard" else name)
        took = "" if speed is None else f"{short(speed['median_us'])} ({form})"
        missing = "; ".join(score["missing"])
        accepted = str(len(score["accepted"])) if score["shown"] else f"not measured: {missing}"
        rows.append((name, score["form"], str(score["shown"]), f"**{accepted}**", str(score["died"]), took))
        if score["accepted"]:
            lists.append(f"- {name}: {', '.join(f'`{each}`' for each in score['accepted'])}\n")
    headings = ("", "shown as", "must be refused", "accepted", "died", "median us a good code")
    accepted = f"\n<details><summary>Which ones</summary>\n\n{''.join(lists)}\n</details>\n" if lists else ""
    return _table(headings, rows) + accepted


def limits() -> str:
    """What each figure cannot fall below, in the same run."""
    kept = _kept()
    series = {name: run["series"] for name, run in kept["runs"].items()}
    raw = series["verdict libsodium"]["raw check"]["best_us"]
    key = kept["stages_us"]["key_from_cose_key"]["best"]
    check = "the raw check, libsodium"
    rows = [
        ("Claim 169 text to claims", series["claim169"]["icard libsodium"]["best_us"], check, raw),
        ("IC1 text to claims", series["ic1"]["icard libsodium"]["best_us"], check, raw),
        ("whole verdict, libsodium", series["verdict libsodium"]["verdict"]["best_us"], check, raw),
        (
            "whole verdict, OpenSSL",
            series["verdict openssl"]["verdict"]["best_us"],
            "the raw check, OpenSSL",
            series["verdict openssl"]["raw check"]["best_us"],
        ),
        ("verify_many on two cores, a code", series["many"]["two cores"]["best_us"], "half the raw check", raw / 2),
        (
            "10,000,000 status entries",
            series["status list"]["10,000,000 entries"]["best_us"],
            "inflating alone",
            series["status list"]["inflating alone"]["best_us"],
        ),
        (
            "trust list of 10,000 keys",
            series["trust list"]["10,000 keys"]["best_us"],
            "making and checking 10,000 keys",
            key * 10_000,
        ),
        (
            "status look-up in 10,000 entries",
            series["look-up"]["10,000 entries"]["best_us"],
            "an empty method call",
            series["look-up"]["empty method"]["best_us"],
        ),
    ]
    told = [(what, short(took), limit, short(least), _ratio(took / least)) for what, took, limit, least in rows]
    return _table(("figure", "best us", "limit", "best us", "x limit"), told)


def native() -> str:
    """What of a verdict is Python, stage by stage, and what would be left without it."""
    measured = _kept()["stages_us"]
    whole, raw = measured["verdict[libsodium]"]["best"], measured[_RAW]["best"]
    rows = [(what, measured[name]["best"]) for name, what in _WHAT_TAKES.items()]
    rows.append(("trust, times, status, policy, the verdict itself", whole - sum(took for _, took in rows)))
    table = _table(
        ("of a verdict from IC1 text, libsodium", "best us", "share"),
        [(what, f"{took:.1f}", f"{took / whole:.0%}") for what, took in [*rows, ("whole", whole)]],
    )
    decoding = whole - raw - rows[-1][1]
    return (
        f"{table}\n"
        f"Of {whole:.0f} us, {whole - raw:.0f} are not the signature check. A core that took no time would make a\n"
        f"verdict {whole / raw:.2f} times faster; one by one, none can do more. One that takes text and gives\n"
        f"claims, in place of the {decoding:.0f} us of the decoding stages, leaves the decision in Python and\n"
        f"ends at {(whole - decoding) / raw:.2f} of the raw check, plus its own time. For 1.2, all that is not the\n"
        f"check must fit into {raw * 0.2:.0f} us.\n"
    )


BLOCKS = {
    "benchmark-machine": machine,
    "benchmark-targets": targets,
    "benchmark-runs": runs,
    "benchmark-growth": growth,
    "benchmark-stages": stages,
    "benchmark-refusals": refusals,
    "benchmark-limits": limits,
    "benchmark-native": native,
}


def _drawing(form: str, title: str) -> str:
    kept = _kept()["runs"]
    rows = [Bar(name, each["median_us"], name.startswith("icard")) for name, each in kept[form]["series"].items()]
    limit = kept["verdict libsodium"]["series"]["raw check"]["median_us"]
    return bars(title, "µs", sorted(rows, key=lambda row: row.figure), ("raw check, libsodium", limit))


def _verdicts() -> str:
    rows = [
        Bar(f"{name}, {backend}", each["median_us"], name == "verdict")
        for backend in ("libsodium", "openssl")
        for name, each in _kept()["runs"][f"verdict {backend}"]["series"].items()
    ]
    return bars("Text to verdict, and the bare signature check in it (median)", "µs", rows)


DRAWINGS = {
    _DOCS / "benchmarks-claim169.svg": lambda: _drawing("claim169", "Claim 169 text to verified claims (median)"),
    _DOCS / "benchmarks-ic1.svg": lambda: _drawing("ic1", "IC1 text to verified claims (median)"),
    _DOCS / "benchmarks-verdict.svg": _verdicts,
}
