"""``make soak``: the tests marked ``soak``, at the sizes the project states, and their result in docs/soak.md.

Promises:

1. Every soak test is run, one after the other; the page is written anew only when all were run to their end.
2. The page says for each what was done, how long it took and how it ended, and on what kind of machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from icard_crypto import ed25519

PAGE = Path(__file__).parent.parent / "docs" / "soak.md"


class Recorder:
    """A pytest plugin that keeps each soak test's docstring, duration and outcome."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        self.rows: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            docstring = getattr(getattr(item, "function", None), "__doc__", None) or item.name
            self.told[item.nodeid] = " ".join(docstring.split())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            facts = "; ".join(f"{name}: {value}" for name, value in report.user_properties)
            name = report.nodeid.removeprefix("tests/")
            self.rows.append(
                f"| `{name}` | {self.told[report.nodeid]} | {facts} | {report.duration:,.0f} s | {report.outcome} |"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tests marked soak and keep their result in docs/soak.md.")
    parser.add_argument("-k", dest="which", default="", help="only these; the page is then left as it is")
    which = parser.parse_args().which
    recorder = Recorder()
    chosen = ["-k", which] if which else []
    ended = pytest.main(["-m", "soak", "-p", "no:xdist", "--benchmark-disable", "-v", *chosen, "tests"], [recorder])
    if not which and recorder.rows:
        PAGE.write_text(page(recorder.rows), "utf-8")
        print(f"written: {PAGE.name}")
    return int(ended)


def page(rows: list[str]) -> str:
    """docs/soak.md as Markdown."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return "\n".join(
        [
            "# The long tests",
            "",
            "What `make soak` did when it was last run to its end. `make test` runs the same tests at small sizes.",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {machine}, Ed25519 by {', '.join(ed25519.BACKENDS)}.",
            "",
            "| test | what it proves | figures | time | result |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
