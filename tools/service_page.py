"""What docs/service.md says by itself: settings, answers, sizing.

Promises:

1. Settings are read from the command's own options, answers are the examples of the service's description of itself
   (:mod:`tools.service_examples`), figures are of the kept run.
2. Of an answer that is too long for a page parts are left out, none is changed; the page says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import typer

from benchmarks.keeping import short
from tools.kept_run import failed, kept, markdown, series_of
from tools.service_examples import EXAMPLES
from verifier.cli.commands import app

__all__ = ["BLOCKS"]

_POLICY: Final = "gate"
_FRAMES_A_SECOND: Final = 12.5
"""Of a telephone whose browser has no reader of its own: a frame each 80 ms, while its camera looks (finder.js)."""
_LEFT: Final = 0.5
"""Of what was measured, so much is planned with: the rest keeps answers quick, and is for other work."""


def settings() -> str:
    """Every option of ``icard serve``, with its name in the environment."""
    command: Any = typer.main.get_command(app)
    rows = []
    for option in command.commands["serve"].params:
        if option.name == "help":
            continue
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        given = option.envvar if isinstance(option.envvar, str) else ", ".join(option.envvar or ())
        rows.append(f"| {names} | {f'`{given}`' if given else ''} | {_default(option.default)} | {option.help} |")
    return "| option | in the environment | default | |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value in (None, "", []) else f"`{value}`"


def _example(name: str) -> Any:
    return json.loads(EXAMPLES.read_text("utf-8"))[name]["value"]


def _block(value: Any) -> str:
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```\n"


def _picked(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value[name] for name in names}


_SAID: Final = ("outcome", "reason", "message", "action", "mends")


def _verdict() -> str:
    told = _example("verdict")
    return _block({name: value for name, value in told.items() if name not in ("card", "code", "evidence")})


def _verdict_by_name() -> str:
    return _block(_picked(_example("verdict-by-name"), *_SAID, "policy"))


def _verdicts() -> str:
    told = _example("verdicts")
    # The page's own picture has one code.
    return _block({"verdicts": [_picked(told["verdicts"][1], *_SAID)], "codes": 1})


def _batch() -> str:
    lines = []
    for line in _example("batch-answer").splitlines():
        told = json.loads(line)
        if "verdict" in told:
            told["verdict"] = _picked(told["verdict"], "outcome", "reason")
        lines.append(json.dumps(told, ensure_ascii=False))
    return "```json\n" + "\n".join(lines) + "\n```\n"


def _batch_brief() -> str:
    lines = _example("batch-answer-brief").splitlines()
    # What is wrong with the third line is shown above.
    return "```json\n" + "\n".join(json.dumps(json.loads(line)) for line in lines[:2]) + "\n```\n"


def _state() -> str:
    told = _example("state")
    (domain,) = told["domains"]
    for part in (domain["trust_list"], domain["timestamp"], *domain["status_lists"]):
        part["limits"] = _picked(part["limits"], _POLICY)
    del domain["sources"], told["sync"]
    return _block(told)


def _policies() -> str:
    first = _example("policies")["policies"][0]
    return _block({"policies": [first]})


def sizing() -> str:
    """What was measured, and what it means for a gate, a hall and a night's batch."""
    told = kept().get("sizing", {"failed": "the kept run has no part for it"})
    reason = failed(told)
    if reason is not None:
        return reason
    return "\n".join((_rates(), _pictures(told["pictures"]), _memory(told["memory"]), _worked(told["pictures"])))


def _series(run: str, name: str) -> float | None:
    """Median microseconds of one."""
    found = series_of(run, name)
    return None if found is None else float(found["median_us"])


def _rates() -> str:
    rows: list[Sequence[str]] = []
    for workers in (1, 2):
        figures = [_series(f"service, {workers}", f"lean route{which}") for which in ("", ", p50", ", p99")]
        if None not in figures:
            one, p50, p99 = (figure or 0 for figure in figures)
            label = f"codes as text or JSON, {workers} worker{'s' * (workers > 1)}"
            rows.append((label, f"{1e6 / one:,.0f}", f"{p50 / 1000:.1f} ms", f"{p99 / 1000:.1f} ms"))
    for name in ("batch", "brief batch"):
        each = _series("service batch", name)
        if each is not None:
            rows.append((f"codes of a {name}, all cores", f"{1e6 / each:,.0f}", "", ""))
    return markdown(("", "a second", "p50", "p99"), rows)


def _pictures(told: Mapping[str, float]) -> str:
    rows = [(name, short(took * 1000), short(1 / took)) for name, took in told.items()]
    return markdown(("pictures", "ms of a core", "a second by one child"), rows)


def _memory(told: Mapping[str, int]) -> str:
    rows = [(name, f"{size / 2**20:.0f} MiB") for name, size in told.items()]
    everything = sum(size if name == "parent" else 2 * size for name, size in told.items())
    rows.append(("two workers on two cores, all of this at its most", f"{everything / 2**20:.0f} MiB"))
    return markdown(("memory of a process", "at most resident"), rows)


def _worked(pictures: Mapping[str, float]) -> str:
    code, batch = _series("service, 1", "lean route"), _series("service batch", "batch")
    frames = [took for name, took in pictures.items() if name.startswith("camera") and "without" in name]
    frame = sum(frames) / len(frames)
    photo = max(took for name, took in pictures.items() if "with a code" in name)
    if code is None or batch is None:
        return ""
    second = code / 1e6
    night = 20_000 * batch / 1e6 * kept()["machine"]["cores"]
    cases = (
        ("A gate hall with 600 scans a minute, by hand scanners or browsers that read codes themselves", 10 * second),
        (
            "The same hall, ten telephones that send frames and look all the time",
            10 * (second + _FRAMES_A_SECOND * frame),
        ),
        ("200 counters with 20 scans a minute each, from their own program", 200 * 20 / 60 * second),
        ("Two photos a second of 12 million pixels, sent as they are", 2 * (second + photo)),
        ("20,000 cards each night in a batch, done within a minute", night / 60),
    )
    rows = [(what, f"{cores:.2g}", _machine(cores / _LEFT)) for what, cores in cases]
    return markdown(("needs", "cores at work", "plan with"), rows)


def _machine(cores: float) -> str:
    whole = max(1, math.ceil(cores))
    return f"{whole} core{'s' * (whole > 1)}"


BLOCKS: dict[str, Callable[[], str]] = {
    "service-settings": settings,
    "service-verdict": _verdict,
    "service-verdict-by-name": _verdict_by_name,
    "service-verdicts": _verdicts,
    "service-batch": _batch,
    "service-batch-brief": _batch_brief,
    "service-state": _state,
    "service-policies": _policies,
    "service-round": lambda: _block(_example("round")),
    "service-problem": lambda: _block(_example("problem")),
    "service-sizing": sizing,
}
