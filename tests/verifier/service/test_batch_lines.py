"""The lines of a batch, in the child that answers them: each gets its own verdict, faulty ones their error."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icard_crypto.encoding import strict_json
from icard_crypto.errors import DecodeError
from tests.kit.trust_domain import NOW, OTHER_KEY, World, code
from tests.kit.verification_service import Domain, asked
from tests.verifier.decision.test_precedents import WORLDS, alike
from verifier import Policy, Verdict
from verifier.service import batch_child
from verifier.service.batch_child import verdict_lines
from verifier.store import Store


def test_each_line_gets_the_verdict_on_its_own_code() -> None:
    """Good, forged and other texts with faulty lines between them: answers come in order, by the numbers asked for."""
    verifier = World().verifier()
    shown = [code(), code(key=OTHER_KEY), None, "https://example.com/", code(cti=b"\2" * 8), None, code(expires=NOW)]
    lines = [b"{}" if text is None else json.dumps({"code": text}).encode() for text in shown]
    answers = verdict_lines(verifier, b"".join(line + b"\n" for line in lines), 11, "zh", NOW).decode().splitlines()
    for number, (text, answer) in enumerate(zip(shown, answers, strict=True), 11):
        told = json.loads(answer)
        assert told["line"] == number
        if text is None:
            assert told["error"]["code"] == "serve.line_json"
        else:
            assert told["verdict"] == verifier.verify(text, now=NOW).to_dict("zh")


def in_brief(verdict: Verdict) -> dict[str, Any]:
    """What a brief answer has of a verdict."""
    return {
        "outcome": verdict.outcome,
        "reason": str(verdict.reason),
        "detail": verdict.detail,
        "mends": verdict.mends,
        "also": [str(reason) for reason in verdict.also],
        "environment": verdict.environment,
        "cti": None if verdict.claims is None else verdict.claims.cti.hex(),
    }


@pytest.mark.parametrize("world", WORLDS)
def test_a_brief_line_has_outcome_and_reasons_of_its_own_code(world: World) -> None:
    """Codes that are alike, also those that a verifier knows from the batch before, with others and faults between."""
    verifier, reference = world.verifier(), world.verifier()
    shown: list[str | None] = [*alike(random.Random(40), 200, 1000), *[None] * 9, "IC1:a", code(key=OTHER_KEY), ""]
    random.Random(41).shuffle(shown)
    lines = b"".join(b"{}\n" if text is None else asked(text) for text in shown)
    for _ in range(2):
        answers = verdict_lines(verifier, lines, 1, "en", NOW, brief=True).splitlines()
        for number, (text, answer) in enumerate(zip(shown, answers, strict=True), 1):
            told = json.loads(answer)
            assert told["line"] == number
            if text is None:
                assert told["error"]["code"] == "serve.line_json"
            else:
                assert told == {"line": number, "verdict": in_brief(reference.verify(text, now=NOW))}


_GAPS = st.sampled_from((b"", b"", b"", b" ", b"\t", b"\r", b"\v", b",", b"\xef\xbb\xbf", b"\0"))
_PIECES = (
    b"IC1:A%*+-./ $",
    b"~",
    b"\\",
    b"\\n",
    b"\\u0041",
    b'"',
    b'","code":"',
    b"\x7f",
    b"\0",
    b"\x1f",
    b"\xc3\xa9",
    b"\xff",
)


@given(st.tuples(*[_GAPS] * 6), st.lists(st.sampled_from(_PIECES), max_size=4).map(b"".join))
def test_a_line_is_what_a_reader_of_json_says(gaps: tuple[bytes, ...], text: bytes) -> None:
    """Plain lines, which are not parsed, and others: white space, escapes, controls, other bytes, members twice."""
    tokens = (b"{", b'"code"', b":", b'"' + text + b'"', b"}")
    line = gaps[0] + b"".join(token + gap for token, gap in zip(tokens, gaps[1:], strict=True))
    try:
        wanted = strict_json.loads(line)
    except ValueError:
        with pytest.raises(DecodeError):
            batch_child._code(line)
    else:
        assert {"code": batch_child._code(line)} == wanted


def test_the_next_request_is_decided_by_what_the_folder_says_then(tmp_path: Path) -> None:
    """A child that has answered by one status list answers by the next one, also under the policy it has used."""
    domain = Domain(tmp_path / "state")
    domain.learn(domain.now - 120)
    worker = batch_child._Worker(Store(domain.folder))
    lines = asked(domain.code(5)) + asked(domain.code(7, cti=2))

    def outcomes(policy: str, brief: bool) -> list[str]:
        head = {"policy": Policy.named(policy).to_dict(), "language": "en", "brief": brief, "first": 1}
        answer = worker.answer(json.dumps(head).encode() + b"\n" + lines)
        return [json.loads(line)["verdict"]["outcome"] for line in answer.splitlines()]

    assert outcomes("gate", brief=False) == outcomes("gate", brief=True) == ["VALID", "VALID"]
    assert outcomes("inspection", brief=True) == ["INDETERMINATE", "INDETERMINATE"]
    domain.learn(domain.now - 60, {7: 1})
    assert outcomes("gate", brief=False) == outcomes("gate", brief=True) == ["VALID", "INVALID"]
