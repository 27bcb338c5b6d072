"""`calls`: the record of each call."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import Group, current_settings
from sallyport.cli.output import json_option, limit_option, printable, show_record, show_rows
from sallyport.spend import ledger
from sallyport.store.operations import Store

_COLUMNS = (
    "id",
    "started_at",
    "provider",
    "model",
    "outcome",
    "status",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "duration_ms",
)
_TAIL_SECONDS = 0.5


@click.group("calls", cls=Group)
def calls_command() -> None:
    """The record of each call."""


@calls_command.command("list")
@click.option("--outcome", type=click.Choice(["success", "blocked", "error", "aborted"]))
@click.option("--provider")
@click.option("--model")
@limit_option
@json_option
def list_(outcome: str | None, provider: str | None, model: str | None, limit: int, as_json: bool) -> None:
    """Calls, the newest first."""
    with opened_store(current_settings()) as store:
        filters = ledger.CallFilters(outcome=outcome, provider=provider, model=model)
        rows = [ledger.call_json(row) for row in ledger.list_calls(store.engine, filters, limit).items]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no calls yet")


@calls_command.command("get")
@click.argument("call_id")
@json_option
def get(call_id: str, as_json: bool) -> None:
    """One call."""
    with opened_store(current_settings()) as store:
        show_record(ledger.call_json(ledger.get_call(store.engine, call_id)), as_json=as_json)


@calls_command.command("tail")
@json_option
def tail(as_json: bool) -> None:
    """Calls as they end, until Ctrl-C."""
    with opened_store(current_settings()) as store:
        seen = {row["id"] for row in _latest(store)}
        while True:
            new = [row for row in _latest(store) if row["id"] not in seen]
            for row in reversed(new):
                click.echo(json.dumps(row) if as_json else _line(row))
            seen |= {row["id"] for row in new}
            time.sleep(_TAIL_SECONDS)


def _latest(store: Store) -> list[dict[str, Any]]:
    return [ledger.call_json(row) for row in ledger.list_calls(store.engine, limit=1000).items]


def _line(row: dict[str, Any]) -> str:
    tokens = f"{row['input_tokens']}→{row['output_tokens']} tokens"
    what = f"{row['provider'] or '-'}/{row['model'] or row['operation'] or '-'}"
    end = f"{row['status'] or '-'} {row['outcome']:<8}"
    return printable(f"{row['started_at'][11:19]}  {end} {what}  {tokens}  ${row['cost_usd']}  {row['id']}")
