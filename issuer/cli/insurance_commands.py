"""``icard-issuer insurance``: contributions, lapses, recomputation, claims and pay orders, services, reports."""

from __future__ import annotations

import gc
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from verifier.runtime.cli.run_context import AsJson, Lang, run_context

from .bulk_commands import watched, write_refused
from .service import Folder, Operator, ReasonOption, ServiceFolder, acting, looked, tell, tell_rows

if TYPE_CHECKING:
    from issuer.core import Core

__all__ = ["insurance_app"]

insurance_app = typer.Typer(
    help="Social insurance: contributions, lapses, claims, services, compliance.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a line of columns, or JSON Lines.")]
FormOption = Annotated[Literal["csv", "jsonl"] | None, typer.Option("--form", help="[default: by the file's name]")]
Refused = Annotated[Path | None, typer.Option("--refused", metavar="FILE", help="Write the refused rows there: CSV.")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id: 32 hexadecimal digits.")]
AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day.  [default: today]")]
KnownOn = Annotated[
    datetime | None,
    typer.Option("--known-on", formats=["%Y-%m-%d"], help="By what was known on this day.  [default: the same day]"),
]


def _keep_loaded() -> None:
    """Leave what is loaded by now to the process's end: the collector need not walk it while millions of values come
    and go, which takes a tenth of the time."""
    gc.collect()
    gc.freeze()


@insurance_app.command("import")
def insurance_import(
    file: File,
    form: FormOption = None,
    refused: Refused = None,
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Write contributions into the books. Run again after whatever stopped it: no row is written twice.

    Example:  icard-issuer insurance import contributions.csv -C issuer --refused refused.csv
    """
    from issuer.bulk.rows import Source
    from issuer.insurance.imports import import_file

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    source = Source.of(file, form)
    with service.opened() as core:
        _keep_loaded()
        with watched(source.size) as progress:
            made = import_file(core, source, by, progress)
        if refused is not None:
            write_refused(core, made.run_id, refused)
        tell(
            {
                "run": made.run_id,
                "done": made.done,
                "refused": made.refused,
                "resumed": made.resumed,
                "people": made.followed.people,
                "lapsed": made.followed.lapsed,
                "restored": made.followed.restored,
            }
        )
    if made.refused:
        raise typer.Exit(1)


@insurance_app.command("lapses")
def insurance_lapses(
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Look at everyone whose day has come; the worker does the same by itself.

    Example:  icard-issuer insurance lapses -C issuer
    """
    from issuer.insurance.lapses import follow_due

    by = acting(operator, reason)
    service = ServiceFolder(folder)
    with service.opened() as core:
        done = follow_due(core, by)
    tell({"people": done.people, "lapsed": done.lapsed, "restored": done.restored})


@insurance_app.command("recompute")
def insurance_recompute(
    region: Annotated[str, typer.Argument(metavar="REGION", help="A code of GB/T 2260, or CN.")],
    *,
    operator: Operator = None,
    reason: ReasonOption = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Compute the contributions and lapses of a region again. The worker does so after every change of their rules.

    Stopped in the middle, the worker goes on with it.

    Example:  icard-issuer insurance recompute 310000 -C issuer
    """
    from issuer.insurance.recomputation import begin, recompute

    by = acting(operator, reason)
    service = ServiceFolder(folder)

    def progress(done: int, people: int) -> None:
        if not run_context().json:
            typer.echo(f"{done} of {people} people", err=True)

    with service.opened() as core:
        begun = begin(core, region, by)
        recompute(core, by, progress=progress, only=begun)
        _tell_recomputations(core, begun)


@insurance_app.command("recomputations")
def insurance_recomputations(*, folder: Folder = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """List regions that are or were computed again: how far each is, and what it changed.

    Example:  icard-issuer insurance recomputations -C issuer
    """
    service = ServiceFolder(folder)
    with service.opened() as core:
        _tell_recomputations(core)


def _tell_recomputations(core: Core, only: str | None = None) -> None:
    from issuer.insurance.recomputation import list_all

    tell_rows([asdict(one) for one in list_all(core) if only in (None, one.recomputation_id)])


@insurance_app.command("claims")
def insurance_claims(
    state: Annotated[
        Literal["filed", "granted", "refused", "withdrawn", "stopped"] | None,
        typer.Option("--state", help="Only these.  [default: filed and granted]"),
    ] = None,
    *,
    operator: Operator = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """List claims for benefits, the oldest first: what waits for a decision, by when, and what is paid a month.

    Example:  icard-issuer insurance claims -C issuer --state filed
    """
    from issuer.insurance.claim_records import claims_on_record

    by = acting(operator)
    service = ServiceFolder(folder)
    with service.opened() as core:
        looked(core, by, "insurance.claims", state or "open")
        tell_rows(claims_on_record(core, state))


@insurance_app.command("orders")
def insurance_orders(
    month: Annotated[str, typer.Argument(metavar="MONTH", help="YYYY-MM.")],
    *,
    operator: Operator = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """List the pay orders of a month, for who pays them out. Whether they were paid is recorded by an officer.

    Example:  icard-issuer insurance orders 2026-11 -C issuer --json
    """
    from issuer.insurance.claim_records import orders_on_record
    from issuer.insurance.months import parse_month

    by = acting(operator)
    service = ServiceFolder(folder)
    wanted = parse_month(month)
    with service.opened() as core:
        looked(core, by, "insurance.orders", month)
        tell_rows(orders_on_record(core, wanted))


@insurance_app.command("services")
def insurance_services(
    region: Annotated[str, typer.Argument(metavar="REGION", help="A code of GB/T 2260, or CN.")],
    day: Annotated[datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="[default: today]")] = None,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """List the services that the card carries in a region, where it must be taken, and the source of each.

    Example:  icard-issuer insurance services 330400 -C issuer
    """
    from issuer.insurance.service_items import items_in
    from issuer.rules.days import day_of
    from issuer.rules.store import read_book

    service = ServiceFolder(folder)
    with service.opened() as core:
        on = day.date() if day else day_of(int(core.clock.local()))
        items = items_in(read_book(core), region, on)
    tell_rows(
        [
            {
                "name": item.name,
                "title": item.title(run_context().language),
                "field": item.field,
                "scenario": item.scenario,
                "forms": ",".join(item.forms),
                "must_take": item.must_take,
                "rule": item.rule.name,
                "certainty": item.rule.certainty,
            }
            for item in items
        ]
    )


@insurance_app.command("compliance")
def insurance_compliance(
    person_id: PersonId,
    as_of: AsOf = None,
    known_on: KnownOn = None,
    *,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """List the findings about one person, with sums and rules.

    Example:  icard-issuer insurance compliance 2cb2ca8b2093a2212a2f5d74ee8dfd81 -C issuer --as-of 2026-06-30
    """
    from issuer.insurance.views import report_on

    service = ServiceFolder(folder)
    with service.opened() as core:
        found = report_on(core, person_id, as_of.date() if as_of else None, known_on.date() if known_on else None)
    rows = [finding.to_json() for finding in found.findings]
    if not run_context().json:
        rows = [
            {
                **{name: row[name] for name in ("kind", "month", "employer", "owed", "late_fee")},
                "schemes": ",".join(row["schemes"]) or "-",
                "certainty": "uncertain" if row["uncertain"] else "certain",
                "rules": ",".join(rule["name"] for rule in row["rules"]) or "-",
            }
            for row in rows
        ]
    tell_rows(rows)


@insurance_app.command("report")
def insurance_report(
    region: Annotated[str, typer.Argument(metavar="REGION", help="A code of GB/T 2260, or CN.")],
    as_of: AsOf = None,
    known_on: KnownOn = None,
    table: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows there.")] = None,
    chart: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="Draw the kinds there.")] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, max=64, help="How many compute.  [default: one for each core]")
    ] = None,
    *,
    operator: Operator = None,
    folder: Folder = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Count and sum the findings of a whole region by employer and kind.

    Example:  icard-issuer insurance report 310000 -C issuer --csv report.csv --svg report.svg
    """
    from issuer.insurance.chart import draw
    from issuer.insurance.region_report import bars_of, region_csv, region_report
    from verifier.runtime.files import write_whole

    by = acting(operator)
    service = ServiceFolder(folder)

    def progress(people: int) -> None:
        if not run_context().json:
            typer.echo(f"{people} people", err=True)

    with service.opened() as core:
        looked(core, by, "insurance.report", region)
        days = as_of.date() if as_of else None, known_on.date() if known_on else None
        _keep_loaded()
        found = region_report(core, region, *days, progress, processes or os.cpu_count() or 1)
    if table is not None:
        write_whole(table, region_csv(found).encode())
    if chart is not None:
        bars = bars_of((row.kind, row.findings, row.owed, row.without_sum) for row in found.rows)
        write_whole(chart, draw(bars, found.as_of.isoformat(), run_context().language).encode())
    if table is None:
        tell_rows([row.to_json() for row in found.rows])
    typer.echo(f"{found.people} people looked at", err=True)
