"""The wheel holds what the code reads, and works on the base install."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PACKAGES = ("icard_crypto", "verifier", "issuer")


def _run(*words: object, cwd: Path) -> str:
    ended = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    if "No matching distribution" in ended.stderr or "Failed to establish" in ended.stderr:
        pytest.skip("the package registry can't be reached")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
@pytest.mark.network
def test_the_wheel_is_whole_and_verifies_on_the_base_install(tmp_path: Path) -> None:
    """Every file of the packages is in the wheel; installed alone, with the base dependencies, it gives a verdict."""
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    tracked = _run("git", "ls-files", *PACKAGES, cwd=ROOT).split()
    assert [name for name in tracked if name not in packed] == []
    assert not [name for name in packed if name.startswith(("tests", "benchmarks", "tools"))]

    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    code = (
        "from verifier import Policy, Verifier; "
        "print(Verifier((), Policy.named('gate')).verify('https://example.com', now=0).message('zh'))"
    )
    assert _run(python, "-c", code, cwd=tmp_path) == "这是网址，不是集成卡。\n"
    for command in ("icard", "icard-issuer"):
        ended = subprocess.run([python.with_name(command)], capture_output=True, text=True, check=False)
        assert ended.returncode == 64
        assert len(ended.stderr.splitlines()) == 1
        assert "pip install" in ended.stderr
