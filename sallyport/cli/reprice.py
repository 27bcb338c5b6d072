"""`spend reprice`: what was charged, beside what the prices of now would charge."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import click

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import Command, current_settings
from sallyport.cli.output import json_option, show_rows
from sallyport.cli.times import TIME, seconds
from sallyport.money import nano_to_usd
from sallyport.spend.ledger import CallFilters
from sallyport.spend.ledger.rollups import period
from sallyport.spend.price_file import load_price_file
from sallyport.spend.prices import use_price_file
from sallyport.spend.reprice import reprice

_COLUMNS = ("provider", "model", "calls", "charged_usd", "repriced_usd", "difference_usd", "unpriced", "inexact")


@click.command("reprice", cls=Command)
@click.option("--from", "start", type=TIME, metavar="TIME", help="Calls since then (UTC).  [this month]")
@click.option("--to", "end", type=TIME, metavar="TIME", help="Until before then.")
@click.option("--today", is_flag=True, help="All at today's prices, not each at those of its own time.")
@json_option
def reprice_command(start: datetime | None, end: datetime | None, today: bool, as_json: bool) -> None:
    """Compare what calls were charged with what the list and the --prices file would charge. Nothing is changed.

    `unpriced`: calls for which no price is known even now; `inexact`: calls whose record does not say all that was priced.
    """
    settings = current_settings()
    use_price_file(load_price_file(settings.prices) if settings.prices else ())
    since, until = period(None, seconds(start), seconds(end), time.time())
    with opened_store(settings) as store:
        found = reprice(store.engine, CallFilters(start=since, end=until), time.time() if today else None)
    rows: list[dict[str, Any]] = [
        {
            "provider": entry.provider,
            "model": entry.model,
            "calls": entry.calls,
            "charged_usd": nano_to_usd(entry.charged_nano),
            "repriced_usd": nano_to_usd(entry.repriced_nano),
            "difference_usd": nano_to_usd(entry.difference_nano),
            "unpriced": entry.unpriced,
            "inexact": entry.inexact,
        }
        for entry in found
    ]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no charged calls in that time")
    charged, repriced = sum(entry.charged_nano for entry in found), sum(entry.repriced_nano for entry in found)
    click.echo(f"charged ${nano_to_usd(charged)}, by these prices ${nano_to_usd(repriced)}; nothing was changed", err=True)
