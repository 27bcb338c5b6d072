"""`make bench`: the gateway with everything on against stock mitmdump, interleaved in one run.

Only ratios within one run count: machines differ, and this one may be busy. CPU is user and system time of all processes of a
system (the gateway's workers, console with recorder, redis-server and names model); load and upstream are not counted.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.load import Plan
from bench.systems import ROOT, Gateway, StockMitmdump, System


@dataclass(frozen=True)
class Case:
    name: str
    calls: int
    keep_alive: bool = True
    base_url: bool = False
    stream: bool = False
    body_bytes: int = 0


CASES = (
    Case("proxy, keep-alive", 600),
    Case("proxy, new connection per call", 150, keep_alive=False),
    Case("proxy, stream of 100 events", 200, stream=True),
    Case("proxy, 50 KB request", 200, body_bytes=50_000),
    Case("base URL, keep-alive", 600, base_url=True),
    Case("base URL, new connection per call", 300, keep_alive=False, base_url=True),
)


@dataclass
class Result:
    cpu_ms: list[float] = field(default_factory=list[float])
    per_second: list[float] = field(default_factory=list[float])
    p50_ms: list[float] = field(default_factory=list[float])
    errors: int = 0


def _body(case: Case) -> str:
    text = "Please explain what this function returns and why. " * max(1, case.body_bytes // 51)
    document: dict[str, object] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    if case.stream:
        document["stream"] = True
    return json.dumps(document, separators=(",", ":"))


def measure(system: System, case: Case, result: Result | None) -> None:
    """One round of a case; its figures go to `result`."""
    base = case.base_url and system.base_path is not None
    plan = Plan(
        proxy_port=system.port,
        host="" if base else system.host,
        path=(system.base_path or "") if base else "/v1/chat/completions",
        ca=system.ca,
        key=system.key,
        body=_body(case),
        calls=case.calls,
        connections=16,
        keep_alive=case.keep_alive,
    )
    before = system.cpu()
    load = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(plan)).encode(),
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    measured = json.loads(load.stdout)
    if result is not None:
        result.cpu_ms.append((system.cpu() - before) / measured["calls"] * 1000)
        result.per_second.append(measured["calls"] / measured["seconds"])
        result.p50_ms.append(measured["p50_ms"])
        result.errors += measured["errors"]


def _run(rounds: int, show: bool) -> dict[str, dict[str, Result]]:
    results = {case.name: {system.name: Result() for system in (StockMitmdump, Gateway)} for case in CASES}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sallyport-bench-")))
        upstream = subprocess.Popen([sys.executable, "-m", "bench.upstream", str(directory)], stdout=subprocess.PIPE, cwd=ROOT)
        stack.callback(upstream.terminate)
        if upstream.stdout is None:
            raise RuntimeError("the upstream has no standard output")
        told = json.loads(upstream.stdout.readline())
        systems: list[System] = [
            stack.enter_context(kind(_made(directory / kind.__name__), told["port"], told["ca"]))
            for kind in (StockMitmdump, Gateway)
        ]
        for number in track(range(rounds + 1), "measuring", disable=not show):
            for case in CASES:
                for system in systems:
                    measure(system, case, results[case.name][system.name] if number else None)  # the first round warms up
    return results


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _table(results: dict[str, dict[str, Result]]) -> Table:
    table = Table(title="medians of one interleaved run, 16 connections; ratio to stock mitmdump in the same case")
    for column in ("case", "system", "CPU ms/call", "ratio", "calls/s", "p50 ms", "errors"):
        table.add_column(column, justify="left" if column in ("case", "system") else "right")
    for case, systems in results.items():
        stock = statistics.median(systems[StockMitmdump.name].cpu_ms)
        for name, result in systems.items():
            cpu = statistics.median(result.cpu_ms)
            rate, p50 = statistics.median(result.per_second), statistics.median(result.p50_ms)
            table.add_row(case, name, f"{cpu:.2f}", f"{cpu / stock:.2f}", f"{rate:.0f}", f"{p50:.1f}", str(result.errors))
        table.add_section()
    return table


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Measured rounds, after one that warms up.")
@click.option("--json", "as_json", is_flag=True, help="Print every round's figures as JSON.")
def main(rounds: int, as_json: bool) -> None:
    """Measure the gateway with everything on against stock mitmdump."""
    results = _run(rounds, show=not as_json)
    if as_json:
        print(json.dumps({case: {name: asdict(result) for name, result in systems.items()} for case, systems in results.items()}))
    else:
        Console().print(_table(results))


if __name__ == "__main__":
    main()
