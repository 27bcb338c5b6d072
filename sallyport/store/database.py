"""Opens the database: SQLite by path, PostgreSQL by URL; brings its schema up to date, and never touches an unknown one."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from sallyport.store.errors import StoreError

HEAD = "0008"
"""The schema this version speaks: the newest file in `migrations/versions`."""

_BUSY_SECONDS = 10
_CHECKED_BYTES = 64 * 1024 * 1024  # a larger SQLite file is not read through at start
_START_LOCK = 0x5A11_1908  # PostgreSQL advisory lock: gateways that start together do so one after the other


def open_database(where: str | Path, *, migrate: bool = True) -> Engine:
    """An engine on the database at `where` (a path or URL), its schema up to date.

    With `migrate=False` nothing is made or changed. Raises StoreError, and has then changed nothing.
    """
    url = _url(where)
    engine = (
        _sqlite(url, create=migrate)
        if url.get_backend_name() == "sqlite"
        else create_engine(url, pool_pre_ping=True, hide_parameters=True)
    )
    try:
        _bring_up_to_date(engine, migrate=migrate)
    except StoreError:
        engine.dispose()
        raise
    except SQLAlchemyError as error:
        engine.dispose()
        advice = "; restore it from a backup" if _is_damaged(error) else ""
        raise StoreError(f"the database {_shown(url)} can't be used: {reason(error)}{advice}") from None
    return engine


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """A transaction in which every query sees the same state. Raises StoreError when the database fails."""
    options: dict[str, Any] = {} if _is_sqlite(engine) else {"isolation_level": "REPEATABLE READ"}
    with _translated(), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Generator[Connection]:
    """A transaction that commits at its end. On SQLite it holds the write lock from its start, so never fails half way."""
    with _translated(), engine.connect().execution_options(sqlite_begin="BEGIN IMMEDIATE") as connection, connection.begin():
        yield connection


@contextmanager
def locked(engine: Engine) -> Generator[Connection]:
    """As `writing`, and no other process is in here meanwhile: for what happens once in the life of a database."""
    with writing(engine) as connection:
        if not _is_sqlite(engine):
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _START_LOCK})
        yield connection


def insert_into(connection: Connection, table: type[Any]) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what becomes of a row that is there already (`on_conflict_…`), as both databases have it."""
    return sqlite.insert(table) if _is_sqlite(connection.engine) else postgresql.insert(table)


def reason(error: SQLAlchemyError) -> str:
    """The database's own words in one line, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split()) or type(cause).__name__


@contextmanager
def _translated() -> Generator[None]:
    """An unreachable or broken database becomes a StoreError; constraint errors are left to the caller."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreError(f"the database does not answer: {reason(error)}") from None
    except DatabaseError as error:
        if _is_damaged(error):
            raise StoreError(f"the database is damaged: {reason(error)}") from None
        raise


def _is_damaged(error: SQLAlchemyError) -> bool:
    """SQLite's own subclasses of its DatabaseError are about the statement, the plain one about the file."""
    return type(getattr(error, "orig", None)) is sqlite3.DatabaseError


def _url(where: str | Path) -> URL:
    if isinstance(where, Path):
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise StoreError("the database URL is not a URL such as postgresql://user:password@host/name") from None
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    raise StoreError(f"the database URL {_shown(url)} is neither postgresql://… nor sqlite:///PATH")


def _shown(url: URL) -> str:
    return str(url.database) if url.drivername == "sqlite" else url.render_as_string(hide_password=True)


def _is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _sqlite(url: URL, *, create: bool) -> Engine:
    path = Path(str(url.database))
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        elif not path.is_file():
            raise StoreError(f"there is no database at {path}")
    except OSError as error:
        raise StoreError(f"the database {path} can't be opened: {error.strerror}") from None
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = None  # transactions begin where we say, see `_begin`
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine


def _bring_up_to_date(engine: Engine, *, migrate: bool) -> None:
    with engine.connect() as connection:
        _check_file(connection)
        version = _version(connection)
    if version == HEAD:
        return
    if not migrate:
        raise StoreError("the database's schema is not this version's; start the gateway once to bring it up to date")
    with locked(engine) as connection:
        if _version(connection) != HEAD:  # another process may have been here first
            from sallyport.store.migrate import upgrade  # alembic is slow to import and seldom needed

            upgrade(connection)


def _check_file(connection: Connection) -> None:
    database = connection.engine.url.database
    if connection.dialect.name == "sqlite" and database and Path(database).stat().st_size <= _CHECKED_BYTES:
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if verdict != "ok":
            raise StoreError(f"the database {database} is damaged ({verdict}); restore it from a backup")


def _version(connection: Connection) -> str | None:
    """The schema's revision; None for an empty database. Raises StoreError for a database of something else."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables and "audit_logs" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if tables:
        raise StoreError(
            f"the database holds other tables ({', '.join(sorted(tables)[:3])}, …) and is left alone; name an empty one"
        )
    return None
