"""Pictures as cameras, printers and chat programs spoil them, made from clean ones; for tests and benchmarks.

Every function takes and returns a grey Pillow image; those that draw lots take a seed and are repeatable. Lengths that
depend on the code are in modules, so that the same distortion means the same at every size.
"""

from __future__ import annotations

import random
from io import BytesIO

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

__all__ = [
    "blurred",
    "card_text",
    "encoded",
    "faint",
    "inverted",
    "jpeg",
    "noisy",
    "on_canvas",
    "perspective",
    "portrait",
    "printed",
    "rotated",
    "shaded",
    "small",
]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def card_text(length: int = 417, seed: int = 1) -> str:
    """A text of the shape of a card, ``IC1:`` and random base45; 417 characters are the reference public card."""
    return "IC1:" + "".join(random.Random(seed).choices(_ALPHABET, k=length - 4))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of a file of a kind that Pillow writes."""
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def perspective(image: Image.Image, amount: float = 0.2, seed: int = 1) -> Image.Image:
    """Seen from aside: each corner moves inwards by up to ``amount`` of the side, at least one by all of it."""
    draw = random.Random(seed)
    width, height = image.size
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    inward = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    full = draw.randrange(4)
    moved = []
    for index, ((x, y), (dx, dy)) in enumerate(zip(corners, inward, strict=True)):
        share_x, share_y = (1.0, draw.random()) if index == full else (draw.random(), draw.random())
        moved.append((x + dx * amount * share_x * width, y + dy * amount * share_y * height))
    rows, wanted = [], []
    for (to_x, to_y), (x, y) in zip(moved, corners, strict=True):
        rows.append([to_x, to_y, 1, 0, 0, 0, -x * to_x, -x * to_y])
        rows.append([0, 0, 0, to_x, to_y, 1, -y * to_x, -y * to_y])
        wanted += [x, y]
    coefficients = np.linalg.solve(np.array(rows), np.array(wanted))
    return image.transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        tuple(float(value) for value in coefficients),
        Image.Resampling.BICUBIC,
        fillcolor=255,
    )


def noisy(image: Image.Image, sigma: float = 40, seed: int = 1) -> Image.Image:
    """Gaussian noise of ``sigma`` grey levels of 255, clipped."""
    pixels = np.asarray(image, dtype=np.float64)
    pixels = pixels + np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def inverted(image: Image.Image) -> Image.Image:
    """Light on dark."""
    return ImageOps.invert(image)


def blurred(image: Image.Image, module_size: float, modules: float = 0.5) -> Image.Image:
    """Out of focus: a Gaussian whose standard deviation is so many modules."""
    return image.filter(ImageFilter.GaussianBlur(module_size * modules))


def jpeg(image: Image.Image, quality: int = 20) -> Image.Image:
    """Sent through a chat program."""
    return Image.open(BytesIO(encoded(image, "JPEG", quality=quality))).convert("L")


def rotated(image: Image.Image, degrees: float) -> Image.Image:
    """Turned, on white, nothing cut off."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def shaded(image: Image.Image, darkest: float = 0.3) -> Image.Image:
    """Light from the left: brightness falls to ``darkest`` of it at the right edge."""
    falling = Image.linear_gradient("L").rotate(90).resize(image.size)
    light = falling.point(lambda value: round(255 * (darkest + (1 - darkest) * value / 255)))
    return ImageChops.multiply(image, light)


def faint(image: Image.Image, contrast: float = 0.15, seed: int = 1) -> Image.Image:
    """Worn ink or a dim screen: black and white come together to ``contrast`` of their distance, under slight noise."""
    middle = random.Random(seed).uniform(0.3, 0.7) * 255
    flat = image.point(lambda value: round(middle + (value - 127.5) * contrast))
    return noisy(flat, 2, seed)


