"""One child process: started, awaited until it serves, started again when it dies, and stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sallyport.supervisor.child import PARENT_PID, READY_FD

log = logging.getLogger(__name__)

FIRST_DELAY = 0.1
LONGEST_DELAY = 10.0
STABLE_SECONDS = 60.0
"""A child that lived this long is started again at once when it dies."""

_TETHER = Path(__file__).with_name("tether.py")
_ROOT = Path(__file__).resolve().parents[2]


class ChildError(Exception):
    """A child ended before it served for the first time; the message names it."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start a child. Nothing secret stands in `command`."""

    name: str
    command: tuple[str, ...]
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """What it gets on top of our own environment."""
    withheld: tuple[str, ...] = ()
    """Variables of our environment that it must not see."""
    ready: Callable[[int], Awaitable[None]] | None = None
    """Returns when process `pid` serves; None: it says so itself, see `child.report_ready`."""
    relay: Callable[[str], None] | None = None
    """Takes each line of its stdout; None: stdout goes to our stderr."""


def python_module(module: str) -> tuple[str, ...]:
    """The command that runs one of our modules: without asserts, and never importing from the working directory."""
    return (sys.executable, "-O", "-P", "-m", module)


def tethered(command: Sequence[str]) -> tuple[str, ...]:
    """The command that runs `command` so that it gets SIGTERM when this process dies."""
    return (sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command)


class Child:
    """Keeps one process alive from `start` to `stop`."""

    def __init__(self, spec: ChildSpec, on_change: Callable[[], None] = lambda: None) -> None:
        """`on_change` is called after every (re)start that got ready."""
        self.spec = spec
        self.restarts = 0
        self._on_change = on_change
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Return when it serves. Raises ChildError when it ends before that."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")
        await self._first_ready

    async def stop(self, grace: float) -> None:
        """SIGTERM, up to `grace` seconds to end in, then SIGKILL."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        if self._keeper is None:
            return
        try:
            await asyncio.wait_for(asyncio.shield(self._keeper), grace)
        except TimeoutError:
            log.warning("%s did not end within %.0f s and is killed", self.spec.name, grace)
            self.kill()
            await self._keeper

    def kill(self) -> None:
        self._stopping.set()
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            started = loop.time()
            try:
                ending = _ending(await self._run_once())
            except OSError as error:
                ending = f"could not be started ({error.strerror})"
            if self._stopping.is_set():
                break
            if not self._first_ready.done():
                self._first_ready.set_exception(ChildError(f"{self.spec.name} {ending} before it served; see the log above"))
                return
            if loop.time() - started >= STABLE_SECONDS:
                delay = FIRST_DELAY
            log.error("%s %s; starting it again in %.1f s", self.spec.name, ending, delay)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            delay = min(2 * delay, LONGEST_DELAY)
            self.restarts += 1
        if not self._first_ready.done():
            self._first_ready.cancel()

    async def _run_once(self) -> int:
        """One life of the process; its exit code. Raises OSError when it can't be started."""
        read_end, write_end = os.pipe()
        with os.fdopen(read_end, "rb", buffering=0) as pipe:
            try:
                self._process = process = await self._spawn(write_end)
            finally:
                os.close(write_end)
            tasks = [asyncio.create_task(self._become_ready(process.pid, pipe.fileno()))]
            if process.stdout is not None and self.spec.relay is not None:
                tasks.append(asyncio.create_task(_relay(process.stdout, self.spec.relay)))
            if self._stopping.is_set():  # stop() came while there was nothing to signal
                self._signal(signal.SIGTERM)
            try:
                return await process.wait()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _spawn(self, ready_fd: int) -> Process:
        spec = self.spec
        environment = {name: value for name, value in os.environ.items() if name not in spec.withheld}
        environment |= spec.environment
        environment |= {READY_FD: str(ready_fd), PARENT_PID: str(os.getpid()), "PYTHONPATH": _python_path()}
        process = await asyncio.create_subprocess_exec(
            *tethered(spec.command),
            stdin=PIPE,
            stdout=2 if spec.relay is None else PIPE,
            pass_fds=(ready_fd,),
            env=environment,
            start_new_session=True,  # Ctrl-C reaches only us: we decide who ends when
        )
        if process.stdin is not None:
            process.stdin.write(spec.stdin)
            with suppress(ConnectionError):  # it ended at once: its exit code tells more
                await process.stdin.drain()
            process.stdin.close()
        return process

    async def _become_ready(self, pid: int, pipe: int) -> None:
        if self.spec.ready is not None:
            await self.spec.ready(pid)
        elif not await _one_line(pipe):
            return  # it closed the pipe: it is ending, and its exit code tells more
        if not self._first_ready.done():
            self._first_ready.set_result(None)
        log.debug("%s serves", self.spec.name, extra={"pid": pid})
        self._on_change()


async def _one_line(fd: int) -> bool:
    """True when the pipe delivers anything, False when it is closed."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(fd, readable.set)
    try:
        await readable.wait()
        return os.read(fd, 64) != b""
    finally:
        loop.remove_reader(fd)


async def _relay(stream: asyncio.StreamReader, relay: Callable[[str], None]) -> None:
    while line := await stream.readline():
        relay(line.decode(errors="replace").rstrip())


def _python_path() -> str:
    inherited = os.environ.get("PYTHONPATH")
    return f"{_ROOT}{os.pathsep}{inherited}" if inherited else str(_ROOT)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
