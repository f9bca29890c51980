"""One whole decision as a vector: what is shown, what is trusted and known, the policy, the time, and the verdict.

Promises:

1. The verdict is stated by whoever makes the case; none is asked from icard's verifier.
2. Policies and trusted keys are written in full, so that a vector needs no other file.
3. What is trusted and known is there twice: as already verified, and as an anchor and a bundle (:mod:`.chain`).
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Final

from icard_crypto.card.card import Profile
from icard_crypto.card.claims import CardClaims, to_map
from icard_crypto.encoding import cbor, envelope
from icard_crypto.moments import DAY
from tests.kit.reference import ISSUED_AT, STATUS, reference_claims
from tools.vectors.base import CARD_KEY, Json, signed
from tools.vectors.chain import chain
from tools.vectors.kept import Kept
from tools.vectors.keyring import KEYS, cose_key
from verifier.decision.policy import Policy
from verifier.decision.reasons import catalogue

__all__ = [
    "DAY",
    "END",
    "HIDDEN",
    "INSPECTION",
    "NOT_LIVE",
    "NOW",
    "WORK",
    "Case",
    "changed",
    "code",
    "facts",
    "mapped",
    "policy",
    "revoked",
    "status_list",
    "trusted",
]

#: 2026-10-10T02:00:00Z, two days after the reference card's code was made.
NOW: Final = ISSUED_AT + 2 * DAY

_LIST_SIZE: Final = 100_000


@dataclasses.dataclass(frozen=True)
class Case:
    """A decision. ``permit``, ``insurance``: the state, and whether it is live.

    ``trusted`` and ``lists`` None: the reference issuer's keys, and its fresh status list with the entry ``entry``.
    ``given_only``: no trust list can say it, so there is neither anchor nor bundle.
    """

    about: str
    reason: str
    detail: str | None = None
    also: tuple[str, ...] = ()
    last_known: str | None = None
    permit: tuple[str, bool] = ("valid", True)
    insurance: tuple[str, bool] = ("valid", False)
    holder: str = "not_checked"
    shown: str | None = None
    policy: Policy = dataclasses.field(default_factory=lambda: Policy.named("gate"))
    now: int = NOW
    entry: int = 0
    lists: tuple[Json, ...] | None = None
    trusted: Json | None = None
    nothing_trusted: bool = False
    given_only: bool = False
    knowledge: Json = dataclasses.field(default_factory=dict)

    def vector(self, kept: Kept) -> Json:
        """The case as JSON."""
        lists = (status_list(entry=self.entry, iat=self.now - 3600),) if self.lists is None else self.lists
        given = None if self.nothing_trusted else self.trusted or trusted()
        knowledge = {"status_lists": list(lists), **self.knowledge}
        return {
            "about": self.about,
            "text": code(reference_claims()) if self.shown is None else self.shown,
            "now": self.now,
            "policy": self.policy.to_dict(),
            **({} if self.given_only else self._chain(kept, given, knowledge)),
            "trusted": given,
            "knowledge": knowledge,
            "expected": {
                "outcome": catalogue()[self.reason]["outcome"],
                "reason": self.reason,
                "detail": self.detail,
                "also": list(self.also),
                "last_known": self.last_known,
                "permit": dict(zip(("state", "live"), self.permit, strict=True)),
                "insurance": dict(zip(("state", "live"), self.insurance, strict=True)),
                "holder": self.holder,
            },
        }

    def _chain(self, kept: Kept, given: Json | None, knowledge: Json) -> Json:
        if given is None:
            return {"anchor": None, "bundle": None, "learned": self.now}
        return chain(kept, given, knowledge, self.now)


def changed(profile: Profile = Profile.PUBLIC, **changes: Any) -> CardClaims:
    """The reference card's claims with fields of claims, holder, permit or insurance replaced."""
    claims = reference_claims(profile)
    card = claims.card
    for name in ("holder", "permit", "insurance"):
        if name in changes and isinstance(changes[name], dict):
            changes[name] = dataclasses.replace(getattr(card, name), **changes[name])
    inside = {name: changes.pop(name) for name in ("holder", "permit", "insurance", "services") if name in changes}
    return dataclasses.replace(claims, card=dataclasses.replace(card, **inside), **changes)


