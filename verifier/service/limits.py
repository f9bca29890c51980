"""What the verification service takes at most, each with its reason."""

from __future__ import annotations

from typing import Final

from icard_crypto.limits import MIB

__all__ = [
    "BATCH_BYTES",
    "BATCH_GAP_SECONDS",
    "BATCH_LINES",
    "BATCH_LINE_BYTES",
    "BATCH_SECONDS",
    "PICTURE_BYTES",
    "PICTURE_CODES",
    "PICTURE_SECONDS",
    "TEXT_BYTES",
    "UPLOAD_BUDGET",
    "UPLOAD_SECONDS",
]

#: A code's 8,192 characters, each of them escaped in JSON, and a policy beside it.
TEXT_BYTES: Final = 64 * 1024
#: Telephones deliver 12 to 16 million pixels as JPEG in 3 to 10 MB.
PICTURE_BYTES: Final = 16 * MIB
#: A large picture over a telephone's connection.
UPLOAD_SECONDS: Final = 30.0
#: Eight of the largest pictures, or some forty as telephones deliver them, on their way at one time.
UPLOAD_BUDGET: Final = 128 * MIB
#: A sheet of cards has twenty; more than this is no picture of cards.
PICTURE_CODES: Final = 100
#: A picture of 16 million pixels without a code is tried in every way in about four seconds.
PICTURE_SECONDS: Final = 10.0
#: As many as a border crossing has in a day.
BATCH_LINES: Final = 100_000
#: That many codes with a photo.
BATCH_BYTES: Final = 256 * MIB
#: As one text.
BATCH_LINE_BYTES: Final = TEXT_BYTES
#: For so long a batch may bring nothing.
BATCH_GAP_SECONDS: Final = 30.0
#: For a whole batch to come, and as long again for its answer to be taken: 256 MiB by 4 megabits a second.
BATCH_SECONDS: Final = 600.0
