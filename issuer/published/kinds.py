"""The kinds of published files."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["IMMUTABLE", "FileKind"]

FileKind = Literal["trust", "latest", "status", "bundle", "timestamp", "checkpoint"]
#: Kinds of which no path ever gets another content.
IMMUTABLE: Final[frozenset[FileKind]] = frozenset({"trust", "checkpoint"})
