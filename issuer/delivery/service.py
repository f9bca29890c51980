"""The courier of a service, by its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from issuer.accounts.people import contact
from issuer.core import Core

from .courier import Channel, Courier
from .mail import MailChannel
from .posting import WebhookChannel

__all__ = ["courier_of"]


def courier_of(core: Core, tell: Callable[[str, dict[str, Any]], None]) -> Courier:
    """The courier for the channels that the settings name.

    Raises:
        StateError: ``settings.value``: wrong settings show before anything depends on them.
        FileFault: the mail server's password file cannot be read.
    """
    channels: list[Channel] = [WebhookChannel(core)]
    if core.settings.smtp_host:
        channels.append(MailChannel(core, partial(contact, core)))
    return Courier(core, channels, tell)
