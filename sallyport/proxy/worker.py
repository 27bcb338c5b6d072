"""One data-plane process: an event loop, our Master, the pipeline. `python -O -m sallyport.proxy.worker`, settings on stdin."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable

from addons import PIPELINE
from addons.langsmith_callers import LangSmithCallers
from addons.services import Services
from addons.upstreams import chosen_upstreams
from sallyport.paths import DataDir
from sallyport.providers import load_providers
from sallyport.providers.base import Surroundings
from sallyport.proxy import farewell
from sallyport.proxy.master import GatewayMaster
from sallyport.proxy.snapshots import SnapshotFollower
from sallyport.proxy.upkeep import flush, publish_records, publish_rejections, renew_grants, renew_leases, turn
from sallyport.redaction.ner_client import NerClient
from sallyport.redaction.operator_rules import load_rules
from sallyport.redaction.redactor import Redactor
from sallyport.settings import Settings
from sallyport.spend.batch_files import BatchFiles
from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate, StoreUnavailable
from sallyport.spend.journal import Journal
from sallyport.spend.price_file import PriceFileError, load_price_file
from sallyport.spend.prices import use_price_file
from sallyport.store.opening import open_store
from sallyport.store.operations import Store
from sallyport.store.snapshot import Snapshot
from sallyport.supervisor.child import read_settings, report_ready
from sallyport.supervisor.logs import setup_logging

logger = logging.getLogger(__name__)

WORKER_NUMBER = "SALLYPORT_WORKER_NUMBER"
_CHECK_SECONDS = 0.02
_CUT_SECONDS = 1.0


def main() -> int:
    number = int(os.environ.get(WORKER_NUMBER, "0"))
    settings = read_settings()
    setup_logging(settings, f"worker-{number}")
    data = DataDir(settings.data_dir)
    around = Surroundings(settings.bedrock_region, data.upstream_bundle, settings.proxy(), settings.workload_token_dirs)
    for provider in load_providers(settings.providers, settings.undecrypted).values():
        provider.configure(around)
    load_rules(settings.redaction_rules)
    try:
        use_price_file(load_price_file(settings.prices) if settings.prices else ())
    except PriceFileError as error:
        logger.error("the worker can't serve: --prices: %s", error)
        return 1
    store = open_store(settings.database_url or data.database, data.master_key, create=False)
    return asyncio.run(_serve(settings, store, first=number == 0))


async def _serve(settings: Settings, store: Store, *, first: bool) -> int:
    """Until it is told to stop; the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    data = DataDir(settings.data_dir)
    redis = connect(settings.redis_url or f"unix://{data.redis_socket}")
    ner = NerClient(data.ner_sockets(settings.ner_workers)) if settings.ner_workers else None
    journal = Journal(data.journals)
    services = Services(
        settings=settings,
        spend=SpendGate(redis, lease_seconds=settings.lease_seconds, journal=journal),
        batch_files=BatchFiles(redis),
        redactor=Redactor(ner),
    )
    services.langsmith = LangSmithCallers(settings, store, lambda: services.snapshot)
    background: set[asyncio.Task[None]] = set()

    async def swap(snapshot: Snapshot) -> None:
        await services.held.follow(snapshot)
        services.snapshot = snapshot
        if any(policy.policy_type == "guard" and policy.config["detect"]["pii"] for policy in snapshot.policies):
            task = loop.create_task(services.redactor.warm())
            background.add(task)
            task.add_done_callback(background.discard)

    follower = SnapshotFollower(store.engine, store.vault, redis, swap)
    await follower.load()
    master = GatewayMaster(
        settings,
        [addon(services) for addon in PIPELINE],
        chosen_upstreams(settings),
        asks_certificates=lambda: any(enrollment.kind == "certificate" for enrollment in services.snapshot.enrollments),
        first_worker=first,
    )
    running = loop.create_task(master.run())
    jobs = (
        follower.run(),
        renew_leases(services),
        renew_grants(services),
        publish_records(services),
        publish_rejections(redis),
        turn(journal),
    )
    upkeep = [loop.create_task(job) for job in jobs]
    try:
        await master.listeners.started
    except Exception as error:
        logger.error("the worker can't serve: %s", error)
        return 1
    report_ready()
    await asyncio.wait({running, loop.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    await _drain(master, services, settings.drain_seconds)
    for task in upkeep:
        task.cancel()
    await asyncio.gather(*upkeep, return_exceptions=True)
    await flush(services)
    with contextlib.suppress(StoreUnavailable):
        await services.spend.give_grants_back()
    await asyncio.to_thread(journal.close)
    master.shutdown()
    await running
    await redis.aclose()
    store.engine.dispose()
    return 0


async def _drain(master: GatewayMaster, services: Services, seconds: float) -> None:
    """Take no new connections, let calls in flight finish, then cut what is left; their calls are settled as aborted."""
    await master.listeners.stop_accepting()
    await master.listeners.say_farewell()
    await _until(lambda: not services.calls and not farewell.outstanding(), seconds)
    master.listeners.close_connections()
    await _until(lambda: not services.calls and not master.listeners.connections, _CUT_SECONDS)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - the conditions are in dictionaries of others
        await asyncio.sleep(_CHECK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
