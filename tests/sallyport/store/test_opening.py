from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sallyport.store.errors import StoreError
from sallyport.store.opening import open_store
from sallyport.store.operations import Store


def test_gateways_that_start_together_agree(database: str | Path, tmp_path: Path) -> None:
    def start(_: int) -> Store:
        store = open_store(database, tmp_path / "master.key", {})
        store.first_start()
        return store

    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(start, range(4)))
    assert len(stores[0].list_organizations().items) == 1
    assert len(stores[0].list_admin_keys().items) == 1
    assert stores[3].verify_audit()["ok"]
    for store in stores:
        store.engine.dispose()


def test_another_master_key_is_refused_and_nothing_changes(store: Store, database: str | Path, tmp_path: Path) -> None:
    rows = store.verify_audit()["rows"]
    with pytest.raises(StoreError, match="does not fit this database"):
        open_store(database, tmp_path / "master.key", {"SALLYPORT_MASTER_KEY": "ab" * 32})
    assert store.verify_audit() == {"ok": True, "rows": rows, "broken_at": None}


def test_a_lost_key_file_is_not_replaced(store: Store, database: str | Path, tmp_path: Path) -> None:
    (tmp_path / "master.key").unlink()
    with pytest.raises(StoreError, match=r"master\.key is not there: put it back"):
        open_store(database, tmp_path / "master.key", {})
    assert not (tmp_path / "master.key").exists()


def test_a_malformed_master_key_is_a_clear_error(database: str | Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="SALLYPORT_MASTER_KEY must hold 32 bytes") as caught:
        open_store(database, tmp_path / "master.key", {"SALLYPORT_MASTER_KEY": "canary"})
    assert "canary" not in str(caught.value)


def test_who_only_reads_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_store(tmp_path / "gateway.db", tmp_path / "master.key", {}, create=False)
    assert list(tmp_path.iterdir()) == []
