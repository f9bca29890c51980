"""What the native core reads gives the verdict of the reference in Python, for every code and every change of one.

These are the small sizes; ``make soak`` runs a million payloads and 200,000 whole codes.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from icard_crypto import native
from icard_crypto.card import native_reader
from icard_crypto.card.card import Profile
from icard_crypto.card.claims import decode_facts, encode_claims, to_map
from icard_crypto.card.facts import LONGEST_LIFE, times_hold
from icard_crypto.encoding import base45, cbor, envelope
from icard_crypto.errors import DecodeError
from icard_crypto.signing import cose, ed25519
from icard_crypto.signing.keys import VerifyingKey
from tests.kit.native import ENGINES, keyring, needed
from tests.kit.reference import ISSUED_AT
from tests.kit.trust_domain import CARD_KEY, DAY, NOW, OTHER_KEY, World, claims, code, signed
from verifier import TrustDomain, Verifier

#: Characters that a change may put into a text: all of base45's, and some that are none.
_CHARACTERS = base45.ALPHABET + "az\r\n\t\u00c5\uff11\ud800"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each engine that this processor has, with tables at once."""
    needed(request.param, in_use=True)
    monkeypatch.setattr(native, "_state", native.State(keyring(request.param), "of the tests"))
    return str(request.param)


def pair(world: World) -> tuple[Verifier, Verifier]:
    """The same verifier twice: with keys of the native core, and with keys of libsodium."""
    made = []
    backend: ed25519.Backend
    for backend in ("native", "libsodium"):
        domain = world.domain()
        keys = [
            dataclasses.replace(each, key=VerifyingKey(each.key.algorithm, each.key.raw, backend=backend))
            for each in domain.keys
        ]
        same = TrustDomain(
            name=domain.name,
            environment=domain.environment,
            keys=keys,
            trust_list=domain.trust_list,
            keys_given_directly=domain.keys_given_directly,
            timestamp=domain.timestamp,
            status_lists=domain.status_lists,
            clock_floor=domain.clock_floor,
        )
        made.append(Verifier(same, world.verifier().policy))
    assert made[1].reading is None
    return made[0], made[1]


def changed(chance: random.Random, text: str) -> str:
    """The text with something changed: in its characters, in its bytes, or around it."""
    way = chance.randrange(9)
    place = chance.randrange(len(text))
    if way == 0:
        return text[:place] + chance.choice(_CHARACTERS) + text[place + 1 :]
    if way == 1:
        return text[:place]
    if way == 2:
        return text[:place] + chance.choice(_CHARACTERS) + text[place:]
    if way == 3:
        return chance.choice(("", " ", "\n", "\ufeff")) + text + chance.choice((" ", "\r\n", "  ", "0", "000", "\0"))
    if way == 4:
        return chance.choice(
            (text.lower(), text[4:], "IC1" + text[4:], "ic1:" + text[4:], text + text, "IC2:" + text[4:])
        )
    data = bytearray(base45.decode(text[4:]))
    at = chance.randrange(len(data))
    if way == 5:
        data[at] ^= 1 << chance.randrange(8)
    elif way == 6:
        del data[at : at + chance.randrange(1, 4)]
    elif way == 7:
        data[at:at] = chance.randbytes(chance.randrange(1, 4))
    else:
        data[:0] = b"\xd8\x3d"
    return "IC1:" + base45.encode(bytes(data))


def codes(chance: random.Random, count: int) -> list[str]:
    """Codes of all profiles and of a stranger, with payloads that are signed and odd; half are changed afterwards."""
    good = [code(profile) for profile in Profile]
    good += [code(insurance=None), code(permit={"region": "440000"}), code(expires=NOW), code(key=OTHER_KEY)]
    good += [
        code(services=()),
        code(holder={"name": "\u0141UKASZ \u738b\u5c0f\u660e"}),
        code(holder={"name": "\u05d0\u05d1"}),
    ]
    made = []
    for number in range(count):
        text = chance.choice(good)
        if number % 4 == 0:
            payload = bytearray(encode_claims(claims(chance.choice(list(Profile)))))
            payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
            text = envelope.to_ic1(signed(bytes(payload)))
        made.append(changed(chance, text) if number % 2 else text)
    return made


def told(verifier: Verifier, text: str) -> tuple[Any, Any, bytes] | None:
    """What the native core reads of a text that is like no precedent."""
    reading = verifier.reading
    assert reading is not None
    return reading.book.read(text, reading.precedents(NOW).native)


