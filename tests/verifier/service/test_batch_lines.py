"""The lines of a batch, in the child that answers them: each gets its own verdict, faulty ones their error."""

from __future__ import annotations

import json

from tests.kit.trust_domain import NOW, OTHER_KEY, World, code
from verifier.service.batch_child import verdict_lines


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
