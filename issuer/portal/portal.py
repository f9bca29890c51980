"""The portal with all its subjects."""

from __future__ import annotations

from issuer.core import Core
from issuer.service.app import STATUSES

from .pages import Portal
from .subjects import SUBJECTS, gallery

__all__ = ["make_portal"]


def make_portal(core: Core) -> Portal:
    """The portal of an issuing service; a test service has the gallery of components too.

    Args:
        core: the service's core.
    """
    more = [gallery.pages] if core.settings.environment == "test" else []
    return Portal(core, STATUSES, [*SUBJECTS, *more])
