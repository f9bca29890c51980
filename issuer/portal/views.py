"""What pages show of a card, as values."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from .parts import Tag

__all__ = ["FaceView"]


@dataclass(frozen=True, slots=True)
class FaceView:
    """The card as its holder shows it. ``code``: the QR code; None: there is none to show."""

    name: str
    native: str
    about: str
    state: Tag
    until: str
    issued_by: str
    profile: str
    code: Markup | None
