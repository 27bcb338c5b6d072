"""`policies`: what is allowed."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import redis

from sallyport.cli.admin import actor, every, opened_store, redis_url
from sallyport.cli.commands import BadInput, Failure, Group, current_settings
from sallyport.cli.output import json_option, limit_option, printable, show_json, show_record, show_rows
from sallyport.cli.policy_files import plan, policies_of, read_policies, with_ids
from sallyport.console.cap_children import children as cap_children
from sallyport.console.pages.formats import policy_text
from sallyport.money import nano_to_usd
from sallyport.settings import Settings
from sallyport.spend.connection import connect
from sallyport.spend.whatif import replay
from sallyport.store.load import load_policies
from sallyport.store.models import StoredPolicy
from sallyport.store.operations import Store

_COLUMNS = ("id", "name", "policy_type", "action", "says", "for", "enabled", "priority")
_CHILD_COLUMNS = ("for", "current_spend_usd", "limit_usd")
_TYPES = "spend_cap, default_spend_cap, rate_limit, default_rate_limit, model_access or guard"


@click.group("policies", cls=Group)
def policies_command() -> None:
    """What is allowed: caps, rate limits, models, guards."""


@policies_command.command("create")
@click.argument("name")
@click.option("--type", "policy_type", metavar="TYPE", required=True, help=_TYPES)
@click.option("--config", "policy_config", metavar="JSON", required=True, help='{"window": "daily", "limit_usd": 10}')
@click.option(
    "--match",
    "matches",
    metavar="KEY=VALUE",
    multiple=True,
    help="Whom it is for: user_id=ada, by id or name.  Repeatable; all must hold.",
)
@click.option("--action", type=click.Choice(["block", "redact"]))
@click.option("--priority", type=int)
@click.option("--disabled", is_flag=True)
@json_option
def create(
    name: str,
    policy_type: str,
    policy_config: str,
    matches: tuple[str, ...],
    action: str | None,
    priority: int | None,
    disabled: bool,
    as_json: bool,
) -> None:
    """Add a policy; one of equal type, matchers and window is changed instead."""
    fields: dict[str, Any] = {"name": name, "policy_type": policy_type, "config": _json(policy_config, "--config")}
    fields |= {"subject_matchers": [_matcher(match) for match in matches], "enabled": not disabled}
    fields |= {key: value for key, value in (("action", action), ("priority", priority)) if value is not None}
    with opened_store(current_settings()) as store:
        show_record(asdict(store.create_policy(actor(), with_ids(store, fields))), as_json=as_json)


@policies_command.command("list")
@click.option("--type", "policy_type", metavar="TYPE", help=_TYPES)
@json_option
def list_(policy_type: str | None, as_json: bool) -> None:
    """All policies, the newest first."""
    with opened_store(current_settings()) as store:
        found = every(lambda limit, cursor: store.list_policies(limit, cursor, policy_type=policy_type))
        rows = [asdict(policy) for policy in found]
    _show(rows, as_json, "no policies yet: add some with `policies apply FILE`")


@policies_command.command("get")
@click.argument("policy_id")
@json_option
def get(policy_id: str, as_json: bool) -> None:
    """One policy."""
    with opened_store(current_settings()) as store:
        show_record(asdict(store.get_policy(policy_id)), as_json=as_json)


@policies_command.command("children")
@click.argument("policy_id")
@limit_option
@json_option
def children(policy_id: str, limit: int, as_json: bool) -> None:
    """Whom a default cap holds for, and what each has spent in the current window, dearest first."""
    settings = current_settings()
    with opened_store(settings) as store:
        parent = store.get_policy(policy_id)
        if parent.policy_type != "default_spend_cap":
            raise BadInput(f"{parent.name} is a {parent.policy_type}: only a default_spend_cap has children")
        try:
            rows = asyncio.run(_children(settings, store, parent, limit))
        except redis.RedisError as error:
            raise Failure(f"the counters can't be read: {error}") from None
    if not as_json:
        rows = [row | {"for": _matchers_text(row["subject_matchers"]), "limit_usd": row["config"]["limit_usd"]} for row in rows]
    show_rows(rows, _CHILD_COLUMNS, as_json=as_json, nothing="nobody it holds for has spent anything in this window")


async def _children(settings: Settings, store: Store, parent: StoredPolicy, limit: int) -> list[dict[str, Any]]:
    async with connect(redis_url(settings)) as client:
        return await cap_children(client, parent, load_policies(store.engine), limit)


@policies_command.command("update")
@click.argument("policy_id")
@click.option("--name")
@click.option("--config", "policy_config", metavar="JSON", help="The fields to change.")
@click.option("--action", type=click.Choice(["block", "redact"]))
@click.option("--priority", type=int)
@click.option("--enable/--disable", "enabled", default=None)
@json_option
def update(policy_id: str, as_json: bool, policy_config: str | None, **fields: object) -> None:
    """Change what is named, leave the rest."""
    changes = {field: value for field, value in fields.items() if value is not None}
    if policy_config is not None:
        changes["config"] = _json(policy_config, "--config")
    if not changes:
        raise BadInput("nothing to change: give --name, --config, --action, --priority, --enable or --disable")
    with opened_store(current_settings()) as store:
        show_record(asdict(store.update_policy(actor(), policy_id, changes)), as_json=as_json)


@policies_command.command("delete")
@click.argument("policy_ids", nargs=-1, required=True)
def delete(policy_ids: tuple[str, ...]) -> None:
    """Remove policies."""
    with opened_store(current_settings()) as store:
        for policy_id in policy_ids:
            store.delete_policy(actor(), policy_id)
            click.echo(f"deleted {policy_id}")


@policies_command.command("apply")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--prune", is_flag=True, help="Delete policies that FILE does not hold.")
@json_option
def apply(file: Path, dry_run: bool, prune: bool, as_json: bool) -> None:
    """Add or change the policies of FILE: a JSON list, or TOML with [[policies]]; - is standard input.

    Nothing is changed unless all are valid. What changes is told, + for a new policy, ~ for a changed and - for a deleted one.
    """
    with opened_store(current_settings()) as store:
        changes = plan(store, read_policies(store, file), prune=prune)
        for line in (change.text() for change in changes if change.verb != "keep"):
            click.echo(printable(line), err=True)
        rows = [change.row() if dry_run else change.make(store) for change in changes]
    if dry_run:
        click.echo("nothing was changed" if rows else f"{file} holds no policies", err=True)
        if as_json:
            show_json(rows)
    else:
        _show([row for row in rows if row], as_json, f"{file} holds no policies")


@policies_command.command("replay")
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How far back.")
@json_option
def replay_command(file: Path | None, days: int, as_json: bool) -> None:
    """Say which calls of the last days FILE's policies would have blocked, had they held; without FILE those in force.

    Caps, rate limits and model access are played over what the ledger recorded; guards are not, as it holds no text.
    """
    since = time.time() - days * 86400
    with opened_store(current_settings()) as store:
        policies = policies_of(read_policies(store, file)) if file else load_policies(store.engine)
        found = replay(store.engine, policies, since)
    rows = [
        {"policy": blocked.name, "calls": blocked.calls, "users": blocked.users, "usd": nano_to_usd(blocked.cost_nano)}
        for blocked in found.by_policy
    ]
    show_rows(rows, ("policy", "calls", "users", "usd"), as_json=as_json, nothing="no call would have been blocked")
    click.echo(
        f"over the last {days} days this would have blocked {found.calls:,} of {found.seen:,} calls, of {found.users:,} users",
        err=True,
    )


def _show(rows: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if not as_json:
        rows = [{**row, "says": policy_text(row), "for": _matchers_text(row["subject_matchers"])} for row in rows]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing=nothing)


def _matchers_text(matchers: list[dict[str, str]]) -> str:
    return ", ".join(f"{matcher['key']}={matcher['value'] or '(each)'}" for matcher in matchers) or "everybody"


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{name}: {text!r} is not JSON: {error}") from None


def _matcher(text: str) -> dict[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"--match: {text!r} is not KEY=VALUE (for example workspace_id=default)")
    return {"key": key, "value": value}
