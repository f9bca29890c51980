"""``icard-issuer card list``: cards by key, status list, region, state or end, for people and for ``bulk``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from icard_crypto.moments import moment_text
from verifier.cli.options import moment
from verifier.runtime.cli.run_context import AsJson, Lang
from verifier.runtime.files import write_whole

from .service import Folder, Operator, ReasonOption, ServiceFolder, acting, looked, tell, tell_rows

if TYPE_CHECKING:
    pass

__all__ = ["card_list"]

_SECRET: Final = 0o600


def card_list(
    key: Annotated[
        str | None,
        typer.Option("--key", help="Whose codes in use this key signed: the first digits of its thumbprint."),
    ] = None,
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="Whose codes in use have their entries in this list.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Of the permit: six digits.")] = None,
    standing: Annotated[
        Literal["active", "suspended", "revoked"] | None,
        typer.Option("--standing", help="[default: all that are not revoked]"),
    ] = None,
    ends_before: Annotated[
        str | None, typer.Option("--ends-before", metavar="TIME", help="A code in use ends before then.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the ids there, for icard-issuer bulk.")
    ] = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """The cards that fit all that is given, by id. No personal data, but who asked is in the audit.

    Example:  icard-issuer card list --key 6f1d0a93 --out cards.jsonl
    """
    from issuer.cards.selection import Selection, select_cards
    from issuer.keys.states import find

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        looked(core, by, "card.list", "cards")
        named = None if key is None else core.database.read(lambda session: find(session, key)).thumbprint
        ends = None if ends_before is None else moment(ends_before, "--ends-before")
        found = select_cards(core, Selection(named, list_name, region, standing, ends))
        if out is not None:
            lines = [json.dumps({"card": one.card_id}) + "\n" for one in found]
            write_whole(out, "".join(lines).encode("ascii"), mode=_SECRET)
            tell({"file": str(out), "cards": len(lines)})
            return
        rows: list[dict[str, Any]] = []
        for one in found:
            facts = asdict(one)
            rows.append({**facts, "key": one.key[:16], "ends_at": moment_text(one.ends_at)})
        tell_rows(rows)