def compared(world: World, shown: Sequence[str], now: int) -> Counter[str]:
    """Verdicts of both, one by one and in a batch, claims and errors too; by outcome and whether the core read it."""
    fast, reference = pair(world)
    counts: Counter[str] = Counter()
    batch = fast.verify_many(shown, now=now, workers=2)
    for text, of_batch in zip(shown, batch, strict=True):
        expected = reference.verify(text, now=now)
        for found in (fast.verify(text, now=now), of_batch):
            assert found.to_dict() == expected.to_dict(), ascii(text)
            assert (found.claims, found.error and found.error.code) == (
                expected.claims,
                expected.error and expected.error.code,
            ), ascii(text)
        counts[expected.outcome] += 1
        counts["asked" if told(fast, text) is None else "read"] += 1
    return counts


def test_good_and_changed_codes_get_the_verdict_of_the_reference(engine: str) -> None:
    """600 codes under five policies and times: the same JSON, claims and errors, one by one and in a batch."""
    chance = random.Random(8)
    counts: Counter[str] = Counter()
    for policy in ("gate", "inspection", "benefit", "offline", "unsafe_no_status"):
        world = World(policy=policy, entry=chance.choice((0, 0, 3, 4)))
        counts += compared(world, codes(chance, 120), NOW + chance.choice((0, -DAY, 40 * DAY)))
    assert min(counts["INVALID"], counts["read"], counts["asked"]) > 50


def test_every_good_public_and_work_code_is_read(engine: str) -> None:
    """The way is taken where it is meant to be: one call, and no reference behind it."""
    fast, _ = pair(World())
    for profile in (Profile.PUBLIC, Profile.WORK):
        found = told(fast, code(profile))
        assert found is not None
        precedent, (place, facts, _), payload = found
        assert (precedent, place, payload) == (None, 0, encode_claims(claims(profile)))
        assert facts == decode_facts(payload) == native_reader.facts_in(payload)
    [verdict] = fast.verify_many([code()], now=NOW)
    assert (verdict.outcome, verdict.card) == ("VALID", claims().card)


def test_the_keys_are_gathered_once_for_the_same_domains(engine: str) -> None:
    """A verifier for another policy on the same domains costs nothing for each key; other domains have their own."""
    fast, _ = pair(World())
    assert Verifier(fast.domains, World(policy="offline").verifier().policy).reading is fast.reading
    assert pair(World())[0].reading is not fast.reading


def test_a_kid_that_two_keys_have_is_left_to_the_reference(engine: str) -> None:
    """Which of several keys signed is found by trying them in order; keys of other uses are never used."""
    world = World()
    domain = world.domain()
    twice = Verifier([domain, domain], world.verifier().policy)
    assert twice.reading is None or told(twice, code()) is None
    assert str(twice.verify(code(), now=NOW).reason) == "key_contested"
    for usage in ("status", "timestamp"):
        fast, reference = pair(world.edited(usage=usage))
        assert fast.reading is None
        assert fast.verify(code(), now=NOW).to_dict() == reference.verify(code(), now=NOW).to_dict()


def test_the_payload_is_decoded_only_after_the_signature_holds(engine: str) -> None:
    """A reader of rules that fails on any payload is never asked about a forged one."""
    fast, _ = pair(World())
    message = cose.parse_sign1(envelope.read(code()).cose)
    forged = envelope.to_ic1(
        cose.sign1(cose.headers_of(message.protected), message.payload, OTHER_KEY, unprotected=None)
    )
    assert told(fast, forged) is None
    verdict = fast.verify(forged, now=NOW)
    assert (str(verdict.reason), verdict.card) == ("bad_signature", None)


@pytest.mark.parametrize(
    "shown", ["", "IC1:", "IC1: ", "IC1:\ud800", "\ud800", "IC1:" + "0" * 8188, "IC1:" + "0" * 8189]
)
def test_odd_texts_are_nothing_to_the_core(engine: str, shown: str) -> None:
    """Empty, lone surrogates, the longest and one more: None, and the reference's verdict."""
    fast, reference = pair(World())
    assert fast.reading is not None
    assert told(fast, shown) is None
    precedents = fast.reading.precedents(NOW).native
    *found, words = fast.reading.book.read_many([shown, b"bytes", None, 7], 1, precedents, [1, 4])
    assert (found, words) == ([[None] * 4] * 3, [bytes(32)] * 2)
    assert fast.verify(shown, now=NOW).to_dict() == reference.verify(shown, now=NOW).to_dict()


