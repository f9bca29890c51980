"""``icard-issuer notices``: pending and dead deliveries; retry or drop them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from icard_crypto.moments import moment_text
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context

from .service import Folder, Operator, ReasonOption, ServiceFolder, acting, tell, tell_rows

if TYPE_CHECKING:
    from issuer.core import Core
    from issuer.delivery.outbox_admin import OutboxView

__all__ = ["notices_app"]

notices_app = typer.Typer(help="Notices that wait to be sent, and those that died.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="As notices list shows them.")]
AllDead = Annotated[bool, typer.Option("--all-dead", help="Every dead letter, instead of ids.")]

#: How many dead letters one call takes.
_MOST = 1000


@notices_app.command("list")
def notices_list(
    state: Annotated[
        Literal["open", "waiting", "dead", "sent", "dropped"],
        typer.Option("--state", help="open: what waits and what is dead."),
    ] = "open",
    channel: Annotated[Literal["email", "webhook"] | None, typer.Option("--channel")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=10_000, help="Rows at most.")] = 100,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """List what is in the outbox, oldest first. Contents are never shown.

    Example:  icard-issuer notices list -C issuer --state dead
    """
    from issuer.delivery.outbox_admin import OPEN, listed

    service = ServiceFolder(folder)
    with service.opened() as core:
        tell_rows(
            [_row(view) for view in listed(core, OPEN if state == "open" else [state], channel=channel, most=most)]
        )


@notices_app.command("figures")
def notices_figures(*, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """How many wait and died on each channel, and how old the oldest that waits is, in seconds."""
    from issuer.delivery.outbox_admin import figures

    service = ServiceFolder(folder)
    with service.opened() as core:
        tell_rows([{"channel": channel, **asdict(found)} for channel, found in figures(core).items()])


@notices_app.command("show")
def notices_show(
    name: Annotated[str, typer.Argument(metavar="ID")],
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Everything about one row but its contents: attempts, the last fault, and what to do about it."""
    from icard_crypto.errors import catalogue
    from issuer.delivery.outbox_admin import show

    service = ServiceFolder(folder)
    with service.opened() as core:
        view = show(core, name)
        facts = {**asdict(view), "created_at": moment_text(view.created_at), "due_at": moment_text(view.due_at)}
        facts |= {"give_up_at": moment_text(view.give_up_at), "ended_at": moment_text(view.ended_at)}
        words = catalogue().get(view.fault or "")
        if words is not None:
            language = run_context().language
            facts |= {"says": words[language], "do": words["do_zh" if language == "zh" else "do_en"]}
        tell(facts)


@notices_app.command("retry")
def notices_retry(
    names: Ids = None,
    all_dead: AllDead = False,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Send dead or dropped letters again, with their full delivery time."""
    from issuer.delivery.outbox_admin import retry

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        tell({"retried": retry(core, _chosen(core, names, all_dead), by)})


@notices_app.command("drop")
def notices_drop(
    names: Ids = None,
    all_dead: AllDead = False,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Give letters up that wait or are dead. Their accounts still have the notices in the inbox."""
    from issuer.delivery.outbox_admin import drop

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        tell({"dropped": drop(core, _chosen(core, names, all_dead), by)})


def _chosen(core: Core, names: list[str] | None, all_dead: bool) -> list[str]:
    from issuer.delivery.outbox_admin import listed

    if bool(names) == all_dead:
        raise CommandError("cli.option", path="--all-dead", expected="ids, or --all-dead, and not both")
    return names or [view.id for view in listed(core, ["dead"], most=_MOST)]


def _row(view: OutboxView) -> dict[str, Any]:
    return {
        "id": view.id,
        "kind": view.kind,
        "channel": view.channel,
        "state": view.state,
        "attempts": view.attempts,
        "fault": view.fault,
        "answer": view.answer,
        "created": moment_text(view.created_at),
        "due": moment_text(view.due_at) if view.state == "waiting" else None,
    }
