"""The file of trusted keys: what it gives, and how each fault in it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from icard_crypto.encoding import cbor
from icard_crypto.errors import StateError
from tests.kit.reference import ISSUED_AT
from tests.kit.trust_domain import CARD_KEY, NOW, OTHER_KEY, PREFIX, code
from verifier import Policy, TrustDomain, Verifier

PEM = CARD_KEY.verifying_key.to_pem().decode()
COSE_KEY = cbor.encode(dict(OTHER_KEY.verifying_key.to_cose_key().items())).hex()


def entry(**changes: Any) -> dict[str, Any]:
    """A good entry with some fields changed; a field changed to ``...`` is left out."""
    fields = {
        "iss": "cn.310000",
        "names": {"en": "Shanghai", "zh": "上海"},
        "regions": ["310000"],
        "status_prefixes": [PREFIX],
        "key": {"pem": PEM},
        "usage": "card",
        "from": "2026-01-01T00:00:00Z",
        "until": "2027-01-01T00:00:00Z",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def load(*entries: object, **changes: object) -> TrustDomain:
    """The domain of a file with these entries."""
    return TrustDomain.from_trusted_file(json.dumps({"environment": "test", "keys": list(entries), **changes}).encode())


def refusal(*entries: object, **changes: object) -> StateError:
    """The error of a file with these entries."""
    with pytest.raises(StateError) as caught:
        load(*entries, **changes)
    return caught.value


def test_good_file() -> None:
    """Both forms of a key are read, with their issuer, usage and window."""
    domain = load(entry(), entry(key={"cose_key": COSE_KEY}, usage="status", until=...))
    first, second = domain.keys
    assert (first.key, second.key) == (CARD_KEY.verifying_key, OTHER_KEY.verifying_key)
    assert (first.usage, first.valid_from, first.valid_until) == ("card", 1767225600, 1798761600)
    assert (second.usage, second.valid_until) == ("status", None)
    assert first.issuer is second.issuer
    assert domain.environment == "test"
    assert domain.keys_given_directly


def test_verifies_a_code() -> None:
    """A verifier made from a file verifies a code of its issuer."""
    verdict = Verifier(load(entry()), Policy.named("unsafe_no_status")).verify(code(), now=NOW)
    assert (verdict.outcome, verdict.environment) == ("VALID", "test")
    assert verdict.evidence.issuer_names == {"en": "Shanghai", "zh": "上海"}
    assert ISSUED_AT < NOW


@pytest.mark.parametrize(
    ("changes", "code", "path", "expected"),
    [
        ({"iss": "CN"}, "trusted.value", "keys[0].iss", "such as cn.310000"),
        ({"iss": "cn..310000"}, "trusted.value", "keys[0].iss", "such as cn.310000"),
        ({"regions": ["031000"]}, "trusted.value", "keys[0].regions", "a list of codes of six digits"),
        ({"names": {}}, "trusted.value", "keys[0].names", "names by language"),
        ({"regions": ["3100"]}, "trusted.value", "keys[0].regions", "a list of codes of six digits"),
        ({"usage": "timestamp"}, "trusted.value", "keys[0].usage", "card or status"),
        ({"from": "2026-01-01"}, "trusted.value", "keys[0].from", "2026-01-01T00:00:00Z"),
        ({"from": "2026-02-30T00:00:00Z"}, "trusted.value", "keys[0].from", "a day that exists"),
        ({"until": "2026-01-01T00:00:00Z"}, "trusted.value", "keys[0].until", "later than from"),
        ({"key": PEM}, "trusted.value", "keys[0].key", "an object with pem or cose_key"),
        ({"key": {"pem": 1}}, "trusted.value", "keys[0].key.pem", "text in PEM"),
        ({"key": {"pem": "x"}}, "trusted.key", "keys[0].key", "a public key in PEM"),
        ({"key": {"cose_key": "zz"}}, "trusted.key", "keys[0].key", "hexadecimal digits"),
        ({"key": {"cose_key": "a0"}}, "trusted.key", "keys[0].key", "Ed25519, P-256, P-384 or ML-DSA-44"),
        ({"iss": ...}, "trusted.missing", "keys[0].iss", None),
    ],
)
def test_bad_entry(changes: dict[str, Any], code: str, path: str, expected: str | None) -> None:
    """Each fault of an entry is told with its path and what would have been right."""
    error = refusal(entry(**changes))
    assert (error.code, error.path, error.expected) == (code, path, expected)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("http://status.example/s/", "https:// in lower case"),
        ("https://status.example/s", "a slash at the end"),
        ("https://Status.example/s/", "a host name in lower case"),
        ("https://status.example:443/s/", "1 to 65535, and 443 left out"),
        ("https://status.example/../s/", "no segment . or .."),
    ],
)
def test_bad_prefix(prefix: str, expected: str) -> None:
    """A status prefix that could be read in two ways is refused, by the rules of ``icard_crypto.lists.uris``."""
    error = refusal(entry(status_prefixes=[PREFIX, prefix]))
    assert (error.code, error.path) == ("trusted.value", "keys[0].status_prefixes[1]")
    assert error.expected == expected
    assert error.found == f'"{prefix}"'


@pytest.mark.parametrize("prefix", ["https://s.example/", "https://s.example:8443/a/b.c/", "https://10.0.0.1/x/"])
def test_good_prefix(prefix: str) -> None:
    """A host with or without a port and a path is a prefix."""
    assert load(entry(status_prefixes=[prefix])).keys[0].issuer is not None


def test_overlapping_prefixes() -> None:
    """No prefix begins with another issuer's: the owner of a uri is one."""
    other = entry(iss="cn.440000", key={"cose_key": COSE_KEY}, regions=["440000"], status_prefixes=[PREFIX + "gd/"])
    error = refusal(entry(), other)
    assert (error.code, error.path) == ("trusted.prefix_overlap", "keys")
    assert error.found == f"{PREFIX} and {PREFIX}gd/"
    assert error.message() == "A status prefix lies within another issuer's."


