"""What a verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Evidence"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on. Times are Unix times, ages are seconds; None: it played no part or was not there.

    Args:
        domain: the trust domain's name.
        issuer: the iss of the issuer whose key was named; ``issuer_names`` by language.
        kid, thumbprint: of the key, hexadecimal; ``kid`` as the code states it.
        trust_list_threshold: how many roots had to sign the trust list.
        trust_list_expires, timestamp_expires, status_expires: the token's own end.
        status_uri: the status list the card names.
        clock: the time the verdict was asked for; ``clock_floor``: what it cannot be before.
        state_fault: the code of what is wrong with the state, such as ``store.unreadable``.
    """

    domain: str | None
    issuer: str | None
    issuer_names: Mapping[str, str] | None = field(hash=False)
    kid: str | None
    thumbprint: str | None
    algorithm: str | None
    keys_given_directly: bool
    trust_list_version: int | None
    trust_list_age: int | None
    trust_list_expires: int | None
    trust_list_threshold: int | None
    timestamp_issued_at: int | None
    timestamp_age: int | None
    timestamp_expires: int | None
    status_uri: str | None
    status_value: int | None
    status_issued_at: int | None
    status_age: int | None
    status_expires: int | None
    clock: int
    clock_floor: int | None
    state_fault: str | None = None
