"""What a request for dual control holds and shows, and whose business it is.

Promises:

1. What will be done is sealed; a decided request keeps reason, ids and role, and names nobody.
2. Whoever an act's object is no business of, such as an officer of another region, is kept from the request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from icard_crypto.errors import Invalid, NotAllowed, NotFound
from issuer.accounts.models import Account
from issuer.accounts.principals import Principal
from issuer.core import Core
from issuer.vault.at_rest import Place

from .acts import ACTS, Kind
from .models import Confirmation
from .regions import require_both, require_office

__all__ = ["ConfirmationView", "allowed", "concerns", "content_of", "forget", "kind_of", "view_of", "write_content"]


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """A request. ``arguments``: what will be done, for whoever decides; times are Unix times.

    ``own``: asked by the person who looks, who may withdraw but not confirm it. ``invitation_part``: one of
    the two parts of the invitation that will be made, for whoever asks, shown this once; whoever confirms gets the
    other.
    """

    confirmation_id: str
    act: str
    subject: str
    reason: str
    arguments: Mapping[str, Any] = field(repr=False)
    own: bool
    asked_by: str
    state: str
    created_at: int
    expires_at: int
    invitation_part: str | None = field(default=None, repr=False)


def kind_of(act: str) -> Kind:
    """The entry of an act in the table.

    Raises:
        Invalid: ``confirm.act``.
    """
    found = ACTS.get(act)
    if found is None:
        raise Invalid("confirm.act", path="act", expected=", ".join(ACTS))
    return found


def concerns(core: Core, session: Session, row: Confirmation, who: Principal) -> bool:
    """Whether a request is any business of somebody's: their own, or about something of their office."""
    if row.asked_by == who.account_id:
        return True
    kind = kind_of(row.act)
    return kind.regions is None or allowed(core, session, kind, who.account_id, content_of(core, row)["arguments"])


def allowed(
    core: Core,
    session: Session,
    kind: Kind,
    account_id: str,
    arguments: Mapping[str, Any],
    *,
    beside: str | None = None,
) -> bool:
    """Whether an account has business with what an act is about.

    Args:
        beside: the account that asked for it; then whether the two may decide on it together.
    """
    try:
        require_office(core, session, kind, account_id, arguments)
        if beside is not None:
            require_both(core, session, kind, (beside, account_id), arguments)
    except (NotFound, NotAllowed):
        return False
    return True


def write_content(core: Core, row: Confirmation, content: Mapping[str, Any]) -> None:
    """Seal what a request says into its row."""
    encoded = json.dumps(content, ensure_ascii=False).encode()
    row.arguments = core.at_rest.seal(Place("confirmations", "arguments", row.id), encoded)


def forget(core: Core, row: Confirmation) -> None:
    """Of what was decided stay reason, ids and role: no name, number or address of anybody."""
    content = content_of(core, row)
    kept = {name: value for name, value in content["arguments"].items() if name.endswith("_id") or name == "role"}
    write_content(core, row, {"reason": content["reason"], "arguments": kept})


def content_of(core: Core, row: Confirmation) -> dict[str, Any]:
    """What a request says: reason, arguments and, while an invitation is to be made, its part."""
    content: dict[str, Any] = json.loads(core.at_rest.open(Place("confirmations", "arguments", row.id), row.arguments))
    return content


def view_of(core: Core, session: Session, row: Confirmation, who: Principal) -> ConfirmationView:
    """A request as whoever looks sees it."""
    content = content_of(core, row)
    asker = session.get_one(Account, row.asked_by)
    return ConfirmationView(
        row.id,
        row.act,
        row.subject,
        content["reason"],
        content["arguments"],
        asker.person_id == who.person_id,
        row.asked_by,
        row.state,
        row.created_at,
        row.expires_at,
    )
