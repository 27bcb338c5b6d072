from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from sallyport.store.database import HEAD, open_database, reading, writing
from sallyport.store.migrate import configuration
from sallyport.store.tables import Base, WorkspaceRow


def test_migrations_make_the_very_tables_that_the_code_uses(database: str | Path) -> None:
    engine = open_database(database)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_the_code_knows() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == HEAD


_SINCE = (
    ("violations", "assignee"),
    ("admin_keys", "expires_at"),
    ("calls", "headers"),
    ("calls", "usage"),
    ("calls", "priced_as"),
    ("workspaces", "fallbacks"),
    ("calls", "attempt"),
    ("calls", "attempt_of"),
    ("calls", "provider_key"),
    ("calls", "session_id"),
    ("secrets", "weight"),
    ("admin_keys", "role"),
    ("admin_keys", "workspaces"),
    ("admin_keys", "user_id"),
    ("workspaces", "langsmith_callers"),
    ("calls", "recorded_at"),
    ("policies", "workspace_id"),
    ("audit_logs", "workspace_id"),
)
"""Columns that came with later migrations."""


def test_a_database_of_the_first_version_keeps_what_it_holds(database: str | Path) -> None:
    engine = open_database(database)
    with writing(engine) as connection:
        for table in ("idempotency_keys", "violation_comments", "alert_deliveries", "alerts", "webhooks", "traces_waiting"):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE secrets RENAME TO kept"))
        connection.execute(text("CREATE TABLE secrets AS SELECT * FROM kept"))  # without its primary key, which has a label
        connection.execute(text("ALTER TABLE secrets DROP COLUMN label"))
        connection.execute(text("DROP TABLE kept"))
        connection.execute(text("DROP INDEX ix_calls_session_id_started_at"))
        connection.execute(text("DROP INDEX ix_calls_recorded_at_id"))
        for table in ("policies", "audit_logs"):
            connection.execute(text(f"DROP INDEX ix_{table}_workspace_id"))
        for table, column in _SINCE:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        columns = "id, name, prefix, hash, preset, created_at"
        for table, values in (
            ("organizations (id, name, created_at)", "'o', 'O', 1.0"),
            (
                "workspaces (id, organization_id, name, credentials, trace_content, data_key, created_at, updated_at)",
                "'w', 'o', 'W', 'replace', 'none', '', 1.0, 1.0",
            ),
            ("secrets (workspace_id, name, ciphertext, created_at, updated_at)", "'w', 'OPENAI_API_KEY', :sealed, 1.0, 2.0"),
        ):
            bound = {"sealed": b"sealed"} if ":sealed" in values else {}
            connection.execute(text(f"INSERT INTO {table} VALUES ({values})"), bound)  # noqa: S608
        connection.execute(text(f"INSERT INTO admin_keys ({columns}) VALUES ('k', 'n', 'p', '1', '0', 1.0)"))  # noqa: S608
    engine.dispose()
    engine = open_database(database)
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert connection.execute(text("SELECT name, expires_at FROM admin_keys")).one() == ("n", None)
        assert Session(connection).scalars(select(WorkspaceRow.fallbacks)).all() == [[]]
        secret = connection.execute(text("SELECT name, label, weight, ciphertext, updated_at FROM secrets")).one()
        assert (*secret[:3], bytes(secret[3]), secret[4]) == ("OPENAI_API_KEY", "default", 1, b"sealed", 2.0)
    engine.dispose()
