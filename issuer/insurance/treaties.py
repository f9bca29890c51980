"""Exemption by a social security treaty: whether a certificate is taken, and which months it exempts.

Promises:

1. Without a certificate of the home country there is no exemption. A month is exempt for a scheme if treaty, group,
   certificate, period and scheme all cover its first day (icard's own reading).
2. A certificate exempts from the treaty's schemes and never from others, whatever it says itself.
3. The treaty's longest period holds over all certificates of one posting, which follow one another without a gap.
   Where the longest is not known the certificate's own end counts, and the answer is uncertain.
4. A certificate is refused with the reason: no treaty, signed but not in force, another group, another person's name,
   too long, overlapping, an extension of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any, Final, Literal

from icard_crypto.moments import ONE_DAY
from issuer.rules.book import RuleBook
from issuer.rules.days import months_after
from issuer.rules.regions import NATION
from issuer.rules.rows import Rule

from .answers import NO_RULE, Answer
from .months import period_end
from .schemes import NONE, Scheme, schemes_of

__all__ = ["Certificate", "Exemption", "exempt_on", "judge_certificate"]

_KIND: Final = "insurance_treaties"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of coverage of the home country.

    Args:
        country: who issued it, alpha-3.
        group: a group of the treaty, such as ``posted``.
        first, last: its days, both included.
        extension: whether it prolongs the posting of an earlier one.
        same_name: whether the name in it is the person's.
        issued_on: None where that is not known.
    """

    country: str
    group: str
    schemes: Scheme
    first: date
    last: date
    extension: bool = False
    same_name: bool = True
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """The schemes that a day is exempt from, and the row that says so."""

    schemes: Scheme
    rule: Rule | None


def judge_certificate(
    book: RuleBook,
    certificate: Certificate,
    earlier: Sequence[Certificate] = (),
    known_on: date | None = None,
) -> Answer:
    """Whether a certificate is taken: ``accepted`` or ``refused``, with the reason.

    Args:
        earlier: the person's certificates that were taken.
        known_on: judge by what had been published by then.
    """
    rule = _treaty(book, certificate, known_on)
    if rule is None:
        return _no_treaty(book, certificate, known_on)
    named = {"country": certificate.country, "schemes": ", ".join(rule.value["schemes"])}
    refusal = _refusal(rule, certificate, earlier)
    if refusal is not None:
        return Answer("refused", refusal, (rule,), named)
    allowed, accepted = _longest(rule, certificate, earlier)
    if allowed is not None and certificate.last > allowed:
        more = {**named, "until": allowed.isoformat()}
        return Answer("refused", "certificate_too_long", (rule,), more)
    if not certificate.schemes & schemes_of(rule.value["schemes"]):
        return Answer("refused", "certificate_schemes", (rule,), named)
    more = {**named, "from": max(certificate.first, rule.valid_from).isoformat(), "until": certificate.last.isoformat()}
    if accepted == "certificate_accepted" and certificate.first < rule.valid_from:
        accepted = "certificate_from_treaty"
    return Answer("accepted", accepted, (rule,), more)


def exempt_on(
    book: RuleBook, certificates: Sequence[Certificate], day: date, known_on: date | None = None
) -> Exemption:
    """What certificates that were taken exempt from on a day; for a month ask with its first day (promise 1)."""
    for certificate in certificates:
        if not certificate.first <= day <= certificate.last:
            continue
        rule = book.find(_KIND, certificate.country, NATION, day, known_on)
        if rule is None or not rule.value["in_force"] or certificate.group not in rule.value["groups"]:
            continue
        if not certificate.same_name:
            continue
        allowed, _ = _longest(rule, certificate, _before(certificates, certificate))
        if allowed is not None and day > allowed:
            continue
        return Exemption(certificate.schemes & schemes_of(rule.value["schemes"]), rule)
    return Exemption(NONE, None)


def _treaty(book: RuleBook, certificate: Certificate, known_on: date | None) -> Rule | None:
    """The treaty in force at some time of the certificate; else the one that was signed by its end."""
    for day in (certificate.first, certificate.last):
        rule = book.find(_KIND, certificate.country, NATION, day, known_on)
        if rule is not None:
            return rule
    return None


def _no_treaty(book: RuleBook, certificate: Certificate, known_on: date | None) -> Answer:
    later = book.all(_KIND, certificate.country, known_on=known_on)
    facts = {"country": certificate.country}
    if later:
        from_day = min(rule.valid_from for rule in later)
        return Answer("refused", "treaty_later", later[:1], {**facts, "from": from_day.isoformat()})
    return Answer("refused", NO_RULE, (), {"subject": f"insurance_treaties/{certificate.country}"})


Refusal = Literal[
    "treaty_not_in_force",
    "certificate_group",
    "certificate_name",
    "certificate_period",
    "certificate_overlaps",
    "certificate_extends_nothing",
    "certificate_late",
]
Accepted = Literal["certificate_accepted", "certificate_from_treaty", "certificate_uncertain", "certificate_consent"]


def _refusal(rule: Rule, certificate: Certificate, earlier: Sequence[Certificate]) -> Refusal | None:
    if not rule.value["in_force"]:
        return "treaty_not_in_force"
    if certificate.group not in rule.value["groups"]:
        return "certificate_group"
    if not certificate.same_name:
        return "certificate_name"
    if certificate.last < certificate.first:
        return "certificate_period"
    if any(one.first <= certificate.last and certificate.first <= one.last for one in earlier):
        return "certificate_overlaps"
    if certificate.extension and not any(
        one.last + ONE_DAY == certificate.first and one.country == certificate.country for one in earlier
    ):
        return "certificate_extends_nothing"
    within = rule.value.get("certificate_within_months")
    if within is not None and certificate.issued_on is not None and not certificate.extension:
        latest = months_after(certificate.first, int(within))
        return "certificate_late" if certificate.issued_on > latest else None
    return None


def _longest(rule: Rule, certificate: Certificate, earlier: Sequence[Certificate]) -> tuple[date | None, Accepted]:
    """The last day that the treaty allows, None where the certificate's own end counts; and how it is accepted."""
    group: dict[str, Any] = rule.value["groups"][certificate.group]
    if group.get("unlimited"):
        return None, "certificate_accepted"
    totals = list(accumulate(group["months"]))
    chain = _posting(certificate, earlier)
    if not totals or rule.uncertain:
        return None, "certificate_uncertain"
    if len(chain) >= len(totals) and group["then"] != "none":
        return None, "certificate_consent" if group["then"] == "consent" else "certificate_uncertain"
    start = chain[0].first if chain else certificate.first
    counted = rule.value.get("running_count_from")
    if counted is not None:
        start = max(start, date.fromisoformat(counted))
    return period_end(start, totals[min(len(chain), len(totals) - 1)]), "certificate_accepted"


def _posting(certificate: Certificate, earlier: Sequence[Certificate]) -> list[Certificate]:
    """The certificates before this one in the same posting, the first one first.

    One that follows on the next day prolongs the posting, whether it calls itself an extension or not: a second first
    certificate does not begin the treaty's period again.
    """
    chain: list[Certificate] = []
    next_one = certificate
    by_end = {one.last: one for one in earlier if one.country == certificate.country}
    while (before := by_end.get(next_one.first - ONE_DAY)) is not None:
        chain.insert(0, before)
        next_one = before
    return chain


def _before(certificates: Sequence[Certificate], certificate: Certificate) -> list[Certificate]:
    return [one for one in certificates if one.first < certificate.first]
