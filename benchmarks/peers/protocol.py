"""The child's side of a conversation in JSON lines: what every peer's script serves.

Promises:

1. One line in, one line out, in order; an error of the peer is an answer (``{"ok": false, "error": ...}``), not an end.
2. ``load`` keeps key and codes, ``verify`` shows what the peer reads in one code, ``time`` runs the loaded codes and
   measures only that loop, with ``time.perf_counter_ns``: no pipe and no JSON is in the figure.
3. The standard library only: it runs in every peer's environment.

Requests: ``{"do": "load", "form", "algorithm", "key", "kid", "codes"}``; ``{"do": "verify", "code"}``;
``{"do": "time", "passes"}``. Bytes travel as hexadecimal.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Prepare", "Verify", "plain", "serve"]

#: One code, as text or (forms ``cose``, ``png``) bytes, to verified claims as Python values; raises when it does not
#: hold. A reader of pictures gives the texts in it, a drawer of texts the bytes of a picture.
Verify = Callable[[Any], Any]
#: ``(form, algorithm, key, kid)`` to a ``Verify``. Forms: ``claim169``, ``ic1``, ``cose``. Keys: 32 bytes for Ed25519,
#: the uncompressed point of SEC 1 (0x04, x, y) for ECDSA. Raises LookupError for what the peer does not do.
Prepare = Callable[[str, str, bytes, bytes], Verify]


_IN_BYTES = ("cose", "png")


def plain(value: Any) -> Any:
    """Python values as JSON that keeps what JSON loses: bytes, and keys that are not text."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"map": [[plain(key), plain(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return {"repr": repr(value)}


def serve(prepare: Prepare) -> None:
    """Answer requests on standard input until it ends."""
    desk = _Desk(prepare)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"ok": True} | desk.answer(request)
        except Exception as error:  # whatever a peer raises is its answer
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


class _Desk:
    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._verify: Verify | None = None
        self._codes: list[Any] = []
        self._form = ""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["do"]:
            case "load":
                return self._load(request)
            case "verify":
                return {"claims": plain(self._loaded()(self._shown(request["code"])))}
            case "time":
                return self._time(request["passes"])
            case other:
                raise ValueError(f"no such request: {other}")

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        self._form = request["form"]
        key, kid = bytes.fromhex(request["key"]), bytes.fromhex(request["kid"])
        self._verify = self._prepare(self._form, request["algorithm"], key, kid)
        self._codes = [self._shown(code) for code in request["codes"]]
        return {}

    def _shown(self, code: str) -> str | bytes:
        return bytes.fromhex(code) if self._form in _IN_BYTES else code

    def _loaded(self) -> Verify:
        if self._verify is None:
            raise ValueError("nothing is loaded")
        return self._verify

    def _time(self, passes: int) -> dict[str, Any]:
        verify, codes = self._loaded(), self._codes
        start = time.perf_counter_ns()
        for _ in range(passes):
            for code in codes:
                verify(code)
        return {"ns": time.perf_counter_ns() - start, "codes": passes * len(codes)}
