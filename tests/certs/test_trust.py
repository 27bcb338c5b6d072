import os
import shutil
import subprocess
from pathlib import Path

import pytest

from certs.authority import write_authority
from certs.errors import CertificateError
from certs.trust import AnchorDirectory, NssDatabase, trust_stores
from sallyport.paths import DataDir


@pytest.fixture
def certificate(paths: DataDir) -> Path:
    write_authority(paths, ["api.openai.com"])
    return paths.ca_cert


@pytest.mark.skipif(shutil.which("update-ca-certificates") is None, reason="no update-ca-certificates (Debian)")
def test_a_linux_host_trusts_it_until_it_is_removed(certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # as Debian's users have it: the command is in /usr/sbin
    local, etc, hooks, shipped = (tmp_path / name for name in ("local", "etc", "hooks", "shipped"))
    for directory in (local, etc, hooks, shipped):
        directory.mkdir()
    options = ("--localcertsdir", str(local), "--etccertsdir", str(etc), "--hooksdir", str(hooks), "--certsdir", str(shipped))
    store = AnchorDirectory("test", local, "sallyport.crt", ("update-ca-certificates", *options))
    ours = certificate.read_text().strip()
    write_authority(DataDir(tmp_path / "other"), ["corp.example"])
    other = (tmp_path / "other" / "ca" / "ca-cert.pem").read_text().strip()
    (local / "other.crt").write_text(other)
    for _ in range(2):
        store.install(certificate)
        assert ours in (etc / "ca-certificates.crt").read_text()
    for _ in range(2):
        store.remove(certificate)
        assert ours not in (etc / "ca-certificates.crt").read_text()
        assert other in (etc / "ca-certificates.crt").read_text()


@pytest.mark.skipif(shutil.which("certutil") is None, reason="no certutil (NSS)")
def test_browsers_trust_it_until_it_is_removed(certificate: Path, tmp_path: Path) -> None:
    subprocess.run(["certutil", "-d", f"sql:{tmp_path}", "-N", "--empty-password"], check=True, timeout=60)
    store = NssDatabase(tmp_path)

    def listed() -> str:
        return subprocess.run(["certutil", "-d", f"sql:{tmp_path}", "-L"], capture_output=True, text=True, check=True).stdout

    store.install(certificate)
    assert "Sallyport CA" in listed()
    store.remove(certificate)
    store.remove(certificate)
    assert "Sallyport CA" not in listed()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_who_is_not_root_is_told_so(certificate: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CertificateError, match="only root may change it"):
        AnchorDirectory("test", tmp_path, "sallyport.crt", ("true",)).install(certificate)


@pytest.mark.parametrize(("command", "message"), [(("no-such-command",), "could not be run"), (("false",), "false failed")])
def test_a_command_that_fails_is_named(certificate: Path, tmp_path: Path, command: tuple[str, ...], message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        AnchorDirectory("test", tmp_path, "sallyport.crt", command).install(certificate)


def test_the_stores_of_this_machine_are_named(tmp_path: Path) -> None:
    assert all(store.name for store in trust_stores(home=tmp_path))
