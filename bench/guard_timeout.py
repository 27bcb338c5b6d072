"""`python -m bench.guard_timeout`: how well a guard keeps its `timeout_seconds` while many long prompts wait for the names model.

Each prompt is 100 KB of prose that was never seen before, and each call ends by the guard's time-out with a refusal (503). Shown
is by how much the refusals came late, from the first byte sent to the last received: sending and reading 100 KB is part of that.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import click

from bench.systems import ROOT, Gateway

_SENTENCE = "On day {0} Margaret Thompson flew from Chicago to Berlin to meet her brother Henry, who had paid {0} euros. "
_HEADERS = {"content-type": "application/json"}


def _prompt(number: int, length: int) -> bytes:
    sentences = (_SENTENCE.format(f"{number}{day}") for day in range(length // len(_SENTENCE)))
    return json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "".join(sentences)}]}).encode()


def _call(gateway: Gateway, body: bytes) -> tuple[int, float]:
    """Status and seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    began = time.perf_counter()
    connection.request("POST", "/openai/v1/chat/completions", body, _HEADERS | {"authorization": f"Bearer {gateway.key}"})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    connection.close()
    return answer.status, took


class _Hasty(Gateway):
    """Has a guard that blocks."""

    guard = Gateway.guard | {"timeout_seconds": 1, "on_timeout": "block"}


@click.command()
@click.option("--clients", default=4, help="Calls at a time.  [4]")
@click.option("--rounds", default=8, help="Calls of each client.  [8]")
@click.option("--length", default=100_000, help="Characters of a prompt.  [100,000]")
def main(clients: int, rounds: int, length: int) -> None:
    late: list[float] = []
    statuses: set[int] = set()
    with tempfile.TemporaryDirectory(prefix="sallyport-timeout-") as directory:
        upstream = subprocess.Popen([sys.executable, "-m", "bench.upstream", directory], stdout=subprocess.PIPE, cwd=ROOT)
        told = json.loads(upstream.stdout.readline() if upstream.stdout else b"{}")
        (Path(directory) / "gateway").mkdir()
        gateway = _Hasty(Path(directory) / "gateway", told["port"], told["ca"])
        with gateway:

            def client(first: int) -> None:
                for number in range(first, first + rounds):
                    status, took = _call(gateway, _prompt(number, length))
                    statuses.add(status)
                    late.append((took - 1) * 1000)

            threads = [threading.Thread(target=client, args=(number * rounds,)) for number in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        upstream.terminate()
    ordered = sorted(late)
    print(f"{len(late)} calls of {length:,} characters, {clients} at a time, timeout_seconds 1: statuses {sorted(statuses)}")
    print(f"late by ms: median {statistics.median(late):.0f}, p90 {ordered[int(len(ordered) * 0.9)]:.0f}, most {ordered[-1]:.0f}")


if __name__ == "__main__":
    main()
