"""The code blocks of the documentation, as tests run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

__all__ = ["ROOT", "blocks", "need", "printed_by", "run_shell"]

ROOT = Path(__file__).parent.parent.parent
_MARK = "---- the next block ----"
_FENCE = re.compile(r"^```(?P<language>[a-z]+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language in a page, in order."""
    text = (ROOT / page).read_text("utf-8")
    return [match["code"] for match in _FENCE.finditer(text) if match["language"] == language]


def run_shell(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block as a user would: the installed commands on the path, stopping at the first that fails."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    bash = shutil.which("bash") or "/bin/bash"
    return subprocess.run(
        [bash, "-euo", "pipefail", "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def need(*tools: str) -> None:
    """Skip where a tool is missing on somebody's machine; in CI that is a failure."""
    for tool in tools:
        if shutil.which(tool) is None:
            assert not os.environ.get("CI"), f"{tool} is missing"
            pytest.skip(f"no {tool}")


def printed_by(codes: Sequence[str], folder: Path, replace: Mapping[str, str]) -> list[str]:
    """What each block prints, all of them run as one script that must succeed; what it leaves in work is ended.

    Args:
        replace: addresses of the page, by what stands for them here.
    """
    script = f"echo; echo '{_MARK}'\n".join(codes)
    for written, here in replace.items():
        script = script.replace(written, here)
    ended = run_shell("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + script, folder)
    logs = "".join(path.read_text("utf-8") for path in folder.glob("*.log"))
    assert ended.returncode == 0, ended.stderr[-2000:] + ended.stdout[-2000:] + logs[-2000:]
    return ended.stdout.split(f"\n{_MARK}\n")
