"""The contrasts of the colours that the portal adds to the scan page's, by the formula of WCAG 2.2."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from tests.verifier.service.scan.test_contrasts import contrast

_TOKENS = resources.files("verifier.service.scan") / "static" / "css" / "tokens.css"
_ROLES = resources.files("issuer.portal") / "static" / "css" / "roles.css"
_COLOUR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{3,6});")
_DARK = "@media (prefers-color-scheme: dark)"
TONES = ("ok", "bad", "warn", "neutral", "info")


def colours(theme: str) -> dict[str, str]:
    """The colours of both style sheets by their names."""
    found: dict[str, str] = {}
    for sheet in (_TOKENS, _ROLES):
        found |= dict(_COLOUR.findall(sheet.read_text("utf-8").partition(_DARK)[0]))
    for sheet in (_TOKENS, _ROLES):
        if theme == "dark":
            found |= dict(_COLOUR.findall(sheet.read_text("utf-8").partition(_DARK)[2]))
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tags_errors_and_buttons_stand_out(theme: str) -> None:
    """Text stands out by 4.5 from what it is on."""
    found = colours(theme)
    pairs = [(f"{tone}-ink", f"{tone}-tint") for tone in TONES]
    pairs += [("on-danger", "danger"), ("error", "surface"), ("accent", "surface"), ("ink-2", "sunken")]
    faint = [pair for pair in pairs if contrast(found[pair[0]], found[pair[1]]) < 4.5]
    assert faint == []


def test_style_sheets_name_no_other_colour() -> None:
    """Colours stand in the two sheets of tokens; the white sheet of a card has its own, in both themes."""
    folder = resources.files("issuer.portal") / "static" / "css"
    for sheet in folder.iterdir():
        others = set(re.findall(r"#[0-9a-f]{3,6}\b", sheet.read_text("utf-8")))
        if sheet.name == "card.css":
            assert others <= {*colours("light").values(), "#fff", "#3b4552"}
        elif sheet.name != "roles.css":
            assert others <= {"#fff", "#000"}, sheet.name
