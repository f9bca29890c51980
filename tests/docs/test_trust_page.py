"""docs/trust.md has as many rules, in each section, as the modules' docstrings that it tells in other words."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from icard_crypto.lists import bundle, status_list, status_trust, timestamp, trust_chain, trust_list, uris
from tests.docs.pages import ROOT
from verifier.store import decide

_RULE = re.compile(r"^ ?(\d+)\. ", re.MULTILINE)


def _rules_of(title: str) -> list[int]:
    page = (ROOT / "docs" / "trust.md").read_text("utf-8")
    section = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [int(number) for number in _RULE.findall(section)]


@pytest.mark.parametrize(
    ("title", "modules"),
    [
        ("2. Trust list: the payload", [trust_list]),
        ("3. Trust list: what may follow what", [trust_chain]),
        ("4. Where status lists stand", [uris]),
        ("5. Status token", [status_list, status_trust]),
        ("6. Timestamp", [timestamp]),
        ("7. Bundle and state", [bundle, decide]),
    ],
    ids=lambda value: value[:1] if isinstance(value, str) else None,
)
def test_a_section_has_the_rules_of_its_modules(title: str, modules: list[ModuleType]) -> None:
    """A rule that is added to a module, or taken out, is missed on the page."""
    stated = [int(number) for module in modules for number in _RULE.findall(module.__doc__ or "")]
    assert stated
    assert _rules_of(title) == stated
