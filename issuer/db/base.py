"""What all tables share: names of constraints, column types, and the mark of what is encrypted.

Promises:

1. Constraints have names made from their tables and columns, so that a migration can drop what another created.
2. Times are whole seconds since 1970-01-01T00:00Z in 64 bits; random ids and hashes are lower-case hexadecimal.
3. A column made by :func:`sealed` holds only what :mod:`issuer.vault.at_rest` made; ``sealed_columns`` finds them all,
   so that rewrapping and the search for clear text cannot miss one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    literal,
)
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

__all__ = [
    "SEALED",
    "Base",
    "Big",
    "Hex32",
    "Hex64",
    "Name",
    "Seconds",
    "Small",
    "Word",
    "literal_sql",
    "sealed",
    "sealed_columns",
]

Big = Annotated[int, mapped_column(BigInteger)]
Small = Annotated[int, mapped_column(SmallInteger)]
Seconds = Annotated[int, mapped_column(BigInteger)]
#: A random id or a pseudonym of 16 bytes.
Hex32 = Annotated[str, mapped_column(String(32))]
#: A SHA-256 hash or an HMAC of it.
Hex64 = Annotated[str, mapped_column(String(64))]
#: The name of a status list.
Name = Annotated[str, mapped_column(String(32))]
#: A word of a closed set: a state, a usage, a kind of act.
Word = Annotated[str, mapped_column(String(40))]

#: SQLite numbers rows by itself only where the type is INTEGER.
RowNumber: Final = BigInteger().with_variant(Integer, "sqlite")

#: What marks a sealed column in its ``info``.
SEALED: Final = "sealed"


class Base(DeclarativeBase):
    """The root of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def sealed(*, nullable: bool = False) -> MappedColumn[Any]:
    """A column for bytes that :class:`issuer.vault.at_rest.AtRest` sealed for that table, column and row."""
    return mapped_column(LargeBinary, nullable=nullable, info={SEALED: True})


def literal_sql(word: str | int) -> BindParameter[Any]:
    """A constant, written into the statement: a partial index serves only where its own condition can be seen."""
    return literal(word, literal_execute=True)


def sealed_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Every sealed column with its table."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.info.get(SEALED):
                yield table, column
