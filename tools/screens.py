"""``python -m tools.screens``: pictures of the scan page for the documentation, from a real Chromium.

Promises:

1. Every scene of the tests is drawn at 390 and at 1280 px; English and Chinese, light and dark alternate, so that each
   verdict is seen in both languages and both themes, and each pair of language and theme occurs at each width.
2. The pictures have a palette of 128 colours, so that all of them together stay below 4 MB.
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

from tests.verifier.service.web.browser import PHONE, SCREEN, chromium, watched
from tests.verifier.service.web.desk import MemoryDesk, running
from tests.verifier.service.web.scenes import SCENES

__all__ = ["FOLDER", "draw", "looks"]

FOLDER: Final = Path(__file__).parent.parent / "docs" / "screens"
_SIZES: Final[dict[int, Any]] = {390: PHONE, 1280: SCREEN}
_LOOKS: Final = (("en", "light"), ("zh", "dark"), ("en", "dark"), ("zh", "light"))


def looks(number: int) -> dict[int, tuple[str, str]]:
    """Language and theme of a scene at each width: the second is the opposite of the first."""
    first = number % len(_LOOKS)
    return {390: _LOOKS[first], 1280: _LOOKS[first ^ 1]}


def draw(folder: Path) -> None:
    """Draw every scene and the page before the first scan."""
    folder.mkdir(parents=True, exist_ok=True)
    desk = MemoryDesk()
    with running(desk) as url, chromium() as browser:
        for number, (name, scene) in enumerate([("ready", None), *SCENES.items()]):
            for width, (language, theme) in looks(number).items():
                if scene is not None:
                    desk.world = scene.world
                address = f"{url}?lang={language}" + (f"&rule={scene.policy}" if scene is not None else "")
                with watched(browser, address, viewport=_SIZES[width], color_scheme=theme) as page:
                    if scene is not None:
                        page.show(scene.shown())
                    _keep(page.page.screenshot(), folder / f"{name}-{width}-{language}-{theme}.png")
            print(name, flush=True)


def _keep(picture: bytes, path: Path) -> None:
    drawn = Image.open(BytesIO(picture)).convert("RGB")
    drawn.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.screens", description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="(default: docs/screens)")
    draw(parser.parse_args().out)


if __name__ == "__main__":
    main()
