"""``python -m tools.portal_screens``: pictures of the portal's main pages for the documentation, from a real Chromium.

Promises:

1. Each page is drawn at 390 and at 1280 px; English and Chinese, light and dark alternate, so that each page is seen in
   both languages and both themes.
2. The pictures have a palette of 128 colours. What is in the folder and no picture of these goes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from PIL import Image
from playwright.sync_api import Browser

from tests.kit.portal import Town, enter, running_portal, town
from tests.kit.scan.browser import PHONE, SCREEN, chromium, watched
from verifier.runtime.http import configure_logs

__all__ = ["FOLDER", "Picture", "draw", "pictures"]

FOLDER: Final = Path(__file__).parent.parent / "docs" / "portal-screens"
_SIZES: Final[dict[int, Any]] = {390: PHONE, 1280: SCREEN}
_LOOKS: Final = (("en", "light"), ("zh", "dark"), ("en", "dark"), ("zh", "light"))
#: Page, role, path; None: nobody is logged in.
_PAGES: Final[tuple[tuple[str, str | None, str], ...]] = (
    ("components", None, "gallery"),
    ("log-in", None, "log-in"),
    ("card", "holder", ""),
    ("whole-screen", "holder", "cards/{card}/whole"),
    ("access-log", "holder", "cards/{card}/lookups"),
    ("notices", "holder", "notices"),
    ("account", "employer", "account"),
    ("second-factor", "employer", "account/second-factor"),
    ("employer", "employer", ""),
    ("mandates", "employer", "mandates"),
    ("permit", "resident", "permits"),
    ("insurance", "resident", "insurance"),
    ("returned", "employer", "filings/{returned}"),
    ("what-if", "employer", "what-if"),
    ("queue", "permit_officer", "queue"),
    ("document", "permit_officer", "filings/{filing}/check?material=M04"),
    ("load", "office_head", "load"),
    ("rule", "administrator", "rules/rule?name=deadlines/D06/CN/2018-02-28"),
    ("find", "permit_officer", "search"),
    ("card-of-another", "permit_officer", "cards/{card}"),
    ("revocation", "permit_officer", "cards/{card}/revoke"),
    ("audit", "auditor", "audit"),
    ("keys", "auditor", "service"),
    ("accounts", "administrator", "accounts"),
    ("report", "resident", "privacy/requests/{request}"),
    ("benefits", "resident", "benefits"),
    ("window-times", "permit_officer", "slots"),
)


class Picture(NamedTuple):
    """One picture: of which page, how wide, in which language and theme."""

    name: str
    role: str | None
    path: str
    width: int
    language: str
    theme: Any

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return f"{self.name}-{self.width}-{self.language}-{self.theme}.png"


def pictures() -> Iterator[Picture]:
    """All that are drawn; the two of a page are each other's opposite in language and theme."""
    for number, (name, role, path) in enumerate(_PAGES):
        first = number % len(_LOOKS)
        for width, look in zip(_SIZES, (first, first ^ 1), strict=True):
            yield Picture(name, role, path, width, *_LOOKS[look])


def draw(folder: Path, wanted: Sequence[Picture]) -> None:
    """Draw these, and no others stay."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        service = town(Path(made), office=True)
        try:
            with running_portal(service), chromium() as browser:
                for picture in wanted:
                    (folder / picture.file).write_bytes(_taken(browser, service, picture))
                    print(picture.file, flush=True)
        finally:
            service.issuing_service.core.close()
    for other in {path.name for path in folder.iterdir()} - {picture.file for picture in wanted}:
        (folder / other).unlink()


def _taken(browser: Browser, service: Town, picture: Picture) -> bytes:
    look: dict[str, Any] = {"viewport": _SIZES[picture.width], "color_scheme": picture.theme}
    with watched(browser, service.url + "log-in", **look) as page:
        if picture.role is not None:
            enter(page.page, service, picture.role)
        address = service.path(picture.path)
        page.page.goto(f"{address}{'&' if '?' in address else '?'}lang={picture.language}")
        # The gallery is long: its first screens are enough here.
        whole = picture.name != "components"
        image = Image.open(BytesIO(page.page.screenshot(full_page=whole, animations="disabled")))
    packed = BytesIO()
    image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main() -> None:
    """Draw all pictures."""
    argparse.ArgumentParser(prog="tools.portal_screens", description=__doc__).parse_args()
    configure_logs("ERROR")
    draw(FOLDER, list(pictures()))


if __name__ == "__main__":
    main()
