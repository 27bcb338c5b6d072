"""`secrets`: the vendors' credentials, written and never read back."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from sallyport.cli.admin import actor, find_workspace, opened_store
from sallyport.cli.commands import BadInput, Group, current_settings
from sallyport.cli.output import json_option, show_rows
from sallyport.paths import DataDir
from sallyport.secret import Secret
from sallyport.store.provider_secrets import NewSecretKey
from sallyport.supervisor.data_dir import single_gateway
from sallyport.vault.envelope import Vault
from sallyport.vault.master_key import FILE_VARIABLE, VARIABLE, load_master_key

_workspace_option = click.option("--workspace", metavar="NAME|ID", default="default", show_default=True)


@click.group("secrets", cls=Group)
def secrets_command() -> None:
    """The vendors' credentials: OPENAI_API_KEY, ANTHROPIC_API_KEY, …"""


@secrets_command.command("set")
@click.argument("name")
@click.option("--label", help="Add this key to the secret's others, or replace the one of this label.")
@click.option("--weight", type=int, default=1, show_default=True, help="How much of the calls it gets, beside the others.")
@_workspace_option
def set_(name: str, label: str | None, weight: int, workspace: str) -> None:
    """Store or replace a secret, or one of its keys. Its value is read from standard input, or asked for; never from the
    command line."""
    from sallyport.providers import load_providers  # slow to import, and no other of these commands needs it

    settings = current_settings()
    load_providers(settings.providers)
    with opened_store(settings) as store:
        found = find_workspace(store, workspace)
        value = _read_value(name)
        if label is None:
            store.put_secret(actor(), found.id, name, NewSecretKey(Secret(value), weight=weight))
        else:
            store.put_secret_key(actor(), found.id, name, NewSecretKey(Secret(value), label, weight))
    click.echo(f"{name} is set for workspace {found.name}" + (f" (key {label})" if label else ""))


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
    """Names and times, and of a secret's keys the labels and weights; values are never shown."""
    with opened_store(current_settings()) as store:
        secrets = store.list_secrets(find_workspace(store, workspace).id)
    rows = [asdict(info) for info in secrets]
    if not as_json:
        rows = [{"name": info.name, **asdict(key)} for info in secrets for key in info.keys]
    columns = ("name", "label", "weight", "created_at", "updated_at")
    show_rows(rows, columns, as_json=as_json, nothing="no secrets yet: `secrets set OPENAI_API_KEY`")


@secrets_command.command("rotate-master-key")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file with the new key, where SALLYPORT_MASTER_KEY holds the old.",
)
def rotate_master_key(to: Path | None) -> None:
    """Wrap all secrets by a new master key, made now, that takes the old one's place in its file. Stop every gateway first.

    From then on only the new key fits; backups from before need the old one.
    """
    settings = current_settings()
    data = DataDir(settings.data_dir)
    if (VARIABLE in os.environ) == (to is None):
        raise BadInput(
            f"{VARIABLE} holds the master key: put the new one in a file (`openssl rand -base64 32 > FILE`) and give --to FILE"
            if to is None
            else f"--to is for a master key in {VARIABLE}; a master key in a file is replaced there"
        )
    with single_gateway(data), opened_store(settings) as store:
        if to is not None:
            store.rotate_master_key(actor(), Vault(load_master_key(to, {}, create=False)))
            click.echo(f"the key in {to} is the master key now: put it in {VARIABLE} before you start the gateway")
        else:
            file = Path(os.environ.get(FILE_VARIABLE, data.master_key)).expanduser()
            store.rotate_key_file(actor(), file)
            click.echo(f"{file} holds a new master key; make a new backup")


@secrets_command.command("delete")
@click.argument("name")
@click.option("--label", help="Only its key of this label.")
@_workspace_option
def delete(name: str, label: str | None, workspace: str) -> None:
    """Forget a secret, or one of its keys."""
    with opened_store(current_settings()) as store:
        found = find_workspace(store, workspace)
        store.delete_secret(actor(), found.id, name, label)
    what = f"{name} (key {label})" if label else name
    click.echo(f"{what} is deleted from workspace {found.name}")
