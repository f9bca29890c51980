"""The native core answers as OpenSSL and libsodium do, on every engine, for one signature and for many.

These are the small sizes; ``make soak`` runs a million signatures.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest

from icard_crypto import native as core
from icard_crypto.signing.ed25519 import is_acceptable_point, verifier_for
from tests.kit import edwards, native, shared_vectors, signatures

if TYPE_CHECKING:
    from icard_native import Keyring


@pytest.fixture(params=native.ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that this processor has."""
    native.needed(request.param)
    return str(request.param)


def expected(public: bytes, asked: list[signatures.Asked]) -> list[bool]:
    """The one answer of the other backends for each signature of 64 bytes."""
    sodium, openssl = verifier_for(public, "libsodium"), verifier_for(public, "openssl")
    answers = [openssl(*each) for each in asked]
    assert answers == [sodium(*each) for each in asked], f"the other backends differ under {public.hex()}"
    return answers


def compared(rings: Iterable[Keyring], keys: Iterable[tuple[bytes, list[signatures.Asked]]]) -> Counter[bool]:
    """Ask all keyrings, one by one and in one list of all keys mixed; how many answers were yes and no."""
    told = [(public, asked, expected(public, asked)) for public, asked in keys]
    counts: Counter[bool] = Counter()
    for ring in rings:
        mixed = []
        for public, asked, answers in told:
            key = ring.key(public, native.refuse_to_answer)
            for (signature, message), answer in zip(asked, answers, strict=True):
                assert key.verify(signature, message) is answer, (public.hex(), signature.hex(), message.hex())
                mixed.append((key, signature, message, answer))
        random.Random(len(mixed)).shuffle(mixed)
        for threads in (1, 3):
            found = ring.verify_many([(key, signature, message) for key, signature, message, _ in mixed], threads)
            wrong = [each for each, answer in zip(mixed, found, strict=True) if each[3] is not answer]
            assert not wrong, [(key.raw.hex(), signature.hex(), message.hex()) for key, signature, message, _ in wrong]
    for _, _, answers in told:
        counts.update(answers)
    return counts


def test_random_and_changed_signatures_get_the_one_answer(engine: str) -> None:
    """Good signatures, and flipped bits, S of L and more, special R, negated S: under 15 keys, for every table size."""
    chance = random.Random(1)
    counts = compared(
        [native.keyring(engine, width) for width in native.WIDTHS], [signatures.mutated(chance, 40) for _ in range(15)]
    )
    assert min(counts[True], counts[False]) > 100


def test_signatures_of_mixed_order_get_the_one_answer(engine: str) -> None:
    """Keys and R with a part of small order: no cofactor, one by one and in many, and both answers occur."""
    chance = random.Random(2)
    counts = compared([native.keyring(engine, width) for width in (4, 6)], signatures.mixed_order(chance, 8))
    assert min(counts[True], counts[False]) > 50


def test_special_encodings_as_commitments_get_the_one_answer(engine: str) -> None:
    """R of small order, of p and more, off the curve, with S to match: refused as the others refuse them."""
    counts = compared([native.keyring(engine)], [signatures.special_commitments(random.Random(3))])
    assert counts[False] > 500


def test_special_encodings_are_keys_or_not_as_the_other_backends_say() -> None:
    """Small orders, y around p and 0, with either sign: the same keys are taken."""
    native.needed()
    chance = random.Random(4)
    outcomes: Counter[bool] = Counter()
    for encoded in [*signatures.SPECIAL_ENCODINGS, *(chance.randbytes(32) for _ in range(500))]:
        answers = {is_acceptable_point(encoded, backend) for backend in ("native", "libsodium", "openssl")}
        assert len(answers) == 1, encoded.hex()
        outcomes.update(answers)
    assert min(outcomes[True], outcomes[False]) > 100


def test_a_lane_whose_signature_is_refused_at_once_says_no(engine: str) -> None:
    """S of L or more is refused before any arithmetic. Eight at a time its lane computes with an empty message, S = 0,
    and an R made to fit that result stays refused."""
    secret = 1234567
    point = edwards.multiply(secret, edwards.BASE)
    idle = int.from_bytes(hashlib.sha512(b"").digest(), "little") % edwards.L
    x, y = edwards.multiply(idle, point)
    fitting = edwards.encode((edwards.P - x, y)) + edwards.L.to_bytes(32, "little")
    counts = compared([native.keyring(engine)], [(edwards.encode(point), [(fitting, b"message")] * 20)])
    assert counts == {False: 20}


def test_wycheproof_in_one_list(engine: str) -> None:
    """All vectors with signatures of 64 bytes, and those of other lengths, in one list of many keys."""
    ring = native.keyring(engine)
    groups = shared_vectors.load("wycheproof/ed25519_test.json")["testGroups"]
    items, answers = [], []
    for group in groups:
        key = ring.key(bytes.fromhex(group["publicKey"]["pk"]), native.refuse_to_answer)
        for test in group["tests"]:
            items.append((key, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])))
            answers.append(test["result"] == "valid")
    assert len(items) > 140
    assert ring.verify_many(items) == answers
    assert [key.verify(signature, message) for key, signature, message in items] == answers


def _many(chance: random.Random, total: int, each: int) -> Iterator[list[tuple[bytes, list[signatures.Asked]]]]:
    for _ in range(total // each // 10):
        yield [signatures.mutated(chance, each) for _ in range(10)]


@pytest.mark.soak
@pytest.mark.slow
def test_a_million_signatures_get_the_one_answer(record_property: object) -> None:
    """1,000,000 random and changed signatures under 2,000 keys, 25,000 of mixed order, all special encodings: on every
    engine and table size, one by one and in many, no difference from OpenSSL and libsodium."""
    native.needed("scalar")
    assert core.core is not None
    rings = [native.keyring(engine, width) for engine in core.core.engines() for width in native.WIDTHS]
    chance = random.Random()
    counts: Counter[bool] = Counter()
    for number, keys in enumerate(_many(chance, 1_000_000, 500)):
        # Each size in turn on each engine, so that all together see all kinds of signatures many times.
        counts += compared(rings[number % 5 :: 5], keys)
    assert counts.total() == 1_000_000
    mixed: Counter[bool] = Counter()
    while mixed.total() < 25_000:
        mixed += compared(rings, signatures.mixed_order(chance, 40))
        compared(rings, [signatures.special_commitments(chance)])
    assert min(*counts.values(), *mixed.values()) > 1000
    assert callable(record_property)
    record_property("signatures", f"{counts.total() + mixed.total():,}")
    record_property("yes and no", f"{counts[True] + mixed[True]:,} and {counts[False] + mixed[False]:,}")
    record_property("engines", ", ".join(core.core.engines()))
