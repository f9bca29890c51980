"""JSON bodies that cost more to read than any of ours are refused before they are read."""

from __future__ import annotations

import json
from unittest import mock

import pytest

from tests.kit.http_clients import ask
from tests.kit.small_app import made
from verifier.runtime import http

APP = made(http.Drain())

HEAVY = {
    "lists": b"[" + b"[]," * 20_000 + b"[]]",
    "objects": b"[" + b"{}," * 20_000 + b"{}]",
    "values": b"[" + b"1," * 300_000 + b"1]",
    "members": json.dumps({f"m{number}": 1 for number in range(501)}).encode(),
}
#: As much as is read.
FULL = {
    "lists": b"[" + b"[]," * 9_998 + b"[]]",
    "values": b"[" + b"1," * 250_000 + b"1]",
    "members": json.dumps({f"m{number}": 1 for number in range(500)}).encode(),
    "digits": b"9" * 100,
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY)
def test_what_is_more_than_any_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(http.Problem) as refused:
        http.read_json(body)
    assert refused.value.code == "http.bad_request"
    assert refused.value.expected == "at most 10000 objects and lists, 500 members of one, 250000 values"


def test_lists_and_objects_are_counted_before_they_are_read() -> None:
    for body in (HEAVY["lists"], HEAVY["objects"], HEAVY["values"]):
        with mock.patch.object(json.JSONDecoder, "decode") as decode, pytest.raises(http.Problem):
            http.read_json(body)
        assert not decode.called


@pytest.mark.parametrize("body", FULL.values(), ids=FULL)
def test_what_is_at_the_bounds_is_read(body: bytes) -> None:
    assert http.read_json(body) == json.loads(body)


@pytest.mark.parametrize(
    "body", [b"1e999", b"-1E400", b"NaN", b"Infinity", b"9" * 101, b"[" * 10_000, b"{", b"", b"[1,]"]
)
def test_what_is_no_json_or_no_number_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        http.read_json(body)


@pytest.mark.parametrize("body", [b'{"a":1,"a":2}', "{}".encode("utf-16"), b"\xef\xbb\xbf{}", b'"\xff"'])
def test_what_readers_differ_about_is_refused(body: bytes) -> None:
    with pytest.raises(http.Problem) as refused:
        http.read_json(body)
    assert refused.value.code == "http.bad_request"


def test_an_application_refuses_it_before_its_own_code() -> None:
    headers = {"Content-Type": "application/json"}
    answer = ask(APP, "POST", "/things/people/1", content=HEAVY["members"], headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "http.bad_request"), answer.text[:200]
