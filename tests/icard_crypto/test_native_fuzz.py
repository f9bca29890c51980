"""libFuzzer on the native core's readers of base45, frames and CBOR; ``make soak`` runs it.

Each target holds that what is read is the one reading of its bytes (``native/fuzz/targets``). The instrumentation is
asked of the usual compiler by flags, so that neither a nightly one nor cargo-fuzz is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from icard_crypto.card.card import Profile
from icard_crypto.card.claims import encode_claims
from icard_crypto.encoding import cbor, envelope
from tests.docs.pages import ROOT
from tests.kit.trust_domain import claims, code

#: Three targets: an hour together.
SECONDS = int(os.environ.get("ICARD_FUZZ_SECONDS", "1200"))
_SANITIZER = ("level=4", "inline-8bit-counters", "pc-table", "trace-compares")
_FLAGS = " ".join(
    ["--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1"]
    + [f"-Cllvm-args=-sanitizer-coverage-{each}" for each in _SANITIZER]
)


def seeds() -> dict[str, list[bytes]]:
    """Codes of every profile as each target reads them, and a payload by the fuzzed rules, by target."""
    texts = [code(profile) for profile in Profile]
    by_rules: dict[int | str, cbor.Value] = {
        1: 7,
        2: "a \u4e00",
        3: "AB",
        4: b"\1\2",
        5: [0, 300, 70_000],
        -65537: {42: 300, 1: {1: 2**40}},
    }
    return {
        "base45": [text.removeprefix(envelope.PREFIX).encode("ascii") for text in texts],
        "frame": [envelope.read(text).cose for text in texts],
        "cbor": [cbor.encode(by_rules), *(encode_claims(claims(profile)) for profile in Profile)],
    }


def test_there_are_seeds_for_every_target() -> None:
    """A target without seeds would spend its hour on noise."""
    targets = {path.stem for path in (ROOT / "native" / "fuzz" / "targets").glob("*.rs")}
    assert targets == seeds().keys()
    assert min(len(each) for each in seeds().values()) >= len(Profile)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built targets."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed")
    made = tmp_path_factory.mktemp("fuzz")
    # Named, though it is this machine's own: build scripts are then built without the flags.
    host = re.search(
        r"host: (\S+)", subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    )
    assert host is not None
    built = subprocess.run(
        ["cargo", "build", "--quiet", "--locked", "--release", "--target", host[1], "--target-dir", made],
        cwd=ROOT / "native" / "fuzz",
        env=os.environ | {"RUSTFLAGS": _FLAGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return made / host[1] / "release"


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("target", ["base45", "frame", "cbor"])
def test_the_native_readers_hold_under_libfuzzer(
    target: str, programs: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """libFuzzer on each reader of the native core, from real codes: no panic, and whatever is read has one encoding."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds()[target]):
        (corpus / f"{number}").write_bytes(seed)
    assert list(corpus.iterdir())
    limits = [f"-max_total_time={SECONDS}", "-max_len=9000", "-timeout=10", "-rss_limit_mb=1024"]
    ended = subprocess.run(
        [programs / target, *limits, "-print_final_stats=1", f"-artifact_prefix={tmp_path}/", corpus],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    executed = re.search(r"stat::number_of_executed_units: (\d+)", ended.stderr)
    reached = re.findall(r"\bcov: (\d+)", ended.stderr)
    assert executed is not None
    assert reached, "the target is not instrumented"
    # From the seeds on it has found inputs that go other ways.
    assert int(reached[-1]) > int(reached[0]) or len(list(corpus.iterdir())) > len(seeds()[target])
    record_property("seconds", SECONDS)
    record_property("inputs", f"{int(executed[1]):,}")
    record_property("edges reached", f"{int(reached[-1]):,}")
    record_property("inputs kept", f"{len(list(corpus.iterdir())):,}")
