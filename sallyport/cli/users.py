"""`users`: whom keys and policies are for."""

from __future__ import annotations

from dataclasses import asdict

import click

from sallyport.cli.admin import actor, every, find_user, opened_store
from sallyport.cli.commands import BadInput, Group, current_settings
from sallyport.cli.output import json_option, show_record, show_rows


@click.group("users", cls=Group)
def users_command() -> None:
    """Whom keys and policies are for."""


@users_command.command("create")
@click.argument("name")
@click.option("--email", metavar="ADDRESS")
@json_option
def create(name: str, email: str | None, as_json: bool) -> None:
    """Add a user."""
    with opened_store(current_settings()) as store:
        show_record(asdict(store.create_user(actor(), {"name": name, "email": email})), as_json=as_json)


@users_command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All users, the newest first."""
    with opened_store(current_settings()) as store:
        rows = [asdict(user) for user in every(store.list_users)]
    show_rows(rows, ("id", "name", "email", "created_at"), as_json=as_json, nothing="no users yet")


@users_command.command("get")
@click.argument("user")
@json_option
def get(user: str, as_json: bool) -> None:
    """One user, by id, name or e-mail address."""
    with opened_store(current_settings()) as store:
        show_record(asdict(find_user(store, user)), as_json=as_json)


@users_command.command("update")
@click.argument("user")
@click.option("--name")
@click.option("--email", metavar="ADDRESS")
@json_option
def update(user: str, name: str | None, email: str | None, as_json: bool) -> None:
    """Change a user's name or e-mail address."""
    changes = {field: value for field, value in (("name", name), ("email", email)) if value is not None}
    if not changes:
        raise BadInput("nothing to change: give --name or --email")
    with opened_store(current_settings()) as store:
        show_record(asdict(store.update_user(actor(), find_user(store, user).id, changes)), as_json=as_json)
