"""Questions of strangers, each answered within three steps from the first page of whoever asks, on the first screen of
a telephone, read from what is on screen alone. The list stands in docs/portal.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.portal import Town
from tests.kit.scan.browser import PHONE, Watched

OFFICE = True
pytestmark = pytest.mark.slow
Visiting = Callable[..., Watched]
PAGE = Path(__file__).parents[3] / "docs" / "portal.md"


class Question(NamedTuple):
    """A question: who asks, which links or buttons lead to its answer, what has to be on screen then."""

    role: str
    words: str
    steps: tuple[str, ...]
    answer: tuple[str, ...]


QUESTIONS = (
    Question("employer", "Which extension is due, and until when?", ("Permits", "Ending within 120 days"),
             ("LINDQVIST ASTRID", "{until}")),
    Question("employer", "What is wrong with the application that came back?", ("Correct it",),
             ("2 points to correct", "The certificate is not legible.", "Name the product.")),
    Question("employer", "Why was it refused, and until when can we object?", ("Applications", "All", "SMITH JOHN"),
             ("You can object until", "The medical report is not from the clinic that it names.")),
    Question("employer", "What do we owe in social insurance?", ("Insurance",), ("Owed, CNY", "Late fees so far, CNY")),
    Question("employer", "Which category would a person have?", ("What if",), ("Nothing is filed or kept.", "Region")),
    Question("resident", "Until when may I work, and for whom?", ("Permits",),
             ("May work for Organisation 1 as Design engineer until",)),
    Question("resident", "Whose turn is the extension, and what happens otherwise?", ("Permits",),
             ("Next step: the employer or its agency.", "The system takes no extension")),
    Question("resident", "Am I insured this month?", ("Insurance",), ("Lapsed since", "Contributions for")),
    Question("resident", "What do I do on leaving China?", ("Permits", "What happens when I leave China"),
             ("cancels the permit within 10 working days", "Keep the account")),
    Question("holder", "Who looked me up?", ("Who looked me up",), ("Permit officer",)),
    Question("holder", "My phone is lost: what now?", ("My phone is lost",),
             ("All present codes of the card are refused from now on", "New codes are made after a check")),
    Question("permit_officer", "What has to be decided first, and who works on it?", ("Queue",),
             ("TANAKA YUKI", "Taken by")),
    Question("office_head", "What is overdue, and what goes on by law?", ("Queue", "Load"),
             ("Nothing is overdue.", "No undecided extension is near its end.")),
    Question("auditor", "Is the audit whole?", ("Audit trail", "Verify the chain"), ("The chain is whole",)),
)  # fmt: skip

#: The text that is on screen now: of what is in the window and neither hidden nor for screen readers alone.
_ON_SCREEN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, range = document.createRange();
    if (node.parentElement.closest(".unseen, script, [hidden]")) continue;
    range.selectNodeContents(node);
    const seen = [...range.getClientRects()].some(
      ({ top, bottom, width }) => width > 1 && top >= 0 && bottom <= innerHeight);
    const label = node.parentElement.closest("[data-label]")?.dataset.label;
    if (seen) found.push(label ?? "", node.data);
  }
  return found.join(" ").replace(/\\s+/g, " ");
}"""


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked.words)
def test_answer_is_on_the_first_screen_within_three_steps(visiting: Visiting, served: Town, asked: Question) -> None:
    """Each step is a link or a button that the page has; the answer needs no scrolling."""
    assert len(asked.steps) <= 3
    page = visiting("?lang=en", asked.role, viewport=PHONE).page
    for step in asked.steps:
        button = page.get_by_role("button", name=step, exact=True)
        link = page.locator("a", has_text=step)
        (button if button.count() else link).first.click()
        page.wait_for_load_state()
    on_screen = page.evaluate(_ON_SCREEN)
    for words in asked.answer:
        assert words.replace("{until}", served.ids["until"]) in on_screen, (words, on_screen)


def test_questions_stand_in_the_documentation() -> None:
    """The list there and the one here are one."""
    text = PAGE.read_text("utf-8")
    assert [asked.words for asked in QUESTIONS if f"| {asked.words} |" not in text] == []
