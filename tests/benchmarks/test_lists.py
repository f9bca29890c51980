"""The lists that are measured are what the page says they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import statuses, trusts
from benchmarks.memory import memory
from icard_crypto.lists.trust_chain import verify_anchor

SIZE = 10_000


def test_two_in_a_hundred_entries_are_set() -> None:
    """Of 4 bits, at places that differ from run to run of none: the seed is fixed."""
    token = statuses.write_token(SIZE)
    held = statuses.load(statuses.trust_list(), token)
    assert held.bits == 4
    assert sum(held.get(index) != 0 for index in range(SIZE)) == 200
    assert token == statuses.write_token(SIZE)


def test_a_trust_list_has_as_many_keys_as_its_name_says() -> None:
    """Keys of issuers, card and status keys, no more than 25 to an issuer."""
    current = verify_anchor(trusts.write_list(100)).current
    assert len(list(current.issuer_keys())) == 100
    assert max(len(issuer.keys) for issuer in current.issuers) == 25
    assert {entry.usage for _, entry, _ in current.issuer_keys()} == {"card", "status"}


def test_memory_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The packed entries are kept, and what they were compressed to; the peak is at least that."""
    token = tmp_path / "token"
    token.write_bytes(statuses.write_token(1_000_000))
    figures = memory("status", token)
    assert 500_000 <= figures["kept"] < 560_000
    assert figures["kept"] <= figures["peak"]


def test_a_trust_list_takes_memory_by_its_keys(tmp_path: Path) -> None:
    """A hundred keys are kept, each of them some hundred bytes and more."""
    (tmp_path / "list").write_bytes(trusts.write_list(100))
    assert memory("trust", tmp_path / "list")["kept"] > 100 * 200


def test_a_thousand_verdicts_leave_nothing_behind(tmp_path: Path) -> None:
    """What a code took is given back: less than 32 bytes a code are kept."""
    assert memory("verdicts", tmp_path)["kept"] < 32_000


@pytest.mark.parametrize("size", [200, 10_000])
def test_the_plain_reader_reads_what_icard_reads(size: int) -> None:
    """The peer for status lists gives the same entries, or the comparison would be worth nothing."""
    token = statuses.write_token(size)
    ours, plain = statuses.load(statuses.trust_list(), token), statuses.load_plain(token)
    assert plain.size == ours.size
    assert [plain.get(index) for index in range(size)] == [ours.get(index) for index in range(size)]
