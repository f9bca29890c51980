"""The answer to "may I rely on this card": a :class:`Verdict`.

Promises:

1. ``outcome`` is VALID, INVALID or INDETERMINATE; there is no bare truth value, and :meth:`Verdict.require` enforces:
   VALID, and of a real card unless a test card was asked for. A VALID verdict is a :class:`Valid`, which has a card.
2. ``card`` is there only where a trusted, uncompromised key of the right usage and issuer signed it in its time.
3. Everything that the outcome rests on is in ``evidence``: keys, lists, their ages, the clock that was used.
4. A verdict never changes and asks nobody for anything; card, words and evidence are made when they are asked for. It
   can be pickled and copied.
5. :meth:`Verdict.to_dict` keeps to ``verdict.schema.json``, JSON Schema of verdict schema 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, NoReturn, cast

from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import CardClaims, decode_facts, decode_payload
from icard_crypto.card.facts import Facts
from icard_crypto.card.native_reader import facts_in
from icard_crypto.encoding import envelope
from icard_crypto.errors import IcardError, Language
from icard_crypto.signing import cose
from verifier.knowledge.trust import Environment, TrustDomain, TrustedKey

from .errors import UsageError
from .evidence import Evidence, evidence_of
from .policy import Policy
from .reasons import Outcome, Reason, no_fault_words
from .states import UNKNOWN, Knowledge, State, insurance_state, permit_state
from .verdict_json import SCHEMA, verdict_dict

__all__ = ["Evidence", "HolderState", "Refused", "Valid", "Verdict", "new_verdict", "verdict_like", "without_code"]

#: Pieces of evidence that a domain keeps.
_REMEMBERED: Final = 256
#: What a pickled verdict does not carry.
_LEFT_BEHIND: Final = ("_domain", "_key", "_source")

_PROFILES: Final[Mapping[int, str]] = {profile.value: profile.name.lower() for profile in Profile}
HolderState = Literal["not_checked", "photo_to_compare", "key_proven"]


class Verdict:
    """One answer about one code. Made by :class:`verifier.Verifier` only, with :func:`new_verdict`.

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
        "_facts",
        "_fault",
        "_kept",
        "_key",
        "_kid",
        "_payload",
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
    _facts: Facts | None
    _fault: str | None
    _payload: bytes | None
    _source: str | bytes | None
    _trusted: bool
    _kid: bytes | None
    _key: TrustedKey | None
    _domain: TrustDomain | None
    _kept: Evidence | None
    _status: Knowledge | None

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

    def require(self, *, test: bool = False) -> Valid:
        """The verdict itself when VALID, typed as one that has a card.

        Args:
            test: also of a test card, which is nobody's permit. A policy that asks for test cards says the same.

        Raises:
            Refused: otherwise, with the verdict: ``verdict.refused``, or ``verdict.test_card``.
        """
        if not isinstance(self, Valid):
            raise Refused(self)
        if self.environment != "production" and not test and self.policy.environment != "test":
            raise Refused(self, "verdict.test_card")
        return self

    def __copy__(self) -> Verdict:
        return self

    def __deepcopy__(self, _: object) -> Verdict:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # What it says, without the keys and lists that it rests on: those may be many megabytes.
        values = {name: getattr(self, name) for name in Verdict.__slots__ if name not in _LEFT_BEHIND}
        evidence = self.evidence
        names = None if evidence.issuer_names is None else dict(evidence.issuer_names)
        values |= {"_claims": self.claims, "_kept": replace(evidence, issuer_names=names)}
        return (_rebuilt, (self.outcome, values))

    @property
    def mends(self) -> str:
        """Who can change the answer: ``holder``, ``operator``, ``issuer`` or ``nobody``."""
        return self.reason.mends

    @property
    def detail(self) -> str | None:
        """The reason told more exactly, as its ``variants`` name it, or None."""
        return self.reason.variant

    @property
    def claims(self) -> CardClaims | None:
        """All that the code claims (promise 2), or None."""
        if not self._trusted:
            return None
        if self._claims is None:
            payload = self._signed_payload()
            if payload is not None:
                _put(self, "_claims", decode_payload(payload))
        return self._claims

    def _signed_payload(self) -> bytes | None:
        """The bytes that were verified. A verdict of another process came without them: they are read again."""
        if self._payload is None and self._source is not None:
            _put(self, "_payload", cose.parse_sign1(envelope.read(self._source).cose).payload)
        return self._payload

    @property
    def facts(self) -> Facts | None:
        """The plain values that the verdict was found by (promise 2), or None; cheaper than the claims."""
        if not self._trusted:
            return None
        if self._facts is None:
            payload = self._signed_payload()
            if payload is not None:
                _put(self, "_facts", facts_in(payload) or decode_facts(payload))
        return self._facts

    @property
    def card(self) -> Card | None:
        """The card (promise 2), or None."""
        claims = self.claims
        return None if claims is None else claims.card

    @property
    def profile(self) -> str | None:
        """``public``, ``work``, ``authority``, ``unknown``; None without a trusted card."""
        facts = self.facts
        return None if facts is None else _PROFILES.get(facts.profile, "unknown")

    @property
    def permit(self) -> State:
        """The permit's state."""
        facts = self.facts
        return UNKNOWN if facts is None else permit_state(facts, self._status, self._moment, self.policy.leeway)

    @property
    def insurance(self) -> State:
        """The insurance's state; of a public code it is never live."""
        facts = self.facts
        return UNKNOWN if facts is None else insurance_state(facts, self._status, self._moment)

    @property
    def holder(self) -> HolderState:
        """What is known about the person who shows the code: nothing, or a photo to compare. A copy is genuine too."""
        facts = self.facts
        return "not_checked" if facts is None or not facts.has_photo else "photo_to_compare"

    @property
    def evidence(self) -> Evidence:
        """What the verdict rests on."""
        if self._kept is not None:
            return self._kept
        domain, facts = self._domain, self.facts
        if domain is None:
            return self._evidence(facts and facts.status_uri)
        # Codes that are shown in one second mostly rest on the same; a domain's keys live as long as it does.
        same = (id(self._key), self._kid, self._status, facts and facts.status_uri, self.now, self._fault)
        found: Evidence | None = domain.remembered.get(same)
        if found is None:
            if len(domain.remembered) >= _REMEMBERED:
                domain.remembered.clear()
            found = domain.remembered[same] = self._evidence(facts and facts.status_uri)
        return found

    def _evidence(self, uri: str | None) -> Evidence:
        return evidence_of(self._domain, self._key, self._status, uri, self._kid, self.now, self._moment, self._fault)

    @property
    def _moment(self) -> int:
        """The time judged at: nothing is younger than the clock floor."""
        if self._kept is not None:
            return max(self.now, self._kept.clock_floor or 0)
        return self.now if self._domain is None else max(self.now, self._domain.clock_floor)

    def message(self, language: Language = "en") -> str:
        """The reason's sentence of fact."""
        return self.reason.message(language)

    def action(self, language: Language = "en") -> str:
        """The reason's order: what to do next; and, where it is true, that this is not the holder's fault."""
        order = self.reason.action(language)
        return f"{order}{no_fault_words(language)}" if self.blameless else order

    @property
    def blameless(self) -> bool:
        """Whether only the operator of this verifier can fix it, and no older list spoke against the card."""
        return self.reason.mends == "operator" and self.last_known is None

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """The verdict for a program, with words in one language; keeps to :func:`verdict_schema`."""
        return verdict_dict(self, language)

    def to_json(self, language: Language = "en", *, indent: int | None = None) -> str:
        """:meth:`to_dict` as JSON text; Chinese stays Chinese."""
        return json.dumps(self.to_dict(language), ensure_ascii=False, indent=indent)


