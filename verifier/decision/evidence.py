"""What a verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.knowledge.trust import TrustDomain, TrustedKey

from .states import Knowledge

__all__ = ["Evidence", "evidence_of"]


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


def evidence_of(
    domain: TrustDomain | None,
    key: TrustedKey | None,
    status: Knowledge | None,
    uri: str | None,
    kid: bytes | None,
    clock: int,
    at: int,
    fault: str | None,
) -> Evidence:
    """What a verdict rests on.

    Args:
        uri: of the status list that the card names.
        at: the time judged at, from which ages are counted: the clock, or the clock floor where that is later.
        fault: of what the verdict lacked, where its domain has none of its own.
    """
    trust_list = domain.trust_list if domain else None
    timestamp = domain.timestamp if domain else None
    issuer = key.issuer if key else None
    read = domain.usable_status_lists.get((issuer.iss, uri)) if domain and issuer and status and uri else None
    return Evidence(
        domain=domain.name if domain else None,
        issuer=issuer.iss if issuer else None,
        issuer_names=issuer.names if issuer else None,
        kid=kid.hex() if kid else None,
        thumbprint=key.key.thumbprint.hex() if key else None,
        algorithm=key.key.algorithm.name if key else None,
        keys_given_directly=domain.keys_given_directly if domain else False,
        trust_list_version=trust_list.version if trust_list else None,
        trust_list_age=max(at - trust_list.iat, 0) if trust_list else None,
        trust_list_expires=trust_list.exp if trust_list else None,
        trust_list_threshold=trust_list.threshold if trust_list else None,
        timestamp_issued_at=timestamp.iat if timestamp else None,
        timestamp_age=max(at - timestamp.iat, 0) if timestamp else None,
        timestamp_expires=timestamp.exp if timestamp else None,
        status_uri=uri,
        status_value=status.value if status else None,
        status_issued_at=status.iat if status else None,
        status_age=max(at - status.iat, 0) if status else None,
        status_expires=read.exp if read else None,
        clock=clock,
        clock_floor=domain.clock_floor if domain else None,
        state_fault=(domain.fault if domain else None) or fault,
    )
