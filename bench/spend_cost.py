"""`python -m bench.spend_cost`: what spend costs a call: the time of admit and settle together, and their share of its CPU.

The time: the gate as a worker has it (journal included), one call after the other on an idle private redis-server. The CPU: of
one worker under load with spend and of one without (`spend_off`), in turn in the same run, a call under four caps, one strict.
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
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from bench.__main__ import CASES, Result, measure
from bench.spend_race import redis_server
from bench.systems import ROOT, Gateway, System
from policies.model import Matcher, Policy, Subject
from policies.spend_cap import caps_for
from sallyport.ids import new_id
from sallyport.providers.usage import Usage
from sallyport.spend import keys
from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate
from sallyport.spend.journal import Journal
from sallyport.spend.prices import most, price
from sallyport.tracing.record import CallRecord, PolicyRef

SUBJECT = Subject("o", "w", "u", "k")
_KEYS = ("organization_id", "workspace_id", "user_id", "api_key_id")
PARTS = {"proxy.worker": "worker", "-server ": "redis-server", "console.server": "recorder"}
"""What to look for in a process's command line, and its name."""
_CASE = next(case for case in CASES if case.name == "base URL, keep-alive")


def _policies() -> tuple[Policy, ...]:
    config = {"window": "monthly", "limit_usd": "1000000", "on_store_unavailable": "block", "strict": False}
    return tuple(
        Policy(key, "o", key, "default_spend_cap", "block", (Matcher(key, ""),), config | {"strict": key == "user_id"})
        for key in _KEYS
    )


async def _gate(server: str, folder: Path, calls: int) -> list[float]:
    """Milliseconds of each admit with its settle."""
    policies, usage = _policies(), Usage(input_tokens=1000, output_tokens=200)
    took: list[float] = []
    async with connect(server) as client:
        gate = SpendGate(client, lease_seconds=30, journal=Journal(folder))
        await gate.admit(
            CallRecord(new_id(), 0.0, organization_id="o"), caps=(), limits=(), expected_nano=0, worst_nano=0, expected_tokens=0
        )
        await client.set(keys.epoch("o"), "1")
        for number in range(calls + calls // 5):
            record = CallRecord(new_id(), time.time(), "openai", "gpt-4o", "chat", "o", "w", "u", "k")
            record.matched = [PolicyRef(policy.id, policy.name) for policy in policies]
            began = time.perf_counter()
            caps = caps_for(policies, SUBJECT)
            expected = price("openai", "gpt-4o", usage, at=record.started_at).cost_nano
            worst = most("openai", "gpt-4o", usage, at=record.started_at)
            await gate.admit(record, caps=caps, limits=(), expected_nano=expected, worst_nano=worst, expected_tokens=1200)
            record.cost_nano = price("openai", "gpt-4o", usage, at=record.started_at).cost_nano
            await gate.settle(record)
            if number >= calls // 5:  # the first warm up
                took.append((time.perf_counter() - began) * 1000)
    return took


class Capped(Gateway):
    """Under four caps, one of them strict."""

    name = "with spend"

    def policies(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        cap: dict[str, Any] = {"window": "monthly", "limit_usd": 1_000_000}
        caps = [("default_spend_cap", key, "", cap | {"strict": key == "api_key_id"}) for key in _KEYS if key != "workspace_id"]
        return [*super().policies(), *caps]


class WithoutSpend(Capped):
    name = "without"
    environment: Mapping[str, str] = MappingProxyType({"PYTHONPATH": str(Path(__file__).with_name("spend_off"))})


def _calls(rounds: int) -> dict[str, dict[str, list[float]]]:
    """System → part → CPU milliseconds of a call in each round; the systems take turns."""
    found: dict[str, dict[str, list[float]]] = {kind.name: {part: [] for part in PARTS} for kind in (Capped, WithoutSpend)}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sallyport-cost-")))
        upstream = subprocess.Popen([sys.executable, "-m", "bench.upstream", str(directory)], stdout=subprocess.PIPE, cwd=ROOT)
        stack.callback(upstream.terminate)
        told = json.loads(upstream.stdout.readline() if upstream.stdout else b"{}")
        systems: list[System] = []
        for kind in (Capped, WithoutSpend):
            (directory / kind.name).mkdir()
            systems.append(stack.enter_context(kind(directory / kind.name, told["port"], told["ca"])))
        for number in range(rounds + 1):
            for system in systems:
                before = {part: system.cpu(part) for part in PARTS}
                result = Result()
                measure(system, _CASE, result)
                if number:  # the first warms up
                    for part, cpu in before.items():
                        found[system.name][part].append((system.cpu(part) - cpu) / _CASE.calls * 1000)
                if result.errors:
                    raise click.ClickException(f"{result.errors} calls failed")
    return found


@click.command()
@click.option("--calls", default=2000, show_default=True)
@click.option("--rounds", default=5, show_default=True, help="Of 600 calls through each of two gateways.")
def main(calls: int, rounds: int) -> None:
    """Measure what spend costs a call."""
    with redis_server() as server, tempfile.TemporaryDirectory(prefix="sallyport-cost-") as folder:
        took = sorted(asyncio.run(_gate(server.url, Path(folder), calls)))
    click.echo(
        f"admit + settle, p50 {took[len(took) // 2]:.3f} ms, p99 {took[int(len(took) * 0.99)]:.3f} ms ({os.cpu_count()} CPUs)"
    )
    found = _calls(rounds)
    click.echo(f"CPU of a call, ms ({_CASE.name}, 16 connections): median of {rounds} rounds in turn")
    for part, name in PARTS.items():
        on, off = (statistics.median(found[kind.name][part]) for kind in (Capped, WithoutSpend))
        share = f"   spend is {(on - off) / on:.1%} of it" if name == "worker" else ""
        click.echo(f"{name:>14}   with spend {on:.3f}   without {off:.3f}   {on - off:+.3f}{share}")


if __name__ == "__main__":
    main()