class Valid(Verdict):
    """A VALID verdict: its card is there. ``isinstance(verdict, Valid)`` tells a type checker so."""

    __slots__ = ()

    outcome: Literal["VALID"]

    @property
    def claims(self) -> CardClaims:
        """All that the code claims."""
        # Nothing is VALID without a trusted signature over a card.
        return cast(CardClaims, super().claims)

    @property
    def card(self) -> Card:
        """The card."""
        return self.claims.card

    @property
    def profile(self) -> str:
        """``public``, ``work``, ``authority`` or ``unknown``."""
        return cast(str, super().profile)


_new, _put = object.__new__, object.__setattr__


class _Unfrozen:
    """A verdict while it is made: the same slots, so that Python itself allows the change of class."""

    __slots__ = Verdict.__slots__


def new_verdict(
    outcome: Outcome,
    reason: Reason,
    also: tuple[Reason, ...],
    policy: Policy,
    now: int,
    environment: Environment | None,
    error: IcardError | None = None,
    last_known: str | None = None,
    facts: Facts | None = None,
    payload: bytes | None = None,
    source: str | bytes | None = None,
    trusted: bool = False,
    kid: bytes | None = None,
    key: TrustedKey | None = None,
    domain: TrustDomain | None = None,
    status: Knowledge | None = None,
    fault: str | None = None,
) -> Verdict:
    """A verdict. No ``__init__``: arguments would come through a tuple and a dict, which takes longer than stores."""
    # Plain stores into a class that is not frozen take a third of the time that as many calls take.
    made: Any = _new(_Unfrozen)
    made.outcome = outcome
    made.reason = reason
    made.also = also
    made.policy = policy
    made.now = now
    made.environment = environment
    made.error = error
    made.last_known = last_known
    made._claims = made._kept = None
    made._facts = facts
    made._fault = fault
    made._payload = payload
    made._source = source
    made._trusted = trusted
    made._kid = kid
    made._key = key
    made._domain = domain
    made._status = status
    # A VALID verdict is a Valid, and no other is.
    made.__class__ = Valid if outcome == "VALID" else Verdict
    return cast(Verdict, made)


