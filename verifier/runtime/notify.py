"""Notify systemd of a process's state (sd_notify(3)): ready, stopping, alive.

Promises:

1. Without ``NOTIFY_SOCKET`` in the environment nothing happens; a message that cannot be sent ends nothing, and holds
   nothing up for more than a second.
2. ``READY=1`` is sent when requests are answered, or jobs run; ``STOPPING=1`` when the process begins to stop.
   :func:`watchdog_seconds` says how often the watchdog has to be fed.
"""

from __future__ import annotations

import contextlib
import os
import socket

__all__ = ["ALIVE", "READY", "STOPPING", "notify", "watchdog_seconds"]

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"
#: Seconds that a message which comes once may wait for room.
_PATIENCE = 1.0


def notify(state: str) -> None:
    """Send a state to whoever started this process and wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # An address that begins with @ is in Linux's abstract namespace (unix(7)).
    name = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        # Whoever does not read must not hold this process up: a socket's queue holds a handful of messages.
        sender.settimeout(0 if state == ALIVE else _PATIENCE)
        sender.sendto(state.encode(), name)


def watchdog_seconds() -> float | None:
    """How often :data:`ALIVE` has to be sent: half of what systemd allows; None: nobody waits for it."""
    allowed = os.environ.get("WATCHDOG_USEC", "")
    return int(allowed) / 2_000_000 if allowed.isdigit() and int(allowed) else None
