"""The channels, beside its inbox, over which an account receives notices.

Promise: what a kind fixes cannot be turned off; the inbox cannot be turned off at all.
"""

from __future__ import annotations

from icard_crypto.errors import Invalid
from issuer.acts import Actor
from issuer.core import Core
from issuer.db.unit_of_work import UnitOfWork
from issuer.notices.kinds import Channel, kind_of
from issuer.notices.models import NoticeMute

from .models import Account

__all__ = ["set_preference"]


def set_preference(core: Core, account: str, kind: str, channel: Channel, on: bool, actor: str) -> None:
    """Turn a kind on or off for a channel; that it stands so already is no error.

    Raises:
        Invalid: ``notice.kind``, ``notice.channel``, ``notice.fixed``.
    """
    about = kind_of(kind)
    if channel not in about.channels:
        raise Invalid("notice.channel", path=kind, expected=", ".join(about.channels), found=channel[:40])
    if channel in about.fixed and not on:
        raise Invalid("notice.fixed", path=kind, found=channel)

    def work(unit: UnitOfWork) -> None:
        # One at a time for an account, so that two that turn the same thing off do not both add a row.
        session = unit.session
        session.get_one(Account, account, with_for_update=True)
        mute = session.get(NoticeMute, (account, kind, channel))
        if (mute is None) == on:
            return
        if mute is None:
            session.add(NoticeMute(account_id=account, kind=kind, channel=channel))
        else:
            session.delete(mute)
        details = {"kind": kind, "channel": channel, "on": on}
        unit.audit("notice.preference", account, details)

    core.transact(Actor(actor), work, settled=lambda session: None)
