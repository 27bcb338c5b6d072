from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sallyport.store.database import HEAD, open_database, reading
from sallyport.store.migrate import configuration
from sallyport.store.tables import Base


def test_migrations_make_the_very_tables_that_the_code_uses(database: str | Path) -> None:
    engine = open_database(database)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_the_code_knows() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == HEAD
