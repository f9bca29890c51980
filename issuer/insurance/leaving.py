"""Leaving China, returning, death: the rules for the accounts, and the consequences of each choice.

Promises:

1. The holder sees the choices with their consequences, in amounts, before choosing. Only the holder may have the
   account paid out, in writing; the employer cannot ask for it. Heirs inherit.
2. What is paid out is the employee's own part, never the employer's.
3. Months add up on return where the account was kept; after a payout they start again.
4. The medical account is settled apart, open bills first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from icard_crypto.errors import Invalid, NotAllowed
from issuer.rules.book import RuleBook
from issuer.rules.rows import Rule

from .answers import NO_RULE, Answer
from .ledger import Entry
from .money import parse_yuan
from .schemes import Scheme, scheme_names

__all__ = [
    "Choice",
    "MedicalSettlement",
    "account_balance",
    "carried_months",
    "choices",
    "months_counted",
    "require_chooser",
    "settle_medical",
]

ChoiceName = Literal["keep", "pay_out", "death"]
_LEAVING: Final = "insurance_leaving"


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: what it does, what is paid (in fen), how many months still count afterwards, and its rule."""

    name: ChoiceName
    answer: Answer
    paid: int
    months_after: int


@dataclass(frozen=True, slots=True)
class MedicalSettlement:
    """What is left of a medical account. ``bills``: open ones, which come first; ``appointment``: one is needed.

    Sums are in fen.
    """

    paid: int
    bills: int
    unpaid_bills: int
    appointment: bool
    working_days: int | None
    rule: Rule


def account_balance(entries: Sequence[Entry]) -> int:
    """The personal pension account in fen: the employee's own parts, less refunds, without interest."""
    signs = {"paid": 1, "refunded": -1, "reported": 0}
    return sum(signs[one.kind] * one.employee_part for one in entries if one.scheme == Scheme.PENSION)


def months_counted(months: Sequence[int], paid_out: Sequence[int] = ()) -> int:
    """How many months count: each once, and only those after the last payout.

    Args:
        months: months for which contributions were paid, in any order, with repetitions.
        paid_out: the months in which an account was paid out.
    """
    since = max(paid_out, default=-1)
    return len({month for month in months if month > since})


def carried_months(book: RuleBook, scheme: Scheme, paid: Sequence[tuple[int, str, str]], on: date) -> int:
    """How many months of a scheme count after changes of employer and region.

    Args:
        paid: month, employer and region of every month that was paid for.

    Returns:
        All of them where the rule carries years along; otherwise those with the last employer in the last region alone.
    """
    rule = book.find("insurance_carry", scheme_names(scheme)[0], "CN", on)
    if not paid or rule is None:
        return 0
    _, *last = max(paid)
    return len({month for month, *place in paid if rule.value["years"] or place == last})


def choices(book: RuleBook, region: str, on: date, *, dead: bool, balance: int, months: int) -> list[Choice]:
    """What can be chosen on a day, by the holder or, after a death, by the heirs.

    Args:
        balance: of the personal account, in fen.
        months: how many count until now.
    """
    names: tuple[ChoiceName, ...] = ("death",) if dead else ("keep", "pay_out")
    found = []
    for name in names:
        rule = book.find(_LEAVING, name, region, on)
        if rule is None:
            subject = {"subject": f"{_LEAVING}/{name}"}
            found.append(Choice(name, Answer("unknown", NO_RULE, (), subject), 0, months))
            continue
        paid = balance if rule.value["effect"] in ("paid_out", "inherited") else 0
        kept = months if rule.value.get("adds_up_on_return") else 0
        texts = {"text_en": rule.value["en"], "text_zh": rule.value["zh"]}
        found.append(Choice(name, Answer(rule.value["effect"], "leaving", (rule,), texts), paid, kept))
    return found


def require_chooser(rule: Rule, chooser: str, *, written: bool) -> None:
    """Refuse a choice that is not this person's to make.

    Args:
        chooser: ``holder``, ``heirs``, ``employer``.

    Raises:
        NotAllowed: ``insurance.not_yours_to_choose``.
        Invalid: ``insurance.written_request``.
    """
    if chooser not in rule.value["who"]:
        raise NotAllowed("insurance.not_yours_to_choose", expected=", ".join(rule.value["who"]))
    if rule.value.get("written_request") and not written:
        raise Invalid("insurance.written_request", path="signed")


def settle_medical(book: RuleBook, region: str, on: date, balance: int, bills: Sequence[int]) -> MedicalSettlement:
    """How a medical account is settled; sums in fen.

    Raises:
        Invalid: ``insurance.no_rule``.
    """
    rule = book.find(_LEAVING, "medical_account", region, on)
    if rule is None:
        raise Invalid("insurance.no_rule", path=f"{_LEAVING}/medical_account")
    open_bills = sum(bills)
    covered = min(open_bills, balance)
    left = balance - covered
    limit = rule.value.get("appointment_above")
    return MedicalSettlement(
        left,
        covered,
        open_bills - covered,
        limit is not None and left > parse_yuan(limit),
        rule.value.get("working_days"),
        rule,
    )
