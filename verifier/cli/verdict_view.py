"""A verdict for people: the word first, then why, what to do, and what it rests on.

Promises:

1. The first line is the answer; the second why; the third what to do.
2. Nothing of the card is shown unless the verdict has the card.
3. "Compare the face" is always there, for a copied code is genuine too; so is what the answer rests on, with its age.
4. A verdict of the test environment says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from icard_crypto.card.card import Card
from icard_crypto.moments import DAY, china_moment
from verifier.decision.reasons import Reason, holder_words, outcome_words, state_words
from verifier.decision.states import State
from verifier.decision.verdict import Evidence, Verdict
from verifier.runtime.cli.faults import sentence
from verifier.runtime.cli.run_context import run_context, word

__all__ = ["show"]

_SIGNS: Final = {"VALID": "✓", "INVALID": "✕", "INDETERMINATE": "?"}
_STYLES: Final = {"VALID": "green", "INVALID": "red", "INDETERMINATE": "yellow"}
_MINUTE, _HOUR = 60, 3600
_BETWEEN: Final = " · "
_WIDEST: Final = 100


def show(verdict: Verdict, name: str, console: Console) -> None:
    """Print a verdict: in a box on a terminal, else as lines of ``label: value``."""
    style = _STYLES[verdict.outcome]
    language = run_context().language
    answer = f"{_SIGNS[verdict.outcome]} {outcome_words(verdict.outcome, language).upper()}"
    band = word("test_card" if verdict.card else "test") if verdict.environment == "test" else ""
    rows = list(_rows(verdict))
    if not console.is_terminal:
        console.print(Text(f"{name}{word('colon')}{answer}" if name else answer))
        for line in (band, verdict.message(language), verdict.action(language)):
            if line:
                console.print(Text(line))
        for label, value in rows:
            console.print(Text(f"{label}{word('colon')}{value}"))
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(label, Text(value))
    parts: list[RenderableType] = [
        Text(f" {answer} ", style=f"bold white on {style}" if style != "yellow" else "bold black on yellow"),
        Text(verdict.message(language), style="bold"),
        Text(f"→ {verdict.action(language)}"),
        Text(),
        table,
    ]
    if band:
        parts.insert(0, Text(f" {band} ", style="bold white on magenta"))
    title = Text(name, style="bold") if name else None
    subtitle = Text(band, style="bold magenta") if band else None
    width = min(console.width, _WIDEST)
    console.print(Panel(Group(*parts), box=ROUNDED, border_style=style, title=title, subtitle=subtitle, width=width))


def _rows(verdict: Verdict) -> Iterator[tuple[str, str]]:
    language = run_context().language
    card = verdict.card
    if verdict.error is not None:
        told = verdict.error.message(language) == verdict.message(language)
        yield word("fault"), sentence(verdict.error, told=told)
    if card is not None:
        yield word("name"), _BETWEEN.join(part for part in (card.holder.name, card.holder.name_native) if part)
        born = card.holder.date_of_birth or card.holder.year_of_birth
        person = [str(part) for part in (born, card.holder.nationality) if part]
        if person:
            yield word("born"), _BETWEEN.join(person)
        yield word("permit"), _permit(card, verdict.permit)
        if card.permit.employer:
            yield word("employer"), card.permit.employer
        yield word("insurance"), _insurance(card, verdict.insurance)
        yield word("holder"), holder_words(verdict.holder, language)
    # Without a list of issuers every key is a stranger's.
    if verdict.last_known is not None and verdict.reason != "trust_list_missing":
        yield word("last_known"), Reason(verdict.last_known).message(language)
    for reason in verdict.also:
        yield word("also"), f"{reason.message(language)} {reason.action(language)}"
    evidence = verdict.evidence
    if evidence.issuer is not None and card is not None:
        name = (evidence.issuer_names or {}).get(language, "")
        yield word("issuer"), evidence.issuer if name in ("", evidence.issuer) else f"{name} ({evidence.issuer})"
    # What could not be read at all was checked against nothing.
    if evidence.kid is not None:
        yield word("known"), _known(evidence)


def _permit(card: Card, state: State) -> str:
    permit = card.permit
    facts = [_state(state)]
    for name, value in (("category", permit.category), ("until", permit.valid_until), ("region", permit.region)):
        if value is not None:
            facts.append(f"{word(name)} {value}")
    return _BETWEEN.join(facts)


def _insurance(card: Card, state: State) -> str:
    facts = [_state(state)]
    if card.insurance is not None and card.insurance.paid_through is not None:
        facts.append(f"{word('paid_through')} {card.insurance.paid_through}")
    return _BETWEEN.join(facts)


def _state(state: State) -> str:
    words = state_words(state.state, run_context().language)
    if state.live:
        return f"{words} ({word('live')})"
    if state.as_of is None:
        return words
    return f"{words} ({word('as_of')} {china_moment(state.as_of):%Y-%m-%d})"


def _known(evidence: Evidence) -> str:
    """What the answer rests on and how old it is."""
    facts = []
    if evidence.keys_given_directly:
        facts.append(word("keys_given"))
    if evidence.trust_list_version is not None:
        facts.append(f"{word('trust_list')} {evidence.trust_list_version}{_age(evidence.trust_list_age)}")
    if not facts:
        facts.append(word("no_keys"))
    if evidence.timestamp_age is not None:
        facts.append(f"{word('timestamp')}{_age(evidence.timestamp_age)}")
    if evidence.status_age is None:
        facts.append(word("no_status"))
    else:
        facts.append(f"{word('status_list')}{_age(evidence.status_age)}")
    return _BETWEEN.join(facts)


def _age(seconds: int | None) -> str:
    if seconds is None:
        return ""
    for unit, name in ((DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if seconds >= unit or unit == _MINUTE:
            return f" ({word(name).format(seconds // unit)})"
    return ""
