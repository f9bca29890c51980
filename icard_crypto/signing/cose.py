"""COSE_Sign1 and COSE_Sign (RFC 9052), read by a small strict parser, and the rules for icard's own tokens.

Promises:

1. The frame is a tag (18, 61 around 18, or 98), an array of four, byte strings and maps in shortest form, and nothing
   behind it. Detached payloads are refused.
2. No header is in both maps; ``crit`` is refused whatever it holds, for no extension is understood here.
3. Nothing of the payload is decoded here, and nobody should before the signature holds.
4. An icard token (:func:`token_headers`) keeps alg and an 8-byte kid in the protected header, leaves the unprotected
   one empty (the single byte A0) and the external data too, and has exactly the ``typ`` its reader asks for: none for
   a card, a text for every other token (RFC 9596).

The parser takes other people's COSE as well (a kid in the unprotected header, external data), so that the working
group's examples can be run against it; the rules of promise 4 are separate.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final, NamedTuple

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.errors import DecodeError

from .algorithms import Algorithm, by_id
from .keys import KID_LENGTH, Kid, SigningKey, Thumbprint

__all__ = [
    "Headers",
    "Sign",
    "Sign1",
    "SignatureEntry",
    "TokenHeaders",
    "algorithm_of",
    "encode_sign",
    "headers_of",
    "parse_sign",
    "parse_sign1",
    "sign1",
    "sign_entry",
    "sign_token",
    "signed_bytes",
    "signed_bytes_of_entry",
    "token_headers",
]

Headers = dict[int | str, cbor.Value]

ALG: Final = 1
CRIT: Final = 2
KID: Final = 4
TYP: Final = 16

_TAG_SIGN1: Final = b"\xd2"
_TAG_CWT: Final = b"\xd8\x3d"
_TAG_SIGN: Final = b"\xd8\x62"
_EMPTY_MAP: Final = b"\xa0"


class Sign1(NamedTuple):
    """A parsed COSE_Sign1: the bytes as they were, nothing verified.

    ``unprotected`` is the encoded map; ``cwt_tag`` tells whether tag 61 was around it (RFC 8392 section 6).
    """

    protected: bytes
    unprotected: bytes
    payload: bytes
    signature: bytes
    cwt_tag: bool


class SignatureEntry(NamedTuple):
    """One COSE_Signature of a COSE_Sign."""

    protected: bytes
    unprotected: bytes
    signature: bytes


class Sign(NamedTuple):
    """A parsed COSE_Sign: the bytes as they were, nothing verified."""

    protected: bytes
    unprotected: bytes
    payload: bytes
    signatures: tuple[SignatureEntry, ...]


@dataclass(frozen=True, slots=True)
class TokenHeaders:
    """What an icard token says about its signature. ``kid`` has 8 bytes (32 in a trust list's signatures)."""

    algorithm: Algorithm
    kid: bytes
    typ: str | None


def parse_sign1(data: bytes, *, max_bytes: int = limits.CARD_BYTES) -> Sign1:
    """Parse a tagged COSE_Sign1 (RFC 9052 section 4.2).

    Raises:
        DecodeError: ``cose.*`` or ``cbor.*`` with the offset in ``data``.
    """
    _check_size(data, max_bytes)
    cwt_tag = data[:2] == _TAG_CWT
    at = 2 if cwt_tag else 0
    if data[at : at + 1] != _TAG_SIGN1:
        raise DecodeError("cose.wrong_tag", offset=at, expected="tag 18, or 61 around 18", found=_first_byte(data, at))
    at = _four_elements(data, at + 1)
    protected, at = _byte_string(data, at, "protected")
    unprotected, at = _map_bytes(data, at)
    payload, at = _byte_string(data, at, "payload")
    signature, at = _byte_string(data, at, "signature")
    _nothing_behind(data, at)
    return Sign1(protected, unprotected, payload, signature, cwt_tag)


def parse_sign(data: bytes, *, max_bytes: int = limits.TRUST_LIST_BYTES) -> Sign:
    """Parse a tagged COSE_Sign (RFC 9052 section 4.1); at most 32 signatures.

    Raises:
        DecodeError: ``cose.*`` or ``cbor.*`` with the offset in ``data``.
    """
    _check_size(data, max_bytes)
    if data[:2] != _TAG_SIGN:
        raise DecodeError("cose.wrong_tag", offset=0, expected="tag 98", found=_first_byte(data, 0))
    at = _four_elements(data, 2)
    protected, at = _byte_string(data, at, "protected")
    unprotected, at = _map_bytes(data, at)
    payload, at = _byte_string(data, at, "payload")
    start = at
    major, count, at = cbor.head(data, start)
    if major != 4:
        found = _first_byte(data, start)
        raise DecodeError("cose.frame", offset=start, path="signatures", expected="an array", found=found)
    if not 1 <= count <= limits.TRUST_LIST_SIGNATURES:
        expected = f"1 to {limits.TRUST_LIST_SIGNATURES} signatures"
        raise DecodeError("cose.signatures", offset=start, expected=expected, found=f"{count}")
    entries = []
    for _ in range(count):
        start = at
        major, parts, at = cbor.head(data, start)
        if (major, parts) != (4, 3):
            found = _first_byte(data, start)
            raise DecodeError("cose.frame", offset=start, path="signatures", expected="an array of three", found=found)
        entry_protected, at = _byte_string(data, at, "protected")
        entry_unprotected, at = _map_bytes(data, at)
        signature, at = _byte_string(data, at, "signature")
        entries.append(SignatureEntry(entry_protected, entry_unprotected, signature))
    _nothing_behind(data, at)
    return Sign(protected, unprotected, payload, tuple(entries))


def headers_of(encoded: bytes) -> Headers:
    """Decode one header map from its bytes; empty bytes are an empty map (RFC 9052 section 3).

    Raises:
        DecodeError: ``cbor.*``, or ``header.not_a_map``.
    """
    if not encoded:
        return {}
    # By the strict reader alone: nobody has vouched for these bytes yet, and the answer is remembered anyway.
    if len(encoded) > limits.HEADER_BYTES:
        raise DecodeError(
            "cbor.too_large", expected=f"at most {limits.HEADER_BYTES} bytes", found=f"{len(encoded)} bytes"
        )
    decoded, end = cbor.read_item(encoded, 0, max_items=limits.HEADER_ITEMS)
    if end != len(encoded):
        raise DecodeError("cbor.trailing_bytes", offset=end, found=f"{len(encoded) - end} bytes behind the map")
    if not isinstance(decoded, dict):
        raise DecodeError("header.not_a_map", expected="a map", found=type(decoded).__name__)
    return decoded


def algorithm_of(protected: Headers, unprotected: Headers) -> Algorithm:
    """The algorithm that two header maps state, by the general rules of RFC 9052 section 3.

    Raises:
        DecodeError: ``header.crit``, ``header.in_both``, ``header.alg_unprotected``, ``header.alg_missing``,
            ``header.alg_unknown``.
    """
    if CRIT in protected or CRIT in unprotected:
        raise DecodeError("header.crit", expected="no crit: no extension is understood")
    if not protected.keys().isdisjoint(unprotected):
        raise DecodeError("header.in_both", expected="every header in one of the two maps")
    if ALG not in protected:
        raise DecodeError("header.alg_unprotected" if ALG in unprotected else "header.alg_missing")
    number = protected[ALG]
    algorithm = by_id(number) if type(number) is int else None
    if algorithm is None:
        raise DecodeError("header.alg_unknown", found=f"alg {number}" if type(number) is int else "no integer")
    return algorithm


def token_headers(
    message: Sign1 | SignatureEntry, typ: str | None = None, *, kid_length: int = KID_LENGTH
) -> TokenHeaders:
    """Read an icard token's headers by promise 4.

    Args:
        typ: exactly what header 16 must be; None where it must be absent (a card, a trust list's single signature).
        kid_length: 8, or 32 where a signature names its root by the full thumbprint.

    Raises:
        DecodeError: ``header.*`` or ``cbor.*``.
    """
    if message.unprotected != _EMPTY_MAP:
        # The general rules first: they name the more telling faults (alg outside protected, a header in both maps).
        algorithm_of(headers_of(message.protected), headers_of(message.unprotected))
        raise DecodeError("header.unprotected", expected="an empty map")
    return _token_headers(message.protected, typ, kid_length)


# Headers repeat from code to code: an issuer's codes share alg and kid. The key of the cache is the bytes themselves,
# at most 512 of them, so that strangers can fill it with half a megabyte and no more.
@functools.lru_cache(maxsize=1024)
def _token_headers(protected: bytes, typ: str | None, kid_length: int) -> TokenHeaders:
    headers = headers_of(protected)
    algorithm = algorithm_of(headers, {})
    kid = headers.get(KID)
    if type(kid) is not bytes or len(kid) != kid_length:
        found = f"{len(kid)} bytes" if isinstance(kid, bytes) else "none"
        raise DecodeError("header.kid", expected=f"a kid of {kid_length} bytes", found=found)
    found_typ = headers.get(TYP)
    if TYP in headers and type(found_typ) is not str:
        raise DecodeError("header.typ", expected=typ or "no typ", found="a typ that is no text")
    if found_typ != typ:
        # Escaped: nobody has vouched for this text, and errors end up on terminals and in logs.
        shown = diagnostic(str(found_typ)[:60]) if TYP in headers else "no typ"
        raise DecodeError("header.typ", expected=typ or "no typ", found=shown)
    return TokenHeaders(algorithm, kid, typ)


def signed_bytes(message: Sign1, external_aad: bytes = b"") -> bytes:
    """The Sig_structure of a COSE_Sign1, which is what its signature covers (RFC 9052 section 4.4)."""
    payload = message.payload
    if external_aad or len(message.protected) > limits.HEADER_BYTES:
        start = _signature1_start(message.protected, external_aad)
    else:
        start = _usual_start(message.protected)
    return start + _bstr_head(len(payload)) + payload


def _signature1_start(protected: bytes, external_aad: bytes) -> bytes:
    return b"\x84\x6aSignature1" + _bstr(protected) + _bstr(external_aad)


# Remembered as _token_headers is, and for the same reason no longer than a header may be.
@functools.lru_cache(maxsize=1024)
def _usual_start(protected: bytes) -> bytes:
    return _signature1_start(protected, b"")


def signed_bytes_of_entry(message: Sign, entry: SignatureEntry, external_aad: bytes = b"") -> bytes:
    """The Sig_structure of one signature of a COSE_Sign (RFC 9052 section 4.4)."""
    parts = (message.protected, entry.protected, external_aad, message.payload)
    return b"\x85\x69Signature" + b"".join(_bstr(part) for part in parts)


def sign1(protected: Headers, payload: bytes, key: SigningKey, *, unprotected: Headers | None = None) -> bytes:
    """Write a COSE_Sign1 with tag 18 and the headers given; the caller vouches for them. See :func:`sign_token`."""
    encoded = cbor.encode(protected)
    signature = key.sign(signed_bytes(Sign1(encoded, _EMPTY_MAP, payload, b"", False)))
    return b"\xd2\x84" + _bstr(encoded) + cbor.encode(unprotected or {}) + _bstr(payload) + _bstr(signature)


def sign_token(payload: bytes, key: SigningKey, typ: str | None = None) -> bytes:
    """Sign ``payload`` as an icard token of type ``typ`` (promise 4); no typ makes a card."""
    return sign1(_token_header_map(key, Kid(key.verifying_key.kid), typ), payload, key)


def sign_entry(message: Sign, key: SigningKey) -> Sign:
    """Add a root's signature to a COSE_Sign; the root is named by its full thumbprint."""
    protected = cbor.encode(_token_header_map(key, key.verifying_key.thumbprint, None))
    unsigned = SignatureEntry(protected, _EMPTY_MAP, b"")
    entry = unsigned._replace(signature=key.sign(signed_bytes_of_entry(message, unsigned)))
    return message._replace(signatures=(*message.signatures, entry))


def encode_sign(message: Sign) -> bytes:
    """Write a COSE_Sign with tag 98; one that was parsed gives the bytes that were read."""
    return (
        b"\xd8\x62\x84"
        + _bstr(message.protected)
        + message.unprotected
        + _bstr(message.payload)
        + _array_head(len(message.signatures))
        + b"".join(
            b"\x83" + _bstr(entry.protected) + entry.unprotected + _bstr(entry.signature)
            for entry in message.signatures
        )
    )


def _token_header_map(key: SigningKey, kid: Kid | Thumbprint, typ: str | None) -> Headers:
    headers: Headers = {ALG: key.algorithm.ids[0], KID: bytes(kid)}
    if typ is not None:
        headers[TYP] = typ
    return headers


def _check_size(data: bytes, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise DecodeError("cose.too_large", expected=f"at most {max_bytes} bytes", found=f"{len(data)} bytes")


def _first_byte(data: bytes, at: int) -> str:
    return f"0x{data[at]:02x}" if at < len(data) else "the end"


def _four_elements(data: bytes, at: int) -> int:
    if data[at : at + 1] != b"\x84":
        raise DecodeError("cose.frame", offset=at, expected="an array of four", found=_first_byte(data, at))
    return at + 1


def _byte_string(data: bytes, at: int, name: str) -> tuple[bytes, int]:
    # The usual head, one byte of length, without the call that reads every kind of head: a third of a card's parsing.
    if data[at : at + 1] == b"\x58" and data[at + 1 : at + 2] >= b"\x18":
        start = at + 2
        end = start + data[at + 1]
        if end <= len(data):
            return data[start:end], end
    major, length, start = cbor.head(data, at)
    if major != 2:
        code = "cose.detached" if name == "payload" and data[at] == 0xF6 else "cose.frame"
        raise DecodeError(code, offset=at, path=name, expected="a byte string", found=_first_byte(data, at))
    end = start + length
    if end > len(data):
        found = f"{len(data) - start} bytes"
        raise DecodeError("cose.truncated", offset=at, path=name, expected=f"{length} bytes", found=found)
    return data[start:end], end


def _map_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    if data[at : at + 1] == _EMPTY_MAP:
        return _EMPTY_MAP, at + 1
    # Any map but the empty one is read strictly, only to find its end; its size is capped as a header's.
    value, end = cbor.read_item(data, at, max_items=limits.HEADER_ITEMS)
    if not isinstance(value, dict):
        raise DecodeError("cose.frame", offset=at, path="unprotected", expected="a map", found=_first_byte(data, at))
    if end - at > limits.HEADER_BYTES:
        expected, found = f"at most {limits.HEADER_BYTES} bytes", f"{end - at} bytes"
        raise DecodeError("cbor.too_large", offset=at, path="unprotected", expected=expected, found=found)
    return data[at:end], end


def _nothing_behind(data: bytes, at: int) -> None:
    if at != len(data):
        raise DecodeError("cose.trailing_bytes", offset=at, found=f"{len(data) - at} bytes behind the message")


def _bstr(content: bytes) -> bytes:
    return _bstr_head(len(content)) + content


def _bstr_head(length: int) -> bytes:
    if length < 24:
        return bytes((0x40 | length,))
    if length < 1 << 8:
        return bytes((0x58, length))
    if length < 1 << 16:
        return b"\x59" + length.to_bytes(2, "big")
    return b"\x5a" + length.to_bytes(4, "big")


def _array_head(count: int) -> bytes:
    # Major type 4 in place of 2; a count is written as a length is.
    head = _bstr_head(count)
    return bytes((head[0] ^ 0xC0,)) + head[1:]
