"""Starts the processes of one gateway in order, watches them, and ends them in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sallyport.paths import DataDir
from sallyport.settings import Settings
from sallyport.supervisor import redis_server
from sallyport.supervisor.child import keep_memory_private
from sallyport.supervisor.data_dir import RunningGateway, make_private, single_gateway, write_state
from sallyport.supervisor.ports import reserved
from sallyport.supervisor.processes import Child, ChildSpec, python_module

log = logging.getLogger(__name__)

_DRAIN_MARGIN = 5.0  # what a worker may take on top of its drain time to settle and publish
_GRACE = 10.0
_ADMIN_SECRETS = ("SALLYPORT_ADMIN_KEY",)
_CONSOLE_SECRETS = ("LANGSMITH_API_KEY",)
_COMMON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
_COMMON_PREFIXES = ("LC_", "LD_", "DYLD_", "PYTHON", "OMP_")


@dataclass(frozen=True, slots=True)
class Modules:
    """The Python modules that the processes run."""

    worker: str = "sallyport.proxy.worker"
    console: str = "sallyport.console.server"
    ner: str = "sallyport.redaction.ner_server"


def serve[T](
    settings: Settings,
    prepare: Callable[[Settings], T],
    on_ready: Callable[[Settings, T], None],
    modules: Modules | None = None,
) -> int:
    """Run a gateway until SIGTERM or SIGINT; the exit code: 0 after a clean drain, 1 when a second signal cut it short.

    `prepare` makes what every process needs (CA, keys, database), in a thread, while redis-server and NER start; `on_ready`
    gets its result, and the settings with the addresses really used. Raises SettingError, ChildError, RedisServerError, and
    what `prepare` raises.
    """
    keep_memory_private()
    os.umask(0o077)  # of the children's files, too
    data = DataDir(settings.data_dir)
    make_private(data)
    with (
        single_gateway(data),
        reserved(settings.listen, "--listen") as listen,
        reserved(settings.console, "--console") as console,
    ):
        redis_url = settings.redis_url or redis_server.url(data.redis_socket)
        concrete = settings.model_copy(update={"listen": listen, "console": console, "redis_url": redis_url})
        private_redis = settings.redis_url is None
        return asyncio.run(_serve(concrete, private_redis, modules or Modules(), prepare, on_ready))


async def _serve[T](
    settings: Settings,
    private_redis: bool,
    modules: Modules,
    prepare: Callable[[Settings], T],
    on_ready: Callable[[Settings, T], None],
) -> int:
    return await Supervisor(settings, private_redis, modules).run(prepare, on_ready)


class Supervisor:
    def __init__(self, settings: Settings, private_redis: bool, modules: Modules) -> None:
        self._settings = settings
        self._data = DataDir(settings.data_dir)
        self._ending = asyncio.Event()
        self._hurry = asyncio.Event()
        self._serving = False
        self._redis = [Child(self._redis_spec())] if private_redis else []
        passwords = {"redis_url": None, "database_url": None, "upstream_proxy": None}
        blind = settings.model_copy(update=passwords)  # they are no business of NER
        alone = _all_but_common()
        self._ner = [self._child(modules.ner, "ner", blind, alone, number) for number in range(settings.ner_workers)]
        self._console = [self._child(modules.console, "console", settings, _ADMIN_SECRETS)]
        withheld = (*_ADMIN_SECRETS, *_CONSOLE_SECRETS)
        self._workers = [self._child(modules.worker, "worker", settings, withheld, number) for number in range(settings.workers)]

    def _child(self, module: str, name: str, settings: Settings, withheld: tuple[str, ...], number: int | None = None) -> Child:
        label = name if number is None else f"{name}-{number}"
        environment = {} if number is None else {f"SALLYPORT_{name.upper()}_NUMBER": str(number)}
        stdin = settings.model_dump_json().encode()
        return Child(ChildSpec(label, python_module(module), stdin, environment, withheld), self._write_state)

    def _redis_spec(self) -> ChildSpec:
        socket, directory = self._data.redis_socket, self._data.redis

        async def ready(pid: int) -> None:
            # Nothing tells when it is; a long append-only file takes long to load.
            while not redis_server.is_ready(socket, pid):  # noqa: ASYNC110
                await asyncio.sleep(redis_server.POLL_SECONDS)

        return ChildSpec(
            name="redis",
            command=(str(redis_server.find_server()), "-"),
            stdin=redis_server.configuration(directory, socket),
            withheld=_all_but_common(),
            ready=ready,
            relay=self._log_redis_line,
        )

    def _log_redis_line(self, line: str) -> None:
        """`1:M 23 Nov 2025 21:38:00.000 # text`; `#` marks what went wrong, advice on the kernel (`WARNING …`), and the end."""
        _, mark, text = line.partition(" # ")
        wrong = mark and not text.startswith("WARNING ") and not self._ending.is_set()
        log.log(logging.WARNING if wrong else logging.DEBUG, "redis: %s", text or line)

    async def run[T](self, prepare: Callable[[Settings], T], on_ready: Callable[[Settings, T], None]) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, self._on_signal, number)
        starting = asyncio.create_task(self._start(prepare))
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait((starting, ending), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                prepared = starting.result()
                self._serving = True
                self._write_state()
                on_ready(self._settings, prepared)
                await ending
        finally:
            starting.cancel()
            ending.cancel()
            await asyncio.gather(starting, ending, return_exceptions=True)
            self._serving = False
            await self._end()
        return 1 if self._hurry.is_set() else 0

    def _on_signal(self, number: signal.Signals) -> None:
        if self._ending.is_set():
            log.warning("%s again: ending at once", number.name)
            self._hurry.set()
        else:
            log.info("%s: letting calls in flight finish, up to %.0f s", number.name, self._settings.drain_seconds)
            self._ending.set()

    async def _start[T](self, prepare: Callable[[Settings], T]) -> T:
        """What others need comes first; what does not depend on each other starts together."""
        warming = asyncio.create_task(_start_all(self._ner))
        try:
            prepared, _ = await asyncio.gather(asyncio.to_thread(prepare, self._settings), self._start_redis())
            await asyncio.gather(_start_all(self._console), _start_all(self._workers), warming)
        finally:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
        return prepared

    async def _start_redis(self) -> None:
        if self._redis:
            self._data.redis.mkdir(mode=0o700, exist_ok=True)
            await asyncio.to_thread(redis_server.end_leftover, self._data.redis_socket)
        await _start_all(self._redis)

    async def _end(self) -> None:
        """Workers first, so that the console records what they still publish; redis last, for it holds what was published."""
        self._ending.set()  # also where a start failed
        await self._stop(self._workers, self._settings.drain_seconds + _DRAIN_MARGIN)
        await self._stop(self._console, _GRACE)
        await self._stop(self._ner, _GRACE)
        await _stop_all(self._redis, _GRACE)

    async def _stop(self, children: Sequence[Child], grace: float) -> None:
        stopping = asyncio.create_task(_stop_all(children, grace))
        hurried = asyncio.create_task(self._hurry.wait())
        await asyncio.wait((stopping, hurried), return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            for child in children:
                child.kill()
        hurried.cancel()
        await stopping

    def _write_state(self) -> None:
        if self._serving:
            pids = [child.pid for child in self._workers if child.pid is not None]
            settings = self._settings
            write_state(self._data, RunningGateway(str(settings.listen), str(settings.console), os.getpid(), pids))


def _all_but_common() -> tuple[str, ...]:
    """The variables of our environment that a program which only computes has no use for: credentials are among them."""
    return tuple(name for name in os.environ if name not in _COMMON and not name.startswith(_COMMON_PREFIXES))


async def _start_all(children: Sequence[Child]) -> None:
    await asyncio.gather(*(child.start() for child in children))


async def _stop_all(children: Sequence[Child], grace: float) -> None:
    await asyncio.gather(*(child.stop(grace) for child in children))
