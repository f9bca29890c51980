"""Status prefixes and uris: one spelling for every address, and no two issuers below one prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.errors import DecodeError
from icard_crypto.lists.uris import check_prefix, check_status_uri, first_overlap, is_below


@pytest.mark.parametrize(
    "prefix",
    [
        "https://s.example.cn/",
        "https://s.example.cn/s/",
        "https://h:8443/",
        "https://xn--fiqs8s.example/a/b/c.d/_~-/",
        "https://s.example.cn:65535/S/",
        "https://192.0.2.1/s/",
        "https://h/" + "x" * 117 + "/",
    ],
)
def test_promise_1_good_prefixes(prefix: str) -> None:
    """Hosts, other ports and plain segments are taken, up to 128 characters."""
    check_prefix(prefix, "here")


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("http://s.example.cn/", "scheme"),
        ("HTTPS://s.example.cn/", "scheme"),
        ("s.example.cn/", "scheme"),
        ("https://S.example.cn/", "host"),
        ("https:///s/", "host"),
        ("https://s..example/", "host"),
        ("https://s.example.cn./", "host"),
        ("https://-s.example/", "host"),
        ("https://s_x.example/", "host"),
        ("https://[::1]/", "host"),
        ("https://s.example.cn\\.evil.org/", "host"),
        ("https://s.exämple/", "host"),
        ("https://" + ".".join(["a"] * 64) + "b" * 64 + "/", "too_long"),
        ("https://s.example:443/", "port"),
        ("https://s.example:/", "port"),
        ("https://s.example:0443/", "port"),
        ("https://s.example:65536/", "port"),
        ("https://s.example:8443:1/", "port"),
        ("https://s.example.cn", "final_slash"),
        ("https://s.example.cn/s", "final_slash"),
        ("https://s.example/../", "dot_segment"),
        ("https://s.example/a/./", "dot_segment"),
        ("https://s.example/a//", "segment"),
        ("https://s.example/a b/", "segment"),
        ("https://s.example/a;b/", "segment"),
        ("https://s.example/a\n/", "segment"),
        ("https://s.example/%2e%2e/", "percent_escape"),
        ("https://s.example/?a=/", "query"),
        ("https://s.example/#/", "fragment"),
        ("https://user@s.example/", "userinfo"),
        ("https://s.example.cn@evil.org/", "userinfo"),
        ("https://h/" + "x" * 118 + "/", "too_long"),
    ],
)
def test_promise_1_refused_prefixes(prefix: str, code: str) -> None:
    """Each way to write an address otherwise is refused by its own code and a message in both languages."""
    with pytest.raises(DecodeError) as caught:
        check_prefix(prefix, "here")
    assert (caught.value.code, caught.value.path) == (f"uri.{code}", "here")
    assert caught.value.expected is not None
    assert "status" in caught.value.message("en").lower()
    assert "状态名单" in caught.value.message("zh")


@pytest.mark.parametrize("name", ["a", "k7Qd", "A-_9", "x" * 32])
def test_promise_2_uris_below_a_prefix(name: str) -> None:
    """A prefix and a list name make a status uri."""
    uri = "https://s.example.cn/s/" + name
    check_status_uri(uri, "here")
    assert is_below(uri, "https://s.example.cn/s/")


@pytest.mark.parametrize(
    "tail", ["", "x" * 33, "a/b", "a.", "..", "a?b", "a#b", "a%20", "a b", "a\n", "ä", "a/", "../t/a"]
)
def test_promise_2_what_is_not_exactly_a_list_name(tail: str) -> None:
    """Nothing but 1 to 32 letters, digits, hyphens and underscores follows the prefix."""
    assert not is_below("https://s.example.cn/s/" + tail, "https://s.example.cn/s/")


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("https://s.example.cn/s/", "list_name"),
        ("https://s.example.cn/s/a.b", "list_name"),
        ("https://s.example.cn/s/" + "x" * 33, "list_name"),
        ("https://s.example.cn/../a", "dot_segment"),
        ("https://s.example.cn:443/a", "port"),
        ("a", "scheme"),
    ],
)
def test_promise_2_refused_uris(uri: str, code: str) -> None:
    """A status uri is refused by the code of its prefix or of its name."""
    with pytest.raises(DecodeError) as caught:
        check_status_uri(uri, "here")
    assert caught.value.code == f"uri.{code}"
    assert "status address" in caught.value.message("en")


def test_promise_3_look_alike_hosts() -> None:
    """A host that begins like another's is below nobody's prefix, for the slash is part of it."""
    assert not is_below("https://s.example.cn.evil.org/a", "https://s.example.cn/")
    assert first_overlap([("https://s.example.cn/", 0), ("https://s.example.cn.evil.org/", 1)]) is None


def test_an_overlap_is_found_behind_prefixes_of_ones_own() -> None:
    """Owner 0 may nest its own prefixes; owner 1 inside any of them is found, and the two are named."""
    mine = [("https://h/a/", 0), ("https://h/a/b/", 0)]
    assert first_overlap(mine) is None
    assert first_overlap([*mine, ("https://h/a/c/", 1)]) == ("https://h/a/", "https://h/a/c/")
    assert first_overlap([*mine, ("https://h/a/b/", 1)]) == ("https://h/a/b/", "https://h/a/b/")


@given(st.lists(st.tuples(st.text("ab", max_size=4), st.integers(0, 2)), max_size=8))
def test_overlaps_are_those_that_comparing_all_pairs_finds(prefixes: list[tuple[str, int]]) -> None:
    """The one pass in sorted order finds an overlap exactly where the slow comparison does, and a true one."""
    slow = any(a.startswith(b) and i != j for a, i in prefixes for b, j in prefixes)
    found = first_overlap(prefixes)
    assert (found is not None) == slow
    if found is not None:
        assert found[1].startswith(found[0])
