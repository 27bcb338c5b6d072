"""Finds the master key: in the environment, in a file the operator names, or in a file of ours in the data dir."""

from __future__ import annotations

import base64
import binascii
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sallyport.vault.envelope import KEY_BYTES
from sallyport.vault.errors import VaultError

VARIABLE = "SALLYPORT_MASTER_KEY"
FILE_VARIABLE = "SALLYPORT_MASTER_KEY_FILE"

_log = logging.getLogger(__name__)


def load_master_key(path: Path, environ: Mapping[str, str] | None = None, *, create: bool = True) -> bytes:
    """The 32 bytes of SALLYPORT_MASTER_KEY, else of the file that SALLYPORT_MASTER_KEY_FILE names, else of the file `path`.

    With `create`, a missing `path` is made with a new key. Raises VaultError.
    """
    environ = os.environ if environ is None else environ
    if VARIABLE in environ:
        return parse(environ[VARIABLE], VARIABLE)
    if FILE_VARIABLE in environ:
        return _read(Path(environ[FILE_VARIABLE]).expanduser())
    if create and not path.exists() and write_key_file(path, os.urandom(KEY_BYTES)):
        _log.warning(
            "made a master key in %s: who reads that file and the database reads every secret; keep it apart (%s), back it up",
            path,
            VARIABLE,
        )
    return _read(path)


def write_key_file(path: Path, key: bytes) -> bool:
    """Writes the key, readable by its owner alone; the file is there whole or not at all, and never overwritten.

    False: another process was first. Raises VaultError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # makes it 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(key) + b"\n")
                file.flush()
                os.fsync(descriptor)
            return _link(Path(draft), path)
        finally:
            Path(draft).unlink()
    except OSError as error:
        raise VaultError(f"the master key file {path} can't be written: {error.strerror}") from None


def _link(draft: Path, path: Path) -> bool:
    """Unlike a rename, replaces nothing."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    return True


def parse(text: str, source: str) -> bytes:
    """32 bytes in hexadecimal or base64. Raises VaultError naming `source`, never the text."""
    text = text.strip()
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultError(
            f"{source} must hold {KEY_BYTES} bytes in base64 or hexadecimal (for example from `openssl rand -base64 32`)"
        )
    return key


def _read(path: Path) -> bytes:
    try:
        return parse(path.read_text(encoding="ascii"), str(path))
    except UnicodeDecodeError:
        raise VaultError(f"{path} holds no master key in base64 or hexadecimal") from None
    except FileNotFoundError:
        raise VaultError(
            f"the master key file {path} is not there: put it back, for a database opens with no other key"
        ) from None
    except OSError as error:
        raise VaultError(f"the master key file {path} can't be read: {error.strerror}") from None
