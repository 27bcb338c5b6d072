"""The file of a backup: a tar, readable by its owner alone, of the few files that can't be made again."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from sallyport.cli.commands import BadInput, Failure
from sallyport.paths import DataDir


def _files(data: DataDir) -> dict[str, Path]:
    """Name in the archive → where it belongs."""
    return {str(path.relative_to(data.root)): path for path in (data.ca_key, data.ca_cert, data.master_key, data.database)}


def holds_files(data: DataDir) -> bool:
    """Something that a restore would write is there."""
    return any(path.exists() for path in _files(data).values())


def write_archive(data: DataDir, target: Path, *, with_database: bool) -> list[str]:
    """The names of what was saved. The database is copied as of one moment, while it is in use.

    Raises Failure; there is then no file.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    saved: list[str] = []
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".sallyport-", dir=target.parent) as directory,
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
            tarfile.open(fileobj=file, mode="w") as archive,
        ):
            for name, path in _files(data).items():
                if path == data.database:
                    if not with_database:
                        continue
                    path = _copy_database(path, Path(directory) / "copy.db")  # noqa: PLW2901, RUF100
                if path.exists():
                    archive.add(path, name, filter=_owned_by_nobody)
                    saved.append(name)
        draft.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise Failure(f"the backup could not be written: {error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return saved


def _copy_database(source: Path, target: Path) -> Path:
    with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as there, closing(sqlite3.connect(target)) as copy:
        there.backup(copy)
    return target


def _owned_by_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def read_archive(file: Path, data: DataDir) -> list[str]:
    """Puts the files where they belong; their names. Raises BadInput, having changed nothing, for what is no backup."""
    known = _files(data)
    written: list[Path] = []
    try:
        with tarfile.open(file, "r:") as archive:
            entries = {entry.name: entry for entry in archive.getmembers()}
            if not entries.keys() <= known.keys() or not all(entry.isreg() for entry in entries.values()) or not entries:
                raise BadInput(f"{file} is not a backup of a gateway")
            for name, entry in entries.items():
                content = archive.extractfile(entry)
                known[name].parent.mkdir(mode=0o700, exist_ok=True)
                written.append(known[name])
                with os.fdopen(os.open(known[name], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                    if content is not None:
                        shutil.copyfileobj(content, target)
        if data.database in written:
            _check_database(data.database)
    except (tarfile.TarError, OSError, sqlite3.Error, BadInput) as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise BadInput(str(error) if isinstance(error, BadInput) else f"{file} can't be restored: {error}") from None
    return list(entries)


def _check_database(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"its database is damaged ({verdict})")