def test_unknown_fields() -> None:
    """Misspelt fields are refused, not ignored."""
    error = refusal(entry(revoked=True))
    assert (error.code, error.path) == ("trusted.field", "keys[0].revoked")
    error = refusal(entry(), version=1)
    assert (error.code, error.path, error.expected) == ("trusted.field", "version", "one of environment, keys")


def test_duplicate_key() -> None:
    """A key stands once: it has one usage."""
    error = refusal(entry(), entry(usage="status"))
    kid = CARD_KEY.verifying_key.kid.hex()
    assert (error.code, error.path, error.found) == ("trusted.duplicate_key", "keys[1].key", f"kid {kid} once more")


def test_issuer_described_twice() -> None:
    """One issuer is described in one way."""
    error = refusal(entry(), entry(key={"cose_key": COSE_KEY}, regions=["440000"]))
    assert (error.code, error.path) == ("trusted.issuer_differs", "keys[1]")
    assert error.expected == "cn.310000 as in its first entry"


def test_environment() -> None:
    """The environment is one of two, and must be said."""
    assert refusal(entry(), environment="prod").expected == "test or production"


def test_empty_and_broken_files() -> None:
    """A file without keys, one that is not JSON and one that is too large are told apart."""
    assert refusal().code == "trusted.empty"
    for data, told in (
        (b"{", "trusted.json"),
        (b"[1]", "trusted.value"),
        (b'{"environment": "test", "keys": [], "environment": "production"}', "trusted.json"),
        (b" " * (8 << 20) + b" ", "trusted.too_large"),
    ):
        with pytest.raises(StateError) as caught:
            TrustDomain.from_trusted_file(data)
        assert caught.value.code == told
        assert caught.value.message().startswith(("The file of trusted keys", "A field of the file"))
