"""`python -m bench.spend_race`: 500 parallel calls of random size from 4 processes against strict caps at every scope.

Each run starts on an empty real server. What is settled must never exceed a cap, and the ledger, into which all records go, must
sum up to what the counters of every window say, to the nano-dollar; so must the rollups that API, command line and console show.
Exit code 1 where it is not so.
"""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import multiprocessing
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import redis
from rich.console import Console
from rich.table import Table

from policies.model import Matcher, Policy, Subject
from policies.spend_cap import caps_for
from policies.subjects import base_fields
from sallyport.ids import new_id
from sallyport.money import nano_to_usd, usd_to_nano
from sallyport.spend import keys
from sallyport.spend.connection import connect
from sallyport.spend.counters import current_spend
from sallyport.spend.gate import SpendGate
from sallyport.spend.ledger import insert_calls, rollup, rollup_json
from sallyport.spend.reconcile import compare
from sallyport.store.database import open_database, writing
from sallyport.supervisor.redis_server import configuration, find_server, url, wait_until_ready
from sallyport.tracing.record import CallRecord

PROCESSES, CALLS = 4, 500
ORGANIZATION, WORKSPACES, USERS, KEYS = "o", 2, 4, 8
MOST_NANO = 1_000_000
LIMITS = {"organization_id": 90_000_000, "workspace_id": 50_000_000, "user_id": 26_000_000, "api_key_id": 14_000_000}
"""Nano-dollars. The calls of a run would cost about 125 million together: every scope is reached in some run."""


def _policies() -> tuple[Policy, ...]:
    """A default cap for each scope: one child for each subject."""

    def cap(key: str, nano: int) -> Policy:
        config = {"window": "monthly", "limit_usd": nano_to_usd(nano), "strict": True, "on_store_unavailable": "block"}
        return Policy(key, ORGANIZATION, key, "default_spend_cap", "block", (Matcher(key, ""),), config)

    return tuple(cap(key, nano) for key, nano in LIMITS.items())


async def _empty(server: str) -> None:
    """An empty server with whole counters, as the console leaves a new one. It is told the script first: that it did not know it
    would mean that it lost its last seconds.
    """
    async with connect(server) as client:
        first = CallRecord(new_id(), 0.0, organization_id=ORGANIZATION)
        gate = SpendGate(client, lease_seconds=1)
        await gate.admit(first, caps=(), limits=(), expected_nano=0, worst_nano=0, expected_tokens=0)
        await client.flushall()
        await client.set(keys.epoch(ORGANIZATION), "1")


