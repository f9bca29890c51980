"""The size of a photo in a card, read from its header without decoding it.

A photo of 34 bytes may declare 16,383 x 16,383 pixels, and whatever decodes it takes a gigabyte. So its size is read
before a page shows it, and what says none, or more than :data:`MOST_SIDE`, is not shown.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

__all__ = ["MOST_SIDE", "is_small", "size_of"]

MOST_SIDE: Final = 1024
"""Pixels; icard's own photos have 320 at most, and four megabytes are no harm to any browser."""
_STARTS_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Markers that stand alone: TEM, RST0 to RST7, SOI, EOI.
_WITHOUT_LENGTH: Final = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})
#: Items that are made of others, and may be far larger than each of them (ISO/IEC 23008-12, 6.6.2).
_DERIVED: Final = (b"grid", b"iovl", b"tmap", b"sato")
#: An open bitstream unit's type (AV1 specification, 6.2.2).
_SEQUENCE_HEADER: Final = 1
_ISPE: Final = re.compile(rb"\x00\x00\x00\x14ispe\x00\x00\x00\x00(.{8})", re.DOTALL)


def is_small(data: bytes) -> bool:
    """Whether a photo may be handed to what decodes it: its size can be read, and is no more than a photo needs."""
    size = size_of(data)
    return size is not None and min(size) > 0 and max(size) <= MOST_SIDE


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, the largest that any part of the file states; None where that cannot be said.

    JPEG (ITU-T T.81, annex B), WebP (RFC 9649) and AVIF (its item properties, ISO/IEC 23008-12, 6.5.3) are known.
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            sizes = list(_of_jpeg(data))
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            sizes = list(_of_webp(data))
        elif data[4:8] == b"ftyp":
            sizes = list(_of_avif(data))
        else:
            return None
    except (struct.error, IndexError, ValueError):
        return None
    if not sizes:
        return None
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def _of_jpeg(data: bytes) -> Iterator[tuple[int, int]]:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError
        kind = data[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if kind in _WITHOUT_LENGTH:
            # No portrait has one there, and what follows would be read as another segment than a decoder reads.
            raise ValueError
        (length,) = struct.unpack_from(">H", data, at + 2)
        if kind in _STARTS_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 5)
            yield width, height
        at += 2 + length
        if kind == 0xDA:
            # Of a progressive picture more scans follow; a second frame would begin with a marker of its own.
            at = _next_marker(data, at)


def _next_marker(data: bytes, at: int) -> int:
    found = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(data, at)
    return len(data) if found is None or data[found.start() + 1] == 0xD9 else found.start()


def _of_webp(data: bytes) -> Iterator[tuple[int, int]]:
    at = 12
    while at + 8 <= len(data):
        kind, (length,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
        body = data[at + 8 : at + 8 + length]
        if kind == b"ANMF":
            raise ValueError
        if kind == b"VP8X":
            width, height = (1 + int.from_bytes(body[start : start + 3], "little") for start in (4, 7))
            yield width, height
        elif kind == b"VP8L":
            bits = int.from_bytes(body[1:5], "little")
            yield 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", body, 6)
            yield width & 0x3FFF, height & 0x3FFF
        at += 8 + length + (length & 1)


def _of_avif(data: bytes) -> Iterator[tuple[int, int]]:
    """What the item properties state, and each sequence header of the AV1 data, which a decoder follows."""
    boxes = list(_boxes(data))
    if [kind for kind, _ in boxes] != [b"ftyp", b"meta", b"mdat"]:
        raise ValueError
    properties = boxes[1][1]
    stated = _ISPE.findall(properties)
    if len(stated) != properties.count(b"ispe") or any(kind in properties for kind in _DERIVED):
        raise ValueError
    for one in stated:
        width, height = struct.unpack(">II", one)
        yield width, height
    yield from _of_av1(boxes[2][1])


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if length < 8:
            raise ValueError
        yield kind, data[at + 8 : at + length]
        at += length


def _of_av1(data: bytes) -> Iterator[tuple[int, int]]:
    """Of open bitstream units that state their size (AV1 specification, 5.3 to 5.5)."""
    at = 0
    while at < len(data):
        head = data[at]
        if head & 0x80 or not head & 2:
            raise ValueError
        at += 2 if head & 4 else 1
        length = shift = 0
        while True:
            length |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not data[at - 1] & 0x80:
                break
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _of_sequence(data[at : at + length])
        at += length


def _of_sequence(header: bytes) -> tuple[int, int]:
    bits = int.from_bytes(header, "big")
    left = 8 * len(header)

    def take(count: int) -> int:
        nonlocal left
        left -= count
        if left < 0:
            raise ValueError
        return bits >> left & ((1 << count) - 1)

    take(4)  # profile, still picture
    if take(1):  # a reduced header
        take(5)
    else:
        if take(1):  # timing: no still picture needs it
            raise ValueError
        delays = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if delays and take(1):
                take(4)
    width_bits, height_bits = take(4) + 1, take(4) + 1
    return take(width_bits) + 1, take(height_bits) + 1
