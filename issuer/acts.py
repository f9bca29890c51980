"""Acts as the audit records them: actor, action and object; and the names of acts that other modules look for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["CARD_RESTORED", "CLOCK_BACK", "LOSS_NAMED", "RECORD_ALTERED", "RESTORED", "SERVICE", "Act", "Actor"]

#: A restore of the service; what was published before it is compared with what stood then.
RESTORED: Final = "service.restore"
#: A card that a restore changed.
CARD_RESTORED: Final = "card.restore"
#: A person says about a restore that it took place and that what it lost is known.
LOSS_NAMED: Final = "audit.loss_named"
#: A clock that was ahead was put right: times of acts before it may be later than those after it.
CLOCK_BACK: Final = "clock.back"
#: A row that somebody changed outside the service was met and refused.
RECORD_ALTERED: Final = "record.altered"


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what to which object. ``details`` are JSON; what identifies a person belongs there and nowhere else."""

    actor: str
    action: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and why. ``break_glass``: on the host, an act that bypassed dual control."""

    actor: str
    reason: str | None = None
    break_glass: bool = False

    def details(self) -> dict[str, Any]:
        """What the audit keeps of it."""
        return {"actor": self.actor, "reason": self.reason, "break_glass": self.break_glass}


#: The service itself: what nobody asked for at that moment, and what is done before it is known who asks.
SERVICE: Final = Actor("service")
