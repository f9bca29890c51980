"""The code blocks of the documentation, as tests run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "blocks", "run_shell"]

ROOT = Path(__file__).parent.parent.parent
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
