"""`workspaces`: who shares provider secrets and settings."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from sallyport.cli.admin import actor, every, find_workspace, opened_store
from sallyport.cli.commands import BadInput, Group, current_settings
from sallyport.cli.output import json_option, show_record, show_rows

_COLUMNS = ("id", "name", "credentials", "trace_content", "langsmith_project", "created_at")


def _settings_options[F: Any](function: F) -> F:
    for option in reversed(
        (
            click.option("--credentials", type=click.Choice(["replace", "passthrough"]), help="A user's own vendor log-in."),
            click.option("--trace-content", type=click.Choice(["none", "redacted"]), help="Whether bodies are kept."),
            click.option("--langsmith-endpoint", metavar="URL"),
            click.option("--langsmith-project", metavar="NAME"),
            click.option("--langsmith-callers", metavar="ID", help="The LangSmith workspace whose keys call here; '' for none."),
            click.option("--fallbacks", type=click.File(), metavar="FILE", help="Fallback chains as JSON; - is standard input."),
        )
    ):
        function = option(function)
    return function


@click.group("workspaces", cls=Group)
def workspaces_command() -> None:
    """Who shares provider secrets and settings."""


@workspaces_command.command("create")
@click.argument("name")
@_settings_options
@json_option
def create(name: str, as_json: bool, **fields: Any) -> None:
    """Add a workspace."""
    with opened_store(current_settings()) as store:
        made = store.create_workspace(actor(), {"name": name, **_given(fields)})
        show_record(asdict(made), as_json=as_json)


@workspaces_command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All workspaces, the newest first."""
    with opened_store(current_settings()) as store:
        rows = [asdict(workspace) for workspace in every(store.list_workspaces)]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no workspaces")


@workspaces_command.command("get")
@click.argument("workspace")
@json_option
def get(workspace: str, as_json: bool) -> None:
    """One workspace, by id or name."""
    with opened_store(current_settings()) as store:
        show_record(asdict(find_workspace(store, workspace)), as_json=as_json)


@workspaces_command.command("update")
@click.argument("workspace")
@click.option("--name")
@_settings_options
@json_option
def update(workspace: str, as_json: bool, **fields: Any) -> None:
    """Change a workspace's name or settings."""
    changes = _given(fields)
    if not changes:
        raise BadInput(
            "nothing to change: give --name, --credentials, --trace-content, --langsmith-endpoint, --langsmith-project, "
            "--langsmith-callers or --fallbacks"
        )
    with opened_store(current_settings()) as store:
        found = find_workspace(store, workspace)
        show_record(asdict(store.update_workspace(actor(), found.id, changes)), as_json=as_json)


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in fields.items() if value is not None}
    if file := given.get("fallbacks"):
        try:
            given["fallbacks"] = json.load(file)
        except ValueError as error:
            raise BadInput(f"--fallbacks: not valid JSON: {error}") from None
    return given
