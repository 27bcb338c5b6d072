"""Reads and writes the files of the CA: whole or not at all, and untouched when nothing changes."""

import os
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
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        raise CertificateError(f"{path} can't be written: {error.strerror}") from None
