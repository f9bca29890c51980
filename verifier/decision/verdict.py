"""The answer to "may I rely on this card": a :class:`Verdict`.

Promises:

1. ``outcome`` is VALID, INVALID or INDETERMINATE; there is no bare truth value, and :meth:`Verdict.require` enforces.
2. ``card`` is there only where a trusted, uncompromised key of the right usage and issuer signed it in its time.
3. Everything that the outcome rests on stands in ``evidence``: keys, lists, their ages, the clock that was used.
4. A verdict never changes and asks nobody for anything; words and evidence are made when they are asked for.
5. :meth:`Verdict.to_dict` keeps to ``verdict.schema.json``, JSON Schema of verdict schema 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, NoReturn

from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import CardClaims, decode_payload
from icard_crypto.encoding import envelope
from icard_crypto.errors import IcardError, Language
from icard_crypto.signing import cose
from verifier.knowledge.trust import Environment, TrustDomain, TrustedKey

from .errors import UsageError
from .evidence import Evidence
from .policy import Policy
from .reasons import Outcome, Reason
from .states import UNKNOWN, Knowledge, State, insurance_state, permit_state
from .verdict_json import SCHEMA, verdict_dict

__all__ = ["Evidence", "HolderState", "Refused", "Verdict"]

#: Pieces of evidence that a domain keeps.
_REMEMBERED: Final = 256

_PROFILES: Final[Mapping[int, str]] = {profile.value: profile.name.lower() for profile in Profile}
HolderState = Literal["not_checked", "photo_to_compare", "key_proven"]


class Verdict:
    """One answer about one code. Made by :class:`verifier.Verifier` only.

    Attributes:
        schema: 1; rises when a field changes its meaning.
        outcome: ``VALID``, ``INVALID`` or ``INDETERMINATE``.
        reason: the first cause, see :class:`verifier.decision.reasons.Reason`; ``valid`` for VALID.
        also: further causes, worst first.
        error: for what could not be read: the layer's own error, else None.
        policy: what was asked for.
        now: the time it was asked for, Unix time.
        environment: of the trust domain; None where domains of both kinds were asked and none knew the key.
        last_known: what knowledge that is too old said last, such as ``suspended``; else None.
    """

    __slots__ = (
        "_claims",
        "_domain",
        "_key",
        "_kid",
        "_source",
        "_status",
        "_trusted",
        "also",
        "environment",
        "error",
        "last_known",
        "now",
        "outcome",
        "policy",
        "reason",
    )

    schema: Final = SCHEMA
    outcome: Outcome
    reason: Reason
    also: tuple[Reason, ...]
    error: IcardError | None
    policy: Policy
    now: int
    environment: Environment | None
    last_known: str | None
    _claims: CardClaims | None
    _source: str | bytes | None
    _trusted: bool
    _kid: bytes | None
    _key: TrustedKey | None
    _domain: TrustDomain | None
    _status: Knowledge | None

    def __init__(
        self,
        outcome: Outcome,
        reason: Reason,
        also: tuple[Reason, ...],
        policy: Policy,
        now: int,
        environment: Environment | None,
        *,
        error: IcardError | None = None,
        last_known: str | None = None,
        claims: CardClaims | None = None,
        source: str | bytes | None = None,
        trusted: bool = False,
        kid: bytes | None = None,
        key: TrustedKey | None = None,
        domain: TrustDomain | None = None,
        status: Knowledge | None = None,
    ) -> None:
        put = _put
        put(self, "outcome", outcome)
        put(self, "reason", reason)
        put(self, "also", also)
        put(self, "policy", policy)
        put(self, "now", now)
        put(self, "environment", environment)
        put(self, "error", error)
        put(self, "last_known", last_known)
        put(self, "_claims", claims)
        put(self, "_source", source)
        put(self, "_trusted", trusted)
        put(self, "_kid", kid)
        put(self, "_key", key)
        put(self, "_domain", domain)
        put(self, "_status", status)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Verdict is immutable: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Verdict is immutable: {name}")

    def __bool__(self) -> NoReturn:
        """Refused: INDETERMINATE is neither true nor false."""
        raise UsageError("usage.truth", expected="verdict.outcome == 'VALID', or verdict.require()")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verdict) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.outcome, self.reason, self.now))

    def __repr__(self) -> str:
        return f"Verdict({self.outcome}, {str(self.reason)!r}, policy={self.policy.name!r})"

    def require(self) -> Verdict:
        """The verdict itself when VALID.

        Raises:
            Refused: otherwise, with the verdict.
        """
        if self.outcome != "VALID":
            raise Refused(self)
        return self

    @property
    def claims(self) -> CardClaims | None:
        """All that the code claims (promise 2), or None."""
        if not self._trusted:
            return None
        claims = self._claims
        if claims is None and self._source is not None:
            # Verified in another process, which sent no claims back: these bytes are the ones that were verified.
            payload = cose.parse_sign1(envelope.read(self._source).cose).payload
            claims = decode_payload(payload)
            _put(self, "_claims", claims)
        return claims

    @property
    def card(self) -> Card | None:
        """The card (promise 2), or None."""
        claims = self.claims
        return None if claims is None else claims.card

    @property
    def profile(self) -> str | None:
        """``public``, ``work``, ``authority``, ``unknown``; None without a trusted card."""
        claims = self.claims
        return None if claims is None else _PROFILES.get(claims.profile, "unknown")

    @property
    def permit(self) -> State:
        """The permit's state."""
        claims = self.claims
        return UNKNOWN if claims is None else permit_state(claims, self._status, self._moment, self.policy.leeway)

    @property
    def insurance(self) -> State:
        """The insurance's state; of a public code it is never live."""
        claims = self.claims
        return UNKNOWN if claims is None else insurance_state(claims, self._status, self._moment)

    @property
    def holder(self) -> HolderState:
        """What is known of the person who shows the code: nothing, or a photo to compare. A copy is genuine too."""
        card = self.card
        return "not_checked" if card is None or card.holder.photo is None else "photo_to_compare"

    @property
    def evidence(self) -> Evidence:
        """What the verdict rests on."""
        domain, claims = self._domain, self.claims
        if domain is None:
            return self._evidence(claims)
        # Codes that are shown in one second mostly rest on the same; a domain's keys live as long as it does.
        same = (id(self._key), self._kid, self._status, None if claims is None else claims.status.uri, self.now)
        found: Evidence | None = domain.remembered.get(same)
        if found is None:
            if len(domain.remembered) >= _REMEMBERED:
                domain.remembered.clear()
            found = domain.remembered[same] = self._evidence(claims)
        return found

    def _evidence(self, claims: CardClaims | None) -> Evidence:
        domain, key, status = self._domain, self._key, self._status
        trust_list = domain.trust_list if domain else None
        timestamp = domain.timestamp if domain else None
        issuer = key.issuer if key else None
        return Evidence(
            domain=domain.name if domain else None,
            issuer=issuer.iss if issuer else None,
            issuer_names=issuer.names if issuer else None,
            kid=self._kid.hex() if self._kid else None,
            thumbprint=key.key.thumbprint.hex() if key else None,
            algorithm=key.key.algorithm.name if key else None,
            keys_given_directly=domain.keys_given_directly if domain else False,
            trust_list_version=trust_list.version if trust_list else None,
            trust_list_age=self._age(trust_list.iat) if trust_list else None,
            trust_list_expires=trust_list.exp if trust_list else None,
            trust_list_threshold=trust_list.threshold if trust_list else None,
            timestamp_issued_at=timestamp.iat if timestamp else None,
            timestamp_age=self._age(timestamp.iat) if timestamp else None,
            status_uri=claims.status.uri if claims else None,
            status_value=status.value if status else None,
            status_issued_at=status.iat if status else None,
            status_age=self._age(status.iat) if status else None,
            clock=self.now,
            clock_floor=domain.clock_floor if domain else None,
        )

    @property
    def _moment(self) -> int:
        """The time judged at: nothing is younger than the clock floor."""
        return self.now if self._domain is None else max(self.now, self._domain.clock_floor)

    def _age(self, iat: int) -> int:
        return max(self._moment - iat, 0)

    def message(self, language: Language = "en") -> str:
        """The reason's sentence of fact."""
        return self.reason.message(language)

    def action(self, language: Language = "en") -> str:
        """The reason's order: what to do next."""
        return self.reason.action(language)

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """The verdict for a program, with words in one language; keeps to :func:`verdict_schema`."""
        return verdict_dict(self, language)

    def to_json(self, language: Language = "en", *, indent: int | None = None) -> str:
        """:meth:`to_dict` as JSON text; Chinese stays Chinese."""
        return json.dumps(self.to_dict(language), ensure_ascii=False, indent=indent)


_put = object.__setattr__


class Refused(IcardError):
    """A verdict that is not VALID was required to be. ``verdict`` has all of it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("verdict.refused", expected="VALID", found=f"{verdict.outcome} ({verdict.reason})")
        self.verdict = verdict

    def __reduce__(self) -> tuple[object, ...]:
        return (Refused, (self.verdict,))
