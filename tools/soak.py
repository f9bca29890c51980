"""``make soak``: the tests marked ``soak``, at the sizes the project states, and their result in docs/soak.md.

Promises:

1. Every soak test is run, one after the other; with ``-k`` those that it chooses.
2. The page says for each what was done, when it was last run to its end, how long it took and how it ended, and on what
   kind of machine. A row changes as soon as its test has ended, and only then; it goes when its test is gone.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from icard_crypto.signing import ed25519

PAGE = Path(__file__).parent.parent / "docs" / "soak.md"


class Recorder:
    """A pytest plugin that keeps each soak test's docstring, duration and outcome."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        if item.get_closest_marker("soak"):
            docstring = getattr(getattr(item, "function", None), "__doc__", None) or item.name
            self.told[_name(item.nodeid)] = " ".join(docstring.split())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            name = _name(report.nodeid)
            facts = "; ".join(f"{key}: {value}" for key, value in report.user_properties)
            ran = f"{datetime.now(UTC):%Y-%m-%d} | {report.duration:,.0f} s | {report.outcome}"
            rows = {each: row for each, row in kept(PAGE).items() if each in self.told}
            rows[name] = f"| `{name}` | {self.told[name]} | {facts} | {ran} |"
            PAGE.write_text(page([rows[each] for each in sorted(rows)]), "utf-8")


def _name(nodeid: str) -> str:
    return nodeid.removeprefix("tests/")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tests marked soak and keep their result in docs/soak.md.")
    parser.add_argument("-k", dest="which", default="", help="only these, as pytest chooses them")
    which = parser.parse_args().which
    chosen = ["-k", which] if which else []
    asked = ["-m", "soak", "-p", "no:xdist", "--benchmark-disable", "-v", *chosen, "tests"]
    return int(pytest.main(asked, [Recorder()]))


def kept(path: Path) -> dict[str, str]:
    """The rows of the page by the names of their tests."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {line.split("`")[1]: line for line in lines if line.startswith("| `")}


def page(rows: list[str]) -> str:
    """docs/soak.md as Markdown."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return "\n".join(
        [
            "# The long tests",
            "",
            "What `make soak` did when each was last run to its end. `make test` runs the same tests at small sizes.",
            "The machine may have done other work meanwhile: nothing here depends on how long it took.",
            "",
            f"{machine}, Ed25519 by {', '.join(ed25519.BACKENDS)}.",
            "",
            "| test | what it proves | figures | when | time | result |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
