import sqlite3
import stat
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, make_url, select, text
from sqlalchemy.exc import IntegrityError

from sallyport.store.database import HEAD, open_database, reading, writing
from sallyport.store.errors import StoreError
from sallyport.store.tables import MetaRow


def test_opens_an_empty_database_with_the_newest_schema(empty_database: str | Path) -> None:
    engine = open_database(empty_database)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    engine.dispose()


def test_a_fresh_sqlite_file_is_private_and_quickly_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "gateway.db"
    start = time.process_time()
    open_database(path).dispose()
    assert time.process_time() - start < 1.5
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_written_is_there_after_opening_again(database: str | Path) -> None:
    engine = open_database(database)
    with writing(engine) as connection:
        connection.execute(insert(MetaRow).values(key="k", value="v"))
    engine.dispose()
    engine = open_database(database, migrate=False)
    assert _value(engine) == "v"
    engine.dispose()


def test_a_failed_write_leaves_nothing(database: str | Path) -> None:
    engine = open_database(database)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(MetaRow), [{"key": "k", "value": "v"}, {"key": "k", "value": "w"}])
    assert _value(engine) is None
    engine.dispose()


def test_a_reader_sees_one_state_to_its_end(database: str | Path) -> None:
    engine = open_database(database)
    with reading(engine) as reader:
        before = reader.scalar(select(MetaRow.value).where(MetaRow.key == "k"))
        with writing(engine) as connection:
            connection.execute(insert(MetaRow).values(key="k", value="v"))
        assert reader.scalar(select(MetaRow.value).where(MetaRow.key == "k")) == before
    assert _value(engine) == "v"
    engine.dispose()


def test_sqlite_enforces_foreign_keys_and_writes_ahead(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "gateway.db")
    with reading(engine) as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(database: str | Path) -> None:
    engine = open_database(database)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        open_database(database)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"This is a letter, not a database. " * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        open_database(path)
    assert path.read_bytes() == before


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    open_database(path).dispose()
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        open_database(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(StoreError, match="invoices"):
        open_database(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


def test_without_migrating_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database"):
        open_database(tmp_path / "gateway.db", migrate=False)
    assert not (tmp_path / "gateway.db").exists()


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite://", "nonsense", "postgresql://user:canary-pw@host:port/name"])
def test_a_bad_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_database(url)
    assert "canary-pw" not in str(caught.value)


def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_database(f"postgresql://user:canary-pw@/name?host={tmp_path}")
    assert "canary-pw" not in str(caught.value)
    assert "can't be used" in str(caught.value)


def test_a_server_that_goes_away_is_a_store_error_until_it_is_back(postgresql: str) -> None:
    engine = open_database(postgresql)
    name = str(engine.url.database)
    admin = _server(postgresql)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    with pytest.raises(StoreError, match="does not answer"):
        _value(engine)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    open_database(postgresql).dispose()
    assert _value(engine) is None
    engine.dispose()


def test_no_value_stands_in_an_error(database: str | Path) -> None:
    engine = open_database(database)
    row = {"key": "canary", "value": "canary"}
    with pytest.raises(IntegrityError) as caught, writing(engine) as connection:
        connection.execute(insert(MetaRow), [row, row])
    assert "canary" not in str(caught.value).replace("(key)=(canary)", "")
    engine.dispose()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be opened"):
        open_database(tmp_path / "file" / "gateway.db")


def _server(url: str) -> Engine:
    """On the server's own database, from where others are made and dropped."""
    admin = make_url(url).set(drivername="postgresql+psycopg", database="postgres")
    return create_engine(admin, isolation_level="AUTOCOMMIT")


def _value(engine: Engine) -> str | None:
    with reading(engine) as connection:
        return connection.scalar(select(MetaRow.value).where(MetaRow.key == "k"))
