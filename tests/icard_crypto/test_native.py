"""The native core is optional: whatever is wrong with it costs speed alone and is said in one line."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from icard_crypto import native
from icard_crypto.errors import MissingPart
from icard_crypto.signing import ed25519
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from tests.kit.native import ENGINES, keyring, needed, refuse_to_answer

KEY = SigningKey.from_raw(ED25519, b"\x07" * 32)
RAW = KEY.verifying_key.raw
MESSAGE = b"message"
GOOD = KEY.sign(MESSAGE)
FORGED = GOOD[:40] + bytes([GOOD[40] ^ 1]) + GOOD[41:]


class FakeRing:
    """A keyring that says whether it passes its self-test, and no more."""

    stopped = False

    def __init__(self, engine: str, failing: tuple[str, ...], **settings: Any) -> None:
        self.engine, self.settings, self._passes = engine, settings, engine not in failing

    def passes_self_test(self) -> bool:
        return self._passes


def fake(
    monkeypatch: pytest.MonkeyPatch,
    interface: int = native.INTERFACE,
    engines: tuple[str, ...] = ("ifma", "scalar"),
    failing: tuple[str, ...] = (),
) -> None:
    """Put a module in the native core's place."""

    def ring(engine: str, **settings: Any) -> FakeRing:
        return FakeRing(engine, failing, **settings)

    core = SimpleNamespace(INTERFACE=interface, __version__="9.9", engines=lambda: list(engines), Keyring=ring)
    monkeypatch.setattr(native, "core", core)


def started(caplog: pytest.LogCaptureFixture, **environment: str) -> tuple[Any, str, list[str]]:
    """The keyring, its words, and the lines that were logged."""
    caplog.clear()
    state = native._start(environment)
    assert "\n" not in state.words
    return state.keyring, state.words, [record.getMessage() for record in caplog.records]


