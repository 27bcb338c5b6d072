"""The console process: admin API, pages and the recorder in one event loop.

`python -m sallyport.console.server`, settings on stdin.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from redis.exceptions import RedisError

from sallyport.alerts.delivery import Delivery
from sallyport.alerts.watcher import Watcher
from sallyport.console.app import create_app
from sallyport.console.context import Console, assemble
from sallyport.console.redis_client import announcer, connect
from sallyport.console.upkeep import Upkeep, wait_until_empty
from sallyport.paths import DataDir
from sallyport.providers import load_providers
from sallyport.settings import Address, Settings
from sallyport.spend.replay import Journals
from sallyport.store.errors import StoreError
from sallyport.store.opening import open_store
from sallyport.supervisor.child import read_settings, report_ready
from sallyport.supervisor.logs import setup_logging
from sallyport.tracing.langsmith_run import LangSmithTarget
from sallyport.tracing.langsmith_sink import LangSmithDefaults, LangSmithSink
from sallyport.tracing.plugins import trace_sinks
from sallyport.tracing.relay import Relay
from sallyport.upstream_proxy import UpstreamProxy

log = logging.getLogger(__name__)

_EMPTY_SECONDS = 3.0


def main() -> int:
    settings = read_settings()
    setup_logging(settings, "console")
    load_providers(settings.providers)
    try:
        asyncio.run(serve(settings))
    except (StoreError, OSError) as error:
        log.error("the console can't serve: %s", error)
        return 1
    except Exception:
        log.exception("the console failed")
        return 1
    return 0


async def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; then the streams are emptied as far as a few seconds allow."""
    data = DataDir(settings.data_dir)
    url = settings.redis_url or f"unix://{data.redis_socket}"
    client = connect(url)
    where = settings.database_url or data.database
    store = await asyncio.to_thread(open_store, where, data.master_key, on_change=announcer(url))
    journals = Journals(data.journals, client, store.engine, lease_seconds=settings.lease_seconds)
    upkeep = Upkeep(store, client, journals, lease_seconds=settings.lease_seconds)
    langsmith = _langsmith(upkeep, settings.proxy())
    watcher = Watcher(client, store.engine, lambda: upkeep.snapshot.policies)
    relays = [Relay(store.engine, sink) for sink in (langsmith, *trace_sinks(os.environ))]
    console = assemble(settings, store, client, sinks=[watcher], relays=relays, link=langsmith.link)
    delivery = Delivery(store, console.poster)
    try:
        await upkeep.refresh()
        jobs = (console.recorder.run(), upkeep.run(), watcher.run(), delivery.run(), *(relay.run() for relay in relays))
        async with _background(*jobs) as failed:
            with _listening(settings.console) as sockets:
                await _serve_http(console, sockets, failed)
            await _empty_streams(console, upkeep)
    finally:
        await client.aclose()
        store.engine.dispose()


@asynccontextmanager
async def _background(*jobs: Coroutine[Any, Any, None]) -> AsyncGenerator[asyncio.Event]:
    """Runs what should never end by itself; if one does, sets the event, and raises what it raised at the end."""
    failed = asyncio.Event()
    tasks = [asyncio.create_task(job) for job in jobs]
    for task in tasks:
        task.add_done_callback(lambda _: failed.set())
    try:
        yield failed
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _serve_http(console: Console, sockets: list[socket.socket], failed: asyncio.Event) -> None:
    """Until a signal comes, or `failed` is set: then the supervisor had better start this process anew."""
    config = uvicorn.Config(
        create_app(console),
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets))
    failing = asyncio.create_task(failed.wait())
    await asyncio.wait((serving, failing), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    failing.cancel()
    await serving


class _Server(uvicorn.Server):
    """Says when it is ready, and ends at a signal without raising it again: there is more to do afterwards."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            report_ready()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


@contextmanager
def _listening(address: Address) -> Generator[list[socket.socket]]:
    """Bound sockets on every address of the host (`localhost` has two), beside those with which the supervisor holds them."""
    with contextlib.ExitStack() as stack:
        sockets: list[socket.socket] = []
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, place in dict.fromkeys(found):
            one = stack.enter_context(socket.socket(family))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                one.bind(place)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                continue  # a name may stand for addresses that this machine lacks
            sockets.append(one)
        if not sockets:
            raise OSError(f"{address.host} is not an address of this machine")
        yield sockets


def _langsmith(upkeep: Upkeep, proxy: UpstreamProxy | None) -> LangSmithSink:
    defaults = LangSmithDefaults.from_environ(os.environ)

    def target(workspace_id: str) -> LangSmithTarget | None:
        workspace = upkeep.snapshot.workspaces.get(workspace_id)
        if workspace is None:
            return None
        return defaults.target(
            api_key=workspace.secrets.get("LANGSMITH_API_KEY"),
            endpoint=workspace.langsmith_endpoint,
            project=workspace.langsmith_project,
        )

    return LangSmithSink(target, proxy)


async def _empty_streams(console: Console, upkeep: Upkeep) -> None:
    """The workers have stopped before us: what they left in the streams goes to the ledger now."""
    organizations = {workspace.organization_id for workspace in upkeep.snapshot.workspaces.values()}
    with contextlib.suppress(RedisError):
        await wait_until_empty(console.redis, [*sorted(organizations), None], _EMPTY_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
