"""Bundles: one file that carries a domain's trust lists, status tokens and timestamp to a verifier without a network.

Promises:

1. The form is the CBOR array ``["icard-bundle", 1, [trust lists], [status tokens], timestamp]``, shortest heads,
   definite lengths, nothing behind it; the tokens are byte strings. At most 256 MiB.
2. The container is unsigned and promises nothing: each token in it is verified by its own rules. Nothing in a token is
   looked at here.
3. Each token is at most as large as its kind may be, and there are at most 65,536 of a kind; both are checked before
   memory is spent.
4. A format above :data:`FORMAT` is refused with an error of its own.
5. What decodes encodes again to the same bytes.

The array is read by its heads alone: 256 MiB pass in the time of copying them, and no tree of values is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from icard_crypto import limits
from icard_crypto.encoding import cbor
from icard_crypto.errors import DecodeError, EncodeError

__all__ = ["FORMAT", "Bundle", "decode_bundle", "encode_bundle"]

NAME: Final = "icard-bundle"
FORMAT: Final = 1
MOST_TOKENS: Final = 65_536

_START: Final = b"\x85" + cbor.encode(NAME)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle carries: signed tokens as bytes, nothing verified. Trust lists are in order, oldest first."""

    trust_lists: tuple[bytes, ...]
    status_tokens: tuple[bytes, ...]
    timestamp: bytes


def decode_bundle(data: bytes) -> Bundle:
    """Parse a bundle.

    Raises:
        DecodeError: ``bundle.*``, or ``cbor.*`` for a malformed head, with the offset.
    """
    if len(data) > limits.BUNDLE_BYTES:
        expected = f"at most {limits.BUNDLE_BYTES} bytes"
        raise DecodeError("bundle.too_large", expected=expected, found=f"{len(data)} bytes")
    if data[: len(_START)] != _START:
        raise DecodeError("bundle.not_a_bundle", offset=0, expected=f'an array of five that begins with "{NAME}"')
    start = len(_START)
    major, version, at = cbor.head(data, start)
    if major != 0 or version == 0:
        raise _wrong(data, start, "format", "a whole number from 1")
    # 4
    if version > FORMAT:
        raise DecodeError("bundle.format_newer", offset=start, expected=f"at most {FORMAT}", found=str(version))
    trust_lists, at = _tokens(data, at, "trust_lists", limits.TRUST_LIST_BYTES)
    status_tokens, at = _tokens(data, at, "status_tokens", limits.STATUS_TOKEN_BYTES)
    timestamp, at = _token(data, at, "timestamp", limits.TIMESTAMP_BYTES)
    if at != len(data):
        raise DecodeError("bundle.trailing_bytes", offset=at, found=f"{len(data) - at} bytes behind the bundle")
    return Bundle(trust_lists, status_tokens, timestamp)


def _tokens(data: bytes, start: int, path: str, most_bytes: int) -> tuple[tuple[bytes, ...], int]:
    major, count, at = cbor.head(data, start)
    if major != 4:
        raise _wrong(data, start, path, "an array")
    if count > MOST_TOKENS:
        raise DecodeError(
            "bundle.too_many", offset=start, path=path, expected=f"at most {MOST_TOKENS}", found=str(count)
        )
    tokens = []
    for place in range(count):
        token, at = _token(data, at, f"{path}[{place}]", most_bytes)
        tokens.append(token)
    return tuple(tokens), at


def _token(data: bytes, start: int, path: str, most_bytes: int) -> tuple[bytes, int]:
    major, length, at = cbor.head(data, start)
    if major != 2:
        raise _wrong(data, start, path, "a byte string")
    if length > most_bytes:
        expected, found = f"at most {most_bytes} bytes", f"{length} bytes"
        raise DecodeError("bundle.token_too_large", offset=start, path=path, expected=expected, found=found)
    if length > len(data) - at:
        expected, found = f"{length} bytes", f"{len(data) - at} bytes"
        raise DecodeError("bundle.truncated", offset=start, path=path, expected=expected, found=found)
    return data[at : at + length], at + length


def _wrong(data: bytes, at: int, path: str, expected: str) -> DecodeError:
    return DecodeError("bundle.frame", offset=at, path=path, expected=expected, found=f"0x{data[at]:02x}")


def encode_bundle(bundle: Bundle) -> bytes:
    """Write a bundle.

    Raises:
        EncodeError: ``bundle.too_large``, ``bundle.too_many``, ``bundle.token_too_large``.
    """
    parts = [_START, cbor.encode(FORMAT)]
    _write(parts, bundle.trust_lists, "trust_lists", limits.TRUST_LIST_BYTES)
    _write(parts, bundle.status_tokens, "status_tokens", limits.STATUS_TOKEN_BYTES)
    _write_token(parts, bundle.timestamp, "timestamp", limits.TIMESTAMP_BYTES)
    size = sum(map(len, parts))
    if size > limits.BUNDLE_BYTES:
        raise EncodeError("bundle.too_large", expected=f"at most {limits.BUNDLE_BYTES} bytes", found=f"{size} bytes")
    return b"".join(parts)


def _write(parts: list[bytes], tokens: Sequence[bytes], path: str, most_bytes: int) -> None:
    if len(tokens) > MOST_TOKENS:
        raise EncodeError("bundle.too_many", path=path, expected=f"at most {MOST_TOKENS}", found=str(len(tokens)))
    parts.append(_head(4, len(tokens)))
    for place, token in enumerate(tokens):
        _write_token(parts, token, f"{path}[{place}]", most_bytes)


def _write_token(parts: list[bytes], token: bytes, path: str, most_bytes: int) -> None:
    if len(token) > most_bytes:
        expected, found = f"at most {most_bytes} bytes", f"{len(token)} bytes"
        raise EncodeError("bundle.token_too_large", path=path, expected=expected, found=found)
    parts += [_head(2, len(token)), token]


def _head(major: int, argument: int) -> bytes:
    """A head in shortest form: that of the same integer (RFC 8949 section 3), with another major type."""
    head = cbor.encode(argument)
    return bytes((head[0] | major << 5,)) + head[1:]
