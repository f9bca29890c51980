"""CBOR diagnostic notation (RFC 8949 section 8), for people who look into a code.

Promises:

1. Shows every value that :mod:`icard_crypto.encoding.cbor` reads, and loses nothing: byte strings in hexadecimal.
2. Control and format characters in texts are escaped, so that a text can't rearrange the reader's screen.
"""

from __future__ import annotations

import json

from .cbor import Value

__all__ = ["diagnostic"]


def diagnostic(value: Value) -> str:
    """``value`` on one line, for example ``{1: "cn.310000", 7: h'0102'}``."""
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(diagnostic, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{diagnostic(key)}: {diagnostic(entry)}" for key, entry in value.items()) + "}"
    # The rest (int, bool, null) is written the same in JSON.
    return json.dumps(value)


def _text(text: str) -> str:
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1]
        for character in json.dumps(text, ensure_ascii=False)
    )
