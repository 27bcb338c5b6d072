# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from sallyport.paths import DataDir

CHILD = """
import os, signal, sys
from pathlib import Path
import redis
from sallyport.paths import DataDir
from sallyport.supervisor.child import read_settings, report_ready
settings = read_settings()
name = {name!r}
def end(*_):
    with redis.Redis.from_url(f"unix://{{DataDir(settings.data_dir).redis_socket}}") as client:
        client.rpush("ended", name)
        Path(settings.data_dir, "ended").write_text(" ".join(x.decode() for x in client.lrange("ended", 0, -1)))
    sys.exit(0)
signal.signal(signal.SIGTERM, {handler})
report_ready()
while True:
    signal.pause()
"""

SPY = """
import ctypes, json, os, resource, signal
from pathlib import Path
from sallyport.supervisor.child import read_settings, report_ready
settings = read_settings()
seen = dict(os.environ) | {"DATABASE": settings.database_url, "REDIS": settings.redis_url}
seen |= {"UMASK": os.umask(0), "CORE": resource.getrlimit(resource.RLIMIT_CORE), "DUMPABLE": ctypes.CDLL(None).prctl(3)}
Path(settings.data_dir, NAME + ".seen").write_text(json.dumps(seen))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
report_ready()
signal.pause()
"""

GATEWAY = """
import sys
from sallyport.settings import Settings
from sallyport.supervisor.supervisor import Modules, serve
settings = Settings(data_dir=sys.argv[1], listen={"host": "127.0.0.1", "port": 0}, console={"host": "127.0.0.1", "port": 0},
    workers=2, ner_workers=1, drain_seconds=20, database_url="postgresql://u:canary-d@db/x")
def ready(settings, prepared):
    print(prepared, settings.listen, flush=True)
sys.exit(serve(settings, lambda settings: "prepared", ready, Modules(*("tiny_" + name for name in ("worker", "console", "ner")))))
"""


def until[T](look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + 15
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Gateway:
    def __init__(self, tmp_path: Path) -> None:
        self.data = tmp_path / "data"
        self.modules = tmp_path / "modules"
        self.modules.mkdir()
        for name in ("worker", "console", "ner"):
            self.module(name, CHILD.format(name=name, handler="end"))
        self.process: subprocess.Popen[str] | None = None

    def module(self, name: str, code: str) -> None:
        (self.modules / f"tiny_{name}.py").write_text(code)

    def start(self) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": f"{Path.cwd()}{os.pathsep}{self.modules}"}
        command = [sys.executable, "-c", GATEWAY, str(self.data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        return self.process

    def started(self) -> subprocess.Popen[str]:
        process = self.start()
        assert process.stdout is not None
        assert process.stdout.readline().startswith("prepared 127.0.0.1:")
        return process

    def state(self) -> dict[str, Any]:
        return json.loads((self.data / "gateway.json").read_text())


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    one = Gateway(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        workers: list[int] = one.state()["workers"] if (one.data / "gateway.json").exists() else []
        one.process.kill()
        for pid in workers:  # one may ignore the SIGTERM that tells it of our end, and hold the pipes open
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if one.process is not None:
        one.process.communicate()


def test_sigterm_ends_workers_then_console_then_ner_then_redis(gateway: Gateway):
    process = gateway.started()
    socket = DataDir(gateway.data).redis_socket
    with redis.Redis(unix_socket_path=str(socket)) as client:
        assert client.ping()
    state = gateway.state()
    assert state["pid"] == process.pid
    assert len(state["workers"]) == 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert (gateway.data / "ended").read_text() == "worker worker console ner"
    assert not (gateway.data / "gateway.json").exists()
    assert not socket.exists()


def test_a_killed_worker_is_replaced_and_the_others_stay(gateway: Gateway):
    gateway.started()
    killed, other = gateway.state()["workers"]
    os.kill(killed, signal.SIGKILL)
    workers = until(lambda: (now := gateway.state()["workers"]) and len(now) == 2 and killed not in now and now)
    assert other in workers


def test_redis_comes_back_with_its_data(gateway: Gateway):
    gateway.started()
    with redis.Redis(unix_socket_path=str(DataDir(gateway.data).redis_socket)) as client:
        client.set("kept", "yes")
        pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)

        def back() -> bool:
            try:
                return client.get("kept") == b"yes"
            except redis.RedisError:
                return False

        until(back)
        assert client.info("server")["process_id"] != pid


def test_a_second_signal_ends_it_at_once(gateway: Gateway):
    gateway.module("worker", CHILD.format(name="worker", handler="signal.SIG_IGN"))
    process = gateway.started()
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 1


def test_a_second_gateway_on_the_same_data_dir_is_refused(gateway: Gateway):
    first = gateway.started()
    second = gateway.start()
    _, errors = second.communicate(timeout=15)
    assert second.returncode != 0
    assert f"process {first.pid}" in errors
    first.terminate()
    first.communicate()


def test_a_child_that_can_not_start_ends_the_others_and_is_named(gateway: Gateway):
    gateway.module("console", "raise SystemExit(9)")
    process = gateway.start()
    _, errors = process.communicate(timeout=15)
    assert "console ended with exit code 9 before it served" in errors
    assert process.returncode != 0
    assert not (DataDir(gateway.data).redis_socket).exists()


def test_a_killed_gateway_leaves_nothing_that_stops_the_next(gateway: Gateway):
    first = gateway.started()
    first.kill()
    first.communicate()
    gateway.started()
    assert gateway.process is not None
    assert gateway.state()["pid"] == gateway.process.pid


def test_each_process_sees_no_more_than_it_needs(gateway: Gateway, monkeypatch: pytest.MonkeyPatch):
    for name in ("SALLYPORT_ADMIN_KEY", "SALLYPORT_MASTER_KEY", "SALLYPORT_DATABASE_URL", "LANGSMITH_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, f"canary-{name}")
    for name in ("worker", "console", "ner"):
        gateway.module(name, f"NAME = {name!r}\n{SPY}")
    gateway.started()
    seen = {name: json.loads((gateway.data / f"{name}.seen").read_text()) for name in ("worker", "console", "ner")}
    assert "canary" not in json.dumps(seen["ner"])
    assert not {"SALLYPORT_ADMIN_KEY", "LANGSMITH_API_KEY"} & seen["worker"].keys()
    assert "SALLYPORT_ADMIN_KEY" not in seen["console"]
    assert seen["worker"]["SALLYPORT_MASTER_KEY"] == "canary-SALLYPORT_MASTER_KEY"
    for one in seen.values():
        assert (one["UMASK"], one["CORE"]) == (0o077, [0, 0])
        assert one["DUMPABLE"] == 0 or sys.platform != "linux"
