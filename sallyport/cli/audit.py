"""`audit`: who changed what, and whether the log of it is whole."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import BadInput, Failure, Group, current_settings
from sallyport.cli.output import json_option, limit_option, show_rows
from sallyport.paths import DataDir
from sallyport.spend.ledger.calls import iso
from sallyport.store import audit_export
from sallyport.store.ocsf import change_event, invocation_event
from sallyport.vault.envelope import Vault
from sallyport.vault.master_key import load_master_key

_COLUMNS = ("seq", "at", "actor", "source_ip", "operation", "resource_id", "success")


@click.group("audit", cls=Group)
def audit_command() -> None:
    """Who changed what, in a chain that shows tampering."""


@audit_command.command("list")
@limit_option
@json_option
def list_(limit: int, as_json: bool) -> None:
    """Admin operations, the newest first, refused ones too."""
    with opened_store(current_settings()) as store:
        rows = [{**asdict(entry), "at": iso(entry.at)} for entry in store.list_audit(limit).items]
    show_rows(rows, _COLUMNS, as_json=as_json, nothing="no row yet")


@audit_command.command("events")
@click.option("--of", "kind", type=click.Choice(["changes", "invocations"]), default="changes", show_default=True)
def events(kind: str) -> None:
    """All admin operations, or all calls with their callers and policies: OCSF events as JSON lines, the oldest first."""
    with opened_store(current_settings()) as store:
        cursor: str | None = None
        while True:
            if kind == "changes":
                changes = store.list_audit(1000, cursor, ascending=True)
                found, following = [change_event(entry) for entry in changes.items], changes.next_cursor
            else:
                calls = store.list_invocations(1000, cursor)
                found, following = [invocation_event(call) for call in calls.items], calls.next_cursor
            if not found:
                return
            for event in found:
                click.echo(json.dumps(event))
            cursor = following


@audit_command.command("verify")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--public-key", metavar="HEX", help="As `audit export` printed it.  [of this gateway's master key]")
@click.option("--invocations", is_flag=True, help="Also whether the calls are those that were sealed.  Reads them all.")
def verify(file: Path | None, public_key: str | None, invocations: bool) -> None:
    """Whether the log is whole and unchanged: this gateway's, or an export FILE, for which --public-key is all that is needed."""
    if file is None:
        _verify_database(invocations=invocations)
        return
    try:
        with file.open("rb") as lines:
            done = audit_export.verify(lines, (public_key or _own_public_key()).lower())
    except audit_export.ExportError as error:
        raise Failure(f"{file} is not to be trusted: {error}") from None
    click.echo(f"{file} is whole: {done.rows} rows, exported {iso(done.exported_at)}")


def _verify_database(*, invocations: bool) -> None:
    with opened_store(current_settings()) as store:
        verdict, broken = store.verify_audit(), store.broken_seal() if invocations else None
    if not verdict["ok"]:
        raise Failure(f"the audit log is damaged: row {verdict['broken_at']} was changed, moved or deleted")
    if broken is not None:
        raise Failure(f"the ledger is damaged: a call that row {broken} seals was changed, added or deleted")
    click.echo(f"the audit log is whole: {verdict['rows']} rows")


def _own_public_key() -> str:
    return audit_export.public_key(Vault(load_master_key(DataDir(current_settings().data_dir).master_key, create=False)))


@audit_command.command("export")
@click.argument("file", type=click.Path(path_type=Path))
def export(file: Path) -> None:
    """Write the whole log to FILE, as JSON lines with its hash chain and a signed end; prints the public key that checks it."""
    if file.exists():
        raise BadInput(f"{file} is there already; name another file")
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with (
            opened_store(current_settings()) as store,
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target,
        ):
            done = store.export_audit(target)
        draft.replace(file)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    click.echo(f"{file}: {done.rows} rows; to check it without this gateway:", err=True)
    click.echo(done.public_key)
