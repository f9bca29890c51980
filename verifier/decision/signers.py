"""Which trusted key signed a message, and in which domains: check 8 and 11 of :mod:`verifier.decision.verifier`."""

from __future__ import annotations

from collections.abc import Iterable

from icard_crypto.signing import cose
from verifier.knowledge.trust import TrustDomain, TrustedKey

__all__ = ["find_signers"]


def find_signers(
    domains: Iterable[TrustDomain], message: cose.Sign1, headers: cose.TokenHeaders
) -> list[tuple[TrustDomain, TrustedKey, bool]]:
    """The key that signed in each domain that may judge, and True; else the first with that kid, and False.

    A kid is a hint and several keys may share it: each is tried. A domain may list a key of another one.
    """
    signed, name = cose.signed_bytes(message), headers.algorithm.name
    judges = []
    named = None
    for domain in domains:
        signer = None
        for key in domain.kids.get(headers.kid, ()):
            if key.key.algorithm.name == name and key.key.verify(message.signature, signed):
                signer = key
                if key.usage == "card":
                    break
            elif named is None:
                named = (domain, key, False)
        if signer is not None:
            judges.append((domain, signer, True))
    if len(judges) > 1:
        judges = [judge for judge in judges if judge[0].environment == "production"] or judges
        judges = [judge for judge in judges if judge[1].usage == "card"] or judges[:1]
    return judges or ([] if named is None else [named])
