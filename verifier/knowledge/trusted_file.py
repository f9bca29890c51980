"""The file of trusted keys that a person hands over instead of a trust list.

Promises:

1. Read strictly: an unknown field, a weak key, a key named twice or an issuer described in two ways is refused.
2. Every refusal is a :class:`StateError` ``trusted.*`` with the path of the fault.

The form (JSON, UTF-8)::

    {"environment": "test",
     "keys": [{"iss": "cn.310000", "names": {"en": "Shanghai", "zh": "上海"},
               "regions": ["310000"], "status_prefixes": ["https://status.example/sh/"],
               "usage": "card", "from": "2026-01-01T00:00:00Z", "until": null,
               "key": {"pem": "-----BEGIN PUBLIC KEY-----..."}}]}

``key`` is ``{"pem": text}`` or ``{"cose_key": hexadecimal digits}``. ``until`` may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

from icard_crypto import limits
from icard_crypto.encoding import cbor, strict_json
from icard_crypto.errors import DecodeError, KeyFault, StateError
from icard_crypto.lists.list_maps import FIELDS, ListField, check_value
from icard_crypto.lists.uris import check_prefix, first_overlap
from icard_crypto.signing.keys import VerifyingKey

from .trusted_keys import Environment, Issuer, TrustedKey

__all__ = ["read_trusted_file"]

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_ISS = FIELDS["issuer"]["iss"]
_REGION = FIELDS["region"]["region"]


def read_trusted_file(data: bytes) -> tuple[Environment, tuple[TrustedKey, ...]]:
    """Environment and keys of a file.

    Raises:
        StateError: ``trusted.*``.
    """
    if len(data) > limits.TRUST_LIST_BYTES:
        raise StateError(
            "trusted.too_large", expected=f"at most {limits.TRUST_LIST_BYTES} bytes", found=f"{len(data)} bytes"
        )
    try:
        loaded = strict_json.loads(data)
    except strict_json.DuplicateMember as twice:
        raise StateError("trusted.json", path=repr(twice.name)[:60], expected="each member once") from None
    except ValueError:
        raise StateError("trusted.json", expected="a JSON object in UTF-8") from None
    top = _Entry(loaded, "", {"environment", "keys"}, set())
    environment = top.take("environment", lambda value: value in ("test", "production"), "test or production")
    entries = top.take("keys", lambda value: isinstance(value, list), "a list")
    if not entries:
        raise StateError("trusted.empty", path="keys", expected="at least one key", found="none")
    issuers: dict[str, Issuer] = {}
    seen: set[bytes] = set()
    keys = []
    for place, entry in enumerate(entries):
        key = _key(_Entry(entry, f"keys[{place}]", _REQUIRED, {"until"}), issuers)
        if key.key.thumbprint in seen:
            raise StateError(
                "trusted.duplicate_key", path=f"keys[{place}].key", found=f"kid {key.key.kid.hex()} once more"
            )
        seen.add(key.key.thumbprint)
        keys.append(key)
    _refuse_overlap(issuers.values())
    return cast(Environment, environment), tuple(keys)


_REQUIRED = {"iss", "names", "regions", "status_prefixes", "key", "usage", "from"}


class _Entry:
    """One JSON object with its path, whose fields are taken one by one."""

    def __init__(self, loaded: object, path: str, required: set[str], optional: set[str]) -> None:
        self.path = path
        if not isinstance(loaded, dict):
            raise StateError("trusted.value", path=path, expected="an object", found=type(loaded).__name__)
        for name in loaded:
            if name not in required | optional:
                known = ", ".join(sorted(required | optional))
                raise StateError("trusted.field", path=self.at(name[:64]), expected=f"one of {known}")
        for name in sorted(required - loaded.keys()):
            raise StateError("trusted.missing", path=self.at(name))
        self.loaded: dict[str, Any] = loaded

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str, good: Callable[[Any], bool], expected: str) -> Any:
        value = self.loaded.get(name)
        if not good(value):
            shown = repr(value)
            found = shown if len(shown) <= 60 else shown[:57] + "..."
            raise StateError("trusted.value", path=self.at(name), expected=expected, found=found)
        return value

    def take_moment(self, name: str) -> int:
        text = self.take(
            name, lambda value: isinstance(value, str) and _MOMENT.fullmatch(value) is not None, "2026-01-01T00:00:00Z"
        )
        try:
            return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
        except ValueError:
            raise StateError(
                "trusted.value", path=self.at(name), expected="a day that exists", found=repr(text)
            ) from None


def _all(good: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(good, value))


def _is(value: Any, field: ListField) -> bool:
    """Whether a value could be in a trust list."""
    try:
        check_value(value, field, "trust", field.name)
    except DecodeError:
        return False
    return True


def _key(entry: _Entry, issuers: dict[str, Issuer]) -> TrustedKey:
    iss = entry.take("iss", lambda value: _is(value, _ISS), "such as cn.310000")
    names = entry.take(
        "names",
        lambda value: (
            isinstance(value, dict) and bool(value) and all(isinstance(text, str) and text for text in value.values())
        ),
        "names by language",
    )
    regions = entry.take("regions", _all(lambda value: _is(value, _REGION)), "a list of codes of six digits")
    prefixes = _check_prefixes(entry)
    issuer = Issuer(iss, MappingProxyType(dict(names)), frozenset(regions), prefixes)
    if issuers.setdefault(iss, issuer) != issuer:
        raise StateError("trusted.issuer_differs", path=entry.path, expected=f"{iss} as in its first entry")
    usage = entry.take("usage", lambda value: value in ("card", "status"), "card or status")
    valid_from = entry.take_moment("from")
    valid_until = None if entry.loaded.get("until") is None else entry.take_moment("until")
    if valid_until is not None and valid_until <= valid_from:
        raise StateError("trusted.value", path=entry.at("until"), expected="later than from", found="not later")
    return TrustedKey(_public_key(entry), usage, issuers[iss], valid_from, valid_until)


def _check_prefixes(entry: _Entry) -> tuple[str, ...]:
    texts = _all(lambda value: isinstance(value, str))
    prefixes = entry.take("status_prefixes", texts, "a list of https prefixes with a final slash")
    for place, prefix in enumerate(prefixes):
        path = entry.at(f"status_prefixes[{place}]")
        try:
            check_prefix(prefix, path)
        except DecodeError as fault:
            raise StateError("trusted.value", path=path, expected=fault.expected, found=fault.found) from fault
    return tuple(prefixes)


def _refuse_overlap(issuers: Iterable[Issuer]) -> None:
    """A uri within two issuers' prefixes would have two owners."""
    owned = [(prefix, owner) for owner, issuer in enumerate(issuers) for prefix in issuer.status_prefixes]
    overlap = first_overlap(owned)
    if overlap is not None:
        raise StateError("trusted.prefix_overlap", path="keys", expected="prefixes apart", found=" and ".join(overlap))


def _public_key(entry: _Entry) -> VerifyingKey:
    given = entry.take(
        "key",
        lambda value: isinstance(value, dict) and len(value) == 1 and value.keys() <= {"pem", "cose_key"},
        "an object with pem or cose_key",
    )
    inner = _Entry(given, entry.at("key"), set(given), set())
    try:
        if "pem" in given:
            pem = inner.take("pem", lambda value: isinstance(value, str) and value.isascii(), "text in PEM")
            return VerifyingKey.from_pem(pem.encode("ascii"))
        digits = inner.take("cose_key", lambda value: isinstance(value, str), "hexadecimal digits")
        encoded = bytes.fromhex(digits)
        members = cbor.decode(encoded, max_bytes=limits.CARD_BYTES, max_items=limits.HEADER_ITEMS)
        return VerifyingKey.from_cose_key(members)
    except (KeyFault, DecodeError) as fault:
        raise StateError(
            "trusted.key", path=inner.path, expected=fault.expected, found=fault.found or fault.code
        ) from fault
    except ValueError:
        raise StateError("trusted.key", path=inner.path, expected="hexadecimal digits") from None
