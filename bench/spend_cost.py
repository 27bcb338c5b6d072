"""`python -m bench.spend_cost`: what spend costs a call: the time of admit and settle together, and its share of a call's CPU.

The gate as a worker has it (journal included), one call after the other on an idle private redis-server, a call under four caps,
one strict; then the CPU of the same, redis-server's included, beside that of a whole call through the gateway with everything on.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from bench.__main__ import CASES, Result, measure
from bench.spend_race import redis_server
from bench.systems import ROOT, Gateway, cpu_seconds
from policies.model import Matcher, Policy, Subject
from policies.spend_cap import caps_for
from sallyport.ids import new_id
from sallyport.providers.base import Usage
from sallyport.spend import keys
from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate
from sallyport.spend.journal import Journal
from sallyport.spend.prices import most, price
from sallyport.tracing.record import CallRecord, PolicyRef

SUBJECT = Subject("o", "w", "u", "k")
_KEYS = ("organization_id", "workspace_id", "user_id", "api_key_id")
_CASE = next(case for case in CASES if case.name == "base URL, keep-alive")


def _policies() -> tuple[Policy, ...]:
    config = {"window": "monthly", "limit_usd": "1000000", "on_store_unavailable": "block", "strict": False}
    return tuple(
        Policy(key, "o", key, "default_spend_cap", "block", (Matcher(key, ""),), config | {"strict": key == "user_id"})
        for key in _KEYS
    )


async def _gate(server: str, folder: Path, calls: int) -> tuple[list[float], float]:
    """Milliseconds of each admit with its settle, and CPU milliseconds of a call in this process."""
    policies, usage = _policies(), Usage(input_tokens=1000, output_tokens=200)
    took: list[float] = []
    async with connect(server) as client:
        gate = SpendGate(client, lease_seconds=30, journal=Journal(folder))
        await gate.admit(
            CallRecord(new_id(), 0.0, organization_id="o"), caps=(), limits=(), expected_nano=0, worst_nano=0, expected_tokens=0
        )
        await client.set(keys.epoch("o"), "1")
        cpu = 0.0
        for number in range(calls + calls // 5):
            record = CallRecord(new_id(), time.time(), "openai", "gpt-4o", "chat", "o", "w", "u", "k")
            record.matched = [PolicyRef(policy.id, policy.name) for policy in policies]
            began, began_cpu = time.perf_counter(), time.process_time()
            caps = caps_for(policies, SUBJECT)
            expected = price("openai", "gpt-4o", usage, at=record.started_at).cost_nano
            worst = most("openai", "gpt-4o", usage, at=record.started_at)
            await gate.admit(record, caps=caps, limits=(), expected_nano=expected, worst_nano=worst, expected_tokens=1200)
            record.cost_nano = price("openai", "gpt-4o", usage, at=record.started_at).cost_nano
            await gate.settle(record)
            if number >= calls // 5:  # the first warm up
                took.append((time.perf_counter() - began) * 1000)
                cpu += time.process_time() - began_cpu
    return took, cpu / calls * 1000


def _whole_call(rounds: int) -> float:
    """CPU milliseconds of a call through the gateway, all its processes together."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sallyport-cost-")))
        upstream = subprocess.Popen([sys.executable, "-m", "bench.upstream", str(directory)], stdout=subprocess.PIPE, cwd=ROOT)
        stack.callback(upstream.terminate)
        told = json.loads(upstream.stdout.readline() if upstream.stdout else b"{}")
        (directory / "gateway").mkdir()
        gateway = stack.enter_context(Gateway(directory / "gateway", told["port"], told["ca"]))
        result = Result()
        for number in range(rounds + 1):
            measure(gateway, _CASE, result if number else None)
    return statistics.median(result.cpu_ms)


@click.command()
@click.option("--calls", default=2000, show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Of 600 calls through the whole gateway.")
def main(calls: int, rounds: int) -> None:
    """Measure what spend costs a call."""
    with redis_server() as server, tempfile.TemporaryDirectory(prefix="sallyport-cost-") as folder:
        before = cpu_seconds([server.pid])
        took, ours = asyncio.run(_gate(server.url, Path(folder), calls))
        servers = (cpu_seconds([server.pid]) - before) / (calls * 1.2) * 1000
    whole = _whole_call(rounds)
    took.sort()
    click.echo(
        f"admit + settle   p50 {took[len(took) // 2]:.3f} ms   p99 {took[int(len(took) * 0.99)]:.3f} ms   ({os.cpu_count()} CPUs)"
    )
    click.echo(f"CPU of spend     {ours:.3f} ms in the worker + {servers:.3f} ms in redis-server")
    click.echo(f"CPU of a call    {whole:.3f} ms ({_CASE.name}, everything on): spend is {(ours + servers) / whole:.1%} of it")


if __name__ == "__main__":
    main()
