import base64
import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sallyport.vault.errors import VaultError
from sallyport.vault.master_key import load_master_key, parse, write_key_file

KEY = bytes(range(224, 256))


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper() + "\n",
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
    ],
)
def test_hexadecimal_and_base64_are_read(text: str, tmp_path: Path) -> None:
    assert load_master_key(tmp_path / "none", {"SALLYPORT_MASTER_KEY": text}) == KEY
    (tmp_path / "file").write_text(text)
    assert load_master_key(tmp_path / "none", {"SALLYPORT_MASTER_KEY_FILE": str(tmp_path / "file")}) == KEY
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("text", ["", "canary", KEY.hex()[:-2], base64.b64encode(KEY[:31]).decode(), "é" * 32])
def test_anything_else_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(VaultError, match="SALLYPORT_MASTER_KEY must hold 32 bytes") as caught:
        parse(text, "SALLYPORT_MASTER_KEY")
    assert not text or text not in str(caught.value)


def test_a_key_file_is_made_private_with_a_warning_and_used_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "data" / "master.key"
    with caplog.at_level(logging.WARNING):
        key = load_master_key(path, {})
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in caplog.text
    assert base64.b64encode(key).decode() not in caplog.text
    assert load_master_key(path, {}) == key
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_make_the_file_at_once_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = [threads.submit(load_master_key, tmp_path / "master.key", {}) for _ in range(8)]
    assert len({key.result() for key in keys}) == 1


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(b"\xff not a key")
    write_key_file(path, KEY)
    assert path.read_bytes() == b"\xff not a key"
    with pytest.raises(VaultError, match="holds no master key"):
        load_master_key(path, {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"nowhere is not there: put it back"):
        load_master_key(tmp_path / "x", {"SALLYPORT_MASTER_KEY_FILE": str(tmp_path / "nowhere")})
    with pytest.raises(VaultError, match="is not there"):
        load_master_key(tmp_path / "x", {}, create=False)
    with pytest.raises(VaultError, match="can't be read"):
        load_master_key(tmp_path, {}, create=False)
    (tmp_path / "file").touch()
    with pytest.raises(VaultError, match="can't be written"):
        load_master_key(tmp_path / "file" / "x", {})
