"""`python -m bench.faults`: calls from many clients through a real gateway, while its parts are killed, stopped and emptied.

Afterwards every call that the provider answered must be in the ledger exactly once, the counters must be what the ledger sums up
to, no strict cap overspent, and nothing left reserved. Exit code 1 where it is not so.
"""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import redis
from rich.progress import Progress

from bench.faults.faults import Faults
from bench.faults.provider import Provider
from bench.systems import ADMIN_KEY, ROOT, ask_admin, free_port
from sallyport.money import nano_to_usd
from sallyport.spend import keys

CLIENTS, WORKERS = 12, 3
SHARES = (0.05, 0.2, 0.6, 1.0, 1.0, 1.0)
"""Each key's strict cap pays for that share of its calls: some are used up early, some near the end, some never."""
LEASE_SECONDS = 3
_CALL_NANO = 250_000
"""About what a call costs."""
_RECOVERY_SECONDS = 60.0
_LONGEST_CALL = 20.0
_REFUSED_SECONDS = 0.3
"""A client that is refused for want of a store, or cut, waits so long, as SDKs do, so that the calls outlast the faults."""


@dataclass
class Outcome:
    seed: int
    calls: int
    answered: int
    """Calls that the provider has begun to answer."""
    in_ledger: int
    missing: int
    """Answered and not in the ledger."""
    duplicates: int
    charged_unanswered: int
    """Charged by estimate though the provider never saw them: their worker died on the way there."""
    estimated: int
    drift: str
    used_up: int
    """Keys that were refused since their strict cap was used up."""
    overspent: int
    left_over: int
    statuses: dict[str, int]
    faults: dict[str, int]
    recovery_seconds: float

    @property
    def good(self) -> bool:
        """And strict caps were put to the test."""
        return bool(self.used_up) and not (self.missing or self.duplicates or self.drift or self.overspent or self.left_over)


