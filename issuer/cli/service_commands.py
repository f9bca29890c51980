"""``icard-issuer init``, ``settings``, ``clock``: the service as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from icard_crypto.moments import moment_text
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang
from verifier.runtime.files import FileFault, write_new

from .passphrase import ask
from .service import BreakGlassReason, Folder, NamedOperator, ServiceFolder, acting, tell
from .typed import given

if TYPE_CHECKING:
    pass

__all__ = ["clock_app", "init_command", "settings_command"]

_SECRET: Final = 0o600

clock_app = typer.Typer(help="The clock guard.", no_args_is_help=True)


def init_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder for the service's files.")],
    issuer: Annotated[str | None, typer.Option("--issuer", help="Short id of the authority: cn.310000.")] = None,
    region: Annotated[list[str] | None, typer.Option("--region", help="May issue there; may be repeated.")] = None,
    status_prefix: Annotated[
        str | None, typer.Option("--status-prefix", help="Where the status lists are fetched: https://host/path/")
    ] = None,
    name_en: Annotated[str | None, typer.Option("--name-en", help="The authority's name in English.")] = None,
    name_zh: Annotated[str | None, typer.Option("--name-zh", help="The authority's name in Chinese.")] = None,
    environment: Annotated[Literal["test", "production"] | None, typer.Option("--environment")] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url", help="postgresql://... without a password, or - to read it.  [default: SQLite in FOLDER]"
        ),
    ] = None,
    database_url_file: Annotated[
        Path | None,
        typer.Option("--database-url-file", metavar="FILE", help="Its first line is the address, with the password."),
    ] = None,
    sqlite_in_production: Annotated[
        bool, typer.Option("--sqlite-in-production", help="SQLite is meant: one server, on one machine.")
    ] = False,
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Of the keystore; else it is asked for.")
    ] = None,
    list_capacity: Annotated[int | None, typer.Option("--list-capacity", help="Entries of a status list.")] = None,
    direct_issuing: Annotated[
        bool,
        typer.Option("--direct-issuing", help="Cards need no approved application: permits are kept elsewhere."),
    ] = False,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Begin a service: settings file, master key, tables. After a kill, run it again with the folder alone.

    With --environment production it refuses what only a trial may have: SQLite that nobody asked for, a short
    passphrase, names such as icard.example.

    Example:  icard-issuer init issuer --issuer cn.310000 --region 310000 --status-prefix https://status.example/sh/
    """
    from issuer import tables  # noqa: F401  (every table, before anything is written)
    from issuer.core import Core
    from issuer.production import require
    from issuer.settings import FILE_NAME, Settings, has_password

    if database_url is not None and database_url != "-" and has_password(database_url):
        raise CommandError(
            "cli.option", path="--database-url", expected="no password here: - reads it", found="a password"
        )
    asked = {
        "issuer": issuer,
        "regions": region,
        "status_prefix": status_prefix,
        "name_en": name_en,
        "name_zh": name_zh,
        "environment": environment,
        "database_url": given(database_url, "--database-url"),
        "database_url_file": None if database_url_file is None else str(database_url_file.absolute()),
        "sqlite_in_production": sqlite_in_production or None,
        "passphrase_file": None if passphrase_file is None else str(passphrase_file.absolute()),
        "list_capacity": list_capacity,
        "direct_issuing": direct_issuing or None,
    }
    values = {name: value for name, value in asked.items() if value is not None}
    path = folder / FILE_NAME
    if values:
        if path.exists():
            raise FileFault("file.exists", found=str(path))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # JSON's strings, numbers, lists and truth values are TOML's as well.
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
        write_new(path, "".join(lines).encode(), mode=_SECRET)
    try:
        loaded = Settings.load(folder)
        require(loaded)
    except BaseException:
        if values:
            path.unlink()
        raise
    Core.create(loaded, lambda: ask(twice=False)).close()
    tell({"settings": str(path), "master_key": str(loaded.master_key_path), "database": loaded.shown()["database_url"]})


def settings_command(*, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """Print the settings as they hold, secrets hidden."""
    service = ServiceFolder(folder)
    tell(service.settings().shown())


@clock_app.command("accept")
def clock_accept(
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Take the clock for right although it is far ahead of what was signed last."""
    from issuer.db.unit_of_work import UnitOfWork

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened() as core:

        def work(unit: UnitOfWork) -> int:
            unit.audit("clock.accept", "clock", by.details())
            return core.clock.accept(unit.session)

        tell({"time": moment_text(core.transact(by, work))})


@clock_app.command("back")
def clock_back(
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Go on after the clock was ahead for a while and is right again. Stop every process of the service before.

    Puts times that have not come yet back, publishes, and gives new codes to cards whose codes begin in the future.
    Nothing is un-revoked and no index is given again. What else was done meanwhile is listed by act: review it.
    """
    from issuer.db.process_lock import process_lock
    from issuer.publication.export import export
    from issuer.publication.publish import check_signers, publish
    from issuer.restore.clock_back import put_back, renew_early

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened() as core, process_lock(core.database):
        check_signers(core)
        done = put_back(core, by)
        publish(core)
        left = renew_early(core, done.cards, by)
        publish(core)
        if core.settings.published is not None:
            export(core, core.settings.published)
    tell(
        {
            "ahead_until": moment_text(done.ahead_until),
            "now": moment_text(done.now),
            "renewed": len(done.cards) - len(left),
            "not_renewed": " ".join(left) or None,
            "ended": done.ended,
            "keys": " ".join(done.keys) or None,
            "acts": ", ".join(f"{action}: {count}" for action, count in done.acts.items()) or None,
        }
    )
