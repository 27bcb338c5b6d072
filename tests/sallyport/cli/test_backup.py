import json
import tarfile
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from tests.sallyport.cli.support import Run


def test_what_was_saved_comes_back(run: Run, data: DataDir, tmp_path: Path):
    run("keys", "create", "laptop")
    saved = run("backup", str(tmp_path))
    assert saved.exit_code == 0
    (file,) = tmp_path.glob("sallyport-*.tar")
    assert file.stat().st_mode & 0o777 == 0o600
    elsewhere = tmp_path / "elsewhere"
    restored = run("restore", str(file), "--data-dir", str(elsewhere))
    assert restored.exit_code == 0
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    (key,) = json.loads(run("keys", "list", "--json", "--data-dir", str(elsewhere)).stdout)
    assert key["name"] == "laptop"
    assert (elsewhere / "ca" / "ca-key.pem").read_bytes() == data.ca_key.read_bytes()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (elsewhere / "ca").iterdir())


def test_a_master_key_of_the_environment_is_not_in_it_and_that_is_said(run: Run, data: DataDir, tmp_path: Path):
    key = data.master_key.read_text().strip()
    data.master_key.unlink()
    result = run("backup", str(tmp_path / "b.tar"), SALLYPORT_MASTER_KEY=key)
    assert "the master key is not in it" in result.stderr


def test_a_file_is_never_overwritten(run: Run, tmp_path: Path):
    (tmp_path / "b.tar").write_text("mine")
    assert run("backup", str(tmp_path / "b.tar")).exit_code == 2
    assert (tmp_path / "b.tar").read_text() == "mine"


def test_an_installation_is_never_overwritten(run: Run, data: DataDir, tmp_path: Path):
    run("backup", str(tmp_path / "b.tar"))
    before = data.database.read_bytes()
    result = run("restore", str(tmp_path / "b.tar"))
    assert result.exit_code == 2
    assert "is not empty" in result.stderr
    assert data.database.read_bytes() == before


@pytest.mark.parametrize("what", ["text", "other tar", "truncated", "outside", "damaged database"])
def test_what_is_no_backup_leaves_nothing(run: Run, tmp_path: Path, what: str):
    file, elsewhere = tmp_path / "b.tar", tmp_path / "elsewhere"
    run("backup", str(file))
    content = tmp_path / "content"
    content.write_text("not a database")
    if what == "text":
        file.write_text("hello")
    elif what == "truncated":
        file.write_bytes(file.read_bytes()[:20_000])
    else:
        name = {"other tar": "photo.jpg", "outside": "../../evil", "damaged database": "gateway.db"}[what]
        with tarfile.open(file, "w") as archive:
            archive.add(content, name)
    result = run("restore", str(file), "--data-dir", str(elsewhere))
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert not [path for path in elsewhere.rglob("*") if path.is_file() and path.name != "gateway.lock"]
    assert not (tmp_path.parent / "evil").exists()
    run("backup", str(tmp_path / "good.tar"))
    assert run("restore", str(tmp_path / "good.tar"), "--data-dir", str(elsewhere)).exit_code == 0
