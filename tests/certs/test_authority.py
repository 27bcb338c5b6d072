import logging
import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certs import authority
from certs.authority import write_authority
from certs.errors import CertificateError
from sallyport.paths import DataDir
from sallyport.providers import PROVIDERS, constrained_domains

DOMAINS = ("api.openai.com", "anthropic.com")


def test_the_certificate_is_a_constrained_ca(paths: DataDir) -> None:
    made = write_authority(paths, DOMAINS, ["gw.example", "10.0.0.5"])
    assert made.state == "made"
    certificate = x509.load_pem_x509_certificate(paths.ca_cert.read_bytes())
    assert made.certificate == certificate
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert {str(name.value) for name in constraints.value.permitted_subtrees or ()} == {
        *DOMAINS,
        "gw.example",
        "localhost",
        "127.0.0.1/32",
        "::1/128",
        "10.0.0.5/32",
    }


def test_the_key_is_private_and_the_certificate_is_not(paths: DataDir) -> None:
    write_authority(paths, DOMAINS)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths.ca.iterdir()}
    assert modes == {
        "ca-key.pem": 0o600,
        "mitmproxy-ca.pem": 0o600,
        "ca-cert.pem": 0o644,
        "bundle.pem": 0o644,
        "upstream-roots.pem": 0o644,
    }


@pytest.mark.parametrize(
    "host", ["api.openai.com", "anthropic.com", "api.anthropic.com", "gw.example", "localhost", "127.0.0.1", "::1"]
)
def test_clients_accept_what_it_may_sign(paths: DataDir, handshake: Callable[[str], None], host: str) -> None:
    write_authority(paths, DOMAINS, ["gw.example"])
    handshake(host)


@pytest.mark.parametrize("host", ["example.com", "openai.com", "notanthropic.com", "bank.example", "10.0.0.6", "127.0.0.2"])
def test_clients_refuse_anything_else_that_its_key_signs(paths: DataDir, handshake: Callable[[str], None], host: str) -> None:
    write_authority(paths, DOMAINS, ["gw.example"])
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(host)


def test_clients_accept_the_hosts_of_every_provider(paths: DataDir, handshake: Callable[[str], None]) -> None:
    write_authority(paths, [domain for provider in PROVIDERS.values() for domain in provider.name_constraints])
    for provider in PROVIDERS.values():
        if host := provider.host_for("/v1/models"):  # a declared one may be the operator's own endpoint
            handshake(host)
    handshake("acme.openai.azure.com")


def test_a_second_start_changes_nothing(paths: DataDir) -> None:
    write_authority(paths, DOMAINS, ["gw.example"])
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths.ca.iterdir()}
    assert write_authority(paths, DOMAINS).state == "kept"
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths.ca.iterdir()} == before


def test_a_new_name_makes_a_new_certificate_for_the_same_key(
    paths: DataDir, handshake: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    write_authority(paths, DOMAINS)
    key = paths.ca_key.read_bytes()
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake("gw.example")
    with caplog.at_level(logging.WARNING):
        assert write_authority(paths, DOMAINS, ["gw.example"]).state == "reissued"
    assert "ca-cert.pem" in caplog.text
    assert paths.ca_key.read_bytes() == key
    handshake("gw.example")


def test_an_upgrade_that_knows_more_providers(paths: DataDir, handshake: Callable[..., None], tmp_path: Path) -> None:
    """Who trusts the certificate from before goes on as before; the new hosts it refuses, until it trusts the new one."""
    now = constrained_domains()
    write_authority(paths, now - {"chatgpt.com", "cloudcode-pa.googleapis.com"})
    before = tmp_path / "before.pem"
    before.write_bytes(paths.ca_cert.read_bytes())
    assert write_authority(paths, now).state == "reissued"
    handshake("api.anthropic.com", before)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake("chatgpt.com", before)
    handshake("chatgpt.com")
    assert write_authority(paths, now).state == "kept"


def test_a_host_that_is_no_longer_decrypted_makes_no_new_certificate(paths: DataDir) -> None:
    """Clients would have to trust it again, for nothing."""
    write_authority(paths, DOMAINS)
    assert write_authority(paths, DOMAINS[:1]).state == "kept"


def test_a_certificate_near_its_end_is_renewed(paths: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(authority, "_VALID", timedelta(days=30))
        write_authority(paths, DOMAINS)
    renewed = write_authority(paths, DOMAINS)
    assert renewed.state == "reissued"
    assert renewed.certificate.not_valid_after_utc - datetime.now(UTC) > timedelta(days=3000)


def test_mitmproxy_reads_and_uses_it(paths: DataDir) -> None:
    from mitmproxy.certs import CertStore

    write_authority(paths, DOMAINS)
    store = CertStore.from_store(paths.ca, "mitmproxy", 2048)
    assert store.default_ca.to_cryptography() == x509.load_pem_x509_certificate(paths.ca_cert.read_bytes())
    entry = store.get_cert("api.openai.com", [x509.DNSName("api.openai.com")])
    entry.cert.to_cryptography().verify_directly_issued_by(store.default_ca.to_cryptography())


@pytest.mark.parametrize("name", ["", "*", "bad name", "exa_mple", "-x", "10.0.0.0/8x", "münchen.example"])
def test_a_name_that_is_none_is_refused(paths: DataDir, name: str) -> None:
    with pytest.raises(CertificateError, match="neither a host name nor an IP address"):
        write_authority(paths, DOMAINS, [name])
    assert not paths.ca_key.exists()


def test_a_lost_key_is_not_replaced(paths: DataDir) -> None:
    write_authority(paths, DOMAINS)
    certificate = paths.ca_cert.read_bytes()
    paths.ca_key.unlink()
    with pytest.raises(CertificateError, match=r"ca-key\.pem is missing"):
        write_authority(paths, DOMAINS)
    assert paths.ca_cert.read_bytes() == certificate
    assert not paths.ca_key.exists()


@pytest.mark.parametrize("file", ["ca-key.pem", "ca-cert.pem"])
def test_a_damaged_file_is_named_and_left_alone(paths: DataDir, file: str) -> None:
    write_authority(paths, DOMAINS)
    (paths.ca / file).write_bytes(b"garbage")
    with pytest.raises(CertificateError, match=file):
        write_authority(paths, DOMAINS)
    assert (paths.ca / file).read_bytes() == b"garbage"


def test_the_certificate_of_another_key_is_refused(paths: DataDir, tmp_path: Path) -> None:
    other = DataDir(tmp_path / "other")
    write_authority(paths, DOMAINS)
    write_authority(other, DOMAINS)
    paths.ca_cert.write_bytes(other.ca_cert.read_bytes())
    with pytest.raises(CertificateError, match="is not the certificate of"):
        write_authority(paths, DOMAINS)
