"""Wrong use of the API is told at once; what is shown is never a wrong use."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest
from PIL import Image

from icard_crypto import qr
from icard_crypto.encoding import cbor, envelope
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


@pytest.mark.parametrize("now", [NOW * 1000, NOW * 1000.0, NOW * 10**9])
def test_milliseconds_are_no_moment(now: Any) -> None:
    """A time in milliseconds, a habit from JavaScript, would have every card ended: it is a wrong use, for each
    method."""
    verifier = World().verifier()
    for ask in (
        lambda: verifier.verify(code(), now=now),
        lambda: verifier.verify_many([code()], now=now),
        lambda: verifier.verify_image(qr.draw_png(code()), now=now),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert (caught.value.code, caught.value.expected) == ("usage.now", "seconds, not milliseconds")


@pytest.mark.parametrize("language", ["de", "zh-CN", "", None])
def test_unknown_language_is_a_wrong_use(language: Any) -> None:
    """Whoever passes the request's locale hears which languages there are, from every method that makes words."""
    verdict = World().verify()
    for ask in (verdict.message, verdict.action, verdict.to_dict, verdict.to_json, verdict.reason.message):
        with pytest.raises(UsageError) as caught:
            ask(language)
        assert (caught.value.code, caught.value.expected) == ("usage.language", "en or zh")


@pytest.mark.parametrize("shown", ["IC1:ABC", b"IC1:ABC", {"a": "IC1:ABC"}, None, 5])
def test_one_code_is_no_list(shown: Any) -> None:
    """A text would be taken for as many codes as it has characters, a mapping for its keys."""
    with pytest.raises(UsageError) as caught:
        World().verifier().verify_many(shown, now=NOW)
    assert (caught.value.code, caught.value.found) == ("usage.many", type(shown).__name__)


def test_row_without_a_code_is_named_and_the_others_are_answered() -> None:
    """None and NaN in a column do not end the call: their rows say so, and nothing else changes."""
    verdicts = World().verifier().verify_many([code(), None, "https://a", float("nan")], now=NOW)  # type: ignore[list-item]
    assert [verdict.outcome for verdict in verdicts] == ["VALID", "INDETERMINATE", "INVALID", "INDETERMINATE"]
    for row, found in ((1, "NoneType"), (3, "float")):
        verdict = verdicts[row]
        assert verdict.error is not None
        assert (verdict.reason, verdict.mends, verdict.error.code) == ("misread", "operator", "text.not_text")
        assert (verdict.error.path, verdict.error.found) == (f"[{row}]", found)


def test_picture_that_is_none_is_a_wrong_use(tmp_path: Path) -> None:
    """What a caller got wrong about a picture is no verdict on a card, and repeats nothing of what was given."""
    verifier = World().verifier()
    for given, found in (
        (None, "NoneType"),
        (5, "int"),
        (tmp_path / "absent.png", "No such file or directory"),
        (str(tmp_path / "absent.png"), "No such file or directory"),
        (code(), "No such file or directory"),
        (tmp_path, "Is a directory"),
        (StringIO("IC1:"), "a file that gives str"),
    ):
        with pytest.raises(UsageError) as caught:
            verifier.verify_image(given, now=NOW)  # type: ignore[arg-type]
        assert caught.value.code == "usage.picture"
        assert caught.value.found == found or "name too long" in str(caught.value.found)
        assert str(tmp_path) not in str(caught.value)


def test_open_files_and_arrays_of_truth_are_pictures(tmp_path: Path) -> None:
    """An open file is read, as of an upload; an array of True and False is what a black and white picture becomes."""
    verifier = World().verifier()
    png = qr.draw_png(code())
    path = tmp_path / "card.png"
    path.write_bytes(png)
    with path.open("rb") as file:
        assert [verdict.outcome for verdict in verifier.verify_image(file, now=NOW)] == ["VALID"]  # type: ignore[arg-type]
    array = np.asarray(Image.open(BytesIO(png)).convert("1"))
    assert array.dtype == bool
    for given in (BytesIO(png), array, path, str(path)):
        assert [verdict.outcome for verdict in verifier.verify_image(given, now=NOW)] == ["VALID"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spoilt",
    [
        "\ufeff{}",
        "\x02{}\x03",
        "]Q1{}",
        "]Q3\x02{}\x03\r\n",
        "\ufeff  {}\n",
        "]d1{}",
    ],
)
def test_what_scanners_and_editors_put_around_a_code_is_dropped(spoilt: str) -> None:
    """A byte order mark, an AIM identifier, STX and ETX are no part of a code, as text and as bytes."""
    shown = spoilt.replace("{}", code())
    assert World().verify(shown).outcome == "VALID"
    assert World().verify(shown.encode()).outcome == "VALID"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda text: "02" + text, "text.scanner_prefix"),
        (lambda text: "*" + text, "text.scanner_prefix"),
        (lambda text: '"' + text, "text.scanner_prefix"),
        (lambda text: "ABCDEFGH" + text, "text.scanner_prefix"),
        (lambda text: text.replace(":", "Ö"), "text.keyboard_layout"),
        (lambda text: text.replace("IC1:", "IC&M"), "text.keyboard_layout"),
        (lambda text: text.replace("IC1:", "ic&M"), "text.keyboard_layout"),
        (lambda text: "02" + text.replace(":", "Ñ"), "text.keyboard_layout"),
        (lambda text: text.replace("IC1:", "ШС1Ж"), "text.keyboard_layout"),
    ],
)
def test_what_a_scanner_spoilt_is_its_operators_fault(spoil: Callable[[str], str], fault: str) -> None:
    """A prefix that was set up, or another keyboard layout, is neither the card's fault nor the holder's: nothing is
    said of the card, and the operator can mend it."""
    verdict = World().verify(spoil(code()))
    assert (verdict.outcome, verdict.reason, verdict.mends) == ("INDETERMINATE", "misread", "operator")
    assert verdict.error is not None
    assert verdict.error.code == fault
    assert "Ask the operator" in verdict.action()
    assert verdict.action().endswith("This is not the holder's fault.")
    assert verdict.action("zh").endswith("这不是持卡人的问题。")


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ("DC03FR000001125E125C0026FR75203", "official seal"),
        ("DC04FR0000011ABC", "official seal"),
        ('{"data":{"hdr":{"t":"icao.vacc","v":1},"msg":{}},"sig":{}}', "official seal"),
        (b"\xdc\x03\xd9\xc5\xd9\xca\xc8\xa7", "official seal"),
        ("M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 226F001A0025 100", "boarding pass"),
    ],
)
def test_codes_of_other_systems_are_named(shown: str | bytes, words: str) -> None:
    """2D-Doc, ICAO's seals and boarding passes are told as what they are."""
    verdict = World().verify(shown)
    assert (verdict.outcome, verdict.reason) == ("INVALID", "not_a_card")
    assert words in verdict.message()


def test_identity_code_without_a_kid_is_named() -> None:
    """A Claim 169 code of MOSIP, signed without a kid, is told as another system's."""
    protected = cbor.encode({1: -8})
    payload = cbor.encode({169: {4: "X"}})
    frame = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, bytes(64)]))
    verdict = World().verify(envelope.to_claim169(frame))
    assert (verdict.outcome, verdict.reason, verdict.detail) == ("INVALID", "malformed", "no_kid")
    assert "MOSIP" in verdict.message()
    assert verdict.action() == "Ask the holder to open the card's code."


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
