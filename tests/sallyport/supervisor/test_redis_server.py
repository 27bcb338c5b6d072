# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
import subprocess
from pathlib import Path

import pytest
import redis

from sallyport.supervisor import redis_server as server_module
from sallyport.supervisor.redis_server import RedisServerError, configuration, end_leftover, find_server, wait_until_ready


def start(directory: Path, socket: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([find_server(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(configuration(directory, socket))
    process.stdin.close()
    wait_until_ready(socket, process.pid)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=10)


def fake_server(path: Path, version: str) -> None:
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    path.chmod(0o755)


def test_an_old_system_server_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_server(tmp_path / "redis-server", "6.0.16")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server().name == "valkey-server"
    fake_server(tmp_path / "redis-server", "7.0.15")
    assert find_server() == tmp_path / "redis-server"


def test_no_server_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(server_module.importlib.util, "find_spec", nothing)
    with pytest.raises(RedisServerError, match="--redis-url"):
        find_server()


def test_it_listens_on_a_private_socket_alone_and_keeps_what_was_written(tmp_path: Path):
    directory = tmp_path / 'a "quoted" dir'
    directory.mkdir()
    socket = tmp_path / "r.sock"
    process = start(directory, socket)
    with redis.Redis(unix_socket_path=str(socket)) as client:
        assert client.config_get("port") == {"port": "0"}
        client.set("kept", "yes")
    assert socket.stat().st_mode & 0o777 == 0o700
    stop(process)
    process = start(directory, socket)
    with redis.Redis(unix_socket_path=str(socket)) as client:
        assert client.get("kept") == b"yes"
    stop(process)


def test_a_server_of_another_process_is_not_taken_for_ours(tmp_path: Path):
    socket = tmp_path / "r.sock"
    process = start(tmp_path, socket)
    with pytest.raises(RedisServerError, match="did not answer"):
        wait_until_ready(socket, process.pid + 1, timeout=0.1)
    stop(process)


def test_a_server_left_over_is_ended(tmp_path: Path):
    socket = tmp_path / "r.sock"
    process = start(tmp_path, socket)
    end_leftover(socket)
    assert process.wait(timeout=10) == 0
    assert not socket.exists()


def test_a_dead_socket_is_removed(tmp_path: Path):
    socket = tmp_path / "r.sock"
    process = start(tmp_path, socket)
    process.kill()
    process.wait()
    assert socket.exists()
    end_leftover(socket)
    assert not socket.exists()


def test_the_shared_fixture_is_empty(redis_url: str):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
