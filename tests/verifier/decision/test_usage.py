"""Wrong use of the API is told at once; what is shown is never a wrong use."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from icard_crypto.errors import IcardError
from tests.kit.trust_domain import NOW, World, code
from verifier import UsageError, Verifier


@pytest.mark.parametrize("now", [None, "2026", True, float("nan"), float("inf"), datetime.datetime(2026, 1, 1)])
def test_now_must_be_a_moment(now: Any) -> None:
    """A time without a zone, or no time at all, is a wrong use, also a ValueError."""
    with pytest.raises(UsageError) as caught:
        World().verifier().verify("x", now=now)
    assert (caught.value.code, caught.value.path) == ("usage.now", "now")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, IcardError)
    assert caught.value.hint() == "Pass now=time.time(), or a datetime with tzinfo."


def test_now_is_required() -> None:
    """There is no clock inside: time is an argument."""
    with pytest.raises(TypeError, match="now"):
        World().verifier().verify("x")  # type: ignore[call-arg]


def test_now_in_every_form() -> None:
    """Seconds, a fraction of them, and a datetime with any zone are the same moment."""
    zone = datetime.timezone(datetime.timedelta(hours=8))
    verifier = World().verifier()
    verdicts = [
        verifier.verify(code(), now=now) for now in (NOW, NOW + 0.9, datetime.datetime.fromtimestamp(NOW, zone))
    ]
    assert [verdict.now for verdict in verdicts] == [NOW] * 3
    assert verdicts[0] == verdicts[1] == verdicts[2]


@pytest.mark.parametrize("shown", [None, 1, ["IC1:"], object()])
def test_shown_must_be_text_or_bytes(shown: Any) -> None:
    """Anything but text and bytes is a wrong use."""
    with pytest.raises(UsageError) as caught:
        World().verifier().verify(shown, now=NOW)
    assert (caught.value.code, caught.value.expected) == ("usage.shown", "str or bytes")
    with pytest.raises(UsageError):
        World().verifier().verify_many([shown], now=NOW)


class Liar(str):
    """A text whose methods say what they like."""

    def startswith(self, *args: Any) -> bool:
        return True

    def __len__(self) -> int:
        return 3

    def __str__(self) -> str:
        return code()


class ByteLiar(bytes):
    """Bytes whose methods say what they like."""

    def __getitem__(self, key: Any) -> Any:
        return 0xD2

    def __len__(self) -> int:
        return 1


def test_subclasses_are_taken_for_what_they_hold() -> None:
    """A subclass of str or bytes cannot answer differently from check to check."""
    assert World().verify(Liar("https://a")).reason == "not_a_card"
    assert World().verify(Liar(code())).outcome == "VALID"
    assert World().verify(ByteLiar(b"x" * 20_000)).reason == "too_large"


def test_every_kind_of_bytes() -> None:
    """bytes, bytearray and memoryview, also one with gaps, are read alike."""
    text = code().encode()
    gaps = memoryview(bytes(byte for pair in zip(text, text, strict=True) for byte in pair))[::2]
    kinds: list[Any] = [text, bytearray(text), memoryview(text), gaps]
    for shown in kinds:
        assert World().verify(shown).outcome == "VALID"


def test_lone_surrogates() -> None:
    """Text that is no Unicode is only not a card."""
    assert World().verify("\ud800").reason == "not_a_card"
    assert World().verify("IC1:\udfff").reason == "malformed"


def test_domains_and_policy_are_checked() -> None:
    """A verifier takes domains and a policy, nothing that looks like them."""
    for domains, policy in (("gate", World().verifier().policy), (World().domain(), "gate")):
        with pytest.raises(UsageError) as caught:
            Verifier(domains, policy)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.expected) == ("usage.domains", "TrustDomain objects and a Policy")


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_workers(workers: Any) -> None:
    """The number of workers is a positive whole number."""
    with pytest.raises(UsageError) as caught:
        World().verifier().verify_many([], now=NOW, workers=workers)
    assert (caught.value.code, caught.value.path) == ("usage.workers", "workers")
