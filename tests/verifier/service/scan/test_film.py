"""The film that is played to cameras: from which frame on its code can be read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from icard_crypto import qr
from tests.kit.scan.scenes import SCENES
from tools.film import BLURRED, FRAMES, still

CODE = SCENES["valid"].shown()


@pytest.mark.parametrize("number", [0, BLURRED - 1, BLURRED, FRAMES - 1])
def test_read_when_it_is_clear(number: int) -> None:
    """No frame out of focus is read, the last of them neither; from the first clear one on each is. The bar says so."""
    frame = still(CODE, number)
    read = [found.content for found in qr.read(frame, thorough=False)]
    assert read == ([CODE] if number >= BLURRED else [])
    bar = np.asarray(Image.open(io.BytesIO(frame)).convert("L"))[:, :100]
    assert (bar.mean() > 200) == (number >= BLURRED)
