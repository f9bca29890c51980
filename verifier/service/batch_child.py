"""``python -m verifier.service.batch_child FOLDER``: verdicts on the lines of batches, in a process of its own.

Promises:

1. Each line of a request gets one line in the answer, in order: ``{"line": n, "verdict": {...}}``, or
   ``{"line": n, "error": {...}}`` where the line itself is at fault.
2. Each request is decided by what the state folder says when it is begun.
3. It works at a lower priority than the process that answers single requests.

A request is a line of JSON, ``{"policy": {...}, "language": "en", "first": 1}``, and the lines of the batch behind it.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from typing import Final

from icard_crypto.encoding import strict_json
from icard_crypto.errors import DecodeError, Language
from verifier.decision.policy import Policy
from verifier.decision.verdict_json import verdict_text
from verifier.decision.verifier import Verifier
from verifier.store import Store

from .child_side import serve
from .limits import BATCH_LINE_BYTES

__all__ = ["fault_line", "main", "verdict_lines"]

_NICE: Final = 5
_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def main() -> None:
    """Answer until the input ends."""
    os.nice(_NICE)
    store = Store(sys.argv[1])
    serve(lambda request: _answer(store, request))


def _answer(store: Store, request: bytes) -> bytes:
    head, _, lines = request.partition(b"\n")
    asked = json.loads(head)
    verifier = Verifier(store.load(), _policy(json.dumps(asked["policy"])))
    return verdict_lines(verifier, lines, asked["first"], asked["language"], int(time.time()))


@functools.lru_cache(64)
def _policy(text: str) -> Policy:
    return Policy.from_json(text)


def verdict_lines(verifier: Verifier, lines: bytes, first: int, language: Language, now: int) -> bytes:
    """One line for each line (promise 1).

    Args:
        lines: each ends with a line feed.
        first: the number of the first.
        now: Unix time.
    """
    codes: list[str] = []
    faults: dict[int, DecodeError] = {}
    for place, line in enumerate(lines.split(b"\n")[:-1]):
        try:
            codes.append(_code(line))
        except DecodeError as error:
            faults[place] = error
            codes.append("")
    # One worker: this process is one of as many as there are cores, and each has its share of the lines.
    verdicts = verifier.verify_many(codes, now=now, workers=1)
    answers = []
    # Each verdict goes with its card once it is written: cards by the thousand are work for the garbage collector.
    verdicts.reverse()
    for place in range(len(codes)):
        verdict, fault = verdicts.pop(), faults.get(place)
        if fault is None:
            answers.append(f'{{"line":{first + place},"verdict":{verdict_text(verdict, language)}}}\n')
        else:
            answers.append(fault_line(fault, first + place, language))
    return "".join(answers).encode()


def fault_line(fault: DecodeError, number: int, language: Language) -> str:
    """The answer to a line that is at fault."""
    words = {"message": fault.message(language), "hint": fault.hint(language)}
    return _write({"line": number, "error": {**fault.to_dict(), **words}}) + "\n"


def _code(line: bytes) -> str:
    """The code of a line.

    Raises:
        DecodeError: ``serve.line_json``, ``serve.line_too_long``.
    """
    if len(line) > BATCH_LINE_BYTES:
        raise DecodeError("serve.line_too_long", expected=f"at most {BATCH_LINE_BYTES} bytes")
    try:
        loaded = strict_json.loads(line)
    except ValueError:
        loaded = None
    code = loaded.get("code") if isinstance(loaded, dict) else None
    # A policy in a line would be asked for in vain: it is the query's, and one for all lines.
    if not isinstance(code, str) or len(loaded) != 1:
        raise DecodeError("serve.line_json", expected='{"code": "..."} and no other member')
    return code


if __name__ == "__main__":
    main()
