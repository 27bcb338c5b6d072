"""`spend`: what was spent, by whom, on what; and whether the counters agree with the ledger."""

from __future__ import annotations

import asyncio
import time
from typing import get_args

import click
import redis.asyncio

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import Failure, current_settings
from sallyport.cli.commands import Group as CommandGroup
from sallyport.cli.output import json_option, show_rows
from sallyport.money import nano_to_usd
from sallyport.paths import DataDir
from sallyport.settings import Settings
from sallyport.spend import ledger
from sallyport.spend.ledger.rollups import Group
from sallyport.spend.reconcile import Comparison, compare, repair
from sallyport.spend.windows import window_start
from sallyport.store.load import load_snapshot
from sallyport.store.operations import Store
from sallyport.supervisor.redis_server import url

_COMPARED = ("organization", "window", "subject", "counter_usd", "ledger_usd", "drift_usd")
_COLUMNS = ("group", "name", "spend_usd", "calls", "input_tokens", "output_tokens")


@click.group("spend", cls=CommandGroup, invoke_without_command=True)
@click.option("--by", "group_by", type=click.Choice(get_args(Group)), default="workspace", show_default=True)
@click.option("--window", type=click.Choice(["hourly", "daily", "weekly", "monthly"]), default="monthly", show_default=True)
@json_option
@click.pass_context
def spend_command(context: click.Context, group_by: Group, window: str, as_json: bool) -> None:
    """What was spent in the current window (UTC), dearest first."""
    if context.invoked_subcommand is not None:
        return
    with opened_store(current_settings()) as store:
        filters = ledger.CallFilters(start=window_start(window, time.time()))
        rows = [
            {
                "group": row.group,
                "name": row.name,
                "spend_usd": nano_to_usd(row.spend_nano),
                "calls": row.calls,
                "input_tokens": row.input_tokens,
                "output_tokens": row.output_tokens,
            }
            for row in ledger.rollup(store.engine, group_by, filters)
        ]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no calls in this window")


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
    where = settings.redis_url or url(DataDir(settings.data_dir).redis_socket)
    async with redis.asyncio.Redis.from_url(where) as client:  # pyright: ignore[reportUnknownMemberType] - **kwargs are untyped
        for organization in organizations:
            comparison = await compare(client, store.engine, organization, snapshot.policies, at=time.time())
            found.append(comparison)
            if repairs and comparison.drifted:
                repaired = await repair(client, comparison) and repaired
    return found, repaired
