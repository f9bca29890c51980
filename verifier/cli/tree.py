"""One layer or part of a code that was parsed: a node of the tree that ``icard inspect`` shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Layer"]


@dataclass(slots=True)
class Layer:
    """One layer or part: sizes in bytes, or in characters where ``unit`` says so; offsets in the layer above."""

    name: str
    size: int | None = None
    value: str = ""
    offset: int | None = None
    unit: str = "bytes"
    understood: bool = True
    parts: list[Layer] = field(default_factory=list)

    def add(self, part: Layer) -> Layer:
        """Put a part in, and return it."""
        self.parts.append(part)
        return part

    def to_dict(self) -> dict[str, Any]:
        """The layer for a program; what is not known is left out."""
        known: dict[str, Any] = {"name": self.name}
        if self.size is not None:
            known["size"] = self.size
            known["unit"] = self.unit
        if self.offset is not None:
            known["offset"] = self.offset
        if self.value:
            known["value"] = self.value
        if not self.understood:
            known["understood"] = False
        if self.parts:
            known["parts"] = [part.to_dict() for part in self.parts]
        return known
