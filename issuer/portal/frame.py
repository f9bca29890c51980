"""What all pages share: templates, static files, and the operator of the service."""

from __future__ import annotations

from icard_crypto.errors import Language
from issuer.settings import Settings

from .rendering import Templates
from .static_files import StaticFiles

__all__ = ["Frame"]


class Frame:
    """The frame of one service's pages.

    Args:
        settings: of the service.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.files = StaticFiles()
        self.templates = Templates(self.files)

    @property
    def contact(self) -> str:
        """How people reach the office that runs the service."""
        return self._settings.help_contact

    def authority(self, language: Language) -> str:
        """The authority's name."""
        return self._settings.name_zh if language == "zh" else self._settings.name_en

    def authority_of(self, recorded: str, language: Language) -> str:
        """An authority that a card names, in the page's language where it is the one that runs this service."""
        settings = self._settings
        own = recorded in (settings.name_zh, settings.name_en, settings.issuer)
        return (self.authority(language) if own else "") or recorded
