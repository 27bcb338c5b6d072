import json
from typing import Any

from sallyport.cli.checks import run_checks
from sallyport.paths import DataDir
from sallyport.settings import Settings
from tests.sallyport.cli.support import Run


def findings(run: Run, *arguments: str, **environment: str) -> dict[str, dict[str, Any]]:
    result = run("doctor", "--json", *arguments, **environment)
    return {finding["check"]: finding for finding in json.loads(result.stdout)}


def test_what_is_well_and_what_is_not(run: Run):
    run("secrets", "set", "OPENAI_API_KEY", stdin="sk-canary")
    run("keys", "create", "laptop")
    found = findings(run)
    assert {name for name, finding in found.items() if finding["status"] == "ok"} >= {"data dir", "CA", "database", "master key"}
    assert "OPENAI_API_KEY" in found["secrets"]["detail"]
    assert found["keys"]["status"] == "ok"
    assert found["gateway"]["status"] == "fail"
    assert "serve" in found["gateway"]["advice"]
    shown = run("doctor")
    assert shown.exit_code == 1
    assert "sk-canary" not in shown.output


def test_nothing_there_is_told_without_a_traceback(run: Run):
    result = run("doctor", "--data-dir", "/nowhere")
    assert result.exit_code == 1
    assert "/nowhere is not there" in result.stdout
    assert "Traceback" not in result.output


def test_an_open_data_dir_and_key_are_failures_with_their_cure(run: Run, data: DataDir):
    data.root.chmod(0o755)
    data.ca_key.chmod(0o644)
    result = run("doctor", "--json")
    failed = {finding["check"]: finding["advice"] for finding in json.loads(result.stdout) if finding["status"] == "fail"}
    assert failed["data dir"] == f"chmod 700 {data.root}"
    assert failed["CA"] == f"chmod 600 {data.ca_key}"


def test_a_damaged_database_is_a_failure(run: Run, data: DataDir):
    data.database.write_bytes(b"garbage" * 1000)
    assert findings(run)["database"]["status"] == "fail"


def test_a_missing_secret_and_key_are_warnings(run: Run):
    found = findings(run)
    assert found["secrets"]["status"] == found["keys"]["status"] == "warn"


def test_redis_and_the_clock(run: Run, redis_url: str):
    found = findings(run, SALLYPORT_REDIS_URL=redis_url)
    assert found["redis"]["status"] == found["clock"]["status"] == "ok"
    assert findings(run, SALLYPORT_REDIS_URL="redis://127.0.0.1:1/0")["redis"]["status"] == "fail"


def test_the_shells_variables(data: DataDir):
    settings = Settings(data_dir=data.root)

    def status(**environ: str) -> str:
        return next(finding.status for finding in run_checks(settings, environ) if finding.check == "environment")

    ours = "http://sallyport:sp_key@127.0.0.1:8080"
    bundle = str(data.ca_bundle)
    trusting = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"), bundle)
    trusting |= {"NODE_EXTRA_CA_CERTS": str(data.ca_cert)}
    assert status() == "ok"
    assert status(HTTPS_PROXY=ours, **trusting) == "ok"
    assert status(HTTPS_PROXY=ours) == "fail"
    assert status(HTTPS_PROXY="http://sp_key@127.0.0.1:8080", **trusting) == "fail"
    assert status(HTTPS_PROXY="http://proxy.corp.test:3128") == "warn"
    assert status(HTTPS_PROXY="http://[") == "fail"
