"""A certificate authority, and a real TLS handshake with a certificate that it signed."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sallyport.paths import DataDir

Handshake = Callable[..., None]


@pytest.fixture
def paths(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


@pytest.fixture
def handshake(paths: DataDir) -> Handshake:
    """Serves `host` with a certificate of the CA and connects to it as a strict client, whose ssl.SSLError it raises."""

    def shake(host: str, bundle: Path | None = None) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(_leaf(paths, host))
        client = ssl.create_default_context(cafile=bundle or paths.ca_bundle)
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        pipes = ssl.MemoryBIO(), ssl.MemoryBIO()
        one = client.wrap_bio(pipes[0], pipes[1], server_hostname=host)
        other = server.wrap_bio(pipes[1], pipes[0], server_side=True)
        for _ in range(2):
            for side in (one, other):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        one.do_handshake()

    return shake


def _leaf(paths: DataDir, host: str) -> Path:
    """As the gateway makes them: for the CA's own key, with a common name only where it is a DNS name."""
    key = serialization.load_pem_private_key(paths.ca_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    ca = x509.load_pem_x509_certificate(paths.ca_cert.read_bytes())
    try:
        name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        subject: list[x509.NameAttribute[str]] = []
    except ValueError:
        name = x509.DNSName(host)
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, host)]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=not subject)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = paths.root / "leaf.pem"
    path.write_bytes(paths.ca_key.read_bytes() + certificate.public_bytes(serialization.Encoding.PEM))
    return path
