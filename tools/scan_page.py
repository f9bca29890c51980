"""What docs/scan-page.md shows from data: the pictures of the page, and how long people wait."""

from __future__ import annotations

import itertools
import json

from benchmarks.keeping import RESULTS
from tools.kept_run import markdown
from tools.screens import FOLDER, pictures

__all__ = ["scan_page_figures", "screens_table"]

_THEMES = {"light": "by day", "dark": "by night"}
_LANGUAGES = {"en": "English", "zh": "Chinese"}


def screens_table() -> str:
    """Every picture with its place, by what is shown."""
    rows = [
        (
            f"`{name}`",
            *(f"[{_LANGUAGES[each.language]} {_THEMES[each.theme]}]({FOLDER.name}/{each.file})" for each in group),
        )
        for name, group in itertools.groupby(pictures(), key=lambda each: each.name)
    ]
    return markdown(("what is shown", "telephone", "screen"), rows)


def scan_page_figures() -> str:
    """What ``python -m benchmarks.scan_page`` wrote."""
    told = json.loads((RESULTS / "scan_page.json").read_text("utf-8"))
    about = (
        f"Measured on {told['measured_at'][:10]}, {told['system']} on {told['machine']}, Python {told['python']}, "
        f"{told['cores']} cores; load when it began: {told['load']}.\n"
    )
    rows = [
        (what, f"{each['runs']}", f"{each['median']:.2f} s", f"{each['worst']:.2f} s")
        for what, each in told["figures"].items()
    ]
    return f"{about}\n{markdown(('', 'runs', 'median', 'worst'), rows)}"
