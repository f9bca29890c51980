"""Rows of codes that are alike, whose verdict was found once for all of them, are the rows of the reference."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from icard_crypto import native
from icard_crypto.card.card import Profile
from icard_crypto.card.facts import DAY
from icard_crypto.lists.entry_values import INSURANCE_LAPSED, REVOKED, SUSPENDED
from tests.kit.columns import expected
from tests.kit.native import ENGINES, keyring, needed, reference_alone
from tests.kit.reference import ISSUED_AT
from tests.kit.trust_domain import NOW, OTHER_KEY, STATUS_KEY, Entries, World, code
from tests.verifier.decision.test_native_reading import pair
from tests.verifier.decision.test_precedents import WORLDS, alike, with_entries
from verifier import Verdict, Verifier
from verifier.data import verdicts
from verifier.decision import batch
from verifier.decision.precedents import Precedent, Read
from verifier.knowledge.trust import Revocation


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each engine that this processor has, with tables at once."""
    needed(request.param, in_use=True)
    monkeypatch.setattr(native, "_state", native.State(keyring(request.param), "of the tests"))
    return str(request.param)


@pytest.mark.parametrize("world", WORLDS)
def test_rows_of_codes_that_are_alike_are_those_of_the_reference(engine: str, world: World) -> None:
    """Numbers on both sides of every limit, entries of every value, and nulls, other texts and bytes among them."""
    chance = random.Random(30)
    values = {index: chance.choice((REVOKED, SUSPENDED, INSURANCE_LAPSED)) for index in range(0, 1000, 40)}
    entries = Entries(world.status_iat, world.status_exp, STATUS_KEY.verifying_key.thumbprint, values, 1000)
    fast, reference = (with_entries(each, entries) for each in pair(world))
    shown: list[str | None] = [*alike(chance, 250, 1000), *[None] * 20, "IC1:a", code(key=OTHER_KEY), ""]
    chance.shuffle(shown)
    wanted = expected(reference, shown, NOW)
    # The second time all that may be a precedent is one.
    for _ in range(2):
        assert verdicts(pa.array(shown), fast, NOW).to_pylist() == wanted
    assert verdicts(pa.array(shown), reference, NOW).to_pylist() == wanted
    answers = batch.answer_many(fast, [text for text in shown if text is not None], NOW).answers
    assert (sum(type(answer) is Precedent for answer in answers) > 5) is (world.floor == 0)


def test_nothing_of_a_card_that_is_not_disclosed_is_beneath_the_nulls(engine: str) -> None:
    """A code of a key that is compromised is read by the native core, and its row has neither cti nor times."""
    fast, _ = pair(World(revoked=Revocation(ISSUED_AT - 3 * DAY, "compromised")))
    # The second time the core knows the forms of its texts, and reads it.
    for _ in range(2):
        column = verdicts(pa.array([code(cti=b"beneath!")]), fast, NOW)
    (row,) = column.to_pylist()
    assert (row["outcome"], row["cti"], row["issued_at"]) == ("INVALID", None, None)
    for name in ("cti", "issued_at", "expires_at"):
        buffers = column.field(name).buffers()
        assert bytes(buffers[1])[:8] == bytes(8), name


def test_a_group_is_verified_once_for_a_column(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4,000 codes that are alike, in two pieces, one more is verified by itself than the first slice's."""
    fast, _ = pair(World())
    texts = [code(cti=number.to_bytes(8, "big")) for number in range(200)] * 20
    fast.verify_many(texts, now=NOW)
    verified: list[str] = []
    verify = Verifier.verify

    def noting(self: Verifier, shown: str, *, now: int) -> Verdict:
        verified.append(shown)
        return verify(self, shown, now=now)

    monkeypatch.setattr(Verifier, "verify", noting)
    column = verdicts(pa.array(texts), fast, NOW)
    assert verified == texts[:1]
    assert column.field("cti").to_pylist() == [number.to_bytes(8, "big") for number in range(200)] * 20


def test_without_the_core_and_with_claims_rows_are_the_same(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three ways to the same rows: groups, each card for its claims, and the reference for all."""
    texts = [code(profile, cti=bytes([number] * 8)) for number in range(40) for profile in Profile]
    fast, _ = pair(World())
    of_groups = verdicts(pa.array(texts), fast, NOW)
    assert verdicts(pa.array(texts), fast, NOW, claims=("name",)).flatten()[:-1] == of_groups.flatten()
    reference_alone(monkeypatch)
    assert verdicts(pa.array(texts), World().verifier(), NOW) == of_groups


def test_columns_of_codes_that_the_core_cannot_read_are_left_to_the_reference(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where most of a slice is unread, the native core isn't shown the slices behind it."""
    monkeypatch.setattr(batch, "_SLICE", 64)
    fast, reference = pair(World())
    texts = [code(key=OTHER_KEY)] * 400
    shown: list[int] = []
    read = Verifier.read_many

    def noting(self: Verifier, codes: Sequence[str | bytes], **asked: Any) -> Read:
        shown.append(len(codes))
        return read(self, codes, **asked)

    monkeypatch.setattr(Verifier, "read_many", noting)
    assert verdicts(pa.array(texts), fast, NOW).to_pylist() == expected(reference, texts[:1], NOW) * 400
    assert shown == [128, 64]
