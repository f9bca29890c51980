"""The closed table of algorithms: its numbers are IANA's and nothing else is in it."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from icard_crypto.signing.algorithms import ALGORITHMS, ED25519, ES256, ES384, ML_DSA_44, Algorithm, by_id, by_name


@pytest.mark.parametrize(
    ("name", "ids", "key_type", "curve", "lengths"),
    [
        ("ES256", (-7, -9), 2, 1, (65, 32, 64)),
        ("ES384", (-35, -51), 2, 2, (97, 48, 96)),
        ("Ed25519", (-8, -19), 1, 6, (32, 32, 64)),
        ("ML-DSA-44", (-48,), 7, None, (1312, 32, 2420)),
    ],
)
def test_rows_are_as_registered(
    name: str, ids: tuple[int, ...], key_type: int, curve: int | None, lengths: tuple[int, int, int]
) -> None:
    """Ids, key type and curve of IANA's COSE registries, lengths of FIPS 186-5, RFC 8032 and FIPS 204."""
    row = by_name(name)
    assert row is not None
    assert (row.ids, row.key_type, row.curve) == (ids, key_type, curve)
    assert (row.public_length, row.private_length, row.signature_length) == lengths
    assert all(by_id(number) is row for number in ids)


def test_table_is_closed() -> None:
    """Four rows; of all small ids only theirs are known: no HMAC, no ES512, no RSA, no Ed448, no ML-DSA-65."""
    assert ALGORITHMS == (ES256, ES384, ED25519, ML_DSA_44)
    known = {number for number in range(-70000, 70000) if by_id(number) is not None}
    assert known == {-7, -9, -35, -51, -8, -19, -48}
    assert len(known) == sum(len(row.ids) for row in ALGORITHMS)


@pytest.mark.parametrize("name", ["", "none", "es256", "EdDSA", "ES512", "HS256", "ML-DSA-65", "ES256K"])
def test_other_names_are_unknown(name: str) -> None:
    """Names are exact."""
    assert by_name(name) is None


def test_rows_cannot_be_changed() -> None:
    """A row is frozen."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        ES256.name = "none"  # type: ignore[misc]


@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.name)
def test_rows_stay_themselves(row: Algorithm) -> None:
    """A pickled or copied row is the same object, for rows are compared by identity."""
    assert pickle.loads(pickle.dumps(row)) is row  # noqa: S301 - our own
    assert copy.deepcopy(row) is row
