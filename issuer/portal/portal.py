"""The portal with all its subjects."""

from __future__ import annotations

from issuer.core import Core
from verifier.service import edge

from .pages import Portal
from .subjects import SUBJECTS, gallery

__all__ = ["make_portal"]


def make_portal(core: Core, statuses: edge.Statuses) -> Portal:
    """The portal of an issuing service; a test service has the gallery of components too.

    Args:
        core: the service's core.
        statuses: which errors a person may see, as the API has them.
    """
    more = [gallery.pages] if core.settings.environment == "test" else []
    return Portal(core, statuses, [*SUBJECTS, *more])
