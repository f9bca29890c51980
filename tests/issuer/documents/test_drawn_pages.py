"""Drawn pages in memory: bounded in size and age, the least recently used evicted first, forgotten with their file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from issuer.documents.drawn_pages import DrawnPages


def test_page_is_found_until_it_is_too_old() -> None:
    at = [0.0]
    pages = DrawnPages(seconds=60, now=lambda: at[0])
    pages.keep("a", 1, b"one")
    at[0] = 59.0
    assert pages.find("a", 1) == b"one"
    assert pages.find("a", 2) is None
    at[0] = 60.0
    assert pages.find("a", 1) is None, "a look does not make a page younger"


def test_least_recently_used_page_is_evicted_first() -> None:
    pages = DrawnPages(most_bytes=20)
    pages.keep("a", 1, b"x" * 10)
    pages.keep("b", 1, b"y" * 10)
    assert pages.find("a", 1) is not None
    pages.keep("c", 1, b"z" * 10)
    assert (pages.find("a", 1), pages.find("b", 1)) == (b"x" * 10, None)


def test_page_larger_than_all_room_evicts_nothing() -> None:
    pages = DrawnPages(most_bytes=20)
    pages.keep("a", 1, b"x" * 10)
    pages.keep("b", 1, b"y" * 21)
    assert (pages.find("a", 1), pages.find("b", 1)) == (b"x" * 10, None)


def test_all_pages_of_a_file_are_forgotten_and_no_other() -> None:
    pages = DrawnPages()
    for name, number in (("a", 1), ("a", 2), ("b", 1)):
        pages.keep(name, number, b"page")
    pages.forget("a")
    assert [pages.find(*each) for each in (("a", 1), ("a", 2), ("b", 1))] == [None, None, b"page"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.integers(0, 30)), max_size=40))
def test_room_is_never_exceeded(acts: list[tuple[str, int, int]]) -> None:
    """Whatever is kept, replaced and forgotten, the pages found add up to no more than the room."""
    pages = DrawnPages(most_bytes=50)
    for name, number, size in acts:
        pages.keep(name, number, b"x" * size)
        if size == 0:
            pages.forget(name)
        held = [pages.find(each, place) or b"" for each in "abc" for place in (1, 2, 3)]
        assert sum(map(len, held)) <= 50
