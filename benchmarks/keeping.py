"""What a measurement leaves: a table on the screen, and a file under ``results/`` that says when and where."""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["KEPT", "RESULTS", "keep", "short", "table"]

RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "kept.json"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest entry; the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            entry.ljust(width) if column == 0 else entry.rjust(width)
            for column, (entry, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def short(figure: float) -> str:
    """Three digits that count, never an exponent."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def keep(name: str, **measured: Any) -> None:
    """Write what was measured, when, and on what machine, to ``results/<name>.json``."""
    told = {
        "measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        **measured,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(f"\nAll figures: {path.relative_to(RESULTS.parent.parent)}")
