import json
from pathlib import Path

from sallyport.standin.tls import make_certificates
from tests.sallyport.cli.support import Run


def test_a_network_a_certificate_and_a_user_can_stand_for_a_key(run: Run, tmp_path: Path):
    key = json.loads(run("keys", "create", "desktop", "--json").stdout)["id"]
    certificate = make_certificates(tmp_path, ("agent.example",)).certificate
    for by, option, value in (
        (key, "--network", "10.1.2.3/16"),
        (key, "--certificate", str(certificate)),
        ("desktop", "--os-user", "ada"),
    ):
        assert run("enrollments", "create", by, option, value).exit_code == 0
    listed = json.loads(run("enrollments", "list", "--json").stdout)
    assert {(entry["kind"], entry["key_id"]) for entry in listed} == {(k, key) for k in ("network", "certificate", "os_user")}
    assert "10.1.0.0/16" in {entry["value"] for entry in listed}
    for entry in listed:
        assert run("enrollments", "delete", entry["id"]).exit_code == 0
    assert json.loads(run("enrollments", "list", "--json").stdout) == []


def test_what_is_wrong_is_named(run: Run, tmp_path: Path):
    key = json.loads(run("keys", "create", "desktop", "--json").stdout)["id"]
    (tmp_path / "no.pem").write_text("hello")
    for arguments, word in (
        ((key,), "--network"),
        ((key, "--network", "10.0.0.0/8", "--os-user", "ada"), "one of"),
        ((key, "--network", "ten"), "network"),
        ((key, "--certificate", str(tmp_path / "no.pem")), "no PEM certificate"),
        ((key, "--certificate", str(tmp_path / "absent.pem")), "can't be read"),
        (("no-such-key", "--os-user", "ada"), "no key"),
    ):
        failed = run("enrollments", "create", *arguments)
        assert failed.exit_code != 0
        assert word in failed.stderr
        assert "Traceback" not in failed.stderr
