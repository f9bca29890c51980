"""The contrasts of the page's colours by the formula of WCAG 2.2, from the style sheet itself, by day and by night."""

from __future__ import annotations

import re
from importlib import resources

import pytest

_CSS = (resources.files("verifier.service.scan") / "static" / "css" / "tokens.css").read_text("utf-8")
_COLOUR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{3,6});")
_DAY, _NIGHT = _CSS.split("@media (prefers-color-scheme: dark)")
#: Of decoration, which tells nothing: lines between rows, the stripes behind the band's words.
_DECORATION = {"line", "test-2"}
_GROUNDS = ("page", "surface")

#: The least contrast, and what stands on what.
WANTED: list[tuple[float, str, str]] = [
    *((5.0, f"on-{form}", form) for form in ("valid", "invalid", "open")),
    *((4.5, text, ground) for text in ("ink", "ink-2", "accent", "error", "warn-ink") for ground in _GROUNDS),
    *((4.5, *pair) for pair in (("ink-2", "sunken"), ("on-accent", "accent"), ("warn-ink", "warn-tint"))),
    *((4.5, *pair) for pair in (("on-test", "test"), ("page", "ink"))),
    *((3.0, f"{form}-edge", "page") for form in ("valid", "invalid", "open")),
    *((3.0, line, ground) for line in ("border", "focus", "ok-ink", "bad-ink", "ink-2") for ground in _GROUNDS),
]


def colours(theme: str) -> dict[str, str]:
    """The page's colours by their names; by night some are others."""
    day = dict(_COLOUR.findall(_DAY))
    return day if theme == "light" else day | dict(_COLOUR.findall(_NIGHT))


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, WCAG 2.2: 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrasts(theme: str) -> None:
    """A verdict's words stand out by 5, other text by 4.5; frames, signs, borders and the focus by 3."""
    found = colours(theme)
    faint = [
        f"{on} on {ground}: {contrast(found[on], found[ground]):.2f}, not {least}"
        for least, on, ground in WANTED
        if contrast(found[on], found[ground]) < least
    ]
    assert faint == []


@pytest.mark.parametrize("form", ["valid", "invalid", "open"])
def test_the_chip_of_a_test_stands_out(form: str) -> None:
    """The chip is told from each panel by its ground or by its frame."""
    found = colours("light")
    assert max(contrast(found[each], found[form]) for each in ("test", "on-test")) >= 3


def test_every_colour_is_measured() -> None:
    """Each colour of the style sheet is in a pair above, and no other colour stands in the other style sheets."""
    named = {name for _, on, ground in WANTED for name in (on, ground)}
    assert set(colours("dark")) - _DECORATION == named
    folder = resources.files("verifier.service.scan") / "static" / "css"
    for name in ("page.css", "answer.css"):
        # The picture of the camera is black, and its frame white on black, whatever the theme.
        others = set(re.findall(r"#[0-9a-f]{3,6}\b", (folder / name).read_text("utf-8"))) - {"#000", "#fff"}
        assert others == set(), name


def test_contrast_by_the_formula() -> None:
    """The formula's own examples: black on white is 21, a colour on itself 1."""
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777") == pytest.approx(1)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.005)
