"""`violations`: which policies fired, and what was decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

import click

from policies.advice import advice
from sallyport.cli.admin import actor, opened_store
from sallyport.cli.commands import Group, current_settings
from sallyport.cli.output import json_option, limit_option, plain, show_record, show_rows
from sallyport.spend import ledger
from sallyport.spend.ledger.calls import iso
from sallyport.store.models import TriageState

_COLUMNS = ("id", "at", "state", "assignee", "policy_name", "policy_type", "action", "detail", "call_id", "count")


@click.group("violations", cls=Group)
def violations_command() -> None:
    """Which policies fired, on which call, and what was decided about it."""


@violations_command.command("list")
@click.option("--state", type=click.Choice(get_args(TriageState.__value__)), help="Only those.")
@limit_option
@json_option
def list_(state: str | None, limit: int, as_json: bool) -> None:
    """Violations, the latest first."""
    with opened_store(current_settings()) as store:
        rows = [ledger.violation_json(row) for row in ledger.list_violations(store.engine, state=state, limit=limit).items]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no violations")


@violations_command.command("show")
@click.argument("violation_id")
@json_option
def show(violation_id: str, as_json: bool) -> None:
    """One violation, its comments and what to do next."""
    with opened_store(current_settings()) as store:
        row = ledger.get_violation(store.engine, violation_id)
        comments = [{**asdict(comment), "at": iso(comment.at)} for comment in store.list_comments(violation_id)]
    more = {"next_step": advice(row.policy_type, row.action), "comments": comments}
    show_record(ledger.violation_json(row) | more, as_json=as_json)


@violations_command.command("ack")
@click.argument("violation_ids", nargs=-1, required=True)
@click.option("--assignee", metavar="NAME", help="Who looks after it.")
def ack(violation_ids: tuple[str, ...], assignee: str | None) -> None:
    """Say that somebody knows; repeats are still counted."""
    _triage(violation_ids, {"state": "acknowledged"} | ({} if assignee is None else {"assignee": assignee}))


@violations_command.command("resolve")
@click.argument("violation_ids", nargs=-1, required=True)
def resolve(violation_ids: tuple[str, ...]) -> None:
    """Say that it is dealt with; should the policy fire again, that is a new violation."""
    _triage(violation_ids, {"state": "resolved"})


@violations_command.command("reopen")
@click.argument("violation_ids", nargs=-1, required=True)
def reopen(violation_ids: tuple[str, ...]) -> None:
    """Say that it is not dealt with after all."""
    _triage(violation_ids, {"state": "open"})


@violations_command.command("comment")
@click.argument("violation_id")
@click.argument("text")
@json_option
def comment(violation_id: str, text: str, as_json: bool) -> None:
    """Add a comment, under your name."""
    with opened_store(current_settings()) as store:
        made = store.comment_violation(actor(), violation_id, text)
    show_record(plain({**asdict(made), "at": iso(made.at)}), as_json=as_json)


def _triage(violation_ids: tuple[str, ...], changes: Mapping[str, Any]) -> None:
    with opened_store(current_settings()) as store:
        for violation_id in violation_ids:
            triage = store.triage_violation(actor(), violation_id, changes)
            click.echo(f"{violation_id} ({triage.policy_name}) is {triage.state}")