def test_without_the_distribution_icard_says_nothing_and_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not installed is the usual case."""
    monkeypatch.setattr(native, "core", None)
    assert started(caplog) == (None, "no native core: icard-native is not installed", [])


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """ICARD_NATIVE=0 is a wish and no fault."""
    fake(monkeypatch)
    assert started(caplog, ICARD_NATIVE="0") == (None, "no native core: ICARD_NATIVE=0", [])
    for value in ("", "1"):
        assert started(caplog, ICARD_NATIVE=value)[0] is not None


def test_a_version_that_does_not_fit_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names both sides; icard goes on without."""
    fake(monkeypatch, interface=native.INTERFACE + 1)
    ring, words, lines = started(caplog)
    assert ring is None
    why = (
        f"icard-native 9.9 speaks interface {native.INTERFACE + 1}, this icard needs {native.INTERFACE}: "
        "install the two in versions that fit"
    )
    assert lines == [f"icard-native is not used: {why}"]
    assert words == f"no native core: {why}"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ICARD_NATIVE", "no", "must be a whole number from 0 to 1, not 'no'"),
        ("ICARD_NATIVE_AUDIT", "1O0", "must be a whole number from 0 to 1048576, not '1O0'"),
        ("ICARD_NATIVE_AUDIT", "-1", "must be a whole number from 0 to 1048576, not '-1'"),
        ("ICARD_NATIVE_AUDIT", "²", "must be a whole number from 0 to 1048576, not '²'"),
        ("ICARD_NATIVE_TABLES", "99999999", "must be a whole number from 0 to 1048576, not '99999999'"),
        ("ICARD_NATIVE_ENGINE", "IFMA", "must be scalar or ifma, not 'IFMA'"),
    ],
)
def test_an_odd_setting_switches_it_off_in_one_line(
    name: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A slip in a setting that is there for safety is never passed over."""
    fake(monkeypatch)
    ring, words, lines = started(caplog, **{name: value})
    assert ring is None
    assert lines == [f"icard-native is not used: {name} {why}"]
    assert words.endswith(why)


def test_settings_reach_the_keyring(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Audit and cap as asked; without, none and 64 MiB; tables from the eighth good signature."""
    fake(monkeypatch)
    ring, words, lines = started(caplog, ICARD_NATIVE_AUDIT="50", ICARD_NATIVE_TABLES="8", ICARD_NATIVE_ENGINE="scalar")
    assert (ring.engine, ring.settings["audit"], ring.settings["most_bytes"]) == ("scalar", 50, 8 << 20)
    assert (words, lines) == ("native core 9.9, engine scalar", [])
    ring, _, _ = started(caplog)
    assert (ring.engine, ring.settings["audit"], ring.settings["most_bytes"]) == ("ifma", 0, 64 << 20)
    assert ring.settings["build_after"] == 8


def test_an_engine_that_the_processor_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Asking for IFMA where there is none is no silent scalar."""
    fake(monkeypatch, engines=("scalar",))
    _, _, lines = started(caplog, ICARD_NATIVE_ENGINE="ifma")
    assert lines == ["icard-native is not used: ICARD_NATIVE_ENGINE is ifma, which this processor cannot run"]
    assert started(caplog)[1] == "native core 9.9, engine scalar"


def test_a_failed_self_test_falls_back_to_scalar_and_then_to_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each step is said in one line."""
    failure = "icard-native: engine {} fails its self-test and is not used"
    fake(monkeypatch, failing=("ifma",))
    for environment in ({}, {"ICARD_NATIVE_ENGINE": "ifma"}):
        ring, words, lines = started(caplog, **environment)
        assert (ring.engine, words) == ("scalar", "native core 9.9, engine scalar")
        assert lines == [failure.format("ifma")]
    fake(monkeypatch, failing=("ifma", "scalar"))
    ring, words, lines = started(caplog)
    assert (ring, words) == (None, "no native core: its self-test fails")
    assert lines == [failure.format("ifma"), failure.format("scalar")]


def test_a_program_sees_one_line_and_goes_on(tmp_path: Any) -> None:
    """A real process with a module of another interface: one line on standard error, and verdicts as ever."""
    (tmp_path / "icard_native.py").write_text("INTERFACE, __version__ = 999, '9.9'\n")
    code = (
        "from icard_crypto.signing.ed25519 import BACKENDS\n"
        "from icard_crypto.card.native_reader import facts_in\n"
        "print(BACKENDS, facts_in(bytes(8)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "ICARD_NATIVE": "1"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout == "('libsodium', 'openssl') None\n"
    [line] = ended.stderr.splitlines()
    assert line.startswith("icard-native is not used: icard-native 9.9 speaks interface 999")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_passes_its_self_test(engine: str) -> None:
    """On this processor, and as the setting chooses it in a process of its own."""
    needed(engine)
    assert native.new_keyring(engine) is not None
    code = "from icard_crypto import native; print(native.state().words)"
    environment = {**os.environ, "ICARD_NATIVE_ENGINE": engine, "ICARD_NATIVE": "1"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert native.core is not None
    assert ended.stdout == f"native core {native.core.__version__}, engine {engine}\n"
    assert ended.stderr == ""


def test_it_is_the_first_backend_where_it_is_used() -> None:
    """Native, then libsodium, then OpenSSL; asking for it where it is not is one typed error."""
    used = native.state().keyring is not None
    assert ed25519.BACKENDS[-2:] == ("libsodium", "openssl")
    assert ed25519.BACKENDS[:-2] == (("native",) if used else ())
    if not used:
        with pytest.raises(MissingPart) as caught:
            VerifyingKey(ED25519, RAW, backend="native")
        assert (caught.value.code, caught.value.found) == ("key.no_backend", "native")
        assert "make native" in caught.value.hint()


def counting(answers: dict[bytes, bool], asked: list[bytes]) -> Callable[[bytes, bytes], bool]:
    """A next backend that notes what it is asked."""

    def check(signature: bytes, message: bytes) -> bool:
        asked.append(signature)
        return answers[signature]

    return check


def test_a_table_is_built_at_the_eighth_good_signature_and_never_for_forgeries() -> None:
    """Until then the next backend answers; who sends forgeries makes no work and takes no memory."""
    needed("scalar")
    ring = native.new_keyring("scalar")
    assert ring is not None
    asked: list[bytes] = []
    key = ring.key(RAW, counting({GOOD: True, FORGED: False}, asked))
    for _ in range(50):
        assert key.verify(FORGED, MESSAGE) is False
    assert (key.has_table, len(asked)) == (False, 50)
    for number in range(8):
        assert not key.has_table, number
        assert key.verify(GOOD, MESSAGE) is True
    assert key.has_table
    assert ring.tables() == (1, 172 * 1024)
    for signature, answer in ((GOOD, True), (FORGED, False)):
        assert key.verify(signature, MESSAGE) is answer
        assert ring.verify_many([(key, signature, MESSAGE)]) == [answer]
    assert len(asked) == 58


def test_a_list_counts_good_signatures_too() -> None:
    """Keys that are only ever seen in lists get tables as well."""
    needed("scalar")
    ring = native.new_keyring("scalar")
    assert ring is not None
    asked: list[bytes] = []
    key = ring.key(RAW, counting({GOOD: True, FORGED: False}, asked))
    assert (
        ring.verify_many([(key, GOOD, MESSAGE), (key, FORGED, MESSAGE), (key, GOOD[:63], MESSAGE)] * 7)
        == [
            True,
            False,
            False,
        ]
        * 7
    )
    assert (key.has_table, len(asked)) == (False, 14)
    assert ring.verify_many([(key, GOOD, MESSAGE)]) == [True]
    assert key.has_table


def test_a_key_that_is_made_again_finds_its_table() -> None:
    """A new trust list with the same keys is as fast as the old one from its first code."""
    needed("scalar")
    ring = keyring("scalar")
    assert ring.key(RAW, refuse_to_answer).prepare()
    assert ring.key(RAW, refuse_to_answer).has_table
    with pytest.raises(ValueError, match="not an acceptable point"):
        ring.key(bytes(32), refuse_to_answer)


@pytest.mark.parametrize("way", ["one", "many"])
@pytest.mark.parametrize(("signature", "lie"), [(GOOD, False), (FORGED, True)], ids=["yes", "no"])
def test_an_audit_that_finds_a_difference_refuses_and_stops_the_core(way: str, signature: bytes, lie: bool) -> None:
    """One of three answers is asked of the next backend too. Whichever is wrong, the signature is refused, the fault is
    reported once, and the next backend answers everything from then on."""
    needed("scalar")
    faults: list[str] = []
    ring = keyring("scalar", audit=3, faults=faults)
    asked: list[bytes] = []
    answers = {signature: signature == GOOD}
    key = ring.key(RAW, counting(answers, asked))

    def ask() -> bool:
        if way == "one":
            return key.verify(signature, MESSAGE)
        [answer] = ring.verify_many([(key, signature, MESSAGE)])
        return answer

    truth = answers[signature]
    assert [ask() for _ in range(6)] == [truth] * 6
    assert len(asked) == 2
    answers[signature] = lie
    assert ask() is False
    assert ring.stopped
    assert faults == ["the native core and the next backend differ on a signature, which is refused"]
    # From now on the next backend answers alone, whatever it says.
    assert ask() is lie
    assert len(asked) == 4
    assert len(faults) == 1


def test_a_core_that_was_stopped_is_not_used_for_new_keys(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The state says so, the log has a critical line, keys made afterwards use the next backend."""
    needed("scalar")
    ring = native.new_keyring("scalar", build_after=0, audit=1)
    assert ring is not None
    monkeypatch.setattr(native, "_state", native.State(ring, "of the test"))
    with caplog.at_level(logging.CRITICAL, "icard.native"):
        assert ring.key(RAW, lambda signature, message: False).verify(GOOD, MESSAGE) is False
    [record] = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage() == (
        "icard-native is not used any more in this process: "
        "the native core and the next backend differ on a signature, which is refused"
    )
    assert native.state() == native.State(None, "no native core: it gave a wrong answer and was stopped")
    monkeypatch.setattr(ed25519, "BACKENDS", ("native", "libsodium", "openssl"))
    assert VerifyingKey(ED25519, RAW).verify(GOOD, MESSAGE) is True


def test_signatures_of_other_lengths_are_refused_without_asking_anybody() -> None:
    """None, one byte short, one byte long, a kilobyte."""
    needed("scalar")
    ring = keyring("scalar")
    key = ring.key(RAW, refuse_to_answer)
    for length in (0, 32, 63, 65, 1024):
        assert key.verify(bytes(length), MESSAGE) is False
        assert ring.verify_many([(key, bytes(length), MESSAGE)]) == [False]
    assert ring.verify_many([]) == []


def test_a_key_of_another_keyring_is_answered_there() -> None:
    """Two keyrings in one list: each key by its own."""
    needed("scalar")
    one, other = keyring("scalar"), keyring("scalar", width=4)
    items = [(ring.key(RAW, refuse_to_answer), GOOD, MESSAGE) for ring in (one, other)]
    assert one.verify_many(items) == [True, True]
    assert [ring.tables()[0] for ring in (one, other)] == [1, 1]


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_get_the_answers_that_one_gets(engine: str) -> None:
    """Four Python threads and lists over several of the core's own, on keys whose tables are built meanwhile and lost
    again under a small cap."""
    needed(engine)
    assert native.core is not None
    ring = native.core.Keyring(engine, build_after=2, most_bytes=3 * 172 * 1024, on_fault=pytest.fail)
    signers = [SigningKey.from_raw(ED25519, bytes([number]) * 32) for number in range(1, 9)]
    items = []
    for number in range(400):
        signer = signers[number % 8]
        message = b"%d" % number
        key = ring.key(
            signer.verifying_key.raw, VerifyingKey(ED25519, signer.verifying_key.raw, backend="openssl").verify
        )
        items.append((key, signer.sign(message), message if number % 5 else b"another", bool(number % 5)))
    wrong: list[object] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(4):
            mine = chance.sample(items, 200)
            found = ring.verify_many([item[:3] for item in mine], chance.randrange(1, 4))
            found += [key.verify(signature, message) for key, signature, message, _ in mine[:50]]
            wrong.extend(item for item, answer in zip([*mine, *mine[:50]], found, strict=True) if item[3] is not answer)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    count, size = ring.tables()
    assert 0 < count <= 3
    assert size == count * 172 * 1024


def test_an_engine_or_width_that_is_not_there_is_refused() -> None:
    """By name, and before anything is built."""
    needed("scalar")
    assert native.core is not None
    with pytest.raises(ValueError, match="no engine neon"):
        native.core.Keyring("neon", on_fault=print)
    for width in (3, 9):
        with pytest.raises(ValueError, match="4 to 8 bits"):
            native.core.Keyring("scalar", width=width, on_fault=print)
