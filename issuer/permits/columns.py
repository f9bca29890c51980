"""Types of columns that the tables of permits share."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import String
from sqlalchemy.orm import mapped_column

__all__ = ["DayText", "Region"]

#: A day as YYYY-MM-DD.
DayText = Annotated[str, mapped_column(String(10))]
#: A code of GB/T 2260.
Region = Annotated[str, mapped_column(String(6))]
