"""``python -m tools.screens``: pictures of the scan page for the documentation, from a real Chromium.

Promises:

1. Every scene and every state of the tests is drawn at 390 and at 1280 px; English and Chinese, light and dark
   alternate, so that each verdict is seen in both languages and both themes, and each pair of language and theme occurs
   at each width.
2. The pictures have a palette of 128 colours, so that all of them together stay below 4 MB.
3. What is in the folder and no picture of these goes.
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

from tests.kit.scan.browser import PHONE, SCREEN, chromium, forgive, seeing, watched
from tests.kit.scan.memory_desk import MemoryDesk, running
from tests.kit.scan.scenes import SCENES
from tests.kit.scan.states import STATES
from tools.film import still
from verifier.runtime.http import configure_logs

__all__ = ["FOLDER", "Picture", "draw", "pictures"]

FOLDER: Final = Path(__file__).parent.parent / "docs" / "screens"
_SIZES: Final[dict[int, Any]] = {390: PHONE, 1280: SCREEN}
_LOOKS: Final = (("en", "light"), ("zh", "dark"), ("en", "dark"), ("zh", "light"))


class Picture(NamedTuple):
    """One picture: of which scene or state, how wide, in which language and theme."""

    name: str
    width: int
    language: str
    theme: Any

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return f"{self.name}-{self.width}-{self.language}-{self.theme}.png"


def pictures() -> Iterator[Picture]:
    """All that are drawn; the two of a name are each other's opposite in language and theme."""
    for number, name in enumerate([*STATES, *SCENES]):
        first = number % len(_LOOKS)
        for width, look in zip(_SIZES, (first, first ^ 1), strict=True):
            yield Picture(name, width, *_LOOKS[look])


def draw(folder: Path, wanted: Sequence[Picture]) -> None:
    """Draw these, and no others stay."""
    folder.mkdir(parents=True, exist_ok=True)
    desk = MemoryDesk()
    with tempfile.TemporaryDirectory() as made:
        camera = Path(made) / "card.mjpeg"
        camera.write_bytes(still(SCENES["valid"].shown()))
        with running(desk) as url, chromium(*seeing(camera)) as browser:
            for picture in wanted:
                (folder / picture.file).write_bytes(_taken(browser, desk, url, picture))
                print(picture.file, flush=True)
    for other in {path.name for path in folder.iterdir()} - {picture.file for picture in wanted}:
        (folder / other).unlink()


def _taken(browser: Browser, desk: MemoryDesk, url: str, picture: Picture) -> bytes:
    state, scene = STATES.get(picture.name), SCENES.get(picture.name, SCENES["valid"])
    desk.world = scene.world if state is None or state.knowing else None
    address = f"{url}?lang={picture.language}&rule={scene.policy}"
    look: dict[str, Any] = {"viewport": _SIZES[picture.width], "color_scheme": picture.theme}
    with watched(browser, address, script=state.script if state else "", **look) as page:
        if state is None:
            page.show(scene.shown())
        else:
            state.bring(desk, page)
            forgive(page, state.complaints)
        drawn = Image.open(BytesIO(page.page.screenshot())).convert("RGB")
    out = BytesIO()
    drawn.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.screens", description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="(default: docs/screens)")
    given = parser.parse_args()
    # The server behind the page reports faults alone, and not between the names of the pictures.
    configure_logs("WARNING")
    draw(given.out, list(pictures()))


if __name__ == "__main__":
    main()
