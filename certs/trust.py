"""Puts the CA into the trust stores of this machine, and takes it out again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certs.errors import CertificateError
from certs.files import read

_SECONDS = 120  # `security` may ask the user for a password


class TrustStore(ABC):
    """Installing twice is the same as once; removing what is not there is no error. Both raise CertificateError."""

    name: str

    @abstractmethod
    def install(self, certificate: Path) -> None: ...

    @abstractmethod
    def remove(self, certificate: Path) -> None: ...


@dataclass(frozen=True)
class AnchorDirectory(TrustStore):
    """Linux: a directory of anchors, and the command that takes them over into the system's bundle."""

    name: str
    directory: Path
    file: str
    command: tuple[str, ...]

    def install(self, certificate: Path) -> None:
        content = read(certificate)
        try:
            (self.directory / self.file).write_bytes(content)
        except PermissionError:
            raise CertificateError(_needs_root(self.name)) from None
        except OSError as error:
            raise CertificateError(f"{self.directory / self.file} can't be written: {error.strerror}") from None
        _run(*self.command)

    def remove(self, certificate: Path) -> None:
        try:
            (self.directory / self.file).unlink()
        except FileNotFoundError:
            return
        except PermissionError:
            raise CertificateError(_needs_root(self.name)) from None
        _run(*self.command)


@dataclass(frozen=True)
class MacKeychain(TrustStore):
    name: str = "macOS system keychain"
    keychain: str = "/Library/Keychains/System.keychain"

    def install(self, certificate: Path) -> None:
        _run("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", self.keychain, str(certificate))

    def remove(self, certificate: Path) -> None:
        _run("security", "delete-certificate", "-Z", _sha1(certificate), self.keychain)


@dataclass(frozen=True)
class NssDatabase(TrustStore):
    """What Chrome and Firefox on Linux read."""

    directory: Path
    name: str = "browsers (NSS)"

    def install(self, certificate: Path) -> None:
        _run(*self._certutil(), "-A", "-t", "C,,", "-n", _nickname(certificate), "-i", str(certificate))

    def remove(self, certificate: Path) -> None:
        listed = subprocess.run((*self._certutil(), "-L"), capture_output=True, text=True, timeout=_SECONDS, check=False)
        if _nickname(certificate) in listed.stdout:
            _run(*self._certutil(), "-D", "-n", _nickname(certificate))

    def _certutil(self) -> tuple[str, ...]:
        return ("certutil", "-d", f"sql:{self.directory}")


def trust_stores(home: Path | None = None) -> list[TrustStore]:
    """Those that this machine has."""
    stores: list[TrustStore] = []
    if sys.platform == "darwin":
        stores.append(MacKeychain())
    stores += [
        AnchorDirectory(name, directory, file, command)
        for name, directory, file, command in (
            ("system (Debian)", Path("/usr/local/share/ca-certificates"), "sallyport.crt", ("update-ca-certificates",)),
            ("system (RHEL)", Path("/etc/pki/ca-trust/source/anchors"), "sallyport.pem", ("update-ca-trust", "extract")),
            ("system (SUSE)", Path("/etc/pki/trust/anchors"), "sallyport.pem", ("update-ca-certificates",)),
            ("system (Arch)", Path("/etc/ca-certificates/trust-source/anchors"), "sallyport.crt", ("update-ca-trust",)),
        )
        if directory.is_dir() and _which(command[0])
    ]
    nss = (home or Path.home()) / ".pki" / "nssdb"
    if nss.is_dir() and _which("certutil"):
        stores.append(NssDatabase(nss))
    return stores


def _which(command: str) -> str | None:
    """Where it is; Debian's users don't have /usr/sbin in their PATH."""
    return shutil.which(command, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin")))


def _needs_root(name: str) -> str:
    return (
        f"{name}: only root may change it; run the command again with sudo and your --data-dir, "
        "or use the variables of `sallyport env` instead"
    )


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            (_which(command[0]) or command[0], *command[1:]), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CertificateError(f"{command[0]} could not be run: {error}") from None
    if done.returncode != 0:
        output = " ".join((done.stderr or done.stdout).split())
        raise CertificateError(f"{command[0]} failed: {output or f'exit status {done.returncode}'}")


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read(path))
    except ValueError:
        raise CertificateError(f"{path} holds no certificate in PEM") from None


def _sha1(certificate: Path) -> str:
    """How `security` names a certificate."""
    return _certificate(certificate).fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303


def _nickname(certificate: Path) -> str:
    return _certificate(certificate).subject.rfc4514_string()
