"""`secrets`: the vendors' credentials, written and never read back."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from sallyport.cli.admin import actor, find_workspace, opened_store
from sallyport.cli.commands import BadInput, Group, current_settings
from sallyport.cli.output import json_option, show_rows
from sallyport.secret import Secret

_workspace_option = click.option("--workspace", metavar="NAME|ID", default="default", show_default=True)


@click.group("secrets", cls=Group)
def secrets_command() -> None:
    """The vendors' credentials: OPENAI_API_KEY, ANTHROPIC_API_KEY, …"""


@secrets_command.command("set")
@click.argument("name")
@_workspace_option
def set_(name: str, workspace: str) -> None:
    """Store or replace a secret. Its value is read from standard input, or asked for; never from the command line."""
    with opened_store(current_settings()) as store:
        found = find_workspace(store, workspace)
        value = _read_value(name)
        store.put_secret(actor(), found.id, name, Secret(value))
    click.echo(f"{name} is set for workspace {found.name}")


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        return click.prompt(name, hide_input=True)
    try:
        value = sys.stdin.read().strip()
    except UnicodeDecodeError:
        raise BadInput(f"{name}: standard input is not text") from None
    if not value:
        raise BadInput(f"{name}: standard input is empty; give the value there, for example `secrets set {name} < file`")
    return value


@secrets_command.command("list")
@_workspace_option
@json_option
def list_(workspace: str, as_json: bool) -> None:
    """Names and times; values are never shown."""
    with opened_store(current_settings()) as store:
        rows = [asdict(info) for info in store.list_secrets(find_workspace(store, workspace).id)]
    show_rows(rows, ("name", "created_at", "updated_at"), as_json=as_json, nothing="no secrets yet: `secrets set OPENAI_API_KEY`")


@secrets_command.command("delete")
@click.argument("name")
@_workspace_option
def delete(name: str, workspace: str) -> None:
    """Forget a secret."""
    with opened_store(current_settings()) as store:
        found = find_workspace(store, workspace)
        store.delete_secret(actor(), found.id, name)
    click.echo(f"{name} is deleted from workspace {found.name}")
