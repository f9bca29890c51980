"""Programs of the pages as a type checker of their reader sees them: against the installed wheel, as strictly as can
be."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks

#: README's ten lines, and two programs of docs/embed.md by the name that each gives itself.
_PROGRAMS = {
    "ten_lines.py": ("README.md", ""),
    "gate.py": ("docs/embed.md", "gate.py"),
    "door.py": ("docs/embed.md", "door.py"),
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with the programs, and the Python of an environment that has icard from its wheel alone: what it
    depends on comes from the environment of the tests."""
    folder = tmp_path_factory.mktemp("typed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", "--no-index", wheel], check=True)
    here = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    Path(here, "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    programs = folder / "programs"
    programs.mkdir()
    for name, (page, mark) in _PROGRAMS.items():
        (programs / name).write_text(next(code for code in blocks(page, "python") if f'"""{mark}' in code or not mark))
    where = subprocess.run(
        [python, "-c", "import verifier; print(verifier.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert where.stdout.startswith(here)
    return programs, python


@pytest.mark.slow
def test_programs_pass_mypy_strict_against_the_wheel(checked: tuple[Path, Path]) -> None:
    """No error, and the types of icard are seen: a card is not Any."""
    programs, python = checked
    (programs / "seen.py").write_text(
        "from verifier import Valid, Verdict\n\ndef card(verdict: Verdict) -> None:\n"
        "    reveal_type(verdict.require().card)\n"
        "    if isinstance(verdict, Valid):\n        reveal_type(verdict.card)\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "--python-executable", python, "."]
    done = subprocess.run([str(word) for word in command], cwd=programs, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('Revealed type is "icard_crypto.card.card.Card"') == 2


@pytest.mark.slow
@pytest.mark.network
def test_programs_pass_pyright_against_the_wheel(checked: tuple[Path, Path]) -> None:
    """The other type checker finds no error either, in its strict mode."""
    programs, python = checked
    (programs / "pyrightconfig.json").write_text(
        '{"typeCheckingMode": "strict", "include": ["*.py"], "exclude": ["seen.py"]}'
    )
    command = [sys.executable, "-m", "pyright", "--pythonpath", python]
    done = subprocess.run([str(word) for word in command], cwd=programs, capture_output=True, text=True, check=False)
    if "error" in done.stderr.lower() and not done.stdout.strip():
        pytest.skip("pyright can't be fetched")
    assert done.returncode == 0, done.stdout
