"""`backup` and `restore`: CA, master key and database in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from sallyport.cli.archive import holds_files, read_archive, write_archive
from sallyport.cli.commands import BadInput, Command, Failure, current_settings
from sallyport.cli.program import program
from sallyport.paths import DataDir
from sallyport.supervisor.data_dir import make_private, single_gateway

_HARMLESS = {"lost+found", "run", "ca", "gateway.lock"}  # a fresh file system's, and what an attempt that failed left


@click.command("backup", cls=Command)
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
def backup_command(target: Path) -> None:
    """Save CA, master key and database to FILE: a file, or a directory to make one in. The gateway may run meanwhile.

    Who has that file has every secret: keep it as you keep those. Of PostgreSQL (--database-url) make your own backup.
    """
    settings = current_settings()
    data = DataDir(settings.data_dir)
    if not data.ca_cert.exists():
        raise Failure(f"there is no gateway in {data.root} yet")
    if target.is_dir():
        target /= f"sallyport-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    if target.exists():
        raise BadInput(f"{target} is there already; name another file")
    saved = write_archive(data, target, with_database=settings.database_url is None)
    click.echo(f"{target}: {', '.join(saved)}")
    if data.master_key.name not in saved:
        click.echo(
            "the master key is not in it, for it is not in the data dir: keep it too, or the backup is worth nothing", err=True
        )
    if settings.database_url is not None:
        click.echo("the database is not in it: back up PostgreSQL by its own means (pg_dump)", err=True)


@click.command("restore", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
def restore_command(file: Path) -> None:
    """Put FILE, made by `backup`, into an empty data dir."""
    settings = current_settings()
    data = DataDir(settings.data_dir)
    if not file.is_file():
        raise BadInput(f"{file} is not a file")
    if data.root.is_dir() and (holds_files(data) or {entry.name for entry in data.root.iterdir()} - _HARMLESS):
        raise BadInput(f"{data.root} is not empty; name an empty --data-dir, or move this one away")
    make_private(data)
    with single_gateway(data):
        restored = read_archive(file, data)
    click.echo(f"restored {', '.join(restored)} to {data.root}; start with `{program(settings)} serve`")
