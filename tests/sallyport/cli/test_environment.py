import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from sallyport.supervisor.data_dir import RunningGateway, write_state
from tests.sallyport.cli.support import Run

KEY = "sp_" + "k" * 43


@pytest.fixture
def listening(data: DataDir) -> Iterator[str]:
    """An address that something listens on, told as the running gateway's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        write_state(data, RunningGateway(address, "127.0.0.1:1", os.getpid()))
        yield address


def execute(data: DataDir, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "run_gateway.py", "exec", "--data-dir", str(data.root), *command]
    clean = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper() and not name.endswith("_API_KEY")}
    return subprocess.run(arguments, env=clean | environment, capture_output=True, text=True, timeout=60, check=False)


def variables(data: DataDir, **environment: str) -> dict[str, str]:
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    return json.loads(execute(data, "--", sys.executable, "-c", script, **environment).stdout)


def test_env_can_be_evaluated_by_a_shell(run: Run, data: DataDir, listening: str):
    result = run("env", "--key", KEY)
    script = result.stdout + '\necho "$HTTPS_PROXY $SSL_CERT_FILE $NODE_EXTRA_CA_CERTS"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.split() == [f"http://sallyport:{KEY}@{listening}", str(data.ca_bundle), str(data.ca_cert)]


def test_env_takes_the_key_from_the_environment_or_says_where_to_put_it(run: Run):
    assert f"sallyport:{KEY}@127.0.0.1:8080" in run("env", SALLYPORT_KEY=KEY).stdout
    result = run("env")
    assert "sallyport:sp_YOUR_KEY@" in result.stdout
    assert "keys create" in result.stderr


def test_env_for_one_client_is_its_base_url(run: Run, listening: str):
    lines = run("env", "--key", KEY, "--client", "openai").stdout
    assert f"export OPENAI_BASE_URL=http://{listening}/openai/v1" in lines
    assert "HTTPS_PROXY" not in lines
    codex = run("env", "--key", KEY, "--client", "codex").stdout
    assert f'#   openai_base_url = "http://{listening}/openai/v1"' in codex
    assert all(line.startswith(("export ", "#")) for line in codex.splitlines())
    assert json.loads(run("env", "--key", KEY, "--client", "openai", "--json").stdout)["variables"]["OPENAI_API_KEY"] == KEY


def test_env_refuses_what_is_no_key(run: Run):
    assert run("env", "--key", "p@ss:word").exit_code == 2


def test_exec_passes_arguments_exit_code_and_variables(data: DataDir, listening: str):
    done = execute(data, "--", "sh", "-c", 'echo "$1"; exit 7', "sh", "a  b", SALLYPORT_KEY=KEY)
    assert (done.returncode, done.stdout) == (7, "a  b\n")
    without_dashes = execute(data, "sh", "-c", "exit 3", SALLYPORT_KEY=KEY)
    assert without_dashes.returncode == 3
    found = variables(data, SALLYPORT_KEY=KEY, OPENAI_API_KEY="mine", SALLYPORT_ADMIN_KEY="spa_x")
    assert "SALLYPORT_ADMIN_KEY" not in found
    assert found["https_proxy"] == f"http://sallyport:{KEY}@{listening}"
    assert found["OPENAI_API_KEY"] == "mine"
    assert found["ANTHROPIC_API_KEY"] not in ("", KEY)
    assert Path(shlex.split(found["JAVA_TOOL_OPTIONS"])[3].partition("=")[2]).is_file()


def test_exec_makes_a_key_once_and_again_when_it_was_revoked(run: Run, data: DataDir, listening: str):
    first = variables(data)["HTTPS_PROXY"]
    assert first.startswith("http://sallyport:sp_")
    assert variables(data)["HTTPS_PROXY"] == first
    (key,) = json.loads(run("keys", "list", "--json").stdout)
    assert key["name"].startswith("exec:")
    run("keys", "revoke", key["id"])
    assert variables(data)["HTTPS_PROXY"] != first
    assert all(file.stat().st_mode & 0o077 == 0 for file in data.root.glob("exec-*"))


def test_exec_of_claude_gives_it_a_token_it_asks_no_approval_for(data: DataDir, listening: str, tmp_path: Path):
    claude = tmp_path / "claude"
    claude.write_text('#!/bin/sh\necho "key=$ANTHROPIC_API_KEY token=$ANTHROPIC_AUTH_TOKEN"\n')
    claude.chmod(0o755)
    assert execute(data, str(claude), SALLYPORT_KEY=KEY).stdout.startswith("key= token=kept-")
    assert execute(data, "--own-login", str(claude), SALLYPORT_KEY=KEY).stdout == "key= token=\n"


def test_exec_of_nothing_that_is_there(data: DataDir, listening: str):
    done = execute(data, "no-such-command", SALLYPORT_KEY=KEY)
    assert (done.returncode, done.stderr) == (127, "Error: no-such-command: command not found\n")


def test_exec_without_a_gateway_says_how_to_start_one(data: DataDir):
    done = execute(data, "true", SALLYPORT_KEY=KEY, SALLYPORT_LISTEN="127.0.0.1:1")
    assert done.returncode == 1
    assert "nothing listens on 127.0.0.1:1" in done.stderr
