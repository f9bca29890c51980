"""Tables of docs/benchmarks.md that are no interleaved run: growth, memory, poor pictures, the whole machine, issuing,
and what the native core gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.report import short
from tools.kept_run import failed, kept, markdown, ratio, series_of
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
_RAW: Final = "signature_bare_ed25519[libsodium]"
#: Of codes that are checked at once, by a service or by verify_many.
_AT_ONCE: Final = "64 at once"


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
    titles = {"status": "Loading a status list", "trust": "Following a trust list", "verdicts": "One after the other"}
    rows: list[Sequence[str]] = []
    for kind, title in titles.items():
        for name, each in told[kind].items():
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
    """What the native core gains, what of a verdict is Python without it, and what batches would have gained."""
    return "\n".join((_gained(), _by_stage(), _at_once()))


def _gained() -> str:
    """The run of the native core, where the kept run had it."""
    names = ("raw check", "native check", "verdict", "verdict, in many", "forged code")
    told = {name: series_of("verdict native", name) for name in names}
    raw = told["raw check"]
    if raw is None:
        return "With the native core: not in the kept run (`make native` before `make bench KEEP=1`).\n"
    rows = [
        (name, short(each["median_us"]), short(each["best_us"]), ratio(each["median_us"] / raw["median_us"]))
        for name, each in told.items()
        if each is not None
    ]
    words = kept()["machine"].get("native", "")
    return f"{words}; the raw check is libsodium's:\n\n{markdown(('', 'median us', 'best us', 'x libsodium'), rows)}"


def _by_stage() -> str:
    measured = kept()["stages_us"]
    reason = failed(measured)
    if reason is not None:
        return reason
    whole, raw = measured["verdict[libsodium]"]["best"], measured[_RAW]["best"]
    rows = [(what, measured[name]["best"]) for name, what in _WHAT_TAKES.items()]
    rows.append(("trust, times, status, policy, the verdict itself", whole - sum(took for _, took in rows)))
    table = markdown(
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


def _at_once() -> str:
    """Signatures one by one and many at once, measured with ed25519-dalek, and what that would make of a code."""
    told = kept_native()
    if told is None:
        return "Many signatures at once: not measured (`make bench-native`).\n"
    series = told["series"]
    raw, python = series["raw check, libsodium"], series["icard without the check"]
    rows = [
        (
            name,
            short(each["median_us"]),
            short(each["best_us"]),
            f"{each['spread']:.0%}",
            ratio(each["median_us"] / raw["median_us"]),
        )
        for name, each in series.items()
        if name != "icard without the check"
    ]
    crates = ", ".join(f"{name} {version}" for name, version in told["crates"].items())
    now, then = raw["median_us"] + python["median_us"], series[_AT_ONCE]["median_us"] + python["median_us"]
    rust = series_of("claim169", "claim169")
    text = (
        f"Signatures of {told['signatures']:,} cards by ten keys, on {told['machine']['processor']}, {crates}:\n\n"
        f"{markdown(('a signature', 'median us', 'best us', 'spread', 'x libsodium'), rows)}\n"
        f"In the same rounds icard took {short(python['median_us'])} us from text to claims without the check.\n"
        f"With {_AT_ONCE} in the check's place a code would take {short(then)} us and not {short(now)}:\n"
        f"{now / then:.1f} times as many codes a second on each core, and the Python around the check would be\n"
        f"{python['median_us'] / then:.0%} of what is left.\n"
    )
    if rust is not None:
        text += (
            f"A core that decodes too has `claim169` as its measure, which is all Rust and takes\n"
            f"{short(rust['median_us'])} us for a code in the kept run, its own signature check in it.\n"
        )
    return text
