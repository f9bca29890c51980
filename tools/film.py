"""``python -m tools.film CODE.txt OUT.mjpeg``: a film of a code held before a camera, for Chromium's fake video device.

Promises:

1. The code comes in out of focus and moving, then is clear, tilts and moves on: what a hand does.
2. Beside the square that a scan page looks at, a bar is white from the first clear frame on and black before, so that
   whoever watches the film knows when it was clear.
3. The same code gives the same film.
"""

from __future__ import annotations

import argparse
import math
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from icard_crypto import qr

__all__ = ["BLURRED", "FRAMES", "SIZE", "film", "still"]

SIZE: Final = (1280, 720)
FRAMES: Final = 90
#: So many frames are out of focus; Chromium plays 30 a second, and begins again at the end.
BLURRED: Final = 45
_CENTRE: Final = (640, 360)
_SIDE: Final = 520


def film(code: str) -> bytes:
    """Motion JPEG of 1280 x 720."""
    card = _card(code)
    return b"".join(_jpeg(_frame(card, number)) for number in range(FRAMES))


def still(code: str, number: int = BLURRED) -> bytes:
    """One frame alone, the first clear one: a code that nobody moves."""
    return _jpeg(_frame(_card(code), number))


def _card(code: str) -> Image.Image:
    drawn = Image.open(BytesIO(qr.draw_png(code))).convert("L")
    card = Image.new("L", (drawn.width + 80, drawn.height + 80), 235)
    card.paste(drawn, (40, 40))
    return card


def _frame(card: Image.Image, number: int) -> Image.Image:
    clear = number >= BLURRED
    turn = 2 * math.pi * number / FRAMES
    tilt = 0.06 + 0.05 * math.sin(2 * turn)
    angle = 0.12 * math.sin(turn)
    shift = np.array((30 * math.cos(turn), 18 * math.sin(2 * turn)))
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    half = _SIDE / 2
    square = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    leaning = square * np.array([[1 - tilt], [1], [1], [1 - tilt]])
    corners = leaning @ turned.T + np.array(_CENTRE) + shift
    picture = _light(
        card.transform(
            SIZE, Image.Transform.PERSPECTIVE, _coefficients(card.size, corners), Image.Resampling.BICUBIC, fillcolor=90
        )
    )
    if not clear:
        picture = picture.filter(ImageFilter.GaussianBlur(9 * (1 - number / BLURRED) + 4))
    bar = ImageDraw.Draw(picture)
    bar.rectangle((0, 0, 120, SIZE[1]), fill=255 if clear else 0)
    return picture


def _light(picture: Image.Image) -> Image.Image:
    falling = np.linspace(1.0, 0.7, SIZE[0])[None, :]
    return Image.fromarray((np.asarray(picture) * falling).astype(np.uint8))


def _coefficients(size: tuple[int, int], corners: np.ndarray) -> tuple[float, ...]:
    """Of the projection from the film to the card (Pillow, ``Image.transform``)."""
    width, height = size
    rows, wanted = [], []
    for (x, y), (to_x, to_y) in zip(((0, 0), (width, 0), (width, height), (0, height)), corners, strict=True):
        rows.append([to_x, to_y, 1, 0, 0, 0, -x * to_x, -x * to_y])
        rows.append([0, 0, 0, to_x, to_y, 1, -y * to_x, -y * to_y])
        wanted += [x, y]
    return tuple(float(each) for each in np.linalg.solve(np.array(rows), np.array(wanted)))


def _jpeg(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a film of a code for Chromium's fake video device.")
    parser.add_argument("code", type=Path, help="a file with the code's text")
    parser.add_argument("out", type=Path, help="the film to write, .mjpeg")
    given = parser.parse_args()
    given.out.write_bytes(film(given.code.read_text("ascii").strip()))
    print(f"written: {given.out}")


if __name__ == "__main__":
    main()
