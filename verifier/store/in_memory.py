"""A trust domain from an anchor and a bundle alone: for workers that have neither a state folder nor a network.

Promises:

1. The rules are those of a state folder: :func:`verifier.store.decide.decide`, then the reading back of every object.
2. The bundle is read whatever the time. How old it is at some moment is the business of each verdict, which names it.
3. A bad chain of trust lists gives no domain; a bad status list or timestamp costs itself only and is reported.
"""

from __future__ import annotations

from typing import Final

from icard_crypto.lists.bundle import Bundle
from icard_crypto.lists.trust_chain import verify_anchor
from verifier.knowledge.trust import TrustDomain

from .decide import Known, Update, decide
from .folder import ObjectGone
from .manifest import Digest, Manifest, digest_of, write_manifest
from .reading import read_domain
from .report import Report

__all__ = ["domain_of_bundle"]

_NAME: Final = "bundle"


class _Memory:
    """Objects by their digest."""

    def __init__(self, objects: dict[Digest, bytes]) -> None:
        self._objects = objects

    def read(self, name: Digest) -> bytes:
        try:
            return self._objects[name]
        except KeyError:
            raise ObjectGone(name) from None


def domain_of_bundle(
    anchor: bytes, bundle: Bundle, *, name: str = _NAME, unsafe_single_root: bool = False
) -> tuple[TrustDomain, Report]:
    """The trust domain that an anchor and a bundle lead to, and what became of each token.

    Args:
        anchor: the signed trust list whose roots' thumbprints people have compared.
        name: what the domain is called in evidence.
        unsafe_single_root: accept a threshold of 1.

    Raises:
        DecodeError: the anchor as :func:`icard_crypto.lists.trust_chain.verify_anchor`; the chain ``trust.*``.
    """
    trust = verify_anchor(anchor, unsafe_single_root=unsafe_single_root)
    first, digest = trust.current, digest_of(anchor)
    manifest = Manifest(
        name=name,
        environment=first.environment,
        chain=(digest,),
        single_root=unsafe_single_root,
        floor=first.iat,
        tombstones=trust.tombstones,
    )
    decision = decide(Known(manifest, trust, None), Update.of_bundle(bundle), None)
    report = Report(name, tuple(decision.items))
    for item in report.refused:
        if item.kind == "trust_list" and item.error is not None:
            raise item.error
    objects = _Memory({digest: anchor, **decision.objects})
    return read_domain(objects, write_manifest(decision.manifest)).domain, report
