"""The column of codes: which Arrow types it may have, and its values as Python sees them.

Promises:

1. Text and binary of every width, dictionaries of them, and columns of nulls alone are taken; any other type is one
   :class:`DataError` before the first row.
2. No value is refused: text that is not UTF-8 is handed on as bytes, a null stays None.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from .errors import DataError

__all__ = ["Codes", "check_type", "column_of", "pieces"]

Codes: TypeAlias = pa.Array | pa.ChunkedArray

#: Rows that are Python objects at a time.
_PIECE: Final = 2048


def check_type(found: pa.DataType, name: str) -> None:
    """Refuse a column that cannot hold codes.

    Raises:
        DataError: ``data.column_type``.
    """
    values = found.value_type if pa.types.is_dictionary(found) else found
    if not (_is_text(values) or _is_binary(values) or pa.types.is_null(values)):
        raise DataError("data.column_type", path=name[:64], expected="text or binary", found=str(found)[:64])


def column_of(schema: pa.Schema, name: str) -> int:
    """The place of a column.

    Raises:
        DataError: ``data.no_column``, ``data.column_twice``.
    """
    places: list[int] = schema.get_all_field_indices(name)
    if len(places) == 1:
        return places[0]
    if places:
        raise DataError("data.column_twice", path=name[:64])
    shown = ", ".join(schema.names)
    raise DataError("data.no_column", path=name[:64], expected=f"one of {shown}"[:200])


def pieces(codes: Codes, name: str = "codes") -> Iterator[list[str | bytes | None]]:
    """The codes as Python values, some thousand at a time, in order.

    Raises:
        DataError: ``data.column_type``.
    """
    check_type(codes.type, name)
    for chunk in codes.chunks if isinstance(codes, pa.ChunkedArray) else (codes,):
        for start in range(0, len(chunk), _PIECE):
            yield _values(chunk.slice(start, _PIECE))


def _values(piece: pa.Array) -> list[str | bytes | None]:
    if pa.types.is_dictionary(piece.type):
        piece = pc.take(piece.dictionary, piece.indices)
    try:
        values: list[str | bytes | None] = piece.to_pylist()
    except UnicodeDecodeError:
        # Arrow does not look into text that it is handed; a file or an engine may have put any bytes there.
        values = [_text(value) for value in piece.cast(pa.large_binary(), safe=False).to_pylist()]
    return values


def _text(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _is_text(found: pa.DataType) -> bool:
    test: Any = pa.types
    return bool(test.is_string(found) or test.is_large_string(found) or test.is_string_view(found))


def _is_binary(found: pa.DataType) -> bool:
    test: Any = pa.types
    return bool(
        test.is_binary(found)
        or test.is_large_binary(found)
        or test.is_binary_view(found)
        or test.is_fixed_size_binary(found)
    )