def code(claims: CardClaims, key: str = CARD_KEY) -> str:
    """The IC1 text of these claims."""
    return mapped(to_map(claims), key)


def mapped(claims: dict[int | str, Any], key: str = CARD_KEY) -> str:
    """The IC1 text of a map of claims."""
    return envelope.to_ic1(signed(cbor.encode(claims), key))


def _trusted_key(name: str, usage: str, issuer: Json) -> Json:
    members = cbor.encode(cose_key(name)).hex()
    return {**copy.deepcopy(issuer), "usage": usage, "from": "2026-01-01T00:00:00Z", "key": {"cose_key": members}}


def trusted(card_key: Json | None = None, **issuer: Any) -> Json:
    """A file of trusted keys: the reference issuer, with its fields replaced by ``issuer`` and those of its card keys
    by ``card_key``, and a neighbour."""
    own = {
        "iss": "cn.310000",
        "names": {"en": "Shanghai", "zh": "上海"},
        "regions": ["310000"],
        "status_prefixes": ["https://icard.example/s/"],
        **issuer,
    }
    neighbour = {
        "iss": "cn.320000",
        "names": {"en": "Jiangsu", "zh": "江苏"},
        "regions": ["320000"],
        "status_prefixes": ["https://neighbour.example/s/"],
    }
    return {
        "environment": "test",
        "keys": [
            _trusted_key(CARD_KEY, "card", own) | (card_key or {}),
            _trusted_key("status-ed25519", "status", own),
            _trusted_key("neighbour-card-ed25519", "card", neighbour),
            _trusted_key("neighbour-status-ed25519", "status", neighbour),
        ],
    }


def status_list(
    *,
    entry: int = 0,
    iat: int = NOW - 3600,
    exp: int = NOW + 3 * DAY,
    size: int = _LIST_SIZE,
    key: str = "status-ed25519",
) -> Json:
    """A status list that is already verified; entries that are not named are 0."""
    thumbprint = KEYS[key].verifying_key.thumbprint.hex()
    entries = {str(STATUS.index): entry} if entry else {}
    return {"uri": STATUS.uri, "iat": iat, "exp": exp, "size": size, "entries": entries, "key": thumbprint}


def facts(*, trust_list: Json | None = None, timestamp: Json | None = None, **more: Any) -> Json:
    """An accepted trust list and timestamp, fresh but for what is given."""
    hashed = "5a" * 32
    return {
        "trust_list": {
            "version": 7,
            "iat": NOW - 30 * DAY,
            "exp": NOW + 300 * DAY,
            "payload_hash": hashed,
            "threshold": 2,
        }
        | (trust_list or {}),
        "timestamp": {
            "iat": NOW - 3600,
            "exp": NOW + 3 * DAY,
            "trust_version": 7,
            "trust_hash": hashed,
            "denied": [],
            "lists": {},
        }
        | (timestamp or {}),
        **more,
    }


def policy(base: str = "unsafe_no_status", **fields: Any) -> Policy:
    """A shipped policy with fields replaced, named ``special``, or ``unsafe_special`` where it starts from an unsafe
    one."""
    name = "unsafe_special" if base.startswith("unsafe_") else "special"
    return dataclasses.replace(Policy.named(base), name=name, **fields)


def revoked(key: str, at: int, kind: str) -> Json:
    """The revocation of one key, for ``knowledge``."""
    return {"revoked": {KEYS[key].verifying_key.thumbprint.hex(): {"at": at, "kind": kind}}}


#: What a case adds where no card is shown, or where no fresh entry was read.
HIDDEN: Final[Json] = {"permit": ("unknown", False), "insurance": ("unknown", False)}
NOT_LIVE: Final[Json] = {"permit": ("valid", False)}
WORK: Final = code(reference_claims(Profile.WORK))
INSPECTION: Final = Policy.named("inspection")
#: When the reference code ends.
END: Final = reference_claims().expires
