"""Cards: their records, codes, states and look-ups. The public interface for commands, the service and processes."""

from __future__ import annotations

from issuer.acts import Actor

from .checks import check_card, require_direct
from .issue import (
    Decision,
    finish_card,
    issue,
    issue_decided,
    issue_within,
    reissue_decided,
    renew,
    renew_many,
    replace,
    replace_many,
    replace_within,
)
from .requests import IssuedCard, NewCard, Reissue
from .states import resume, revoke, revoke_many, revoke_within, set_insurance, set_permit, suspend
from .views import CardView, find_cards, revision_of, show, statuses

__all__ = [
    "Actor",
    "CardView",
    "Decision",
    "IssuedCard",
    "NewCard",
    "Reissue",
    "check_card",
    "find_cards",
    "finish_card",
    "issue",
    "issue_decided",
    "issue_within",
    "reissue_decided",
    "renew",
    "renew_many",
    "replace",
    "replace_many",
    "replace_within",
    "require_direct",
    "resume",
    "revision_of",
    "revoke",
    "revoke_many",
    "revoke_within",
    "set_insurance",
    "set_permit",
    "show",
    "statuses",
    "suspend",
]
