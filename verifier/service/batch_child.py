"""``python -m verifier.service.batch_child FOLDER``: verdicts on the lines of batches, in a process of its own.

Promises:

1. Each line of a request gets one line in the answer, in order: ``{"line": n, "verdict": {...}}``, or
   ``{"line": n, "error": {...}}`` where the line itself is at fault. A verdict in brief is that of
   :func:`verifier.decision.verdict_json.brief_text`.
2. Each request is decided by what the state folder says when it is begun.
3. It works at a lower priority than the process that answers single requests.

A request is a line of JSON, ``{"policy": {...}, "language": "en", "brief": false, "first": 1}``, and the lines of the
batch behind it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

from icard_crypto.encoding import strict_json
from icard_crypto.errors import DecodeError, Language
from verifier.decision.batch import OWN_FACTS, answer_many
from verifier.decision.policy import Policy
from verifier.decision.precedents import Precedent
from verifier.decision.verdict_json import brief_text, verdict_text
from verifier.decision.verifier import Verifier
from verifier.knowledge.trust import TrustDomain
from verifier.store import Store

from .child_side import serve
from .limits import BATCH_LINE_BYTES

__all__ = ["fault_line", "main", "verdict_lines"]

_CTI: Final = OWN_FACTS.index("cti")
#: Nearly every line: one member, and a text that JSON writes as it is. The others are parsed.
_PLAIN: Final = re.compile(rb'[ \t\r]*\{[ \t\r]*"code"[ \t\r]*:[ \t\r]*"([ !#-\[\]-~]*)"[ \t\r]*\}[ \t\r]*')
_NICE: Final = 5
_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def main() -> None:
    """Answer until the input ends."""
    os.nice(_NICE)
    serve(_Worker(Store(sys.argv[1])).answer)


class _Worker:
    """Answers requests, and keeps what the next one can use: a verifier remembers what it has decided in a second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._domains: tuple[TrustDomain, ...] = ()
        #: By their policies, which all have a name and are few.
        self._verifiers: dict[str, Verifier] = {}

    def answer(self, request: bytes) -> bytes:
        """The answer to one request."""
        head, _, lines = request.partition(b"\n")
        asked = json.loads(head)
        verifier = self._verifier(json.dumps(asked["policy"]))
        now = int(time.time())
        return verdict_lines(verifier, lines, asked["first"], asked["language"], now, brief=asked["brief"])

    def _verifier(self, policy: str) -> Verifier:
        domains = self._store.load()
        if domains != self._domains:
            self._domains, self._verifiers = domains, {}
        verifier = self._verifiers.get(policy)
        if verifier is None:
            verifier = self._verifiers[policy] = Verifier(domains, Policy.from_json(policy))
        return verifier


def verdict_lines(
    verifier: Verifier, lines: bytes, first: int, language: Language, now: int, *, brief: bool = False
) -> bytes:
    """One line for each line (promise 1).

    Args:
        lines: each ends with a line feed.
        first: the number of the first.
        now: Unix time.
        brief: outcomes and reasons only.
    """
    codes: list[str] = []
    faults: dict[int, DecodeError] = {}
    shown = lines.split(b"\n")[:-1]
    for place, line in enumerate(shown):
        try:
            codes.append(_code(line))
        except DecodeError as error:
            faults[place] = error
    verdicts = _in_brief(verifier, codes, now) if brief else _in_full(verifier, codes, language, now)
    return "".join(
        fault_line(faults[place], first + place, language)
        if place in faults
        else f'{{"line":{first + place},"verdict":{next(verdicts)}}}\n'
        for place in range(len(shown))
    ).encode()


def _in_full(verifier: Verifier, codes: Sequence[str], language: Language, now: int) -> Iterator[str]:
    # One worker: this process is one of as many as there are cores, and each has its share of the lines.
    verdicts = verifier.verify_many(codes, now=now, workers=1)
    # Each verdict goes with its card once it is written: cards by the thousand are work for the garbage collector.
    verdicts.reverse()
    while verdicts:
        yield verdict_text(verdicts.pop(), language)


def _in_brief(verifier: Verifier, codes: Sequence[str], now: int) -> Iterator[str]:
    found = answer_many(verifier, codes, now)
    identities = found.facts[_CTI]
    for place, answer in enumerate(found.answers):
        if isinstance(answer, Precedent):
            yield brief_text(answer.verdict, identities[8 * place : 8 * place + 8])
        else:
            facts = answer.facts
            yield brief_text(answer, None if facts is None else facts.cti)


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
    plain = _PLAIN.fullmatch(line)
    if plain is not None:
        return plain[1].decode("ascii")
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
