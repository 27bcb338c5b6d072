import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from certs.authority import write_authority
from certs.errors import CertificateError
from certs.roots import certificates, system_roots
from sallyport.paths import DataDir


@pytest.fixture
def another_ca(tmp_path: Path) -> DataDir:
    paths = DataDir(tmp_path / "company")
    write_authority(paths, ["corp.example"])
    return paths


@pytest.fixture
def own(paths: DataDir) -> bytes:
    """The gateway's own CA in DER."""
    write_authority(paths, ["api.openai.com"])
    return certificates(paths.ca_cert)[0]


def test_clients_get_the_systems_roots_and_ours(paths: DataDir, own: bytes) -> None:
    bundle = certificates(paths.ca_bundle)
    assert own in bundle
    assert len(bundle) > 50
    assert ssl.create_default_context(cafile=paths.ca_bundle).cert_store_stats()["x509_ca"] == len(bundle)


def test_providers_are_never_verified_with_our_own_ca(
    paths: DataDir, own: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = tmp_path / "system.pem"
    trusted.write_bytes(paths.ca_bundle.read_bytes())  # as on a host that was told to trust us
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    write_authority(paths, ["api.openai.com"])
    assert own not in certificates(paths.upstream_bundle)
    assert len(certificates(paths.upstream_bundle)) > 50
    assert certificates(paths.ca_bundle).count(own) == 1


def test_the_roots_that_the_host_configured_are_respected(
    paths: DataDir, another_ca: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(another_ca.ca_cert))
    write_authority(paths, ["api.openai.com"])
    assert certificates(paths.upstream_bundle) == certificates(another_ca.ca_cert)


def test_our_own_bundle_does_not_count_as_the_hosts(paths: DataDir, own: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    before = system_roots(paths.ca_bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(paths.ca_bundle))
    assert system_roots(paths.ca_bundle) == before
    assert own not in before


def test_an_operators_roots_verify_providers_but_reach_no_client(
    paths: DataDir, another_ca: DataDir, handshake: Callable[..., None]
) -> None:
    write_authority(paths, ["api.openai.com"], upstream_ca=another_ca.ca_cert)
    company = certificates(another_ca.ca_cert)[0]
    assert company in certificates(paths.upstream_bundle)
    assert company not in certificates(paths.ca_bundle)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake("api.openai.com", paths.upstream_bundle)


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_wrong_file_of_roots_is_named(paths: DataDir, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "company.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CertificateError, match=r"company\.pem"):
        write_authority(paths, ["api.openai.com"], upstream_ca=file)
