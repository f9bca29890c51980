"""The worked example of docs/format.md: the reference public card, byte by byte.

Promises:

1. The bytes come from the vector ``valid/ed25519-public-ic1.json``; nothing is typed by hand.
2. Every byte of the code is in the listing exactly once, in order.
"""

from __future__ import annotations

import json
from pathlib import Path

from icard_crypto import limits
from icard_crypto.card.fields import FIELDS
from icard_crypto.encoding import base45, cbor
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.signing import cose

VECTOR = Path(__file__).parent.parent / "tests" / "vectors" / "valid" / "ed25519-public-ic1.json"


def markdown() -> str:
    """The example as Markdown: text, frame, payload."""
    vector = json.loads(VECTOR.read_text("utf-8"))
    text, data = vector["text"], bytes.fromhex(vector["cose"])
    message = cose.parse_sign1(data)
    return "\n".join(
        [
            f"The text, {len(text)} characters:",
            "",
            _fence(_wrapped(text, 96)),
            "",
            f"Its first six characters behind `IC1:` are `{text[4:10]}`, in base45 the bytes "
            f"`{base45.decode(text[4:10]).hex(' ')}`. All {len(data)} bytes:",
            "",
            _fence("\n".join(_frame(data, message))),
            "",
            "The payload in diagnostic notation (RFC 8949 section 8):",
            "",
            _fence(_claims(message.payload)),
            "",
            "The bytes that are signed, `Sig_structure`, are",
            "",
            _fence(_wrapped(cose.signed_bytes(message).hex(), 96)),
            "",
        ]
    )


def _fence(content: str) -> str:
    return f"```\n{content}\n```"


def _wrapped(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def _frame(data: bytes, message: cose.Sign1) -> list[str]:
    headers = diagnostic(cose.headers_of(message.protected))
    lines = ["d2                       tag 18, COSE_Sign1", "84                       array of four"]
    at = 2
    for content, label in (
        (message.protected, f"protected headers, {headers}"),
        (None, "unprotected headers, empty"),
        (message.payload, "payload, below"),
        (message.signature, "signature"),
    ):
        if content is None:
            lines.append(f"{data[at : at + 1].hex():<24} {label}")
            at += 1
            continue
        _, length, start = cbor.head(data, at)
        lines.append(f"{data[at:start].hex():<24} byte string of {length}: {label}")
        lines += [f"  {line}" for line in _wrapped(content.hex(), 64).splitlines()]
        at = start + length
    assert at == len(data)
    return lines


def _claims(payload: bytes) -> str:
    claims = cbor.decode(payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)
    names = {field.key: field.name for field in FIELDS["claims"].values()}
    if not isinstance(claims, dict):
        raise TypeError("the vector's payload is no map")
    lines = [f"  {key}: {diagnostic(value)},  / {names.get(key, 'not understood')} /" for key, value in claims.items()]
    return "{\n" + "\n".join(lines) + "\n}"
