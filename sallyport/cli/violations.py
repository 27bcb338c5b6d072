"""`violations`: which policies fired."""

from __future__ import annotations

import click

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import Group, current_settings
from sallyport.cli.output import json_option, limit_option, show_record, show_rows
from sallyport.spend import ledger

_COLUMNS = ("id", "at", "policy_name", "policy_type", "action", "detail", "call_id", "count")


@click.group("violations", cls=Group)
def violations_command() -> None:
    """Which policies fired, on which call."""


@violations_command.command("list")
@limit_option
@json_option
def list_(limit: int, as_json: bool) -> None:
    """Violations, the latest first."""
    with opened_store(current_settings()) as store:
        rows = [ledger.violation_json(row) for row in ledger.list_violations(store.engine, limit=limit).items]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no violations")


@violations_command.command("get")
@click.argument("violation_id")
@json_option
def get(violation_id: str, as_json: bool) -> None:
    """One violation."""
    with opened_store(current_settings()) as store:
        show_record(ledger.violation_json(ledger.get_violation(store.engine, violation_id)), as_json=as_json)
