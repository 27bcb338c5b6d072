"""`spend`: what was spent, by whom, on what."""

from __future__ import annotations

import time
from typing import get_args

import click

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import Command, current_settings
from sallyport.cli.output import json_option, show_rows
from sallyport.money import nano_to_usd
from sallyport.spend import ledger
from sallyport.spend.ledger.rollups import Group
from sallyport.spend.windows import window_start

_COLUMNS = ("group", "name", "spend_usd", "calls", "input_tokens", "output_tokens")


@click.command("spend", cls=Command)
@click.option("--by", "group_by", type=click.Choice(get_args(Group)), default="workspace", show_default=True)
@click.option("--window", type=click.Choice(["hourly", "daily", "weekly", "monthly"]), default="monthly", show_default=True)
@json_option
def spend_command(group_by: Group, window: str, as_json: bool) -> None:
    """What was spent in the current window (UTC), dearest first."""
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
