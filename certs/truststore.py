"""A trust store for Java, which reads no PEM bundle."""

import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.utils import CryptographyDeprecationWarning

from certs.errors import CertificateError
from certs.files import write
from certs.roots import certificates

PASSWORD = "changeit"  # noqa: S105 - Java's customary one; what it guards is public
"""Java skips the integrity check, and with it every certificate, of a store that it is given no password for."""


def java_truststore(path: Path, bundle: Path) -> None:
    """Writes the certificates of the PEM file `bundle` to the PKCS #12 file `path`, unless that is newer.

    Raises CertificateError.
    """
    if path.exists() and path.stat().st_mtime_ns > bundle.stat().st_mtime_ns:
        return
    entries: list[pkcs12.PKCS12Certificate] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # old roots have odd serial numbers
        for number, der in enumerate(certificates(bundle)):
            try:
                entries.append(pkcs12.PKCS12Certificate(x509.load_der_x509_certificate(der), f"root-{number}".encode()))
            except ValueError:
                continue  # a root that cryptography can't parse, Java can't either
    if not entries:
        raise CertificateError(f"{bundle} holds no certificate")
    write(path, pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(PASSWORD.encode())))
