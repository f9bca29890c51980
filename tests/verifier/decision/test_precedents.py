"""Codes that are like others get the verdict that they would get by themselves."""

from __future__ import annotations

import dataclasses
import datetime
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icard_crypto import native
from icard_crypto.card import native_reader
from icard_crypto.card.card import Month, Profile, Scheme
from icard_crypto.card.claims import StatusRef, decode_facts, encode_claims
from icard_crypto.card.facts import DAY, HOUR, Facts
from icard_crypto.errors import DecodeError
from icard_crypto.lists.entry_values import GOOD, INSURANCE_LAPSED, REVOKED, SUSPENDED
from tests.kit.native import ENGINES, keyring, needed
from tests.kit.reference import ISSUED_AT, STATUS
from tests.kit.trust_domain import NOW, STATUS_KEY, Entries, World, claims, code
from tests.verifier.decision.test_native_reading import pair
from verifier import Policy, TrustDomain, Verdict, Verifier
from verifier.decision.precedents import Precedents
from verifier.knowledge.trust import Revocation

ROOT: Final = Path(__file__).parents[3]
#: A window of the key in the middle of the codes' times, so that either end of it is met.
WORLD = World(valid_from=ISSUED_AT - 40 * DAY, valid_until=ISSUED_AT + 20 * DAY)
PAID = Policy("paid", insurance="as_of_issue", paid_through=Month(2026, 6), leeway=120)
WORLDS = (
    WORLD,
    WORLD.edited(policy="unsafe_no_status", status_list=False),
    WORLD.edited(policy=PAID),
    WORLD.edited(revoked=Revocation(ISSUED_AT - 3 * DAY, "retired")),
    WORLD.edited(timestamp=None),
    # Nothing is fresh here: each code has something of its own against it, and none becomes a precedent.
    WORLD.edited(floor=NOW + 10 * DAY),
)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each engine that this processor has, with tables at once."""
    needed(request.param, in_use=True)
    monkeypatch.setattr(native, "_state", native.State(keyring(request.param), "of the tests"))
    return str(request.param)


def alike(chance: random.Random, count: int, entries: int) -> Iterator[str]:
    """Codes of a few groups that differ in every number, on both sides of every limit."""
    begin = datetime.datetime.fromtimestamp(ISSUED_AT, datetime.UTC).date()
    for _ in range(count):
        profile = chance.choice((Profile.PUBLIC, Profile.WORK))
        issued_at = ISSUED_AT + chance.randrange(-60 * 24, 40 * 24) * HOUR
        days = [begin + datetime.timedelta(days=chance.randrange(*span)) for span in ((-60, 45), (10, 300))]
        insurance = {"paid_through": Month(2026, chance.randrange(1, 13))}
        not_before = chance.choice((None, NOW + chance.randrange(-20 * DAY, 5 * DAY)))
        expires = max(NOW + chance.randrange(-2 * DAY, 60 * DAY), issued_at + 1, (not_before or 0) + 1)
        yield code(
            profile,
            issued_at=issued_at,
            not_before=not_before,
            expires=expires,
            cti=chance.randbytes(8),
            status=StatusRef(STATUS.uri, chance.randrange(entries + 20)),
            permit={"valid_from": days[0], "valid_until": days[1], "region": chance.choice(("310115", "440300"))},
            insurance=insurance if chance.random() < 0.9 else None,
        )


def with_entries(verifier: Verifier, entries: Any) -> Verifier:
    """The verifier with this status list."""
    domain = verifier.domains[0]
    lists = {STATUS.uri: entries} if domain.status_lists else {}
    same = {name: getattr(domain, name) for name in ("name", "environment", "keys", "trust_list", "clock_floor")}
    return Verifier(TrustDomain(**same, timestamp=domain.timestamp, status_lists=lists), verifier.policy)


def said(verdict: Verdict) -> dict[str, Any]:
    """All of a verdict, its facts and claims too."""
    return verdict.to_dict() | {"facts": verdict.facts, "claims": verdict.claims, "kid": verdict._kid}


def compared(world: World, chance: random.Random, count: int) -> Counter[str]:
    """Codes that are alike against the reference, in batches and one by one; how many were like a precedent."""
    values = {index: chance.choice((REVOKED, SUSPENDED, INSURANCE_LAPSED)) for index in range(0, 1000, 40)}
    entries = Entries(world.status_iat, world.status_exp, STATUS_KEY.verifying_key.thumbprint, values, 1000)
    fast, reference = (with_entries(each, entries) for each in pair(world))
    shown = list(alike(chance, count, 1000))
    counts: Counter[str] = Counter()
    batches = [fast.verify_many(shown, now=NOW, workers=2) for _ in range(2)]
    assert fast.reading is not None
    for text, *of_batches in zip(shown, *batches, strict=True):
        expected = reference.verify(text, now=NOW)
        for found in (*of_batches, fast.verify(text, now=NOW)):
            assert said(found) == said(expected), text
        assert fast._precedents is not None
        read = fast.reading.book.read(text, fast._precedents.native)
        counts["like"] += read is not None and read[0] is not None
        counts[expected.outcome] += 1
    return counts


@pytest.mark.parametrize("world", WORLDS)
def test_codes_that_are_alike_get_the_verdict_of_the_reference(engine: str, world: World) -> None:
    """Numbers on both sides of every limit, entries of every value and beyond the list: all as the reference says."""
    counts = compared(world, random.Random(20), 200)
    assert (counts["like"] > 5) is (world.floor == 0)
    assert counts["INVALID"] > 50


@pytest.mark.soak
@pytest.mark.slow
def test_two_hundred_thousand_codes_that_are_alike_get_the_verdict_of_the_reference(
    engine: str, record_property: object
) -> None:
    """200,000 codes of few groups in every world, as above."""
    chance = random.Random()
    counts: Counter[str] = Counter()
    while sum(counts[outcome] for outcome in ("VALID", "INVALID", "INDETERMINATE")) < 200_000:
        counts += compared(chance.choice(WORLDS), chance, 2000)
    assert callable(record_property)
    for name, count in sorted(counts.items()):
        record_property(name, f"{count:,}")


def test_a_precedent_is_good_for_its_second_alone(engine: str) -> None:
    """The same code a second later is decided anew: what was good until then is not."""
    fast, reference = pair(World())
    text = code(expires=NOW + 2)
    for now in (NOW, NOW + 1, NOW + 2, NOW + 1):
        for _ in range(2):
            assert fast.verify(text, now=now).to_dict() == reference.verify(text, now=now).to_dict()
    assert [str(fast.verify(text, now=now).reason) for now in (NOW + 1, NOW + 2)] == ["valid", "expired"]


def test_a_list_that_changes_under_a_precedent_is_asked_again(engine: str) -> None:
    """An entry that turns bad, or can't be read any more, shows at once: entries are looked up for every code."""

    @dataclasses.dataclass(frozen=True)
    class Odd(Entries):
        broken: list[int] = dataclasses.field(default_factory=list)

        def get(self, index: int, /) -> int:
            if self.broken:
                raise DecodeError("status.corrupt")
            return super().get(index)

    entries = Odd(NOW - HOUR, NOW + DAY, STATUS_KEY.verifying_key.thumbprint)
    fast = with_entries(pair(World())[0], entries)
    text = code()
    assert [fast.verify(text, now=NOW).outcome for _ in range(2)] == ["VALID"] * 2
    entries.values[STATUS.index] = REVOKED
    assert str(fast.verify(text, now=NOW).reason) == "revoked"
    entries.values[STATUS.index] = GOOD
    entries.broken.append(1)
    assert str(fast.verify(text, now=NOW).reason) == "status_unknown"
    assert [str(each.reason) for each in fast.verify_many([text] * 3, now=NOW)] == ["status_unknown"] * 3


