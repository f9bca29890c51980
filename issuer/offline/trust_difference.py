"""What changes from one trust list to the next, as a person reads it before signing.

Promises:

1. Every difference of meaning gives a line: :func:`differences` of two lists is empty only if they say the same,
   version and times apart.
2. A line says whether trust comes, goes, is widened, narrowed, or something else changes; what widens trust is reported
   from what narrows it by the data, never by who wrote it.
3. Keys are named by their full thumbprints: that is what people compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, Revocation, TrustList
from icard_crypto.moments import moment_text
from icard_crypto.signing.keys import VerifyingKey

__all__ = ["Change", "Effect", "describe", "differences"]

Effect = Literal["comes", "goes", "widened", "narrowed", "changed"]
Subject = Literal[
    "environment", "threshold", "root", "timestamp_key", "issuer", "name", "region", "status_prefix", "capacity", "key"
]

_NOTHING: Final = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Args:
        effect: what becomes of trust.
        subject: what kind of thing changes.
        issuer: whose it is; empty for the domain's own.
        name: which one: a thumbprint, a region, a prefix, a field.
        before, after: the values, where there are two.
    """

    effect: Effect
    subject: Subject
    issuer: str
    name: str
    before: str = _NOTHING
    after: str = _NOTHING


def differences(before: TrustList | None, after: TrustList) -> list[Change]:
    """All differences, the domain's own first; ``before`` None stands for nothing at all."""
    return [*_domain(before, after), *_issuers(before.issuers if before else (), after.issuers)]


def _domain(before: TrustList | None, after: TrustList) -> Iterator[Change]:
    if before is not None and before.environment != after.environment:
        yield Change("changed", "environment", "", "", before.environment, after.environment)
    if before is not None and before.threshold != after.threshold:
        effect: Effect = "widened" if after.threshold < before.threshold else "narrowed"
        yield Change(effect, "threshold", "", "", str(before.threshold), str(after.threshold))
    yield from _keys("root", before.roots if before else (), after.roots)
    yield from _keys("timestamp_key", before.timestamp_keys if before else (), after.timestamp_keys)


def _keys(
    subject: Literal["root", "timestamp_key"], before: Sequence[VerifyingKey], after: Sequence[VerifyingKey]
) -> Iterator[Change]:
    for key in after:
        if key not in before:
            yield Change("comes", subject, "", key.thumbprint.hex(), after=key.algorithm.name)
    for key in before:
        if key not in after:
            yield Change("goes", subject, "", key.thumbprint.hex(), before=key.algorithm.name)


def _issuers(before: Sequence[IssuerEntry], after: Sequence[IssuerEntry]) -> Iterator[Change]:
    old, new = ({issuer.iss: issuer for issuer in side} for side in (before, after))
    for iss, issuer in new.items():
        if iss not in old:
            yield Change("comes", "issuer", iss, iss, after=f"{issuer.name_en} / {issuer.name_zh}")
            yield from _scope(None, issuer)
        else:
            yield from _scope(old[iss], issuer)
    for iss, issuer in old.items():
        if iss not in new:
            yield Change("goes", "issuer", iss, iss, before=f"{issuer.name_en} / {issuer.name_zh}")


def _scope(before: IssuerEntry | None, after: IssuerEntry) -> Iterator[Change]:
    iss = after.iss
    if before is not None:
        for name in ("name_en", "name_zh"):
            was, becomes = getattr(before, name), getattr(after, name)
            if was != becomes:
                yield Change("changed", "name", iss, name.removeprefix("name_"), was, becomes)
    yield from _set("region", iss, before.regions if before else (), after.regions)
    yield from _set("status_prefix", iss, before.status_prefixes if before else (), after.status_prefixes)
    if before is None or before.capacity != after.capacity:
        was_capacity = before.capacity if before is not None else 0
        effect: Effect = "widened" if after.capacity > was_capacity else "narrowed"
        yield Change(effect, "capacity", iss, "", str(was_capacity) if before else "", str(after.capacity))
    old, new = (_by_thumbprint(side.keys if side else ()) for side in (before, after))
    for thumbprint, entry in new.items():
        if thumbprint not in old:
            yield Change("comes", "key", iss, thumbprint, after=describe(entry))
        elif old[thumbprint] != entry:
            yield Change(
                _effect(old[thumbprint], entry), "key", iss, thumbprint, describe(old[thumbprint]), describe(entry)
            )
    for thumbprint, entry in old.items():
        if thumbprint not in new:
            yield Change("goes", "key", iss, thumbprint, before=describe(entry))


def _set(
    subject: Literal["region", "status_prefix"],
    iss: str,
    before: Sequence[str] | frozenset[str],
    after: Sequence[str] | frozenset[str],
) -> Iterator[Change]:
    for name in sorted(set(after) - set(before)):
        yield Change("widened", subject, iss, name)
    for name in sorted(set(before) - set(after)):
        yield Change("narrowed", subject, iss, name)


def _by_thumbprint(entries: Sequence[KeyEntry]) -> dict[str, KeyEntry]:
    return {entry.key.thumbprint.hex(): entry for entry in entries if entry.key is not None}


def _effect(before: KeyEntry, after: KeyEntry) -> Effect:
    if before.usage != after.usage:
        return "changed"
    if (
        _milder(before.revoked, after.revoked)
        or after.valid_from < before.valid_from
        or after.valid_until > before.valid_until
    ):
        return "widened"
    return "narrowed"


def _milder(before: Revocation | None, after: Revocation | None) -> bool:
    if before is None or after is None:
        return before is not None
    if before.kind == after.kind == "retired":
        return after.at > before.at
    return before.kind == "compromised" and after.kind == "retired"


def describe(entry: KeyEntry) -> str:
    """A key's usage, algorithm, window and revocation in a few words."""
    algorithm = entry.key.algorithm.name if entry.key is not None else "?"
    words = f"{entry.usage} {algorithm} {moment_text(entry.valid_from)} - {moment_text(entry.valid_until)}"
    if entry.revoked is not None:
        words += f", {entry.revoked.kind} {moment_text(entry.revoked.at)}"
    return words
