"""A real cluster of three nodes on loopback, as small as one can be."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis

from sallyport.supervisor.redis_server import find_server

_NODES = 3
_SLOTS = 16384


@pytest.fixture(scope="module")
def redis_cluster() -> Iterator[str]:
    """Its URL."""
    ports = _free_ports()
    with ExitStack() as stack:
        for port in ports:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sallyport-cluster-")))
            command = [find_server(), "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--save", ""]
            node = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
            stack.callback(node.wait, 10)
            stack.callback(node.kill)
        _join(ports)
        yield f"redis+cluster://127.0.0.1:{ports[0]}"


def _join(ports: list[int]) -> None:
    for index, port in enumerate(ports):
        slots = range(index * _SLOTS // _NODES, (index + 1) * _SLOTS // _NODES)
        with redis.Redis(port=port) as node:
            _until(lambda node=node: bool(node.ping()))
            node.execute_command("CLUSTER ADDSLOTS", *slots)
            node.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
            node.execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
    for port in ports:
        with redis.Redis(port=port) as node:
            _until(lambda node=node: node.cluster("info")["cluster_state"] == "ok" and len(node.cluster("nodes")) == _NODES)


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with suppress(redis.ConnectionError):
            if condition():
                return
        assert time.monotonic() < deadline, "the cluster does not come up"
        time.sleep(0.05)


def _free_ports() -> list[int]:
    """Of which the bus's, 10,000 above, can be free too."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(_NODES)]
        ports: list[int] = []
        port = 21000
        while len(ports) < _NODES:
            port += 1
            with suppress(OSError):
                probes[len(ports)].bind(("127.0.0.1", port))
                ports.append(port)
    return ports