class Gateway:
    """`run_gateway.py serve` in a folder of its own, with a key for each client."""

    def __init__(self, data: Path, upstream_port: int) -> None:
        self.data = data
        self.limits_nano: dict[str, int] = {}
        """By key id."""
        self.port, self._console = free_port(), free_port()
        command = [sys.executable, str(ROOT / "run_gateway.py"), "serve", "--data-dir", str(data), "--ner-workers", "0"]
        command += ["--workers", str(WORKERS), "--lease-seconds", str(LEASE_SECONDS), "--log-level", "warning"]
        command += ["--listen", f"127.0.0.1:{self.port}", "--console", f"127.0.0.1:{self._console}"]
        command += ["--upstream", f"openai=http://127.0.0.1:{upstream_port}"]
        with (data.parent / "log.txt").open("ab") as log:
            environment = {**os.environ, "SALLYPORT_ADMIN_KEY": ADMIN_KEY}
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def prepare(self, calls: int) -> list[str]:
        """The keys, once it serves. `calls`: of all of them together."""
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError):
                self.admin("GET", "/healthz")
                break
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise click.ClickException("the gateway does not start")
            time.sleep(0.1)
        self.admin("PUT", "/v1/workspaces/default/secrets/OPENAI_API_KEY", {"value": "sk-faults"})
        made: list[str] = []
        for number, share in enumerate(SHARES):
            key = self.admin("POST", "/v1/keys", {"workspace_id": "default", "name": f"k{number}"})
            self.limits_nano[key["id"]] = limit = int(calls / len(SHARES) * share * _CALL_NANO)
            config = {"window": "monthly", "limit_usd": nano_to_usd(limit), "strict": True}
            matchers = [{"key": "api_key_id", "value": key["id"]}]
            policy = {"name": f"of k{number}", "policy_type": "spend_cap", "subject_matchers": matchers, "config": config}
            self.admin("POST", "/v1/platform/gateway-policies", policy)
            made.append(key["key"])
        time.sleep(1.5)  # every worker knows them then
        return made

    def admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return ask_admin(self._console, method, path, body)

    def reconcile(self) -> str:
        """What `spend reconcile` finds off; empty: nothing."""
        command = [sys.executable, str(ROOT / "run_gateway.py"), "spend", "reconcile", "--data-dir", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def settled(self) -> bool:
        """Nothing is on its way any more: no reservation, no record in the stream, no journal."""
        with suppress(redis.RedisError), redis.Redis(unix_socket_path=str(self.data / "run" / "redis.sock")) as client:
            names = (keys.reservations("default"), keys.calls_stream("default"))
            lengths: list[Any] = [client.hlen(names[0]), client.xlen(names[1])]
            return not any(lengths) and not any((self.data / "journals").iterdir())
        return False


async def _call(port: int, number: int, key: str, chance: random.Random) -> str:
    """One call on a connection of its own; its status, or what became of it. Some clients hang up."""
    stream, hangs_up = chance.random() < 0.5, chance.random() < 0.05
    message = {"role": "user", "content": "Please say something."}
    body = json.dumps({"model": "gpt-4o", "max_tokens": 40, "stream": stream, "messages": [message]}).encode()
    head = f"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
    head += f"user-agent: fault/{number}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    writer = None
    try:
        async with asyncio.timeout(_LONGEST_CALL):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if hangs_up:
                return "hung up"
            await reader.read(-1)
            return answer.split(b" ", 2)[1].decode()
    except TimeoutError:
        return "timed out"
    except (OSError, EOFError):
        return "cut"
    finally:
        if writer:
            writer.transport.abort()


async def _run(calls: int, seed: int, show: bool) -> Outcome:
    chance = random.Random(seed)
    provider = Provider(random.Random(seed + 1))
    with tempfile.TemporaryDirectory(prefix="sallyport-faults-") as folder:
        gateway = Gateway(Path(folder) / "data", await provider.start())
        try:
            clients = await asyncio.to_thread(gateway.prepare, calls)
            faults = Faults(gateway.process.pid, gateway.data, random.Random(seed + 2))
            statuses: Counter[str] = Counter()
            refused: set[str] = set()
            numbers = iter(range(calls))
            with Progress(disable=not show) as progress:
                task = progress.add_task("calls", total=calls)

                async def client() -> None:
                    for number in numbers:
                        key = chance.choice(clients)
                        status = await _call(gateway.port, number, key, chance)
                        statuses[status] += 1
                        if status == "402":
                            refused.add(key)
                        await asyncio.sleep(_REFUSED_SECONDS if status in ("503", "cut") else 0)
                        progress.advance(task)

                async def trouble() -> None:
                    while True:
                        await asyncio.sleep(1 + 3 * chance.random())
                        progress.update(task, description=await faults.one())

                troubling = asyncio.create_task(trouble())
                await asyncio.gather(*(client() for _ in range(CLIENTS)))
                troubling.cancel()
                await asyncio.gather(troubling, return_exceptions=True)
            begun = time.monotonic()
            while not gateway.settled() and time.monotonic() - begun < _RECOVERY_SECONDS:  # noqa: ASYNC110 - processes tell nobody
                await asyncio.sleep(0.5)
            recovery = time.monotonic() - begun
            drift = await asyncio.to_thread(gateway.reconcile)
            return _judge(
                gateway,
                provider,
                Outcome(
                    seed,
                    calls,
                    len(provider.answered),
                    0,
                    0,
                    0,
                    0,
                    0,
                    drift,
                    len(refused),
                    0,
                    0,
                    dict(statuses),
                    dict(faults.done),
                    recovery,
                ),
            )
        finally:
            gateway.process.terminate()
            await asyncio.to_thread(gateway.process.wait, 60)


def _judge(gateway: Gateway, provider: Provider, found: Outcome) -> Outcome:
    with closing(sqlite3.connect(gateway.data / "gateway.db")) as ledger:
        rows = ledger.execute("SELECT user_agent, cost_nano, estimated, api_key_id FROM calls").fetchall()
    times = Counter(int(agent.removeprefix("fault/")) for agent, *_ in rows if agent)
    spent: Counter[str] = Counter()
    for _, cost, _, key in rows:
        spent[key] += cost
    charged = {int(agent.removeprefix("fault/")) for agent, cost, *_ in rows if cost}
    found.in_ledger = len(times)
    found.missing = len(provider.answered.keys() - times.keys())
    found.duplicates = sum(count > 1 for count in times.values())
    found.charged_unanswered = len(charged - provider.answered.keys())
    found.estimated = sum(estimated for _, _, estimated, _ in rows)
    found.overspent = sum(nano > gateway.limits_nano[key] for key, nano in spent.items())
    found.left_over = 0 if gateway.settled() else 1
    return found


@click.command()
@click.option("--calls", default=10_000, show_default=True)
@click.option("--seed", type=int, help="Of what happens when; one is drawn and printed.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def main(context: click.Context, calls: int, seed: int | None, as_json: bool) -> None:
    """Kill, stop and empty the gateway's parts while calls run, then look whether the ledger has each once."""
    found = asyncio.run(_run(calls, random.randrange(10**6) if seed is None else seed, show=not as_json))
    if as_json:
        print(json.dumps(asdict(found)))
    else:
        for name, value in asdict(found).items():
            click.echo(f"{name.replace('_', ' '):>20}  {value}")
    if not found.good:
        context.exit(1)


if __name__ == "__main__":
    main()
