"""A verdict as the page shows it: signs, rows, orders and facts, in one language.

Promises:

1. A tick is only beside what is good and was read from a list within the strict limit, the one of ``gate``,
   whatever the policy accepts; what is not known has a dash, never a cross. The list's own time is beside it.
2. Name, employer and photo are there only where the verdict discloses the card; the photo of a card that is not
   VALID only under the policy ``inspection``, among the details. A photo that states no size, or one that no portrait
   has, is left out: a browser that decodes it may run out of memory.
3. Nothing of what was shown is repeated: neither text, nor address, nor what an error found.
4. Words of reasons and states are those of ``verifier/decision/reasons.json``. A genuine card that ended, is suspended
   or does not meet the rule is not called invalid: the word says which.
5. The rule decides the rows: who asks for the employer sees it, who asks for one scheme sees its name.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final, Literal

from icard_crypto.card.card import Card, Scheme
from icard_crypto.card.photo_size import is_small
from icard_crypto.errors import Language
from icard_crypto.pictures.photo import PhotoFormat
from verifier.decision.policy import Policy
from verifier.decision.reasons import outcome_words, state_words
from verifier.decision.states import State
from verifier.decision.verdict import Verdict

from .desk import Seen
from .freshness import Age, age_of_verdict, age_words
from .words import Words, day_and_time, duration, moment, month, short_date

__all__ = ["Answer", "Person", "Row", "answer", "worst_first"]

Sign = Literal["tick", "dash", "cross"]
Form = Literal["valid", "invalid", "open"]

#: The reasons whose word says more than the outcome's.
_NAMED: Final = {
    "expired": "word_expired",
    "suspended": "word_suspended",
    "permit_suspended": "word_suspended",
    "insurance_lapsed": "word_not_eligible",
    "policy_not_met": "word_not_eligible",
    "misread": "word_misread",
}
#: What reasons begin with that newer lists can fix.
_OF_LISTS: Final = ("status_", "trust_list_", "timestamp_")
_FORMS: Final[dict[str, Form]] = {"VALID": "valid", "INVALID": "invalid", "INDETERMINATE": "open"}
_GOOD: Final = ("valid", "exempt")
_BAD: Final = ("expired", "not_yet_valid", "suspended", "revoked", "replaced", "lapsed", "not_enrolled")
_STRICT: Final = Policy.named("gate")
#: Formats that browsers draw; JPEG 2000 is none.
_MEDIA: Final = {PhotoFormat.JPEG: "image/jpeg", PhotoFormat.AVIF: "image/avif", PhotoFormat.WEBP: "image/webp"}


@dataclass(frozen=True, slots=True)
class Row:
    """A state row: sign, what, the state as a word, until when, and how fresh that is; ``warn``: in a tag."""

    sign: Sign
    what: str
    state: str
    until: str
    told: str
    warn: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Who the card says it belongs to; ``photo`` in base64, of media type ``media``."""

    name: str
    native: str
    native_tag: str
    facts: tuple[str, ...]
    photo: str
    media: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything the template shows, ready to be written.

    Args:
        form: of the panel.
        word, other: of the outcome, in the chosen language and in the other one; the parts of ``word`` may be on
            lines of their own, and no part is ever broken.
        spoken: what a screen reader says on arrival.
        last_known: the warning of an older list that spoke against the card; else empty.
        weak: whether the policy takes older lists than the strict limit.
        person: who, or None (promise 2).
        hidden_photo: the photo of a card that is not VALID, for the details.
        known, unknown: sentences, of what is not confirmed.
        operator: whether only the operator of this service can fix it.
        update: whether newer lists could fix it.
        work: employer and position as label and value, where the rule asks for them.
        issued_by: the issuing office by name.
        facts: rows of the details: label, value, whether the value is a code.
    """

    key: str
    form: Form
    outcome: str
    reason: str
    word: str
    other: str
    other_tag: str
    spoken: str
    fact: str
    order: str
    last_known: str
    weak: bool
    test: bool
    person: Person | None
    hidden_photo: Person | None
    rows: tuple[Row, ...]
    known: tuple[str, ...]
    unknown: tuple[str, ...]
    operator: bool
    update: bool
    work: tuple[tuple[str, str], ...]
    issued_by: str
    passport: bool
    age: str
    age_level: str
    rule: str
    facts: tuple[tuple[str, str, bool], ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """The word in parts that stay whole."""
        return tuple(self.word.split())

    @property
    def severity(self) -> int:
        """0 is the worst."""
        return ("invalid", "open", "valid").index(self.form)


def worst_first(answers: list[Answer]) -> list[Answer]:
    """Answers by severity; equal ones stay in the order of the picture."""
    return sorted(answers, key=lambda each: each.severity)


def answer(seen: Seen, words: Words, known: Age | None = None) -> Answer:
    """What the page shows of a verdict.

    Args:
        known: the age of all that is known, for a verdict that rests on no list of its own.
    """
    verdict, language = seen.verdict, words.language
    other: Language = "zh" if language == "en" else "en"
    card, valid = verdict.card, verdict.outcome == "VALID"
    person = None if card is None else _person(card, words, photo=valid)
    inspected = card is not None and not valid and verdict.policy.name == "inspection"
    fact, order = verdict.message(language), verdict.action(language)
    word = _word(verdict, words)
    spoken = words("not_valid") if word == outcome_words("INVALID", language) else word
    stop = words("stop_mark")
    told, level = _age(verdict, words, known)
    return Answer(
        key=seen.key,
        form=_FORMS[verdict.outcome],
        outcome=verdict.outcome,
        reason=str(verdict.reason),
        word=word,
        other=_word(verdict, Words(other)),
        other_tag=Words(other).tag,
        spoken=f"{words('test_spoken') if verdict.environment == 'test' else ''}{spoken}{stop}",
        fact=fact,
        order=order,
        last_known=_last_known(verdict, words),
        weak=_is_weak(verdict.policy),
        test=verdict.environment == "test",
        person=person,
        hidden_photo=_person(card, words, photo=True) if inspected and card is not None else None,
        rows=_rows(verdict, card, words) if card is not None else (),
        known=_known(verdict, words),
        unknown=_unknown(verdict, words),
        operator=verdict.reason.mends == "operator",
        update=str(verdict.reason).startswith(_OF_LISTS),
        work=_work(verdict, card, words),
        issued_by=_issued_by(verdict, words),
        passport=person is None or not person.photo,
        age=told,
        age_level=level,
        rule=words.rule_short(verdict.policy.name),
        facts=tuple(_facts(verdict, words)),
    )


def _word(verdict: Verdict, words: Words) -> str:
    # 4
    name = _NAMED.get(str(verdict.reason))
    return outcome_words(verdict.outcome, words.language) if name is None else words(name)


def _work(verdict: Verdict, card: Card | None, words: Words) -> tuple[tuple[str, str], ...]:
    # 2, 5
    if card is None or verdict.outcome != "VALID" or not verdict.policy.employer_disclosed:
        return ()
    held = (("employer", card.permit.employer), ("position", card.permit.position))
    return tuple((words(name), value) for name, value in held if value)


def _issued_by(verdict: Verdict, words: Words) -> str:
    name = (verdict.evidence.issuer_names or {}).get(words.language)
    return words("issued_by", issuer=name) if name and verdict.card is not None else ""


def _age(verdict: Verdict, words: Words, known: Age | None) -> tuple[str, str]:
    # What cannot be read is no card whatever the lists say; whose key is unknown was looked for in all of them.
    age = age_of_verdict(verdict) or (known if verdict.error is None else None)
    if age is not None:
        return age_words(age, words), age.level
    if verdict.error is not None:
        return words("lists_none"), "good"
    return words("lists_unread" if verdict.evidence.state_fault else "lists_missing"), "over"


def _person(card: Card, words: Words, *, photo: bool) -> Person:
    holder = card.holder
    facts = []
    if holder.year_of_birth is not None:
        facts.append(words("born", year=holder.year_of_birth))
    if holder.nationality is not None:
        facts.append(holder.nationality)
    if card.permit.category is not None:
        facts.append(words("category", category=card.permit.category))
    # 2
    shown = photo and holder.photo is not None and holder.photo_format in _MEDIA and is_small(holder.photo)
    return Person(
        name=holder.name or "",
        native=holder.name_native or "",
        native_tag="zh-Hans" if holder.native_language == "zh" else holder.native_language or "",
        facts=tuple(facts),
        photo=base64.b64encode(holder.photo).decode("ascii") if shown and holder.photo else "",
        media=_MEDIA[PhotoFormat(holder.photo_format)] if shown and holder.photo_format else "",
    )


def _rows(verdict: Verdict, card: Card, words: Words) -> tuple[Row, Row]:
    permit, insurance = card.permit, card.insurance
    until = "" if permit.valid_until is None else words("until", date=short_date(permit.valid_until, words))
    paid = ""
    if insurance is not None and insurance.paid_through is not None:
        through = insurance.paid_through
        paid = words("paid_to", date=month(through.year, through.month, words))
    now = verdict.now
    return (
        _row(verdict.permit, words("permit"), until, now, words),
        _row(verdict.insurance, _insurance_name(verdict.policy, words), paid, now, words),
    )


def _insurance_name(policy: Policy, words: Words) -> str:
    # 5
    asked = [words.scheme(str(scheme.name).lower()) for scheme in Scheme if scheme & policy.schemes]
    return words("insurance_of", scheme=asked[0]).capitalize() if len(asked) == 1 else words("insurance")


def _row(state: State, what: str, until: str, now: int, words: Words) -> Row:
    # 1
    strict = state.live and state.as_of is not None and now - state.as_of <= (_STRICT.status_max_age or 0)
    sign: Sign = "tick" if strict and state.state in _GOOD else "cross" if state.state in _BAD else "dash"
    told = words("not_checked")
    if state.live and state.as_of is not None:
        told = words("list_of", date=day_and_time(state.as_of, now, words))
    elif state.as_of is not None:
        told = words("from_card", date=short_date(state.as_of, words))
    good = state.state in _GOOD
    # What only the card says is reported as the date it says: "in force" would be read as checked.
    word = "" if good and until and not state.live else state_words(state.state, words.language)
    return Row(sign, what, word, until if good else "", told, state.state in _BAD)


def _is_weak(policy: Policy) -> bool:
    """Whether it takes lists that ``gate`` would not, or none."""
    pairs = ((policy.status_max_age, _STRICT.status_max_age), (policy.timestamp_max_age, _STRICT.timestamp_max_age))
    return not policy.status_required or any(mine is None or (best and mine > best) for mine, best in pairs)


def _last_known(verdict: Verdict, words: Words) -> str:
    since = verdict.evidence.status_issued_at
    if verdict.last_known not in _BAD or since is None:
        return ""
    state = state_words(verdict.last_known, words.language)
    return words("last_known_bad", state=state.upper(), date=short_date(since, words))


def _known(verdict: Verdict, words: Words) -> tuple[str, ...]:
    if verdict.outcome != "INDETERMINATE":
        return ()
    known = [words("signature_genuine")] if verdict.card is not None else []
    return tuple(known) or (words("nothing_known"),)


def _unknown(verdict: Verdict, words: Words) -> tuple[str, ...]:
    if verdict.outcome != "INDETERMINATE":
        return ()
    reason = str(verdict.reason)
    since = verdict.evidence.status_issued_at
    if reason.startswith("status_"):
        if since is None or reason == "status_unknown":
            return (words("withdrawn_ever"),)
        return (words("withdrawn_since", date=short_date(since, words)),)
    names = {"trust_list": "still_trusted", "timestamp": "lists_newest", "clock": "what_date"}
    return (words(next((name for start, name in names.items() if reason.startswith(start)), "not_in_code")),)


def _state_fact(state: State, words: Words) -> str:
    # 1: what was not read from a fresh list is as old as what says it.
    told = state_words(state.state, words.language)
    if state.live or state.as_of is None:
        return told
    return f"{told} · {words('as_of', date=short_date(state.as_of, words))}"


def _facts(verdict: Verdict, words: Words) -> list[tuple[str, str, bool]]:
    evidence, claims = verdict.evidence, verdict.claims
    names = evidence.issuer_names or {}
    facts: list[tuple[str, str | None, bool]] = [
        ("outcome", verdict.outcome, True),
        ("reason", ".".join(filter(None, (str(verdict.reason), verdict.reason.variant))), True),
        ("also", ", ".join(str(reason) for reason in verdict.also) or None, True),
        # 3: the code of the error alone, never what it found
        ("error", None if verdict.error is None else verdict.error.code, True),
        ("policy", verdict.policy.name, True),
        ("environment", verdict.environment, True),
        ("profile", verdict.profile, True),
    ]
    if claims is not None:
        for name, state in (("permit", verdict.permit), ("insurance", verdict.insurance)):
            facts.append((name, _state_fact(state, words), False))
        schemes = claims.card.insurance.schemes if claims.card.insurance is not None else None
        if schemes:
            held = [words.scheme(str(scheme.name).lower()) for scheme in Scheme if schemes & scheme]
            facts.append(("schemes", ("、" if words.language == "zh" else ", ").join(held) or None, False))
        permit = claims.card.permit
        facts += [("employer", permit.employer, False), ("position", permit.position, False)]
        facts.append(("cti", claims.cti.hex(), True))
        facts.append(("issued", moment(claims.issued_at, words), False))
    facts.append(("issuer", " ".join(filter(None, (names.get(words.language), evidence.issuer))) or None, False))
    facts.append(("key", " ".join(filter(None, (evidence.kid, evidence.algorithm))) or None, True))
    if evidence.trust_list_version is not None:
        age = duration(evidence.trust_list_age or 0, words)
        facts.append(("trust_list", words("version_age", version=evidence.trust_list_version, age=age), False))
    for name, iat, old in (
        ("timestamp", evidence.timestamp_issued_at, evidence.timestamp_age),
        ("status", evidence.status_issued_at, evidence.status_age),
    ):
        if iat is not None:
            facts.append((name, words("of_date", date=moment(iat, words), age=duration(old or 0, words)), False))
    facts.append(("clock", moment(verdict.now, words), False))
    return [(words(f"facts.{name}"), value, code) for name, value, code in facts if value is not None]
