"""``icard-issuer privacy``: what is kept how long, and erasing what is no longer kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context

from .service import BreakGlassReason, Folder, NamedOperator, ServiceFolder, acting, tell, tell_rows

if TYPE_CHECKING:
    from issuer.acts import Actor

__all__ = ["beside", "privacy_app"]

privacy_app = typer.Typer(help="Personal data: what is kept, and erasing what is not.", no_args_is_help=True)

PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id: 32 hexadecimal digits.")]
Second = Annotated[str, typer.Option("--second-operator", help="Who stands beside: another person's name.")]


def beside(by: Actor, second: str) -> Actor:
    """Two operators as one actor.

    Raises:
        CommandError: ``cli.option``: they are one person.
    """
    from issuer.acts import Actor

    other = acting(second, by.reason).actor
    if other.casefold() == by.actor.casefold():
        raise CommandError("cli.option", path="--second-operator", expected="another person's name", found=second)
    return Actor(f"{by.actor}+{other}", by.reason, by.break_glass)


@privacy_app.command("retention")
def privacy_retention(*, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """List what is kept about people, for how many years, and by which rule.

    Example:  icard-issuer privacy retention -C issuer
    """
    from issuer.privacy.retention import retention_rows

    service = ServiceFolder(folder)
    language = run_context().language
    with service.opened() as core:
        rows = core.database.read(lambda session: retention_rows(core, session))
    if not run_context().json:
        rows = [{**row, "text": row["text"][language], "source": row["source"][language]} for row in rows]
    tell_rows(rows)


@privacy_app.command("purge")
def privacy_purge(
    person_id: PersonId,
    second: Second,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Erase what is no longer kept about a person, and write the database's files again. It needs dual control.

    What the law keeps stays, and is listed with its last day. Backups are copies of their own: delete them as well.
    """
    from issuer.privacy.purge import purge_person

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    both = beside(by, second)
    with service.opened() as core:
        done = purge_person(core, person_id, both)
    kept: list[dict[str, Any]] = [one.to_json() for one in done.kept]
    tell(
        {
            "rows": sum(done.rows.values()),
            "details": done.details,
            "name_erased": done.person,
            "kept": kept if run_context().json else len(kept),
        }
    )
    if not run_context().json:
        tell_rows(kept)


@privacy_app.command("purge-due")
def privacy_purge_due(
    second: Second,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Erase what is no longer kept about anybody. It needs dual control; run it once a month.

    Example:  icard-issuer privacy purge-due -C issuer --operator li.wei --second-operator mei.lin --reason monthly
    """
    from issuer.privacy.purge import purge_due

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)

    def progress(people: int, changed: int) -> None:
        if not run_context().json:
            typer.echo(f"{people} people, {changed} with something erased", err=True)

    both = beside(by, second)
    with service.opened() as core:
        people, changed = purge_due(core, both, progress)
    tell({"people": people, "erased": changed})
