"""A verdict as JSON: the form that programs in other languages, the command and the service share.

Promises:

1. What :func:`verdict_dict` makes keeps to ``verdict.schema.json``, JSON Schema (draft 2020-12) of verdict schema 1.
2. Times are RFC 3339 in UTC, ages are seconds, words are in the one language asked for.
3. What was shown is never repeated, and nothing of the card appears unless the verdict discloses the card.
4. :func:`verdict_text` is :func:`verdict_dict` written, byte for byte; it remembers nothing that is one card's own.
5. :func:`brief_text` has no words, and of the card no more than the code's identity.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any, Final, Protocol

from icard_crypto.card.claims import CardClaims
from icard_crypto.errors import IcardError, Language
from icard_crypto.moments import moment_text

from .errors import check_language
from .evidence import Evidence
from .policy import Policy
from .reasons import Outcome, Reason, holder_words, no_fault_words, outcome_words, state_words
from .states import State

__all__ = ["SCHEMA", "Answer", "brief_text", "verdict_dict", "verdict_schema", "verdict_text"]

SCHEMA: Final = 1
"""Rises when a field of the JSON form changes its meaning."""

_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Answer(Protocol):
    """What is written of a :class:`verifier.decision.verdict.Verdict`."""

    @property
    def outcome(self) -> Outcome: ...

    @property
    def reason(self) -> Reason: ...

    @property
    def also(self) -> tuple[Reason, ...]: ...

    @property
    def error(self) -> IcardError | None: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def environment(self) -> str | None: ...

    @property
    def last_known(self) -> str | None: ...

    @property
    def blameless(self) -> bool: ...

    @property
    def profile(self) -> str | None: ...

    @property
    def permit(self) -> State: ...

    @property
    def insurance(self) -> State: ...

    @property
    def holder(self) -> str: ...

    @property
    def claims(self) -> CardClaims | None: ...

    @property
    def evidence(self) -> Evidence: ...


@functools.cache
def verdict_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of :meth:`Verdict.to_dict`."""
    text = (resources.files(__package__) / "verdict.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def verdict_dict(verdict: Answer, language: Language) -> dict[str, Any]:
    """The verdict as a JSON object.

    Raises:
        UsageError: ``usage.language``.
    """
    check_language(language)
    return {
        **_answer(verdict.outcome, verdict.reason, verdict.also, verdict.error, language, verdict.blameless),
        **_states(*_known(verdict), language),
        **_shown(verdict.claims),
        **_knowledge(verdict.evidence),
    }


def verdict_text(verdict: Answer, language: Language) -> str:
    """:func:`verdict_dict` as JSON text without white space.

    Words, states and evidence are remembered as text, since many verdicts share them.
    """
    reason = verdict.reason
    if reason.figures or reason.error is not None or verdict.also or verdict.error is not None:
        answer = _members(_answer(verdict.outcome, reason, verdict.also, verdict.error, language, verdict.blameless))
    else:
        answer = _plain_answer(verdict.outcome, str(reason), reason.variant, language, verdict.blameless)
    states, evidence = _states_text(*_known(verdict), language), _evidence_text(verdict.evidence)
    return f"{{{answer},{states},{_members(_shown(verdict.claims))},{evidence}}}"


def brief_text(verdict: Answer, cti: bytes | bytearray | None) -> str:
    """What a program needs of one verdict among many, as JSON text without white space (promise 5).

    Args:
        cti: the code's identity, where the verdict has the card.
    """
    also = tuple(map(str, verdict.also))
    shared = _brief(verdict.outcome, str(verdict.reason), verdict.reason.variant, also, verdict.environment)
    return f"{shared}null}}" if cti is None else f'{shared}"{cti.hex()}"}}'


@functools.lru_cache(256)
def _brief(outcome: Outcome, reason: str, detail: str | None, also: tuple[str, ...], environment: str | None) -> str:
    """All before the identity."""
    told = {
        "outcome": outcome,
        "reason": reason,
        "detail": detail,
        "mends": Reason(reason).mends,
        "also": also,
        "environment": environment,
    }
    return f'{{{_members(told)},"cti":'


def _members(obj: dict[str, Any]) -> str:
    return _write(obj)[1:-1]


def _answer(
    outcome: Outcome,
    reason: Reason,
    also: tuple[Reason, ...],
    error: IcardError | None,
    language: Language,
    blameless: bool,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "outcome": outcome,
        "outcome_text": outcome_words(outcome, language),
        **_reason_dict(reason, language, blameless),
        "also": [_reason_dict(each, language) for each in also],
        "error": None if error is None else _error_dict(error, language),
    }


@functools.lru_cache(256)
def _plain_answer(outcome: Outcome, reason: str, variant: str | None, language: Language, blameless: bool) -> str:
    """The text of an answer whose words name nothing of their own."""
    return _members(_answer(outcome, Reason(reason, variant), (), None, language, blameless))


def _known(verdict: Answer) -> tuple[str, str | None, str | None, State, State, str, str | None]:
    """What :func:`_states` is made of, beside the language."""
    return (
        verdict.policy.name,
        verdict.environment,
        verdict.profile,
        verdict.permit,
        verdict.insurance,
        verdict.holder,
        verdict.last_known,
    )


def _states(
    policy: str,
    environment: str | None,
    profile: str | None,
    permit: State,
    insurance: State,
    holder: str,
    last_known: str | None,
    language: Language,
) -> dict[str, Any]:
    return {
        "policy": policy,
        "environment": environment,
        "profile": profile,
        "permit": _state_dict(permit, language),
        "insurance": _state_dict(insurance, language),
        "holder": {"state": holder, "text": holder_words(holder, language)},
        "last_known": last_known,
    }


@functools.lru_cache(4096)
def _states_text(*known: Any) -> str:
    return _members(_states(*known))


def _shown(claims: CardClaims | None) -> dict[str, Any]:
    return {
        "card": None if claims is None else claims.card.to_json(),
        "code": None if claims is None else _code_dict(claims),
    }


def _knowledge(evidence: Evidence) -> dict[str, Any]:
    return {"evidence": _evidence_dict(evidence)}


@functools.lru_cache(256)
def _evidence_text(evidence: Evidence) -> str:
    return _members(_knowledge(evidence))


@functools.lru_cache(4096)
def _time(moment: int | None) -> str | None:
    """RFC 3339 in UTC; a time beyond the calendar is None. Remembered: verdicts share most of their times."""
    try:
        return moment_text(moment)
    except (ValueError, OverflowError, OSError):
        return None


def _reason_dict(reason: Reason, language: Language, blameless: bool = False) -> dict[str, Any]:
    return {
        "reason": str(reason),
        "detail": reason.variant,
        "message": reason.message(language),
        "action": f"{reason.action(language)}{no_fault_words(language) if blameless else ''}",
        "mends": reason.mends,
    }


def _error_dict(error: IcardError, language: Language) -> dict[str, Any]:
    return {**error.to_dict(), "message": error.message(language), "hint": error.hint(language)}


def _state_dict(state: State, language: Language) -> dict[str, Any]:
    return {
        "state": state.state,
        "text": state_words(state.state, language),
        "live": state.live,
        "as_of": _time(state.as_of),
    }


def _code_dict(claims: CardClaims) -> dict[str, Any]:
    return {
        "issuer": claims.issuer,
        "cti": claims.cti.hex(),
        "issued_at": _time(claims.issued_at),
        "not_before": _time(claims.not_before),
        "expires": _time(claims.expires),
        "status": {"uri": claims.status.uri, "index": claims.status.index},
        "not_understood": list(claims.unknown),
    }


def _evidence_dict(evidence: Evidence) -> dict[str, Any]:
    trust_list = timestamp = status = None
    if evidence.trust_list_version is not None:
        trust_list = {
            "version": evidence.trust_list_version,
            "age": evidence.trust_list_age,
            "expires": _time(evidence.trust_list_expires),
            "threshold": evidence.trust_list_threshold,
        }
    if evidence.timestamp_issued_at is not None:
        timestamp = {
            "issued_at": _time(evidence.timestamp_issued_at),
            "age": evidence.timestamp_age,
            "expires": _time(evidence.timestamp_expires),
        }
    if evidence.status_issued_at is not None:
        status = {
            "uri": evidence.status_uri,
            "value": evidence.status_value,
            "issued_at": _time(evidence.status_issued_at),
            "age": evidence.status_age,
            "expires": _time(evidence.status_expires),
        }
    return {
        "domain": evidence.domain,
        "issuer": evidence.issuer,
        "issuer_names": None if evidence.issuer_names is None else dict(evidence.issuer_names),
        "kid": evidence.kid,
        "thumbprint": evidence.thumbprint,
        "algorithm": evidence.algorithm,
        "keys_given_directly": evidence.keys_given_directly,
        "trust_list": trust_list,
        "timestamp": timestamp,
        "status": status,
        "clock": _time(evidence.clock),
        "clock_floor": _time(evidence.clock_floor),
        "state_fault": evidence.state_fault,
    }
