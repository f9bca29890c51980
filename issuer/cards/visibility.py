"""What a caller may see of a card's record: the one declaration that every answer about a card uses.

Promises:

1. A holder sees their whole record; an employer and an agency see what the ``work`` profile discloses
   (``fields.json``) and no more, by session and by token; whoever may read any card sees the whole record.
2. Codes are shown, and handed out, of the profiles that disclose no more than that.
"""

from __future__ import annotations

from dataclasses import replace

from icard_crypto.card.card import Profile
from icard_crypto.errors import NotAllowed
from issuer.accounts.principals import Principal

from .views import CardView

__all__ = ["disclosed_to", "require_profile", "visible"]


def disclosed_to(who: Principal) -> Profile:
    """The highest profile whose content this caller may see."""
    return Profile.AUTHORITY if who.role.organisation is None else Profile.WORK


def visible(view: CardView, who: Principal) -> CardView:
    """A card as this caller may see it."""
    profile = disclosed_to(who)
    return replace(
        view,
        card=view.card.for_profile(profile),
        codes=tuple(code for code in view.codes if code.profile <= profile),
        entries=tuple(entry for entry in view.entries if entry[1] <= profile),
    )


def require_profile(who: Principal, profile: Profile) -> None:
    """Refuse a code that discloses more than the caller may see.

    Raises:
        NotAllowed: ``access.not_allowed``.
    """
    if profile > disclosed_to(who):
        raise NotAllowed("access.not_allowed", expected="the holder, or an official", found=who.role.name)
