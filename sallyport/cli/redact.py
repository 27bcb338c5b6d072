"""`redact`: what a guard would make of a text. `replay`: what it would have replaced in recorded calls."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TextIO

import click

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import Command, current_settings
from sallyport.cli.output import json_option, show_json, show_table
from sallyport.console.replay import replay
from sallyport.paths import DataDir
from sallyport.redaction.trial import try_on

_UNREAD = "names were not all looked for: that takes a running gateway, and the time given"

_pii = click.option("--pii/--no-pii", default=True, help="Personal data.  [on]")
_secrets = click.option("--secrets/--no-secrets", default=True, help="Secrets.  [on]")
_seconds = click.option(
    "--timeout", "seconds", type=click.FloatRange(0.1, 30), default=10, help="Seconds, as a guard's timeout.  [10]"
)


@click.command("redact", cls=Command)
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@_pii
@_secrets
@_seconds
@json_option
def redact_command(file: TextIO, pii: bool, secrets: bool, seconds: float, as_json: bool) -> None:
    """Print FILE, or what comes in, as it would leave under a guard; what was found goes to stderr.

    A JSON object is looked at as a request. Placeholders are of no workspace.
    """
    settings = current_settings()
    sockets = [path for path in DataDir(settings.data_dir).ner_sockets(settings.ner_workers) if path.exists()]
    trial = asyncio.run(try_on(file.read(), sockets, pii=pii, secrets=secrets, seconds=seconds))
    if as_json:
        show_json(asdict(trial))
        return
    click.echo(trial.text, nl=not trial.text.endswith("\n"))
    for place in trial.places:
        click.echo(f"{place.category} × {place.count} at {place.where}", err=True)
    if pii and trial.unfinished:
        click.echo(_UNREAD, err=True)


@click.command("replay", cls=Command)
@_pii
@_secrets
@_seconds
@click.option("--workspace", "workspace_id", metavar="ID", help="Only its calls.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, help="So many of the latest recorded calls.  [100]")
@json_option
def replay_command(pii: bool, secrets: bool, seconds: float, workspace_id: str | None, limit: int, as_json: bool) -> None:
    """What a guard would have replaced in recorded calls, before it is switched on.

    Only workspaces with `trace_content: redacted` record bodies.
    """
    settings = current_settings()
    sockets = [path for path in DataDir(settings.data_dir).ner_sockets(settings.ner_workers) if path.exists()]
    with opened_store(settings) as store:
        replayed = asyncio.run(
            replay(store.engine, sockets, pii=pii, secrets=secrets, seconds=seconds, workspace_id=workspace_id, limit=limit)
        )
    if as_json:
        show_json(asdict(replayed))
        return
    if not replayed.calls:
        click.echo("no call is recorded with its body: set trace_content of a workspace to redacted")
        return
    click.echo(f"{replayed.changed} of {replayed.calls} recorded calls would have been changed")
    show_table(("category", "values"), [(name, str(count)) for name, count in sorted(replayed.counts.items())])
    if pii and replayed.unfinished:
        click.echo(f"{_UNREAD} ({replayed.unfinished} calls)", err=True)