def small(image: Image.Image, module_size: float, pixels: float, seed: int = 1) -> Image.Image:
    """Far away: a module is so many pixels wide, off the grid of pixels, as a sensor adds the light up."""
    scale = pixels / module_size
    shift = random.Random(seed)
    across = shift.uniform(0, 1 / scale), shift.uniform(0, 1 / scale)
    size = round(image.width * scale) + 2, round(image.height * scale) + 2
    matrix = (1 / scale, 0, across[0] - 1 / scale, 0, 1 / scale, across[1] - 1 / scale)
    light = image.filter(ImageFilter.BoxBlur(max(0.0, (1 / scale - 1) / 2)))
    return light.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=255)


def printed(image: Image.Image, module_size: float, millimetres: float = 0.5, seed: int = 1) -> Image.Image:
    """Printed and scanned at 300 dots an inch: hard dots, ink that spreads, paper that is rough, sheet put in askew.

    Args:
        millimetres: the width of a module on paper; 0.5 are 5.9 dots.
    """
    draw = random.Random(seed)
    scale = millimetres / 25.4 * 300 / module_size
    size = round(image.width * scale), round(image.height * scale)
    dots = image.resize(size, Image.Resampling.BOX).point(lambda value: 255 if value >= 128 else 0)
    ink = dots.filter(ImageFilter.GaussianBlur(0.8)).point(lambda value: 255 if value >= 170 else 30)
    sheet = noisy(rotated(ink, draw.uniform(-8, 8)), 12, seed)
    return sheet.filter(ImageFilter.GaussianBlur(0.7))


def on_canvas(size: tuple[int, int], *placed: tuple[Image.Image, tuple[int, int]]) -> Image.Image:
    """Several pictures on one white sheet, each at its left upper corner."""
    canvas = Image.new("L", size, 255)
    for image, corner in placed:
        canvas.paste(image, corner)
    return canvas


def portrait(size: tuple[int, int] = (600, 800)) -> Image.Image:
    """A drawn face on a plain wall, with hair, collar and soft light; nobody's photograph."""
    width, height = size
    image = Image.new("RGB", size, (196, 205, 214))
    draw = ImageDraw.Draw(image)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return left * width, top * height, right * width, bottom * height

    draw.ellipse(box(0.05, 0.78, 0.95, 1.4), fill=(38, 52, 92))
    draw.polygon(
        [(0.38 * width, 0.80 * height), (0.62 * width, 0.80 * height), (0.5 * width, 0.98 * height)],
        fill=(240, 240, 240),
    )
    draw.rectangle(box(0.41, 0.62, 0.59, 0.84), fill=(205, 160, 132))
    draw.ellipse(box(0.24, 0.12, 0.76, 0.62), fill=(48, 34, 26))
    draw.ellipse(box(0.28, 0.18, 0.72, 0.74), fill=(222, 178, 148))
    draw.pieslice(box(0.26, 0.12, 0.74, 0.52), 180, 360, fill=(48, 34, 26))
    for left in (0.36, 0.55):
        draw.ellipse(box(left, 0.41, left + 0.09, 0.45), fill=(250, 250, 250))
        draw.ellipse(box(left + 0.03, 0.41, left + 0.06, 0.45), fill=(52, 38, 30))
        draw.rectangle(box(left - 0.01, 0.37, left + 0.10, 0.385), fill=(60, 42, 32))
    draw.polygon(
        [(0.5 * width, 0.44 * height), (0.46 * width, 0.55 * height), (0.54 * width, 0.55 * height)],
        fill=(204, 156, 128),
    )
    draw.ellipse(box(0.42, 0.60, 0.58, 0.635), fill=(176, 84, 80))
    soft = image.filter(ImageFilter.GaussianBlur(width / 150))
    grain = np.random.default_rng(7).normal(0, 3, (height, width, 3))
    light = np.linspace(1.06, 0.86, width)[None, :, None]
    return Image.fromarray(np.clip(np.asarray(soft) * light + grain, 0, 255).astype(np.uint8))
