"""What a verifier trusts and knows, as plain immutable values: one :class:`TrustDomain` for each trust list.

Promises:

1. Nothing here parses a token or reads a clock: trust lists, timestamps and status lists come in already verified.
2. Finding a key by its kid costs the same for ten keys as for ten thousand.
3. What a compromised or denied key signed is not used: its status lists are left out when the domain is made.
4. A status list counts only under a status key of the issuer whose prefix its uri has, in that key's window.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from icard_crypto.lists.timestamp import Timestamp
from icard_crypto.signing.keys import KID_LENGTH

from .trusted_keys import Environment, Issuer, Revocation, StatusListView, TrustedKey, TrustListFacts, Usage

if TYPE_CHECKING:
    from icard_crypto.lists.trust_list import TrustList

__all__ = [
    "Environment",
    "Issuer",
    "Revocation",
    "StatusListView",
    "Timestamp",
    "TrustDomain",
    "TrustListFacts",
    "TrustedKey",
    "Usage",
]


class TrustDomain:
    """One environment's issuers, keys and fresh knowledge; immutable, can be pickled and copied.

    Args:
        name: what people call it; is in the evidence.
        environment: ``test`` or ``production``; a test verdict shows it.
        keys: every trusted key with its issuer.
        trust_list: the list the keys came from; None when there is none yet, or when the keys were given directly.
        keys_given_directly: the keys were handed over by a person: there is no trust list and no timestamp to be old.
        timestamp: the accepted timestamp, or None.
        status_lists: verified status lists by uri.
        status_due: since when a status list is behind the timestamp, and from when that counts, by uri (Unix times):
            the newer list may still be on its way. Where nothing is said it counts at once.
        clock_floor: the highest iat of trust lists and timestamps ever accepted (Unix time), from the state.
        fault: the code of what is wrong with the state that this came from, such as ``store.unreadable``, or None.
    """

    __slots__ = (
        "clock_floor",
        "denied",
        "environment",
        "fault",
        "issuers",
        "keys",
        "keys_given_directly",
        "kids",
        "name",
        "remembered",
        "status_due",
        "status_lists",
        "timestamp",
        "trust_list",
        "usable_status_lists",
    )

    name: str
    environment: Environment
    keys: tuple[TrustedKey, ...]
    trust_list: TrustListFacts | None
    keys_given_directly: bool
    timestamp: Timestamp | None
    status_lists: Mapping[str, StatusListView]
    clock_floor: int
    status_due: Mapping[str, tuple[int, int]]
    fault: str | None
    kids: Mapping[bytes, tuple[TrustedKey, ...]]
    issuers: Mapping[str, Issuer]
    denied: frozenset[bytes]
    usable_status_lists: Mapping[tuple[str, str], StatusListView]
    remembered: dict[Hashable, Any]

    def __init__(
        self,
        *,
        name: str,
        environment: Environment,
        keys: Iterable[TrustedKey],
        trust_list: TrustListFacts | None = None,
        keys_given_directly: bool = False,
        timestamp: Timestamp | None = None,
        status_lists: Mapping[str, StatusListView] | None = None,
        clock_floor: int = 0,
        status_due: Mapping[str, tuple[int, int]] | None = None,
        fault: str | None = None,
    ) -> None:
        all_keys = tuple(keys)
        kids: dict[bytes, tuple[TrustedKey, ...]] = {}
        for key in all_keys:
            kids[key.key.kid] = (*kids.get(key.key.kid, ()), key)
        denied: set[bytes] = {key.key.thumbprint for key in all_keys if key.compromised}
        floor = clock_floor
        if timestamp is not None:
            denied |= timestamp.denied
            floor = max(floor, timestamp.iat)
        if trust_list is not None:
            floor = max(floor, trust_list.iat)
        lists = dict(status_lists or {})
        values: dict[str, Any] = {
            "name": name,
            "environment": environment,
            "keys": all_keys,
            "trust_list": trust_list,
            "keys_given_directly": keys_given_directly,
            "timestamp": timestamp,
            "status_lists": MappingProxyType(lists),
            "clock_floor": floor,
            "status_due": MappingProxyType(dict(status_due or {})),
            "fault": fault,
            "kids": MappingProxyType(kids),
            "issuers": MappingProxyType({key.issuer.iss: key.issuer for key in all_keys if key.issuer}),
            "denied": frozenset(denied),
            "usable_status_lists": MappingProxyType(_usable(lists, kids, denied)),
            # What verdicts made of the above and may make again, such as evidence; ends with the domain.
            "remembered": {},
        }
        for slot, value in values.items():
            object.__setattr__(self, slot, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a TrustDomain is immutable: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a TrustDomain is immutable: {name}")

    def __copy__(self) -> TrustDomain:
        return self

    def __deepcopy__(self, _: object) -> TrustDomain:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # What it was made of: the rest is worked out again where it is read.
        return (
            _made_of,
            (
                {
                    "name": self.name,
                    "environment": self.environment,
                    "keys": self.keys,
                    "trust_list": self.trust_list,
                    "keys_given_directly": self.keys_given_directly,
                    "timestamp": self.timestamp,
                    "status_lists": dict(self.status_lists),
                    "clock_floor": self.clock_floor,
                    "status_due": dict(self.status_due),
                    "fault": self.fault,
                },
            ),
        )

    def __repr__(self) -> str:
        return f"TrustDomain({self.name!r}, {self.environment!r}, {len(self.keys)} keys)"

    @classmethod
    def unread(cls, name: str, fault: str) -> TrustDomain:
        """A stand-in for a domain of which nothing can be read: it knows nobody, and counts as production.

        Args:
            fault: why, as a code such as ``store.unreadable``.
        """
        return cls(name=name, environment="production", keys=(), fault=fault)

    @classmethod
    def from_keys(
        cls,
        keys: Iterable[TrustedKey],
        *,
        environment: Environment,
        name: str = "given keys",
        status_lists: Mapping[str, StatusListView] | None = None,
    ) -> TrustDomain:
        """A domain of keys that a person handed over; it has no trust list and no timestamp, and misses neither."""
        return cls(name=name, environment=environment, keys=keys, keys_given_directly=True, status_lists=status_lists)

    @classmethod
    def from_trust_list(
        cls,
        trust_list: TrustList,
        *,
        name: str,
        timestamp: Timestamp | None = None,
        status_lists: Mapping[str, StatusListView] | None = None,
        clock_floor: int = 0,
        status_due: Mapping[str, tuple[int, int]] | None = None,
        fault: str | None = None,
    ) -> TrustDomain:
        """The domain of an accepted trust list; :mod:`icard_crypto.lists.trust_chain` decides whether it may be
        believed.

        Its timestamp keys are in the domain, so that a card under one of them is named by its reason. Its root keys are
        not: they sign trust lists only, and a card under one of them is a stranger's.
        """
        issuers = {
            entry.iss: Issuer(
                entry.iss,
                MappingProxyType({"en": entry.name_en, "zh": entry.name_zh}),
                entry.regions,
                entry.status_prefixes,
                entry.capacity,
            )
            for entry in trust_list.issuers
        }
        keys = [
            TrustedKey(
                key,
                entry.usage,
                issuers[issuer.iss],
                entry.valid_from,
                entry.valid_until,
                entry.revoked,
            )
            for issuer, entry, key in trust_list.issuer_keys()
        ]
        keys += [TrustedKey(key, "timestamp", None, trust_list.iat) for key in trust_list.timestamp_keys]
        facts = TrustListFacts(
            trust_list.version, trust_list.iat, trust_list.exp, trust_list.payload_hash, trust_list.threshold
        )
        return cls(
            name=name,
            environment=trust_list.environment,
            keys=keys,
            trust_list=facts,
            timestamp=timestamp,
            status_lists=status_lists,
            clock_floor=clock_floor,
            status_due=status_due,
            fault=fault,
        )

    @classmethod
    def from_trusted_file(cls, data: bytes, *, status_lists: Mapping[str, StatusListView] | None = None) -> TrustDomain:
        """A domain from a JSON file of trusted keys, see :mod:`verifier.knowledge.trusted_file`.

        Raises:
            StateError: ``trusted.*``, with the path of the fault.
        """
        from .trusted_file import read_trusted_file

        environment, keys = read_trusted_file(data)
        return cls.from_keys(keys, environment=environment, name="trusted file", status_lists=status_lists)


def _made_of(values: dict[str, Any]) -> TrustDomain:
    return TrustDomain(**values)


def _usable(
    lists: Mapping[str, StatusListView],
    kids: Mapping[bytes, tuple[TrustedKey, ...]],
    denied: set[bytes],
) -> dict[tuple[str, str], StatusListView]:
    """The status lists that count, by the iss of the issuer whose key signed them, and uri."""
    usable = {}
    for uri, status_list in lists.items():
        thumbprint, issued_at = status_list.key_thumbprint, status_list.iat
        if thumbprint in denied:
            continue
        for key in kids.get(thumbprint[:KID_LENGTH], ()):
            if (
                key.key.thumbprint == thumbprint
                and key.usage == "status"
                and key.issuer is not None
                and key.issuer.owns_status_uri(uri)
                and key.in_window(issued_at)
                and not key.retired_before(issued_at)
            ):
                usable[key.issuer.iss, uri] = status_list
    return usable
