"""Parse a code layer by layer, as far as it can be read.

Promises:

1. Every layer has its size and, inside COSE bytes, its offset; what contains others has parts.
2. A fault ends the walk where it is found: what was read before it is shown, and the error is beside it.
3. Nothing here trusts anything: :attr:`Inspection.key` is set only by :func:`authenticate`.
4. What the format does not know is marked ``understood=False``, never left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from icard_crypto import limits
from icard_crypto.card.claims import CardClaims, decode_claims
from icard_crypto.encoding import base45, cbor, envelope
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.errors import DecodeError
from icard_crypto.signing import algorithms, cose
from verifier.knowledge.trust import TrustDomain, TrustedKey

from .claim_names import claim_parts
from .tree import Layer

__all__ = ["Inspection", "authenticate", "inspect"]

_HEADER_NAMES: Final = {cose.ALG: "alg", cose.CRIT: "crit", cose.KID: "kid", cose.TYP: "typ"}
_FORMS: Final = {"ic1": "IC1", "claim169": "Claim 169", "cose": "COSE"}
_LINE_BREAKS: Final = {ord(character): None for character in "\r\n\t"}
_ELEMENTS: Final = ("protected", "unprotected", "payload", "signature")


@dataclass(slots=True)
class Inspection:
    """What was found: the tree, the first fault or None, and, once authenticated, whose key signed it."""

    root: Layer
    error: DecodeError | None = None
    message: cose.Sign1 | None = None
    headers: cose.TokenHeaders | None = None
    claims: CardClaims | None = None
    key: TrustedKey | None = None


def inspect(shown: str | bytes) -> Inspection:
    """Parse a code, layer by layer."""
    found = Inspection(Layer("code"))
    try:
        _walk(shown, found)
    except DecodeError as error:
        found.error = found.error or error
    return found


def authenticate(found: Inspection, domain: TrustDomain) -> bool:
    """Whether a trusted key for cards, of the issuer that the card names, signed it; remembers the key.

    Neither time nor status is looked at: that is what a verdict is for.
    """
    message, headers, claims = found.message, found.headers, found.claims
    if message is None or headers is None or claims is None:
        return False
    for key in domain.kids.get(headers.kid, ()):
        if (
            key.usage == "card"
            and key.key.thumbprint not in domain.denied
            and key.issuer is not None
            and key.issuer.iss == claims.issuer
            and key.key.algorithm is headers.algorithm
            and key.key.verify(message.signature, cose.signed_bytes(message))
        ):
            found.key = key
            return True
    return False


def _walk(shown: str | bytes, found: Inspection) -> None:
    root = found.root
    text = _text_of(shown)
    first = root.add(Layer("bytes", len(shown)) if text is None else Layer("text", len(shown), unit="characters"))
    packed = shown if isinstance(shown, bytes) else b""
    if text is not None:
        packed = _base45(text, root)
    opened = envelope.read(shown)
    first.value = _FORMS[opened.form]
    if opened.form == "claim169":
        root.add(Layer("zlib", len(packed), f"inflates to {len(opened.cose)} bytes"))
    frame = root.add(Layer("COSE_Sign1", len(opened.cose), "RFC 9052"))
    _frame(opened.cose, frame)
    message = found.message = cose.parse_sign1(opened.cose)
    elements = {part.name: part for part in frame.parts}
    _headers(elements["protected"], message.protected)
    _headers(elements["unprotected"], message.unprotected)
    # A fault of the headers does not hide the payload: both are looked at, the first fault is reported.
    try:
        found.headers = cose.token_headers(message)
    except DecodeError as error:
        found.error = error
    _signature(elements["signature"], message, found.headers)
    payload = cbor.decode(message.payload, max_bytes=limits.CARD_BYTES, max_items=limits.CARD_ITEMS)
    elements["payload"].parts = claim_parts(payload, message.payload)
    found.claims = decode_claims(payload)


def _text_of(shown: str | bytes) -> str | None:
    """The text that was shown, trimmed as the envelope trims; None for bytes that are none, or too much."""
    if len(shown) > limits.CARD_BYTES:
        return None if isinstance(shown, bytes) else shown
    try:
        text = shown if isinstance(shown, str) else shown.decode("ascii")
    except UnicodeDecodeError:
        return None
    return text.strip(" \t\n\r\v\f").translate(_LINE_BREAKS)


def _base45(text: str, root: Layer) -> bytes:
    """What a code's text holds, added to the tree; of a broken text what is before the fault."""
    body = text.removeprefix(envelope.PREFIX)
    known = body is not text
    if len(text) > limits.CARD_TEXT:
        return b""
    try:
        packed, read = base45.decode(body), len(body)
    except DecodeError as fault:
        # Three characters are two bytes: whole groups before the fault can be read.
        read = (fault.offset or 0) // 3 * 3
        packed = base45.decode(body[:read])
    if not known and packed[:1] != b"\x78":
        return b""
    root.add(Layer("base45", len(packed), f"{read} of {len(body)} characters read"))
    if read < len(body) and known:
        _frame(packed, root.add(Layer("COSE_Sign1", len(packed), "RFC 9052")))
    return packed


def _frame(data: bytes, frame: Layer) -> None:
    """The frame's elements with their offsets; stops without a word where parse_sign1 will name the fault."""
    tag = 3 if data[:2] == b"\xd8\x3d" else 1
    frame.add(Layer("tag", tag, "61, 18" if tag == 3 else f"{data[0] & 0x1F}" if data[:1] else "", 0))
    at = tag
    if data[at : at + 1] != b"\x84":
        return
    frame.add(Layer("array", 1, "4 elements", at))
    at += 1
    for name in _ELEMENTS:
        try:
            if name == "unprotected":
                _, end = cbor.read_item(data, at, max_items=limits.HEADER_ITEMS)
                length, start = end - at, at
            else:
                major, length, start = cbor.head(data, at)
                if major != 2 or start + length > len(data):
                    return
                end = start + length
        except DecodeError:
            return
        frame.add(Layer(name, length, "", start))
        at = end


def _headers(layer: Layer, encoded: bytes) -> None:
    for key, value in cose.headers_of(encoded).items():
        name = _HEADER_NAMES.get(key) if isinstance(key, int) else None
        shown = diagnostic(value)
        if key == cose.ALG and type(value) is int:
            algorithm = algorithms.by_id(value)
            shown += f" {algorithm.name}" if algorithm else ""
        layer.add(Layer(f"{diagnostic(key)} {name or ''}".strip(), value=shown, understood=name is not None))


def _signature(layer: Layer, message: cose.Sign1, headers: cose.TokenHeaders | None) -> None:
    if headers is not None:
        wanted = headers.algorithm.signature_length
        fits = "" if len(message.signature) == wanted else f", not {wanted}"
        layer.value = f"{headers.algorithm.name}{fits}"