async def _calls(server: str, seed: int, at: float) -> None:
    """One process: its share of the calls, all at once. Each costs at random up to the worst that was reserved for it."""
    chance, policies = random.Random(seed), _policies()

    async def call(gate: SpendGate) -> None:
        number = chance.randrange(KEYS)
        subject = Subject(ORGANIZATION, f"w{number % WORKSPACES}", f"u{number % USERS}", f"k{number}")
        worst = chance.randrange(1, MOST_NANO)
        cost = chance.randrange(worst + 1)
        record = CallRecord(
            new_id(),
            at,
            organization_id=ORGANIZATION,
            workspace_id=subject.workspace_id,
            user_id=subject.user_id,
            api_key_id=subject.api_key_id,
        )
        admission = await gate.admit(
            record, caps=caps_for(policies, subject), limits=(), expected_nano=worst // 2, worst_nano=worst, expected_tokens=1
        )
        if admission.admitted:
            await asyncio.sleep(chance.random() / 20)
            await gate.settle(replace(record, cost_nano=cost))

    async with connect(server) as client:
        gate = SpendGate(client, lease_seconds=600, answer_seconds=60)
        await asyncio.gather(*(call(gate) for _ in range(CALLS // PROCESSES)))


@dataclass(frozen=True)
class Run:
    settled: int
    refused: int
    spent_nano: int
    fullest: float
    """The share of its cap that the subject nearest to its limit has spent."""
    overspent: int
    """Subjects beyond their cap."""
    differing: int
    """Counters that are not what the ledger sums up to."""
    rollups_off: int
    """Rollups that are not what the counters say."""
    left_over: int
    """Reservations still held when all is over."""
    seconds: float

    @property
    def good(self) -> bool:
        return not (self.overspent or self.differing or self.rollups_off or self.left_over)


def _race(server: str, seed: int, at: float) -> None:
    """In a process of the pool."""
    asyncio.run(_calls(server, seed, at))


def _run(pool: ProcessPoolExecutor, server: str, number: int) -> Run:
    at, started = time.time(), time.monotonic()
    asyncio.run(_empty(server))
    with redis.Redis.from_url(server) as client:
        racing = [pool.submit(_race, server, number * PROCESSES + index, at) for index in range(PROCESSES)]
        for process in racing:
            process.result()
        entries: Any = client.xrange(keys.calls_stream(ORGANIZATION))
        reservations: Any = client.hlen(keys.reservations(ORGANIZATION))
    records = [CallRecord.from_json(fields[b"record"]) for _, fields in entries]
    sums: Counter[str] = Counter()
    for record in records:
        for field in base_fields(ORGANIZATION, record.workspace_id, record.user_id, record.api_key_id):
            sums[field] += record.cost_nano
    differing, rollups_off = asyncio.run(_drift(server, records, at))
    shares = {field: nano / LIMITS[field.partition("=")[0]] for field, nano in sums.items()}
    return Run(
        settled=len(records),
        refused=CALLS - len(records),
        spent_nano=sums[f"organization_id={ORGANIZATION}"],
        fullest=max(shares.values()),
        overspent=sum(share > 1 for share in shares.values()),
        differing=differing,
        rollups_off=rollups_off,
        left_over=reservations,
        seconds=time.monotonic() - started,
    )


async def _drift(server: str, records: Sequence[CallRecord], at: float) -> tuple[int, int]:
    """How many counters of all windows differ from the ledger once the records are in it, and how many rollups from counters."""
    with tempfile.TemporaryDirectory(prefix="sallyport-race-") as directory:
        engine = open_database(Path(directory) / "ledger.db")
        with writing(engine) as connection:
            insert_calls(connection, records)
        async with connect(server) as client:
            await client.delete(keys.calls_stream(ORGANIZATION))
            found = await compare(client, engine, ORGANIZATION, at=at)
            off = [
                (scope, row["group"])
                for scope in ("organization", "workspace", "user", "api_key")
                for row in map(rollup_json, rollup(engine, scope))
                if usd_to_nano(row["spend_usd"])
                != await current_spend(client, ORGANIZATION, f"{scope}_id={row['group']}", "monthly", at)
            ]
        engine.dispose()
    return len(found.drifted), len(off)


@dataclass(frozen=True)
class Server:
    url: str
    pid: int


@contextmanager
def redis_server() -> Generator[Server]:
    """A private one, as the gateway has."""
    with tempfile.TemporaryDirectory(prefix="sallyport-race-") as directory:
        socket = Path(directory) / "redis.sock"
        process = subprocess.Popen([find_server(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            if process.stdin is not None:
                process.stdin.write(configuration(Path(directory), socket))
                process.stdin.close()
            wait_until_ready(socket, process.pid)
            yield Server(url(socket), process.pid)
        finally:
            process.terminate()
            process.wait(timeout=10)


@click.command()
@click.option("--runs", type=click.IntRange(1, 10_000), default=10, show_default=True)
@click.pass_context
def main(context: click.Context, runs: int) -> None:
    """Race calls against strict caps at every scope."""
    table = Table(title=f"{CALLS} calls from {PROCESSES} processes, strict caps on organization, workspaces, users and keys")
    for column in (
        "run",
        "settled",
        "refused",
        "spent $",
        "fullest cap",
        "caps overspent",
        "counters ≠ ledger",
        "rollups ≠ counters",
        "left held",
        "s",
    ):
        table.add_column(column, justify="right")
    with redis_server() as server, ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        results = [_run(pool, server.url, number) for number in range(runs)]
    for number, run in enumerate(results, 1):
        table.add_row(
            *(str(number), str(run.settled), str(run.refused), nano_to_usd(run.spent_nano), f"{run.fullest:.1%}"),
            *(str(run.overspent), str(run.differing), str(run.rollups_off), str(run.left_over), f"{run.seconds:.1f}"),
        )
    Console(width=110).print(table)
    good = sum(run.good for run in results)
    click.echo(f"{good} of {runs} runs: settled ≤ cap everywhere, counters = ledger = rollups")
    if good < runs:
        context.exit(1)


if __name__ == "__main__":
    main()
