"""Runs the Alembic migrations in `migrations/`. A change of tables is a new file there and a new `database.HEAD`."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from sallyport.store.database import HEAD
from sallyport.store.errors import StoreError

logging.getLogger("alembic").setLevel(logging.WARNING)  # what it says of itself at each migration is no news to an operator


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: Connection) -> None:
    """Brings the schema to HEAD inside the transaction that `connection` is in. Raises StoreError for a schema of the future."""
    config = configuration()
    _refuse_unknown(config, connection)
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def _refuse_unknown(config: Config, connection: Connection) -> None:
    if "alembic_version" not in inspect(connection).get_table_names():
        return
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    try:
        ScriptDirectory.from_config(config).get_revision(str(found))
    except (CommandError, ResolutionError):
        raise StoreError(
            f"a newer version has used this database (its schema is {found}, this version knows {HEAD}); nothing was changed"
        ) from None