def without_code(verdict: Verdict) -> Verdict:
    """The verdict without anything that only the one code says, to make others of by :func:`verdict_like`."""
    return verdict_like(verdict, None, None)


def verdict_like(like: Verdict, payload: bytes | None, source: str | bytes | None) -> Verdict:
    """The same verdict on another code, from which nothing but its own payload and text is to be known."""
    made: Any = _new(_Unfrozen)
    made.outcome = like.outcome
    made.reason = like.reason
    made.also = like.also
    made.policy = like.policy
    made.now = like.now
    made.environment = like.environment
    made.error = like.error
    made.last_known = like.last_known
    made._claims = made._facts = made._kept = None
    made._fault = like._fault
    made._payload = payload
    made._source = source
    made._trusted = like._trusted
    made._kid = like._kid
    made._key = like._key
    made._domain = like._domain
    made._status = like._status
    made.__class__ = like.__class__
    return cast(Verdict, made)


def _rebuilt(outcome: Outcome, values: dict[str, Any]) -> Verdict:
    """A verdict that was pickled."""
    verdict = object.__new__(Valid if outcome == "VALID" else Verdict)
    for name in Verdict.__slots__:
        _put(verdict, name, values.get(name))
    return verdict


class Refused(IcardError):
    """A verdict that is not VALID was required to be, or a test card's was. ``verdict`` has all of it."""

    def __init__(self, verdict: Verdict, code: str = "verdict.refused") -> None:
        test = code == "verdict.test_card"
        where = f" of environment {verdict.environment}" if test else ""
        found = f"{verdict.outcome} ({verdict.reason}){where}"
        super().__init__(code, expected="a real card" if test else "VALID", found=found)
        self.verdict = verdict

    def __reduce__(self) -> tuple[object, ...]:
        return (Refused, (self.verdict, self.code))
