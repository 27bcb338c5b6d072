"""`spend`: what was spent, by whom, on what; and whether the counters agree with the ledger."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import get_args

import click
import redis

from sallyport.cli.admin import opened_store, redis_url
from sallyport.cli.commands import Failure, current_settings
from sallyport.cli.commands import Group as CommandGroup
from sallyport.cli.output import json_option, show_rows
from sallyport.cli.reprice import reprice_command
from sallyport.cli.spend_bars import bars, show_bars
from sallyport.cli.times import TIME, seconds
from sallyport.csv_text import csv_text
from sallyport.money import nano_to_usd
from sallyport.settings import Settings
from sallyport.spend import ledger
from sallyport.spend.connection import connect
from sallyport.spend.ledger.rollups import COLUMNS, Interval, period
from sallyport.spend.reconcile import Comparison, compare, repair
from sallyport.spend.windows import WINDOWS
from sallyport.store.load import load_snapshot
from sallyport.store.operations import Store

_COMPARED = ("organization", "window", "subject", "counter_usd", "ledger_usd", "drift_usd")


@click.group("spend", cls=CommandGroup, invoke_without_command=True)
@click.option("--by", "group_by", default="workspace", show_default=True, help=f"{', '.join(ledger.GROUPS)}, or header:NAME.")
@click.option("--window", type=click.Choice(WINDOWS), help="The current one, UTC.  [monthly]")
@click.option("--from", "start", type=TIME, metavar="TIME", help="Since then (UTC): 2026-01-31, 2026-01-31T12:00.")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Until before then.")
@click.option("--interval", type=click.Choice(get_args(Interval)), help="A row for each; those without calls are left out.")
@click.option("--chart", is_flag=True, help="Bars: over time with --interval, else by group.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV, for spreadsheets.")
@json_option
@click.pass_context
def spend_command(
    context: click.Context,
    group_by: str,
    window: str | None,
    start: datetime | None,
    end: datetime | None,
    interval: Interval | None,
    chart: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """What was spent, dearest first; without a time in the current month (UTC)."""
    if context.invoked_subcommand is not None:
        return
    since, until = period(window, seconds(start), seconds(end), time.time())
    with opened_store(current_settings()) as store:
        found = ledger.rollup(store.engine, group_by, ledger.CallFilters(start=since, end=until), interval)
    rows = [ledger.rollup_json(row) for row in found]
    columns = (*(("start",) if interval else ()), *COLUMNS)
    if as_csv:
        click.echo(csv_text(columns, rows), nl=False)
    elif chart and not as_json:
        show_bars(bars(found))
    else:
        show_rows(rows, columns, as_json=as_json, nothing="no calls in this window")


@spend_command.command("reconcile")
@click.option("--repair", "repairs", is_flag=True, help="Set counters that are off right, while the gateway runs.")
@click.option("--all", "show_all", is_flag=True, help="Show the counters that agree, too.")
@json_option
@click.pass_context
def reconcile(context: click.Context, repairs: bool, show_all: bool, as_json: bool) -> None:
    """Compare the counters of the current windows with the ledger. Exit code 1 where one is off and was not set right."""
    settings = current_settings()
    with opened_store(settings) as store:
        try:
            found, repaired = asyncio.run(_reconcile(settings, store, repairs=repairs))
        except redis.RedisError as error:
            raise Failure(f"the counters can't be read: {error}") from None
    counters = [entry for comparison in found for entry in comparison.counters]
    drifted = [entry for entry in counters if entry.drift_nano]
    rows = [
        {
            "organization": entry.organization_id,
            "window": entry.window,
            "subject": entry.subject,
            "counter_usd": nano_to_usd(entry.counter_nano),
            "ledger_usd": nano_to_usd(entry.ledger_nano),
            "drift_usd": nano_to_usd(entry.drift_nano),
        }
        for entry in (counters if show_all else drifted)
    ]
    if rows or as_json:
        show_rows(rows, _COMPARED, as_json=as_json, nothing="")
    outcome = "set right" if repaired else "off"
    click.echo(f"{len(counters)} counters compared with the ledger, {len(drifted)} {outcome}", err=True)
    if drifted and not repaired:
        context.exit(1)


async def _reconcile(settings: Settings, store: Store, *, repairs: bool) -> tuple[list[Comparison], bool]:
    """Every organization compared, and whether all that was off is set right."""
    snapshot = load_snapshot(store.engine, store.vault)
    organizations = sorted({workspace.organization_id for workspace in snapshot.workspaces.values()})
    found: list[Comparison] = []
    repaired = repairs
    async with connect(redis_url(settings)) as client:
        for organization in organizations:
            comparison = await compare(client, store.engine, organization, snapshot.policies, at=time.time())
            found.append(comparison)
            if repairs and comparison.drifted:
                repaired = await repair(client, comparison) and repaired
    return found, repaired


spend_command.add_command(reprice_command)