def test_an_entry_that_says_more_than_good_makes_no_precedent(engine: str) -> None:
    """Lapsed insurance is nothing against a card at the gate, and yet stands in its verdict, not in the next one's."""
    entries = Entries(NOW - HOUR, NOW + DAY, STATUS_KEY.verifying_key.thumbprint, {7: INSURANCE_LAPSED})
    fast, reference = (with_entries(each, entries) for each in pair(World()))
    lapsed, good = (code(status=StatusRef(STATUS.uri, index)) for index in (7, 8))
    for text in (lapsed, good, lapsed, good):
        assert said(fast.verify(text, now=NOW)) == said(reference.verify(text, now=NOW))
    assert [fast.verify(text, now=NOW).insurance.state for text in (lapsed, good)] == ["lapsed", "valid"]


def test_nothing_of_a_card_is_kept_in_a_precedent(engine: str) -> None:
    """Neither its payload nor its text, claims or facts: only what all codes of the group share."""
    fast, _ = pair(World())
    fast.verify(code(), now=NOW)
    assert fast.reading is not None
    assert fast._precedents is not None
    precedent, index, payload = fast.reading.book.read(code(), fast._precedents.native) or (None, 0, b"")
    assert precedent is not None
    assert (index, payload) == (STATUS.index, encode_claims(claims()))
    kept = precedent.verdict
    assert [getattr(kept, name) for name in ("_payload", "_source", "_facts", "_claims", "_kept")] == [None] * 5


def test_precedents_of_another_book_and_odd_facts_are_refused(engine: str) -> None:
    """A key's place means something in its own book alone."""
    needed(engine)
    one, other = (pair(World())[0].reading for _ in range(2))
    assert one is not None
    assert other is not None
    precedents = one.precedents(NOW).native
    with pytest.raises(ValueError, match="another book"):
        other.book.read(code(), precedents)
    with pytest.raises(ValueError, match="another book"):
        other.book.read_many([code()], 1, precedents)
    with pytest.raises(ValueError, match="not the facts"):
        precedents.put(b"group", (1, 2), None)


