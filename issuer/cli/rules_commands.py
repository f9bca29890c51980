"""``icard-issuer rules``: the rules of the field, shipped and an authority's own; ``processes``: what moves where."""

from __future__ import annotations

import json
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import read_capped

from .service import BreakGlassReason, Folder, NamedOperator, ServiceFolder, acting, tell, tell_rows

if TYPE_CHECKING:
    from issuer.rules.book import Finding
    from issuer.rules.rows import Rule

__all__ = ["processes_command", "rules_app"]

rules_app = typer.Typer(
    help="Rules by region and day: deadlines, materials, categories, points. Shipped rows and the authority's own.",
    no_args_is_help=True,
)

_FILE_BYTES = 1024 * 1024

Kind = Annotated[str | None, typer.Argument(metavar="KIND", help="Of this kind only, such as deadlines.")]
Region = Annotated[str | None, typer.Option("--region", help="What holds in this region (GB/T 2260), nearest row.")]
AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="What holds on this day.")]
KnownOn = Annotated[
    datetime | None, typer.Option("--known-on", formats=["%Y-%m-%d"], help="By what had been published by this day.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As rules list shows it: kind/id/region/first day.")]
RulesFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file of rules (JSON).")]


@rules_app.command("list")
def rules_list(
    kind: Kind = None,
    region: Region = None,
    as_of: AsOf = None,
    known_on: KnownOn = None,
    own: Annotated[bool, typer.Option("--own", help="The authority's own rows only.")] = False,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """List rows. Without a day: all; with --region: the one row of each rule that holds there.

    Example:  icard-issuer rules list deadlines -C issuer --region 310000 --as-of 2026-12-01
    """
    from issuer.rules.days import day_of
    from issuer.rules.store import book_of, own_names

    service = ServiceFolder(folder)
    with service.opened() as core:
        book, names = core.database.read(lambda session: (book_of(session), own_names(session)))
    day, known = _day(as_of), _day(known_on)
    if region is None:
        found = list(book.all(kind, on=day, known_on=known))
    else:
        on = day or day_of(int(time.time()))
        found = [rule for one in book.kinds if kind in (None, one) for rule in book.effective(one, region, on, known)]
    tell_rows([_row(rule, names) for rule in found if not own or rule.name in names])


@rules_app.command("show")
def rules_show(name: Name, *, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """Show a row with its value, its source in full, and how certain it is.

    Example:  icard-issuer rules show deadlines/D03/CN/2004-07-01 -C issuer
    """
    from issuer.rules.citations import cite
    from issuer.rules.rows import rule_json
    from issuer.rules.store import read_book, rule_named

    service = ServiceFolder(folder)
    with service.opened() as core:
        rule = rule_named(read_book(core), name)
    tell({"name": rule.name, "cited": cite(rule, run_context().language), **rule_json(rule)})


@rules_app.command("add")
def rules_add(
    file: RulesFile,
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Add the authority's own rows from a file, all or none. In the service two administrators do this together.

    Example:  icard-issuer rules add own.json -C issuer --operator "Li Wei" --reason "Notice of 2026-12-01"
    """
    from issuer.rules.rows import rule_json
    from issuer.rules.store import add_rules

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened() as core:
        added = add_rules(core, [rule_json(rule) for rule in _read(file)], by)
        tell_rows([_row(rule, frozenset({rule.name})) for rule in added])


@rules_app.command("end")
def rules_end(
    name: Name,
    last: Annotated[datetime, typer.Option("--last", formats=["%Y-%m-%d"], help="The last day that it holds.")],
    *,
    operator: NamedOperator,
    reason: BreakGlassReason,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """End a row, shipped or own. It is never changed or deleted: what was decided by it can be computed again.

    Example:  icard-issuer rules end deadlines/D05/CN/2004-07-01 --last 2026-12-31 -C issuer \\
              --operator "Li Wei" --reason "Notice of 2026-12-01"
    """
    from issuer.rules.store import end_rule

    by = acting(operator, reason, break_glass=True)
    service = ServiceFolder(folder)
    with service.opened() as core:
        rule = end_rule(core, name, last.date(), by)
        tell({"name": rule.name, "last": last.date().isoformat()})


@rules_app.command("check")
def rules_check(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Rows to check beside those there.")] = None,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Check all rows, with those of a file if one is given. Exit status 1 when one is wrong; a gap is a warning.

    Example:  icard-issuer rules check own.json -C issuer
    """
    from issuer.rules.book import RuleBook
    from issuer.rules.store import read_book

    service = ServiceFolder(folder)
    more = [] if file is None else _read(file)
    with service.opened() as core:
        book = RuleBook([*read_book(core).all(), *more])
    found = book.check()
    tell_rows([_finding(finding) for finding in found])
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(1)


@rules_app.command("diff")
def rules_diff(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The earlier day.")],
    second: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The later day.")],
    region: Annotated[str, typer.Option("--region", help="In this region (GB/T 2260).")] = "CN",
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show which rules hold on one day and not on another.

    Example:  icard-issuer rules diff -C issuer --from 2025-09-29 --to 2025-09-30 --region 310000
    """
    from issuer.rules.store import read_book

    service = ServiceFolder(folder)
    with service.opened() as core:
        book = read_book(core)
    before, after = (
        {rule.name: rule for kind in book.kinds for rule in book.effective(kind, region, day.date())}
        for day in (first, second)
    )
    rows = [{"change": "goes", **_row(before[name])} for name in sorted(before.keys() - after.keys())]
    rows += [{"change": "comes", **_row(after[name])} for name in sorted(after.keys() - before.keys())]
    tell_rows(rows)


@rules_app.command("dry-run")
def rules_dry_run(file: RulesFile, *, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """Say how many open applications the rows of a file would move. Nothing is added; no application is named.

    Example:  icard-issuer rules dry-run own.json -C issuer
    """
    from issuer.permits.dry_run import dry_run

    service = ServiceFolder(folder)
    with service.opened() as core:
        found = dry_run(core, _read(file))
        tell({"open": found.open, "days": len(found.days), "checklists": len(found.checklists)})


def processes_command(
    name: Annotated[
        Literal["filing", "paper", "notification", "permit", "hearing", "objection", "employer"] | None,
        typer.Argument(metavar="PROCESS", help="This one."),
    ] = None,
    diagram: Annotated[bool, typer.Option("--diagram", help="Draw it, as Mermaid state diagrams.")] = False,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show the processes of a permit: each move, who may make it, what must hold, what follows.

    Example:  icard-issuer processes filing --diagram
    """
    from issuer.permits import processes

    machines = [machine for machine in processes.MACHINES.values() if name in (None, machine.name)]
    if diagram:
        typer.echo("\n".join(processes.diagram(machine) for machine in machines), nl=False)
        return
    tell_rows(
        [
            {
                "process": machine.name,
                "from": move.source,
                "move": move.name,
                "to": move.target,
                "by": ", ".join(move.by),
                "guards": ", ".join(move.guards),
                "rules": ", ".join(move.rules),
            }
            for machine in machines
            for move in machine.moves
        ]
    )


def _read(file: Path) -> list[Rule]:
    from issuer.rules.rows import read_file

    try:
        text = read_capped(file, _FILE_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError("cli.option", path="FILE", expected="UTF-8", found=str(file)) from None
    return read_file(text, file.name)


def _row(rule: Rule, own: frozenset[str] | None = None) -> dict[str, Any]:
    title = rule.value.get("title")
    row: dict[str, Any] = {
        "name": rule.name,
        "until": None if rule.valid_to is None else rule.valid_to.isoformat(),
        "certainty": rule.certainty + (" (uncertain)" if rule.uncertain else ""),
        "source": rule.source if run_context().json else rule.source[:40],
        "title": title[run_context().language] if isinstance(title, dict) else None,
    }
    if own is not None:
        row["own"] = rule.name in own
    return row | ({"value": json.loads(json.dumps(rule.value))} if run_context().json else {})


def _finding(finding: Finding) -> dict[str, Any]:
    rules = ", ".join(rule.name for rule in finding.rules)
    return {"severity": finding.severity, "code": finding.code, "rules": rules}


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
