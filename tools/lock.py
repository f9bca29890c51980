"""``python -m tools.lock``: the lock files of the images, versions of constraints.txt with the hashes of their files.

Promises:

1. Every package that an extra needs on Linux is there with one version, that of constraints.txt, and the hashes of
   its files; no address of a registry does.
2. It is made again with the same tool, uv, whenever pyproject.toml or constraints.txt change: ``pip install uv`` first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["FOLDER", "LOCKS", "main"]

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "deploy" / "locks"
#: Lock file to the extra that it locks; the build's is what builds the package itself.
LOCKS: Final = {"verifier": "service", "issuer": "issuer", "build": None}
_HOW: Final = (
    *("--quiet", "--generate-hashes", "--no-annotate", "--no-header", "--constraint", "constraints.txt"),
    *("--python-version", "3.11", "--python-platform", "linux"),
)


def main() -> int:
    """Write the lock files; 1 where the tool is missing."""
    tool = shutil.which("uv")
    if tool is None:
        print("uv is missing: pip install uv", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".in") as build:
        build.write("setuptools>=80\n")
        build.flush()
        for name, extra in LOCKS.items():
            wanted = [build.name] if extra is None else ["pyproject.toml", "--extra", extra]
            out = ("--output-file", str(FOLDER / f"{name}.txt"))
            subprocess.run([tool, "pip", "compile", *wanted, *_HOW, *out], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
