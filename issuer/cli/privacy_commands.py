"""``icard-issuer privacy``: what is kept how long, and erasing what is no longer kept."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from verifier.runtime.cli.run_context import AsJson, Lang, run_context

from .service import BreakGlassReason, Folder, ServiceFolder, tell, tell_rows
from .two_operators import FirstOperator, SecondOperator, both_operators, proven

__all__ = ["privacy_app"]

privacy_app = typer.Typer(help="Personal data: what is kept, and erasing what is not.", no_args_is_help=True)

PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id: 32 hexadecimal digits.")]


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
    second: SecondOperator,
    *,
    operator: FirstOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Erase what is no longer kept about a person, and write the database's files again. Two administrators do it,
    each with a code of the authenticator app.

    What the law keeps stays, and is listed with its last day. Backups are copies of their own: delete them as well.
    """
    from issuer.privacy.purge import purge_person

    two = both_operators(operator, second)
    service = ServiceFolder(folder)
    with service.opened() as core:
        done = purge_person(core, person_id, proven(core, two, reason))
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
    second: SecondOperator,
    *,
    operator: FirstOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Erase what is no longer kept about anybody; run it once a month.

    Two administrators do it, each with a code of the authenticator app.

    Example:  icard-issuer privacy purge-due -C issuer --operator li.wei --second-operator mei.lin --reason monthly
    """
    from issuer.privacy.purge import purge_due

    two = both_operators(operator, second)
    service = ServiceFolder(folder)

    def progress(people: int, changed: int) -> None:
        if not run_context().json:
            typer.echo(f"{people} people, {changed} with something erased", err=True)

    with service.opened() as core:
        people, changed = purge_due(core, proven(core, two, reason), progress)
    tell({"people": people, "erased": changed})