@pytest.mark.parametrize("way", ["one", "many"])
def test_a_reading_is_audited_as_a_check_is(way: str) -> None:
    """One of two readings asks the next backend too; where that says no, nothing is read and the core is stopped."""
    needed("scalar")
    faults: list[str] = []
    ring, fields = keyring("scalar", audit=2, faults=faults), native_reader.reader()
    assert fields is not None
    asked: list[bool] = []
    key = ring.key(CARD_KEY.verifying_key.raw, lambda signature, message: len(asked) < 2)
    book = native.core.Book(fields, ring, [(CARD_KEY.verifying_key.kid, key)])
    text, precedents = code(), native.core.Precedents(book)

    def read() -> bool:
        found = book.read(text, precedents) if way == "one" else book.read_many([text], 1, precedents)[2][0]
        asked.append(found is not None)
        return asked[-1]

    # Forms are learnt one by one; a list alone would leave the first code to the reference.
    fields.facts(encode_claims(claims()))
    assert [read() for _ in range(4)] == [True, True, False, False]
    assert ring.stopped
    assert faults == ["the native core and the next backend differ on a signature, which is refused"]


def _payloads(chance: random.Random, count: int) -> Counter[bool]:
    good = [encode_claims(claims(profile)) for profile in Profile]
    counts: Counter[bool] = Counter()
    for _ in range(count):
        payload = bytearray(chance.choice(good))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(payload))
            way = chance.randrange(4)
            if way == 0:
                payload[at] ^= 1 << chance.randrange(8)
            elif way == 1:
                payload[at] = chance.choice(b"\x00\x01\x17\x18\x19\x1a\x1b\x60\x80\xa0\xf4\xf6\xf7\xf9\xff")
            elif way == 2:
                del payload[at : at + chance.randrange(1, 4)]
            else:
                payload[at:at] = payload[at : at + chance.randrange(1, 12)]
        data = bytes(payload)
        facts = native_reader.facts_in(data)
        counts[facts is not None] += 1
        if facts is not None:
            try:
                assert repr(facts) == repr(decode_facts(data)), data.hex()
            except DecodeError as error:
                raise AssertionError(f"read, and refused by Python: {data.hex()}") from error
    return counts


def test_changed_payloads_are_read_as_python_reads_them_or_not_at_all() -> None:
    """8,000 payloads with up to three changes: facts of Python's own, or nothing."""
    needed()
    counts = _payloads(random.Random(9), 8000)
    assert min(counts[True], counts[False]) > 200


@pytest.mark.parametrize(
    ("times", "fit"),
    [
        ({4: ISSUED_AT + 1}, True),
        ({4: ISSUED_AT + LONGEST_LIFE}, True),
        ({4: ISSUED_AT}, False),
        ({4: ISSUED_AT - 1}, False),
        ({4: ISSUED_AT + LONGEST_LIFE + 1}, False),
        ({6: ISSUED_AT + 1}, False),
        ({5: ISSUED_AT + DAY - 1, 4: ISSUED_AT + DAY}, True),
        ({5: ISSUED_AT + DAY, 4: ISSUED_AT + DAY}, False),
        ({5: ISSUED_AT + DAY + 1, 4: ISSUED_AT + DAY}, False),
    ],
)
def test_times_that_do_not_fit_together_are_left_to_the_reference(times: dict[int, int], fit: bool) -> None:
    """At each edge of what iat, nbf and exp may be to each other: the rows say what Python's rule says."""
    needed()
    payload = to_map(claims()) | times
    facts = native_reader.facts_in(cbor.encode(payload))
    assert (facts is not None) is fit
    assert times_hold(payload[6], payload.get(5), payload[4]) is fit


@pytest.mark.soak
@pytest.mark.slow
def test_a_million_payloads_are_read_as_python_reads_them_or_not_at_all(record_property: object) -> None:
    """1,000,000 changed payloads: facts of Python's own, or nothing."""
    needed()
    counts = _payloads(random.Random(), 1_000_000)
    assert callable(record_property)
    record_property("read", f"{counts[True]:,}")
    record_property("left to Python", f"{counts[False]:,}")


@pytest.mark.soak
@pytest.mark.slow
def test_two_hundred_thousand_codes_get_the_verdict_of_the_reference(engine: str, record_property: object) -> None:
    """200,000 good and changed codes under all policies: the same JSON, claims and errors, alone and in batches."""
    chance = random.Random()
    counts: Counter[str] = Counter()
    while counts["read"] + counts["asked"] < 200_000:
        world = World(
            policy=chance.choice(("gate", "inspection", "benefit", "offline", "unsafe_no_status")),
            entry=chance.choice((0, 0, 1, 2, 3, 4, 5, 6, 7)),
            floor=chance.choice((0, NOW + 301, NOW + 10 * DAY)),
            valid_from=chance.choice((0, ISSUED_AT + 1)),
        )
        counts += compared(world, codes(chance, 1000), NOW + chance.choice((0, 0, -DAY, 40 * DAY, 500 * DAY)))
    assert callable(record_property)
    for name, count in sorted(counts.items()):
        record_property(name, f"{count:,}")
