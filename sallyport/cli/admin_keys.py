"""`admin-keys`: the credentials of the admin API and the console."""

from __future__ import annotations

from dataclasses import asdict

import click

from sallyport.cli.admin import actor, every, find_user, find_workspace, opened_store, parse_expiry
from sallyport.cli.commands import Group, current_settings
from sallyport.cli.output import json_option, plain, show_json, show_rows
from sallyport.store.roles import ROLES, Role

_COLUMNS = ("id", "name", "prefix", "role", "workspaces", "created_at", "expires_at", "revoked_at")


@click.group("admin-keys", cls=Group)
def admin_keys_command() -> None:
    """The credentials of the admin API and the console."""


@admin_keys_command.command("create")
@click.argument("name")
@click.option("--expires", metavar="SPAN|DATE", help="30d, 12h, 2026-01-31.  [never]")
@click.option("--role", type=click.Choice(ROLES), default="organization_admin", show_default=True)
@click.option("--workspace", "workspaces", metavar="NAME|ID", multiple=True, help="Where the role holds.  Repeatable.")
@click.option("--user", metavar="NAME|ID|EMAIL", help="Whose it is; a member makes gateway keys for that user alone.")
@json_option
def create(name: str, expires: str | None, role: Role, workspaces: tuple[str, ...], user: str | None, as_json: bool) -> None:
    """Make an admin key. It is printed alone, and never again.

    Organization admins do everything; workspace admins see and change what is of their workspaces; members see it, and make
    gateway keys for themselves; auditors see everything and change nothing.
    """
    expires_at = parse_expiry(expires) if expires else None
    with opened_store(current_settings()) as store:
        made = store.create_admin_key(
            actor(),
            name,
            expires_at,
            role=role,
            workspaces=[find_workspace(store, workspace).id for workspace in workspaces],
            user_id=find_user(store, user).id if user else None,
        )
    if as_json:
        show_json({**plain(asdict(made.record)), "key": made.key.reveal()})
    else:
        click.echo(f"admin key {made.record.id} ({made.record.name}); it is shown this once:", err=True)
        click.echo(made.key.reveal())


@admin_keys_command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All admin keys, the newest first."""
    with opened_store(current_settings()) as store:
        rows = [asdict(key) for key in every(store.list_admin_keys)]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no admin keys")


@admin_keys_command.command("revoke")
@click.argument("key_ids", nargs=-1, required=True)
def revoke(key_ids: tuple[str, ...]) -> None:
    """End admin keys for good, within a second."""
    with opened_store(current_settings()) as store:
        for key_id in key_ids:
            record = store.revoke_admin_key(actor(), key_id)
            click.echo(f"revoked {record.id} ({record.name})")
