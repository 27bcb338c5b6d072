"""Reads and writes the files of the CA: whole or not at all, and untouched when nothing changes."""

import os
import tempfile
from pathlib import Path

from certs.errors import CertificateError


def read(path: Path) -> bytes:
    """Raises CertificateError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path} can't be read: {error.strerror}") from None


def write(path: Path, content: bytes, *, private: bool = False) -> None:
    """Puts `content` at `path` in one step; `private`: readable by its owner alone. Raises CertificateError."""
    try:
        if path.exists() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # makes it 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(descriptor, 0o600 if private else 0o644)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink()
            raise
    except OSError as error:
        raise CertificateError(f"{path} can't be written: {error.strerror}") from None
