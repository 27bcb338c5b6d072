"""The gateway's own certificate authority. It can sign for the providers' domains and the gateway's own names, nothing else.

An EC P-256 key and a certificate with critical X.509 name constraints (RFC 5280, 4.2.1.10): a stolen key is useless elsewhere.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.errors import CertificateError
from certs.files import read, write
from certs.roots import own_roots, pem, system_roots, upstream_roots
from sallyport.paths import DataDir

OWN_NAMES = ("localhost", "127.0.0.1", "::1")
"""Under which every gateway can be reached."""
COMBINED = "mitmproxy-ca.pem"
"""Key and certificate in one file, as mitmproxy's `CertStore.from_store(path, "mitmproxy", …)` wants them."""

_VALID = timedelta(days=3650)
_BACKDATED = timedelta(days=2)  # for clients whose clock is slow
_RENEWED_BEFORE = timedelta(days=90)
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")

_log = logging.getLogger(__name__)

Constraint = x509.DNSName | x509.IPAddress


@dataclass(frozen=True, slots=True)
class Authority:
    state: Literal["made", "kept", "reissued"]
    certificate: x509.Certificate


def write_authority(
    paths: DataDir, domains: Iterable[str], names: Iterable[str] = (), upstream_ca: Path | None = None
) -> Authority:
    """Makes sure that the CA and its bundles lie in `paths.ca`; what is there and fits is kept.

    `domains` are DNS domains (each with all below it), `names` further host names and IP addresses of the gateway itself.
    When a constraint is missing from the certificate there is, another is made for the same key, with a warning in the log.
    Raises CertificateError; no key is then overwritten.
    """
    needed = _constraints(domains, names)
    key, new_key = _key(paths)
    certificate = None if new_key else _certificate(paths, key)
    state: Literal["made", "kept", "reissued"] = "kept"
    if certificate is None or not _fits(certificate, needed):
        state = "made" if certificate is None else "reissued"
        certificate = _issue(key, needed)
        write(paths.ca_cert, pem(certificate))
    if state == "reissued":
        _log.warning(
            "the CA certificate was made anew (it lacked a name, or its end is near): let clients trust %s again", paths.ca_cert
        )
    write(paths.ca / COMBINED, _key_pem(key) + pem(certificate), private=True)
    roots = system_roots(own=paths.ca_bundle)
    write(paths.ca_bundle, own_roots(roots, certificate))
    write(paths.upstream_bundle, upstream_roots(roots, certificate, upstream_ca))
    return Authority(state, certificate)


def _constraints(domains: Iterable[str], names: Iterable[str]) -> frozenset[Constraint]:
    return frozenset([_constraint(name) for name in (*domains, *OWN_NAMES, *names)])


def _constraint(name: str) -> Constraint:
    try:
        return x509.IPAddress(ipaddress.ip_network(name.strip("[]")))
    except ValueError:
        host = name.lower().removeprefix("*").strip(".")
    if not _HOST.fullmatch(host):
        raise CertificateError(f"{name!r} is neither a host name nor an IP address; write international names in punycode")
    return x509.DNSName(host)


def _key(paths: DataDir) -> tuple[ec.EllipticCurvePrivateKey, bool]:
    """The key, and whether it was made just now."""
    if not paths.ca_key.exists():
        if paths.ca_cert.exists():
            raise CertificateError(
                f"{paths.ca_key} is missing but {paths.ca_cert} is there: restore the key, or remove both to start anew"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        write(paths.ca_key, _key_pem(key), private=True)
        return key, True
    try:
        key = serialization.load_pem_private_key(read(paths.ca_key), password=None)
    except (ValueError, TypeError):
        raise CertificateError(f"{paths.ca_key} holds no private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{paths.ca_key} is no elliptic-curve key")
    return key, False


def _certificate(paths: DataDir, key: ec.EllipticCurvePrivateKey) -> x509.Certificate | None:
    if not paths.ca_cert.exists():
        return None
    try:
        certificate = x509.load_pem_x509_certificate(read(paths.ca_cert))
    except ValueError:
        raise CertificateError(f"{paths.ca_cert} holds no certificate in PEM") from None
    if certificate.public_key() != key.public_key():
        raise CertificateError(f"{paths.ca_cert} is not the certificate of {paths.ca_key}")
    return certificate


def _fits(certificate: x509.Certificate, needed: frozenset[Constraint]) -> bool:
    try:
        permitted = certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    except x509.ExtensionNotFound:
        return False
    lasts = certificate.not_valid_after_utc - datetime.now(UTC) > _RENEWED_BEFORE
    return lasts and needed <= frozenset(permitted or ())


def _issue(key: ec.EllipticCurvePrivateKey, constraints: frozenset[Constraint]) -> x509.Certificate:
    public = key.public_key()
    key_id = x509.SubjectKeyIdentifier.from_public_key(public)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sallyport"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Sallyport CA {key_id.digest.hex()[:8]}"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    permitted = sorted(constraints, key=lambda name: (isinstance(name, x509.IPAddress), str(name.value)))
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .add_extension(key_id, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        .sign(key, hashes.SHA256())
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
