"""The real program as a process: what an operator sees of a start, a second start and an end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

_PATIENCE = 90.0


def start(data: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "run_gateway.py", "--data-dir", str(data), "--workers", "1", "--console", "127.0.0.1:0"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SALLYPORT_", "LANGSMITH_"))}
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean | environment
    )


def state(data: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE
    while not (data / "gateway.json").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return json.loads((data / "gateway.json").read_text())


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, stderr
    return stdout, stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "run_gateway.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)


def test_a_first_start_tells_all_once_and_a_second_reuses_all(tmp_path: Path):
    data = tmp_path / "data"
    process = start(data, "--listen", "127.0.0.1:0")
    listen = state(data, process)["listen"]
    assert run("secrets", "list", "--data-dir", str(data), "--json").stdout == "[]\n"
    found = {check["check"]: check["status"] for check in json.loads(run("doctor", "--data-dir", str(data), "--json").stdout)}
    assert {found[name] for name in ("data dir", "CA", "database", "redis", "gateway", "port", "health")} == {"ok"}
    second = run("--data-dir", str(data), "--listen", "127.0.0.1:0")
    assert second.returncode == 2
    assert f"a gateway already runs on {data} (process {process.pid}, on {listen})" in second.stderr
    shown, log = end(process)

    key = re.search(r"spa_[0-9A-Za-z]{43}", shown)
    assert key is not None
    assert f"http://{listen}" in shown
    for line in ("secrets set OPENAI_API_KEY", "keys create", "curl http://", "env --key", "exec -- claude"):
        assert line in shown
    assert key[0] not in log
    assert data.stat().st_mode & 0o777 == 0o700
    assert not (data / "gateway.json").exists()
    kept = [(data / name).read_bytes() for name in ("ca/ca-cert.pem", "ca/ca-key.pem", "master.key")]

    process = start(data, "--listen", "127.0.0.1:0", "--log-format", "json")
    assert state(data, process)["listen"].startswith("127.0.0.1:")
    shown, log = end(process)
    assert "spa_" not in shown
    assert "First call" not in shown
    assert all(json.loads(line)["process"] for line in log.splitlines())
    assert [(data / name).read_bytes() for name in ("ca/ca-cert.pem", "ca/ca-key.pem", "master.key")] == kept


def test_a_port_in_use_is_told_before_anything_is_made_or_started(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = run("--data-dir", str(tmp_path / "data"), "--listen", address)
    assert done.returncode == 2
    assert done.stderr == f"Error: {address} is in use; stop what listens there, or choose another with --listen HOST:PORT\n"
    assert not (tmp_path / "data" / "gateway.db").exists()


def test_a_mode_that_can_not_listen_ends_the_start(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        mode = f"socks5@127.0.0.1:{other.getsockname()[1]}"
        done = run("--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--mode", mode)
    assert done.returncode == 1
    assert "the worker can't serve: " in done.stderr
    assert mode.removeprefix("socks5@") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere capture starts in other ways")
def test_local_capture_that_can_not_start_says_what_it_lacks(tmp_path: Path):
    """mitmproxy's redirector is started by sudo, on Linux."""
    process = start(tmp_path / "data", "--listen", "127.0.0.1:0", "--mode", "local:curl", PATH=str(tmp_path))
    _, log = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 1
    assert "--mode local:curl can't start: Failed to run sudo." in log
    assert "backtrace" not in log


@pytest.mark.parametrize("damage", ["database", "master key", "CA key"])
def test_what_is_damaged_is_named_and_left_alone(tmp_path: Path, started: Path, data: Any, damage: str):
    file = {"database": data.database, "master key": data.master_key, "CA key": data.ca_key}[damage]
    file.write_bytes(b"damaged" * 1000)
    done = run("--data-dir", str(data.root), "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert str(file) in done.stderr
    assert file.read_bytes() == b"damaged" * 1000
