"""What is wrong with the settings is told by its flag before anything is made."""

from pathlib import Path

import pytest

from certs.authority import write_authority
from sallyport.cli.preflight import check
from sallyport.paths import DataDir
from sallyport.settings import SettingError, Settings


@pytest.fixture
def ca(tmp_path: Path) -> DataDir:
    """A certificate and its key."""
    paths = DataDir(tmp_path / "ca")
    write_authority(paths, ["api.openai.com"])
    return paths


@pytest.fixture
def other(tmp_path: Path) -> DataDir:
    paths = DataDir(tmp_path / "other")
    write_authority(paths, ["api.openai.com"])
    return paths


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_text("neither PEM nor TOML")
    return path


def test_files_that_are_right_pass(ca: DataDir):
    check(Settings(upstream_ca=ca.ca_cert, tls_cert=ca.ca_cert, tls_key=ca.ca_key))


def refused(**settings: Path) -> str:
    with pytest.raises(SettingError) as error:
        check(Settings.model_validate(settings))
    return str(error.value)


def test_a_file_that_is_not_there(ca: DataDir, tmp_path: Path):
    nowhere = tmp_path / "nowhere"
    assert refused(upstream_ca=nowhere) == f"--upstream-ca: {nowhere} can't be read: No such file or directory"
    assert refused(tls_cert=nowhere, tls_key=ca.ca_key).startswith(f"--tls-cert: {nowhere} can't be read")
    assert refused(tls_cert=ca.ca_cert, tls_key=nowhere).startswith(f"--tls-key: {nowhere} can't be read")
    assert refused(prices=nowhere).startswith("--prices: ")


def test_a_file_of_something_else(ca: DataDir, text: Path):
    assert refused(upstream_ca=text) == f"--upstream-ca: {text} holds no certificate in PEM"
    assert refused(upstream_ca=ca.ca_key) == f"--upstream-ca: {ca.ca_key} holds no certificate in PEM"
    assert "must be a certificate and its key" in refused(tls_cert=text, tls_key=text)
    assert "must be a certificate and its key" in refused(tls_cert=ca.ca_cert, tls_key=ca.ca_cert)
    assert refused(prices=text).startswith(f"--prices: {text} is not valid TOML")


def test_a_key_of_another_certificate(ca: DataDir, other: DataDir):
    assert refused(tls_cert=ca.ca_cert, tls_key=other.ca_key) == (
        f"--tls-key: {other.ca_key} is not the key of the certificate {ca.ca_cert}"
    )


def test_a_key_without_its_certificate(ca: DataDir):
    assert refused(tls_key=ca.ca_key) == "--tls-cert and --tls-key go together: give both or none"


def test_one_port_for_both():
    with pytest.raises(SettingError, match=r"--listen and --console are both 127\.0\.0\.1:8080"):
        check(Settings.model_validate({"console": {"host": "127.0.0.1", "port": 8080}}))


@pytest.mark.parametrize(
    ("modes", "message"),
    [
        (("transparent",), "--mode: 'transparent' would listen on port 8080, as --listen does"),
        (("transparent@8081",), "port 8081, as --console does"),
        (("transparent@8082", "socks5@8082"), "--mode: 'socks5@8082' would listen on port 8082, as --mode transparent@8082 does"),
    ],
)
def test_a_mode_on_a_port_that_is_taken(modes: tuple[str, ...], message: str):
    with pytest.raises(SettingError, match=message):
        check(Settings(modes=modes))


def test_modes_on_ports_of_their_own():
    check(Settings(modes=("transparent@8082", "socks5@8083", "wireguard", "local")))


def test_a_mode_that_is_none():
    with pytest.raises(SettingError, match="--mode: 'sideways' is not a mode"):
        check(Settings(modes=("sideways",)))
