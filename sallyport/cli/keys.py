"""`keys`: gateway keys, the credentials that callers hold."""

from __future__ import annotations

from dataclasses import asdict

import click

from sallyport.cli.admin import actor, every, find_key, find_user, find_workspace, opened_store, parse_expiry
from sallyport.cli.commands import Group, current_settings
from sallyport.cli.output import json_option, plain, show_json, show_record, show_rows

_COLUMNS = ("id", "name", "prefix", "workspace_id", "user_id", "created_at", "expires_at", "revoked_at")


@click.group("keys", cls=Group)
def keys_command() -> None:
    """Gateway keys, the credentials that callers hold."""


@keys_command.command("create")
@click.argument("name", default="key")
@click.option("--workspace", metavar="NAME|ID", default="default", show_default=True)
@click.option("--user", metavar="NAME|ID", help="Whose key it is.")
@click.option("--expires", metavar="SPAN|DATE", help="30d, 12h, 2026-01-31.  [never]")
@json_option
def create(name: str, workspace: str, user: str | None, expires: str | None, as_json: bool) -> None:
    """Make a key. It is printed alone, and never again."""
    expires_at = parse_expiry(expires) if expires else None
    with opened_store(current_settings()) as store:
        made = store.create_key(
            actor(),
            name=name,
            workspace_id=find_workspace(store, workspace).id,
            user_id=find_user(store, user).id if user else None,
            expires_at=expires_at,
        )
    if as_json:
        show_json({**plain(asdict(made.record)), "key": made.key.reveal()})
    else:
        click.echo(f"key {made.record.id} ({made.record.name}); it is shown this once:", err=True)
        click.echo(made.key.reveal())


@keys_command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All keys, the newest first."""
    with opened_store(current_settings()) as store:
        rows = [asdict(key) for key in every(store.list_keys)]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no keys yet: make one with `keys create NAME`")


@keys_command.command("get")
@click.argument("key")
@json_option
def get(key: str, as_json: bool) -> None:
    """One key, by id or name."""
    with opened_store(current_settings()) as store:
        show_record(asdict(find_key(store, key)), as_json=as_json)


@keys_command.command("revoke")
@click.argument("keys", nargs=-1, required=True)
def revoke(keys: tuple[str, ...]) -> None:
    """End keys, by id or name, for good, within a second."""
    with opened_store(current_settings()) as store:
        for key in keys:
            record = store.revoke_key(actor(), find_key(store, key).id)
            click.echo(f"revoked {record.id} ({record.name})")