_PUTS_WHILE_READING: Final = """
from icard_crypto import native
from icard_crypto.card.claims import decode_facts, encode_claims
from tests.kit.native import keyring
from tests.kit.trust_domain import NOW, claims, code
from tests.verifier.decision.test_native_reading import pair
from tests.verifier.decision.test_precedents import World

asked, facts, reader = [], decode_facts(encode_claims(claims())), native.core.Reader

def putting(form):
    def has(text):
        asked.append(text)
        precedents.put(b"group", facts, None)
        return form(text)
    return has

native.core.Reader = lambda *rules: reader(*rules[:-1], [putting(form) for form in rules[-1]])
native._state = native.State(keyring("scalar"), "of the tests")
reading = pair(World())[0].reading
precedents = reading.precedents(NOW).native
assert reading.book.read(code(), precedents) is not None
assert asked
"""


def test_a_precedent_may_be_put_while_a_form_is_asked_of_python() -> None:
    """Python may let another thread run then, which puts a precedent: it must not wait for the reading to end."""
    needed("scalar", in_use=True)
    subprocess.run([sys.executable, "-c", _PUTS_WHILE_READING], cwd=ROOT, check=True, timeout=60)


class _Noting(Precedents):
    """Notes whether a code became a precedent."""

    noted = 0

    def __init__(self) -> None:
        """Without the native core."""

    def put(self, *_: object) -> None:
        self.noted += 1


_BASE = decode_facts(encode_claims(claims()))
_TIMES = st.integers(ISSUED_AT - 60 * DAY, NOW + 60 * DAY)
_NUMBERS = {
    "issued_at": st.integers(-60 * 24, 31 * 24).map(lambda hours: ISSUED_AT + hours * HOUR),
    "not_before": _TIMES,
    "expires": _TIMES.map(lambda time: time + 30 * DAY),
    "permit_begins": _TIMES,
    "permit_ends": _TIMES.map(lambda time: time + 30 * DAY),
    "paid_through": st.integers(660, 700),
}
_POLICIES = (
    Policy.named("gate"),
    Policy.named("benefit"),
    Policy.named("unsafe_no_status"),
    Policy("paid", insurance="as_of_issue", paid_through=Month(2026, 6), leeway=300),
    Policy("schemes", insurance="as_of_issue", schemes=Scheme.MEDICAL),
)


def _is_precedent(verifier: Verifier, base: Facts, numbers: dict[str, Any]) -> bool:
    noting, facts = _Noting(), base._replace(**numbers)
    key = verifier.domains[0].keys[0]
    verifier._judge(NOW, verifier.domains[0], key, key.key.kid, True, None, b"", facts, None, noting, b"group")
    return noting.noted > 0


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_stands_between_two_good_numbers_is_good(data: st.DataObject) -> None:
    """The decision itself, without the native core: with nothing against two codes, there is nothing against any code
    whose every number is between theirs. That is what precedents rest on."""
    world = data.draw(st.sampled_from(WORLDS)).edited(policy=data.draw(st.sampled_from(_POLICIES)))
    verifier = world.verifier()
    absent = data.draw(st.sets(st.sampled_from(("not_before", "permit_begins", "paid_through"))))
    names = [name for name in _NUMBERS if name not in absent]
    nothing: dict[str, Any] = dict.fromkeys(absent, None)
    base = _BASE._replace(schemes=3, insured=True, **nothing)
    low: dict[str, Any]
    high: dict[str, Any]
    low, high = ({name: data.draw(_NUMBERS[name]) for name in names} for _ in range(2))
    if not all(_is_precedent(verifier, base, numbers) for numbers in (low, high)):
        # A code that has something against it bounds nothing; numbers near the good ones are drawn instead.
        low = {name: getattr(base, name) or low[name] for name in names}
        high = {
            name: low[name] + data.draw(st.integers(0, 9 if name == "paid_through" else 30 * DAY)) for name in names
        }
        if not all(_is_precedent(verifier, base, numbers) for numbers in (low, high)):
            return
    middle: dict[str, Any] = {name: data.draw(st.integers(*sorted((low[name], high[name])))) for name in names}
    assert _is_precedent(verifier, base, middle)


def test_every_fact_that_a_precedent_may_differ_in_is_named() -> None:
    """Numbers that stand between others, the entry's place and the code's own number: all else is the group's."""
    roles = dict(zip(Facts._fields, (role for *_, role in native_reader._TOLD), strict=True))
    assert {name for name, role in roles.items() if role == "between"} == _NUMBERS.keys()
    assert {name: role for name, role in roles.items() if role not in ("same", "between")} == {
        "cti": "aside",
        "status_index": "beside",
    }
