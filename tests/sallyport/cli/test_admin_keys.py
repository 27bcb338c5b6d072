import base64
import json
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from sallyport.store.load import load_snapshot
from sallyport.store.opening import open_store
from sallyport.supervisor.data_dir import single_gateway
from tests.sallyport.cli.support import Run

NEW = base64.b64encode(b"n" * 32).decode()


def secret(data: DataDir, **environ: str) -> str:
    """OPENAI_API_KEY, as a worker with that environment would have it."""
    store = open_store(data.database, data.master_key, environ, create=False)
    value = load_snapshot(store.engine, store.vault).workspaces["default"].secrets["OPENAI_API_KEY"].reveal()
    assert store.verify_audit()["ok"]
    store.engine.dispose()
    return value


def test_an_admin_key_is_made_alone_on_stdout_listed_and_revoked(run: Run):
    key = run("admin-keys", "create", "terraform", "--expires", "30d").stdout.strip()
    assert key.startswith("spa_")
    newest, first = json.loads(run("admin-keys", "list", "--json").stdout)
    assert (newest["name"], newest["revoked_at"]) == ("terraform", None)
    assert newest["expires_at"] > newest["created_at"]
    assert key not in run("admin-keys", "list").stdout
    assert run("admin-keys", "revoke", newest["id"]).exit_code == 0
    refused = run("admin-keys", "revoke", first["id"])
    assert (refused.exit_code, "last admin key" in refused.stderr) == (1, True)


def test_the_master_key_in_the_data_dir_is_replaced(run: Run, data: DataDir):
    run("secrets", "set", "OPENAI_API_KEY", stdin="sk-1")
    old = data.master_key.read_bytes()
    assert "new master key" in run("secrets", "rotate-master-key").stdout
    assert data.master_key.read_bytes() != old
    assert secret(data) == "sk-1"
    data.master_key.write_bytes(old)
    assert "does not fit" in run("secrets", "list").stderr


def test_a_master_key_in_a_file_elsewhere_is_replaced_there(run: Run, data: DataDir, tmp_path: Path):
    run("secrets", "set", "OPENAI_API_KEY", stdin="sk-1")
    elsewhere = data.master_key.rename(tmp_path / "key")
    assert run("secrets", "rotate-master-key", SALLYPORT_MASTER_KEY_FILE=str(elsewhere)).exit_code == 0
    assert secret(data, SALLYPORT_MASTER_KEY_FILE=str(elsewhere)) == "sk-1"
    assert not data.master_key.exists()


def test_a_master_key_in_the_environment_needs_the_new_one_in_a_file(run: Run, data: DataDir, tmp_path: Path):
    run("secrets", "set", "OPENAI_API_KEY", stdin="sk-1")
    old = {"SALLYPORT_MASTER_KEY": data.master_key.read_text().strip()}
    data.master_key.unlink()
    refused = run("secrets", "rotate-master-key", **old)
    assert (refused.exit_code, "--to FILE" in refused.stderr) == (2, True)
    new = tmp_path / "new"
    new.write_text("short")
    assert run("secrets", "rotate-master-key", "--to", str(new), **old).exit_code == 1
    new.write_text(NEW)
    assert run("secrets", "rotate-master-key", "--to", str(new), **old).exit_code == 0
    assert secret(data, SALLYPORT_MASTER_KEY=NEW) == "sk-1"


@pytest.mark.parametrize("arguments", [(), ("--to", "file")])
def test_a_rotation_that_can_not_be_is_refused(run: Run, data: DataDir, arguments: tuple[str, ...]):
    before = data.master_key.read_bytes()
    with single_gateway(data):
        assert run("secrets", "rotate-master-key", *arguments).exit_code in (1, 2)
    assert data.master_key.read_bytes() == before


def test_a_role_holds_in_the_workspaces_named(run: Run):
    made = json.loads(run("admin-keys", "create", "ada", "--role", "member", "--workspace", "default", "--json").stdout)
    assert (made["role"], made["workspaces"]) == ("member", ["default"])
    assert "member" in run("admin-keys", "list").stdout
    for wrong in (("--role", "member"), ("--role", "king"), ("--role", "auditor", "--workspace", "default")):
        assert run("admin-keys", "create", "x", *wrong).exit_code == 2
