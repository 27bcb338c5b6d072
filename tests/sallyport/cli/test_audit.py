import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from sallyport.paths import DataDir
from tests.sallyport.cli.support import Run


def test_the_log_is_listed_and_verified(run: Run, data: DataDir):
    run("users", "create", "Ada")
    newest = json.loads(run("audit", "list", "--json").stdout)[0]
    assert (newest["operation"], newest["after"]["name"]) == ("user.create", "Ada")
    assert "user.create" in run("audit", "list", "--limit", "1").stdout
    assert run("audit", "verify").stdout == f"the audit log is whole: {newest['seq']} rows\n"
    with closing(sqlite3.connect(data.database)) as database, database:
        database.execute("UPDATE audit_logs SET actor = 'nobody' WHERE seq = 1")
    refused = run("audit", "verify")
    assert refused.exit_code == 1
    assert "row 1 was changed" in refused.stderr


def test_an_export_is_verified_here_and_elsewhere(run: Run, tmp_path: Path):
    run("users", "create", "Ada")
    file = tmp_path / "audit.jsonl"
    key = run("audit", "export", str(file)).stdout.strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is whole: 2 rows" in run("audit", "verify", str(file)).stdout
    elsewhere = {"SALLYPORT_DATA_DIR": str(tmp_path / "nothing")}
    assert "is whole" in run("audit", "verify", str(file), "--public-key", key.upper(), **elsewhere).stdout
    assert not (tmp_path / "nothing").exists()
    for wrong in ("00" * 32, "no key"):
        assert run("audit", "verify", str(file), "--public-key", wrong).exit_code == 1
    again = run("audit", "export", str(file))
    assert (again.exit_code, "there already" in again.stderr) == (2, True)

    file.write_bytes(file.read_bytes().replace(b'"Ada"', b'"Eve"'))
    refused = run("audit", "verify", str(file))
    assert (refused.exit_code, "line 2: row 2 was changed" in refused.stderr) == (1, True)


def test_what_is_no_export_is_told(run: Run, data: DataDir, tmp_path: Path):
    assert "nothing.jsonl" in run("audit", "verify", str(tmp_path / "nothing.jsonl")).stderr
    assert run("audit", "verify", str(data.database)).exit_code == 1
    assert run("audit", "export", str(tmp_path / "no" / "dir")).exit_code == 1


def test_events_are_json_lines_for_a_siem(run: Run):
    run("users", "create", "Ada")
    lines = [json.loads(line) for line in run("audit", "events").stdout.splitlines()]
    assert [line["api"]["operation"] for line in lines] == ["gateway.first_start", "user.create"]
    assert run("audit", "events", "--of", "invocations").stdout == ""
    assert "is whole" in run("audit", "verify", "--invocations").stdout
