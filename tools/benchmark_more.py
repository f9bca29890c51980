"""Tables of docs/benchmarks.md that are no interleaved run: growth, memory, poor pictures, the whole machine, issuing,
and what the native core gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.keeping import short
from tools.kept_run import failed, kept, markdown, ratio
from tools.kept_run import native as kept_native

__all__ = ["growth", "issuing", "machine_figures", "memory", "native", "robustness"]

_WHAT_TAKES: Final = {
    "envelope_read[ic1]": "base45",
    "cose_parse": "the frame",
    "cose_token_headers": "the protected header",
    "cose_signed_bytes": "the Sig_structure",
    "signature_bare_ed25519[libsodium]": "the raw signature check",
    "payload_decode": "strict CBOR and the claims, to a typed card",
}
_REFERENCE: Final = "libsodium"


def growth() -> str:
    """What grows with the size of lists."""
    parts = []
    for run in kept()["runs"].values():
        if "sizes" not in run:
            continue
        rows: list[Sequence[str]] = []
        for name, each in run["series"].items():
            size = run["sizes"].get(name)
            per_unit = "" if size is None else short(each["median_us"] * 1000 / size)
            rows.append((name, f"{each['median_us'] / 1000:,.2f}", f"{each['best_us'] / 1000:,.2f}", per_unit))
        rows += [(f"{name}: {reason}", "", "", "") for name, reason in run["failed"].items()]
        headings = ("", "median ms", "best ms", f"ns for one {run['unit']}")
        parts.append(f"**{run['title']}** ({run['rounds']} rounds)\n\n{markdown(headings, rows)}")
    return "\n".join(parts)


def memory() -> str:
    """What lists take, and that verdicts leave nothing."""
    told = kept()["memory"]
    reason = failed(told)
    if reason is not None:
        return reason
    titles = {
        "status": "Loading a status list",
        "trust": "Following a trust list",
        "verdicts": "One after the other",
        "tables": "Tables of the native core",
    }
    rows: list[Sequence[str]] = []
    for kind, title in titles.items():
        for name, each in told.get(kind, {}).items():
            figures = (f"{each[figure]:,}" if figure in each else "" for figure in ("packed", "kept", "peak", "grown"))
            rows.append((f"{title}: {name}", *figures))
    return markdown(("bytes", "of the list itself", "kept by Python", "highest in between", "process grown by"), rows)


def robustness() -> str:
    """How many poor pictures each reader reads; and where a peer reads more than icard."""
    told = kept()["robustness"]
    reason = failed(told)
    if reason is not None:
        return reason
    readers = {name: each for name, each in told["readers"].items() if not each["missing"]}
    rows: list[Sequence[str]] = []
    behind = []
    for place, (kind, strength) in enumerate(told["levels"]):
        read = {name: each["read"][place] for name, each in readers.items()}
        most = max(read.values())
        marked = (f"**{count}**" if count == most else str(count) for count in read.values())
        rows.append((f"{kind}, {strength}", *marked))
        if read.get("icard", 0) < most:
            behind.append(f"{kind}, {strength}")
    rows.append(("all", *(f"**{sum(each['read'])}**" for each in readers.values())))
    rows.append(("died", *(str(each["died"]) for each in readers.values())))
    absent = {name: each["missing"] for name, each in told["readers"].items() if each["missing"]}
    headline = f"read, of {told['each']} each and {told['each'] * len(told['levels'])} in all"
    return (
        markdown((headline, *readers), rows)
        + f"\nWhere another reader reads more than icard: {', '.join(behind) or 'nowhere'}.\n"
        + "".join(f"\n{name}: not measured: {reason}\n" for name, reason in absent.items())
    )


def machine_figures() -> str:
    """Codes a second, as ``icard bench`` tells them."""
    told = kept()["whole_machine"]
    reason = failed(told)
    if reason is not None:
        return reason
    cores = sorted({row["cores"] for row in told})
    columns = [("signature", 1), *((checked, count) for checked in ("claims", "full") for count in cores)]
    names = {"signature": "signature alone", "claims": "no status", "full": "whole verdict"}
    found = {(row["algorithm"], row["backend"], row["shown"], row["checked"], row["cores"]): row for row in told}
    rows = []
    for line in dict.fromkeys((row["algorithm"], row["backend"], row["shown"]) for row in told):
        figures = [_rate(found.get((*line, *column))) for column in columns]
        rows.append((f"{line[0]}, {line[1]}, from {line[2]}", *figures))
    return markdown(("codes a second", *(f"{names[checked]}, {_cores(count)}" for checked, count in columns)), rows)


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"


def _rate(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return short(row["codes_a_second"]) if "codes_a_second" in row else row["missing"]


def issuing() -> str:
    """Cards a second by the issuing core."""
    told = kept()["issuing"]
    reason = failed(told)
    if reason is not None:
        return reason
    parts = ("signing", "drawing", "database", "rest")
    rows = [
        (
            f"one process, SQLite, {name}",
            f"{each['cards_a_second']:.0f}",
            f"{each['without_drawing']:.0f}",
            *(f"{each['shares'][part]:.0%}" for part in parts),
        )
        for name, each in told.items()
    ]
    return markdown(("cards of three codes", "cards a second", "without drawing", *parts), rows)


def native() -> str:
    """What the native core gains, by engine and by keys; where time goes without it; other libraries in Rust."""
    return "\n".join((*map(_gained, ("ifma", "scalar")), _keys(), _by_stage(), _in_rust()))


def _gained(engine: str) -> str:
    """The run of the native core on an engine, where the kept run had it."""
    told = kept()["runs"].get(f"verdict native {engine}", {}).get("series", {})
    if "raw check" not in told:
        return f"Engine {engine}: not measured (`make native` before `make bench KEEP=1`).\n"
    raw = told["raw check"]["median_us"]
    rows = [
        (name, short(each["median_us"]), short(each["best_us"]), ratio(each["median_us"] / raw))
        for name, each in told.items()
    ]
    table = markdown(("", "median us", "best us", "x libsodium"), rows)
    return f"**Engine {engine}**; the raw check is libsodium's, a forged code without the native core too:\n\n{table}"


def _keys() -> str:
    """Checks under few and many keys."""
    told = kept()["runs"].get("native keys", {}).get("series", {})
    if not told:
        return "Under many keys: not measured.\n"
    rows = [(name, short(each["median_us"]), short(each["best_us"])) for name, each in told.items()]
    table = markdown(("", "median us", "best us"), rows)
    return f"**Checks under few and many keys**, which come in random order:\n\n{table}"


def _by_stage() -> str:
    measured = kept()["stages_us"]
    reason = failed(measured)
    if reason is not None:
        return reason
    whole = measured["verdict[libsodium]"]["best"]
    rows = [(what, measured[name]["best"]) for name, what in _WHAT_TAKES.items()]
    rows.append(("trust, times, status, policy, the verdict itself", whole - sum(took for _, took in rows)))
    return markdown(
        ("of a verdict from IC1 text without it, libsodium", "best us", "share"),
        [(what, f"{took:.1f}", f"{took / whole:.0%}") for what, took in [*rows, ("whole", whole)]],
    )


def _in_rust() -> str:
    """One signature by icard's core and by other libraries in Rust."""
    told = kept_native()
    if told is None:
        return "Other libraries in Rust: not measured (`make bench-native`).\n"
    series = told["series"]
    reference = series[_REFERENCE]
    rows = [
        (
            name,
            short(each["median_us"]),
            short(each["best_us"]),
            f"{each['spread']:.0%}",
            ratio(each["median_us"] / reference["median_us"]),
            ratio(each["best_us"] / reference["best_us"]),
        )
        for name, each in series.items()
    ]
    crates = ", ".join(f"{name} {version}" for name, version in told["crates"].items())
    return (
        f"Signatures of {told['signatures']:,} cards by ten keys, one by one and in many, and of ES256 and ML-DSA-44;\n"
        "libsodium and OpenSSL as Python calls them, the others in Rust, by the processor's time. On\n"
        f"{told['machine']['processor']} at a load of {told['machine']['load']}, {crates}:\n\n"
        f"{markdown(('a signature', 'median us', 'best us', 'spread', f'x {_REFERENCE}', 'of best'), rows)}"
    )
