"""The root certificates that the host trusts, and the bundles made of them."""

from __future__ import annotations

import base64
import os
import re
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certs.errors import CertificateError
from certs.files import read

_SYSTEM = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Arch
    Path("/etc/pki/tls/certs/ca-bundle.crt"),  # RHEL, Fedora
    Path("/etc/ssl/ca-bundle.pem"),  # SUSE
    Path("/etc/ssl/cert.pem"),  # Alpine, macOS
)
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def system_roots(own: Path) -> list[bytes]:
    """The host's roots in DER: of SSL_CERT_FILE where that is set and not `own`, our bundle; else the system's, else certifi's.

    Raises CertificateError.
    """
    configured = os.environ.get("SSL_CERT_FILE")
    if configured and not _same_file(Path(configured), own):
        return certificates(Path(configured))
    for path in _SYSTEM:
        if path.is_file() and (found := certificates(path)):
            return found
    import certifi  # the fallback of a host without roots of its own

    return certificates(Path(certifi.where()))


def certificates(path: Path) -> list[bytes]:
    """Every certificate of a PEM file, in DER. Raises CertificateError when it can't be read."""
    return [base64.b64decode(block) for block in _BLOCK.findall(read(path))]


def own_roots(roots: list[bytes], authority: x509.Certificate) -> bytes:
    """For our clients: the host's roots and our CA."""
    return _bundle(_without(roots, authority)) + pem(authority)


def upstream_roots(roots: list[bytes], authority: x509.Certificate, upstream_ca: Path | None) -> bytes:
    """For verifying providers: the host's roots and the operator's file, never our own CA. Raises CertificateError."""
    return _bundle(_without(roots, authority) + ([] if upstream_ca is None else operators_roots(upstream_ca)))


def operators_roots(path: Path) -> list[bytes]:
    """The certificates of `--upstream-ca`, in DER. Raises CertificateError when there are none."""
    found = certificates(path)
    try:
        for root in found:
            x509.load_der_x509_certificate(root)
    except ValueError:
        found = []
    if not found:
        raise CertificateError(f"{path} holds no certificate in PEM")
    return found


def _without(roots: list[bytes], authority: x509.Certificate) -> list[bytes]:
    """`roots` without any certificate of our CA's key, which the host may have come to trust."""
    own = authority.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return [root for root in roots if own not in root]


def _bundle(roots: list[bytes]) -> bytes:
    return "".join(ssl.DER_cert_to_PEM_cert(root) for root in roots).encode()


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
