"""Arrow schemas in Spark's own words: what ``mapInArrow`` wants beside the function. No Spark is needed for it."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from .errors import DataError

__all__ = ["spark_ddl"]

_NAMES: Final = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "STRING",
    pa.large_string(): "STRING",
    pa.binary(): "BINARY",
    pa.large_binary(): "BINARY",
    pa.date32(): "DATE",
}


def spark_ddl(schema: pa.Schema) -> str:
    """A schema as Spark's DDL, such as ```scan` BIGINT, `verdict` STRUCT<`outcome`: STRING, ...>``.

    Raises:
        DataError: ``data.spark_type``: Spark has no such type.
    """
    return ", ".join(f"{_quoted(field.name)} {_type(field.type, field.name)}" for field in schema)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _type(found: pa.DataType, path: str) -> str:
    test: Any = pa.types
    if test.is_struct(found):
        inner = ", ".join(
            f"{_quoted(field.name)}: {_type(field.type, f'{path}.{field.name}')}"
            for field in (found.field(place) for place in range(found.num_fields))
        )
        return f"STRUCT<{inner}>"
    if test.is_list(found) or test.is_large_list(found):
        return f"ARRAY<{_type(found.value_type, f'{path}[]')}>"
    if test.is_map(found):
        return f"MAP<{_type(found.key_type, path)}, {_type(found.item_type, path)}>"
    if test.is_timestamp(found) and found.unit == "us":
        return "TIMESTAMP" if found.tz else "TIMESTAMP_NTZ"
    if test.is_decimal128(found):
        return f"DECIMAL({found.precision}, {found.scale})"
    name = _NAMES.get(found)
    if name is None:
        raise DataError("data.spark_type", path=path[:64], found=str(found)[:64])
    return name
