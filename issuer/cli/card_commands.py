"""``icard-issuer card``: issue, replace, renew, suspend, resume, revoke, state, show, find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import write_whole

from .card_file import read_card
from .card_list_command import card_list
from .service import (
    BreakGlassReason,
    Folder,
    NamedOperator,
    Operator,
    ReasonOption,
    ServiceFolder,
    acting,
    looked,
    tell,
)
from .typed import given

if TYPE_CHECKING:
    from issuer.acts import Actor
    from issuer.cards import IssuedCard, Reissue
    from issuer.cards.codes import IssuedCode
    from issuer.core import Core

__all__ = ["card_app"]

card_app = typer.Typer(help="Cards on record: issue, change, revoke, show.", no_args_is_help=True)

#: Codes are personal data.
_SECRET: Final = 0o600

CardId = Annotated[str, typer.Argument(metavar="CARD", help="The card's id, 32 digits.")]
CardFile = Annotated[Path, typer.Argument(metavar="CARD.json", help="The card, or - for standard input.")]
Remove = Annotated[
    list[str] | None,
    typer.Option(
        "--remove", metavar="PATH", help="A field, such as insurance, that the new data leaves out on purpose."
    ),
]
NewData = Annotated[
    Path | None, typer.Option("--card", metavar="FILE", help="What the card says from now on.  [default: as before]")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="Write each code there, as text and as a picture.")
]


@card_app.command("issue")
def card_issue(
    card: CardFile,
    no_photo: Annotated[bool, typer.Option("--no-photo", help="Keep the photo out of the codes.")] = False,
    out: Out = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Issue a card with its three codes: public, work, authority. Each is verified before it is handed out.

    Where cards come from approved applications (direct_issuing is off), only with a reason: as break-glass.

    Example:  icard-issuer card issue card.json -C issuer --out codes
    """
    from issuer import cards
    from issuer.cards.codes import make_ready

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    read = read_card(card)
    with service.opened(signs=True) as core:
        make_ready(core)
        by = replace(by, break_glass=by.reason is not None)
        (issued,) = cards.issue(core, [cards.NewCard(read, photo=not no_photo)], by)
        _hand_out(issued, out)


@card_app.command("replace")
def card_replace(
    card: CardId,
    data: NewData = None,
    remove: Remove = None,
    out: Out = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """New codes, because something changed or a code was lost; the old ones read replaced at once."""
    from issuer import cards

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    _reissue(service, by, cards.replace, card, data, remove, out)


@card_app.command("renew")
def card_renew(
    card: CardId,
    data: NewData = None,
    remove: Remove = None,
    out: Out = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """New codes before the old ones end; the old ones run to their own end."""
    from issuer import cards

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    _reissue(service, by, cards.renew, card, data, remove, out)


@card_app.command("suspend")
def card_suspend(
    card: CardId,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Suspend a card until it is resumed."""
    from issuer import cards

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    _change(service, by, cards.suspend, card)


@card_app.command("resume")
def card_resume(
    card: CardId,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """End a suspension."""
    from issuer import cards

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    _change(service, by, cards.resume, card)


@card_app.command("revoke")
def card_revoke(
    card: CardId,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a card permanently. In the service this needs dual control; here the audit calls it break-glass."""
    from issuer import cards

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    _change(service, by, cards.revoke, card)


@card_app.command("state")
def card_state(
    card: CardId,
    permit: Annotated[Literal["good", "suspended"] | None, typer.Option("--permit")] = None,
    insurance: Annotated[Literal["good", "lapsed"] | None, typer.Option("--insurance")] = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show the state of permit and insurance, or change it. A public code never shows a lapse."""
    from issuer import cards

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        if permit is not None:
            cards.set_permit(core, card, permit, by)
        if insurance is not None:
            cards.set_insurance(core, card, insurance, by)
        _tell_state(core, card)


@card_app.command("show")
def card_show(
    card: CardId,
    out: Out = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """A card in its current state: record, states, codes. Personal data, and itself audited."""
    from issuer import cards

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        looked(core, by, "card.show", card)
        view = cards.show(core, card)
        facts = _states(core, card)
        if run_context().json:
            tell({**facts, "record": view.card.to_json(), "codes": [_facts(code) for code in view.codes]})
            return
        tell({**facts, **{code.profile.name.lower(): code.text for code in view.codes}})
        _write(view.codes, out)


@card_app.command("find")
def card_find(
    permit: Annotated[str | None, typer.Option("--permit", help="The permit's number, or -.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The holder's full name, or -.")] = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """The ids of the cards with this permit number or name; for - it is a line of standard input."""
    from issuer import cards

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    if (permit is None) == (name is None):
        raise CommandError("cli.option", path="--permit", expected="one of --permit and --name")
    permit, name = given(permit, "--permit"), given(name, "--name")
    with service.opened() as core:
        looked(core, by, "card.find", "cards")
        found = cards.find_cards(core, "permit", permit) if permit is not None else []
        found += cards.find_cards(core, "name", name) if name is not None else []
        if run_context().json:
            tell({"cards": found})
        else:
            typer.echo("".join(f"{card}\n" for card in found), nl=False)


card_app.command("list")(card_list)


def _reissue(
    service: ServiceFolder,
    by: Actor,
    reissue: Callable[[Core, Reissue, Actor], IssuedCard],
    card: str,
    data: Path | None,
    remove: list[str] | None,
    out: Path | None,
) -> None:
    from issuer import cards
    from issuer.cards.codes import make_ready

    read = None if data is None else read_card(data)
    with service.opened(signs=True) as core:
        make_ready(core)
        # On the host one person may do what takes two: with a reason, and the audit calls it break-glass.
        by = replace(by, break_glass=by.reason is not None)
        _hand_out(reissue(core, cards.Reissue(card, read, remove=frozenset(remove or ())), by), out)


def _change(service: ServiceFolder, by: Actor, change: Callable[[Core, str, Actor], object], card: str) -> None:
    with service.opened() as core:
        change(core, card, by)
        _tell_state(core, card)


def _hand_out(issued: IssuedCard, out: Path | None) -> None:
    facts: dict[str, Any] = {"card": issued.card_id}
    if run_context().json:
        tell({**facts, "codes": [_facts(code) for code in issued.codes]})
    else:
        tell({**facts, **{code.profile.name.lower(): code.text for code in issued.codes}})
    _write(issued.codes, out)


def _write(codes: Sequence[IssuedCode], out: Path | None) -> None:
    if out is None:
        return
    from icard_crypto import qr

    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for code in codes:
        name = code.profile.name.lower()
        write_whole(out / f"{name}.txt", f"{code.text}\n".encode("ascii"), mode=_SECRET)
        write_whole(out / f"{name}.png", qr.draw_png(code.text), mode=_SECRET)


def _states(core: Core, card: str) -> dict[str, Any]:
    from issuer import cards

    view = cards.show(core, card)
    entries = " ".join(f"{profile.name.lower()}:{value}" for _, profile, _, value in view.entries)
    return {
        "card": card,
        "standing": view.status,
        "permit": view.permit,
        "insurance": view.insurance,
        "entries": entries,
    }


def _tell_state(core: Core, card: str) -> None:
    tell(_states(core, card))


def _facts(code: IssuedCode) -> dict[str, Any]:
    return {
        "profile": code.profile.name.lower(),
        "text": code.text,
        "cti": code.cti,
        "status_uri": code.uri,
        "status_index": code.index,
        "issued_at": code.issued_at,
        "expires_at": code.expires_at,
    }
