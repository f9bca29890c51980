"""``icard bench``: who is measured verifies, what cannot be measured says why, and the display disturbs nothing."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from icard_crypto import native
from icard_crypto.signing import ed25519
from icard_crypto.signing.algorithms import ED25519, ES256
from tests.kit.cli import run
from verifier.bench import cases as bench_cases
from verifier.bench.cases import Case, cases, figures, measure, turns
from verifier.bench.trust_domain import BenchDomain
from verifier.cli import bench_command
from verifier.cli.commands import app

ALONE = Case(ED25519, "openssl", "text", "full", 1)
FEW = [
    Case(ED25519, "openssl", "text", "signature", 1),
    ALONE,
    Case(ED25519, "openssl", "text", "full", 2),
    Case(ES256, "openssl", "text", "claims", 1),
    Case(ES256, "openssl", "picture", "full", 1),
    Case(ES256, "openssl", "picture", "full", 2),
]


def test_every_case_has_a_figure() -> None:
    """Text and picture, alone and together, with and without status: codes a second, and each turn is told."""
    told: list[None] = []
    rows = figures(FEW, measure(FEW, 0.05, lambda: told.append(None)))
    assert [row.get("missing") for row in rows] == [None] * len(FEW)
    assert all(row["best"] >= row["codes_a_second"] > 0 for row in rows)
    assert len(told) == turns(FEW)


def test_all_algorithms_and_backends_are_there() -> None:
    """Each algorithm by each backend that it has, at each depth and form; none twice."""
    made = cases()
    assert len({case.name for case in made}) == len(made)
    assert {(case.algorithm.name, case.backend) for case in made} == {
        *(("Ed25519", backend) for backend in ed25519.BACKENDS),
        *((name, "openssl") for name in ("ES256", "ES384", "ML-DSA-44")),
    }
    assert {(case.shown, case.depth) for case in made if case.algorithm is ED25519} == {
        ("text", "signature"),
        *((shown, depth) for shown in ("text", "picture") for depth in ("claims", "full")),
    }


def test_a_verifier_that_takes_a_forged_code_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast and wrong is a reason in the row, and no figure."""
    monkeypatch.setattr(BenchDomain, "forged", lambda self, algorithm: self.code(algorithm, 0))
    [row] = figures([ALONE], measure([ALONE], 0.01))
    assert row["missing"] == "a forged code is accepted"
    assert "codes_a_second" not in row


def test_a_good_code_that_is_refused_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is measured at refusing."""
    monkeypatch.setattr(BenchDomain, "code", lambda self, algorithm, number: self.forged(algorithm))
    [row] = figures([ALONE], measure([ALONE], 0.01))
    assert row["missing"] == "a good code is INVALID (bad_signature)"


def test_a_backend_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names what there is; the other cases go on."""
    monkeypatch.setattr(ed25519, "BACKENDS", ("openssl",))
    wanted = [Case(ED25519, "libsodium", "text", "full", 1), ALONE]
    missing, there = figures(wanted, measure(wanted, 0.01))
    assert missing["missing"].startswith("key.no_backend")
    assert there["codes_a_second"] > 0


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command on two cases, one of which has no figure."""
    wanted = [ALONE, Case(ED25519, "openssl", "picture", "full", 1)]

    def prepared(domain: BenchDomain, case: Case, codes: Any) -> Any:
        if case.shown == "picture":
            raise ValueError("no reader")
        return lambda: None, 1

    monkeypatch.setattr(bench_cases, "_prepared", prepared)
    monkeypatch.setattr(bench_command, "cases", lambda: wanted)
    monkeypatch.setattr(bench_command, "measure", lambda wanted, seconds, turn: measure(wanted, 0.01, turn))


@pytest.mark.usefixtures("few")
def test_json_has_the_machine_and_every_row() -> None:
    """For programs: one object."""
    done = run(app, "bench", "--json")
    assert done.status == 0
    [told] = done.lines
    assert told["seconds"] == 60
    assert {"processor", "cores", "system", "python", "libraries"} <= told["machine"].keys()
    assert "cryptography" in told["machine"]["libraries"]
    assert told["machine"]["native"] == native.state().words
    assert [row.get("missing") for row in told["figures"]] == [None, "no reader"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("language", "words"), [("en", "whole verdict"), ("zh", "完整核验")])
def test_a_table_for_people(language: str, words: str) -> None:
    """Machine, table and the reason for what is missing, in both languages."""
    done = run(app, "bench", "--lang", language)
    assert done.status == 0
    assert words in done.out
    assert "cryptography" in done.out
    assert "no reader" in done.out


def test_the_display_leaves_the_process_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another thread runs, verify_many would not fork, and the figure for all cores would be another."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    before = threading.active_count()
    with bench_command._watched(3) as turn:
        turn()
        assert threading.active_count() == before
