"""Free space on the disks that the service writes to.

Promise: a place is low below a twentieth of its size or 256 MiB, whichever is more, but never above half.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from issuer.settings import Settings

__all__ = ["Disk", "disks"]

_SHARE: Final = 20
_LEAST: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Disk:
    """A place where the service writes: ``service``, ``database`` (SQLite), ``mark`` or ``published``. Bytes."""

    place: str
    free: int
    size: int

    @property
    def low(self) -> bool:
        """Whether a person is needed."""
        return self.free < min(self.size // 2, max(self.size // _SHARE, _LEAST))


def disks(settings: Settings) -> list[Disk]:
    """All places of a service; one that is not there is left out."""
    places: dict[str, Path] = {"service": settings.folder, "mark": settings.epoch_path.parent}
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and url.database:
        places["database"] = Path(url.database).parent
    if settings.published is not None:
        places["published"] = settings.published
    found = []
    for place, path in places.items():
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            continue
        found.append(Disk(place, usage.free, usage.total))
    return found
