"""The data dir as a place only we can read, used by one gateway at a time, which tells the other commands where it listens."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sallyport.paths import DataDir
from sallyport.settings import SettingError
from sallyport.version import VERSION


def make_private(data: DataDir) -> None:
    """Make the data dir and its folder of sockets, readable by their owner alone.

    Raises SettingError when that can't be: another owner, not writable, or open to others and full of other things.
    """
    root = data.root.resolve()
    mode = _own(root)
    if mode & 0o077 and not data.database.exists() and any(entry.name != "lost+found" for entry in root.iterdir()):
        raise SettingError(
            f"--data-dir: {root} is open to others and holds other things; name a new directory, or close it first (chmod 700)"
        )
    root.chmod(0o700)
    _own(data.sockets)
    data.sockets.chmod(0o700)


def _own(directory: Path) -> int:
    """Make it if need be; its mode."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise SettingError(f"--data-dir: {directory} can't be made: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode):
        raise SettingError(f"--data-dir: {directory} is not a directory")
    if found.st_uid != os.geteuid():
        raise SettingError(
            f"--data-dir: {directory} belongs to user {found.st_uid}, not to the user who runs this ({os.geteuid()}); "
            "run the gateway as its owner or choose another directory"
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise SettingError(f"--data-dir: {directory} is not writable")
    return found.st_mode


@contextmanager
def single_gateway(data: DataDir) -> Generator[None]:
    """Hold the data dir for this process. Raises SettingError, naming the other process, when a gateway runs on it."""
    with data.lock.open("a") as file:
        data.lock.chmod(0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = read_state(data)
            who = f"process {running.pid}, on {running.listen}" if running is not None else "just starting or ending"
            raise SettingError(
                f"a gateway already runs on {data.root} ({who}); stop it first, or give this one another --data-dir"
            ) from None
        try:
            yield
        finally:
            data.state.unlink(missing_ok=True)
            if not data.sockets.is_relative_to(data.root):
                with suppress(OSError):  # not there, or a socket that outlived its process
                    data.sockets.rmdir()


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """What `gateway.json` tells of the gateway that serves."""

    listen: str
    console: str
    pid: int
    workers: list[int] = field(default_factory=list[int])
    version: str = VERSION


def write_state(data: DataDir, running: RunningGateway) -> None:
    """Whole or not at all."""
    draft = data.state.with_suffix(".json.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(running), file)
    draft.replace(data.state)


def read_state(data: DataDir) -> RunningGateway | None:
    """None when no gateway serves here."""
    try:
        running = RunningGateway(**json.loads(data.state.read_text()))
        os.kill(running.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return running
