"""The native core's distribution: both wheels in an empty environment, an sdist that builds, and life without either.

``make native`` leaves its wheel where the first test takes it from; CI runs these tests behind it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.kit.reference import ISSUED_AT
from tests.kit.trust_domain import CARD_KEY, code

pytestmark = [pytest.mark.slow, pytest.mark.network]

WHEELS = ROOT / "native" / "target" / "wheels"
#: What a program prints of an icard that is installed: its backends, the native core's words, and two outcomes.
SAYS = """
import json, sys
from icard_crypto import native
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.ed25519 import BACKENDS
from icard_crypto.signing.keys import VerifyingKey
from verifier import Policy, TrustDomain, TrustedKey, Verifier
text, raw, now = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])
keys = [TrustedKey(VerifyingKey(ED25519, raw), "card", None, 0)]
verifier = Verifier(TrustDomain.from_keys(keys, environment="test"), Policy.named("unsafe_no_status"))
reasons = {str(verifier.verify(text, now=now).reason) for _ in range(20)}
forged = {str(verifier.verify(text[:-3] + "000", now=now).reason) for _ in range(20)}
print(json.dumps([BACKENDS, native.state().words, sorted(reasons), sorted(forged)]))
"""


def run(*words: object, cwd: Path) -> str:
    """What a command prints; the test is skipped where it cannot reach the package registry."""
    told, asked = os.environ | {"PYTHONPATH": ""}, [str(word) for word in words]
    ended = subprocess.run(asked, cwd=cwd, env=told, capture_output=True, text=True, check=False)
    if any(hint in ended.stderr for hint in ("No matching distribution", "Failed to establish", "failed to download")):
        pytest.skip("the package registry can't be reached")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def says(python: Path, cwd: Path, expected_lines: int = 0) -> tuple[list[str], str, list[str], list[str]]:
    """What :data:`SAYS` prints in an environment, and how many lines of warning come with it."""
    asked = [str(python), "-c", SAYS, code(), CARD_KEY.verifying_key.raw.hex(), str(ISSUED_AT + 60)]
    ended = subprocess.run(asked, cwd=cwd, capture_output=True, text=True, check=False, env={"PATH": os.defpath})
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stderr.splitlines()) == expected_lines, ended.stderr
    backends, words, reasons, forged = json.loads(ended.stdout)
    return backends, words, reasons, forged


def test_both_wheels_work_in_an_empty_environment_and_one_does_without_the_other(tmp_path: Path) -> None:
    """Installed by pip they run the native core; of an interface that does not fit it is refused in one line; without
    it every answer is the same."""
    wheels = sorted(WHEELS.glob("icard_native-*.whl"))
    if not wheels:
        assert os.environ.get("ICARD_NATIVE_REQUIRED") != "1", "make native has left no wheel"
        pytest.skip("no wheel of icard-native (make native)")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT, cwd=tmp_path)
    (pure,) = tmp_path.glob("*.whl")
    assert pure.name.endswith("-py3-none-any.whl")
    assert "-cp311-abi3-" in wheels[-1].name
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", pure, wheels[-1], cwd=tmp_path)
    backends, words, *answers = says(python, tmp_path)
    assert backends == ["native", "openssl"]
    assert words.startswith("native core ")
    assert answers[1] == ["bad_signature"] != answers[0]

    package = next((tmp_path / "env").rglob("site-packages/icard_native/__init__.py"))
    kept = package.read_text("utf-8")
    package.write_text(kept + "\nINTERFACE = 99\n", "utf-8")
    backends, words, *same = says(python, tmp_path, expected_lines=1)
    assert (backends, same) == (["openssl"], answers)
    assert "speaks interface 99" in words

    run(python, "-m", "pip", "uninstall", "-q", "-y", "icard-native", cwd=tmp_path)
    backends, words, *same = says(python, tmp_path)
    assert (backends, words, same) == (["openssl"], "no native core: icard-native is not installed", answers)


def test_without_cargo_it_is_said_and_nothing_is_changed(tmp_path: Path) -> None:
    """``make native`` on a machine without a compiler: one line with the way on, and no wheel is removed or made."""
    before = sorted(WHEELS.glob("*"))
    (tmp_path / "bin").mkdir()
    for tool in ("make", "sh", "rm", "true"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    asked = ["make", "-o", ".venv/.ready", "native"]
    told = {"PATH": str(tmp_path / "bin")}
    ended = subprocess.run(asked, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout.splitlines()[0].startswith("cargo is not installed: get Rust from")
    assert sorted(WHEELS.glob("*")) == before


@pytest.mark.soak
def test_the_sdist_is_whole_and_builds(tmp_path: Path) -> None:
    """The source distribution holds both crates and the lock file, and pip makes a wheel of it that is installed."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "maturin>=1.9,<2", cwd=tmp_path)
    manifest = ROOT / "native" / "icard-native" / "Cargo.toml"
    run(python.with_name("maturin"), "sdist", "-m", manifest, "-o", tmp_path, cwd=tmp_path)
    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Cargo.lock", "icard-core/src/lib.rs", "icard-native/src/lib.rs", "pyproject.toml"} <= names
    assert not [name for name in names if "target/" in name]
    run(python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, packed, cwd=tmp_path)
    (wheel,) = tmp_path.glob("icard_native-*.whl")
    run(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    assert run(python, "-c", "import icard_native; print(icard_native.engines()[-1])", cwd=tmp_path) == "scalar\n"
