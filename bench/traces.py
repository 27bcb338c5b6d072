"""`python -m bench.traces`: what becomes of traces while LangSmith is away, and of all records while the recorder is killed.

First LangSmith is gone for a while under load, then the recorder is killed again and again. Afterwards every call must be in the
ledger, be one run in LangSmith, and the audit log must verify. Exit code 1 where it is not so.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.error import URLError

import click
from rich.console import Console
from rich.table import Table

from bench.load import Plan
from bench.systems import ROOT, Gateway, command_line, descendants, free_port
from sallyport.standin.process import StandIn

_PLACE = "default"
_PATIENCE = 120.0
_BETWEEN_KILLS = (0.5, 1.5)


class Traced(Gateway):
    """No policies, and a LangSmith at `langsmith_port`."""

    name = "sallyport, traced"
    langsmith_port = 0

    def policies(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        return []

    def prepare(self) -> None:
        super().prepare()
        self.admin("PUT", f"/v1/workspaces/{_PLACE}/secrets/LANGSMITH_API_KEY", {"value": "lsv2_pt_bench"})
        self.admin("PATCH", f"/v1/workspaces/{_PLACE}", {"langsmith_endpoint": f"http://127.0.0.1:{self.langsmith_port}"})
        time.sleep(5)  # the recorder follows within seconds

    def calls(self) -> set[str]:
        """All in the ledger."""
        found: set[str] = set()
        cursor = ""
        while True:
            page = self.admin("GET", f"/v1/calls?limit=1000{cursor}")
            found |= {call["id"] for call in page["items"]}
            if not page["next_cursor"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def kill_recorder(self) -> None:
        for pid in descendants(self._process.pid):
            with suppress(OSError):
                if "console.server" in command_line(pid):
                    os.kill(pid, signal.SIGKILL)

    def load(self, calls: int) -> subprocess.Popen[str]:
        body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]})
        plan = Plan(self.port, "", self.base_path or "", self.ca, self.key, body, calls, 8, keep_alive=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin
        process.stdin.write(json.dumps(asdict(plan)))
        process.stdin.close()
        return process


def _result(load: subprocess.Popen[str]) -> dict[str, float]:
    assert load.stdout
    found: dict[str, float] = json.loads(load.stdout.read())
    load.wait()
    return found


def _traced(langsmith: StandIn) -> Counter[str]:
    """Call → its runs."""
    return Counter(run["extra"]["metadata"]["gateway.request_id"] for run in langsmith.runs())


def _until(condition: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(URLError, OSError):
            if condition():
                return
        time.sleep(0.5)


@click.command()
@click.option("--calls", default=20_000, show_default=True, help="While the recorder is killed.")
@click.option("--kills", default=20, show_default=True)
@click.option("--away", default=180, show_default=True, help="Seconds without LangSmith.")
@click.option("--json", "as_json", is_flag=True)
def main(calls: int, kills: int, away: int, as_json: bool) -> None:
    listen = f"127.0.0.1:{free_port()}"
    Traced.langsmith_port = int(listen.rpartition(":")[2])
    with tempfile.TemporaryDirectory(prefix="sallyport-traces-") as folder:
        upstream = subprocess.Popen([sys.executable, "-m", "bench.upstream", folder], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert upstream.stdout
        ready = json.loads(upstream.stdout.readline())
        try:
            with Traced(Path(folder) / "data", ready["port"], ready["ca"]) as gateway:
                assert isinstance(gateway, Traced)
                with StandIn(plain=True, listen=listen) as langsmith:
                    before = _result(gateway.load(2000))
                    _until(lambda: len(_traced(langsmith)) >= 2000)
                    runs = _traced(langsmith)
                without: list[dict[str, float]] = []
                end = time.monotonic() + away
                while time.monotonic() < end:
                    without.append(_result(gateway.load(2000)))
                with StandIn(plain=True, listen=listen) as langsmith:
                    load, chance = gateway.load(calls), random.Random(1)
                    for _ in range(kills):
                        time.sleep(chance.uniform(*_BETWEEN_KILLS))
                        gateway.kill_recorder()
                    killed = _result(load)
                    made = 2000 * (1 + len(without)) + calls
                    _until(lambda: len(gateway.calls()) >= made)
                    ledger = gateway.calls()
                    _until(lambda: len(runs | _traced(langsmith)) >= len(ledger))
                    runs |= _traced(langsmith)
                audit = gateway.admin("GET", "/v1/audit-logs/verify")
        finally:
            upstream.terminate()
            upstream.wait()
    found = {
        "calls": made,
        "missing in the ledger": made - len(ledger),
        "missing in LangSmith": len(ledger - runs.keys()),
        "more than one run": sum(count > 1 for count in runs.values()),
        "audit log verifies": audit["ok"],
        "p99 ms, LangSmith there": before["p99_ms"],
        "p99 ms, LangSmith away": max(one["p99_ms"] for one in without),
        "p99 ms, recorder killed": killed["p99_ms"],
        "failed calls": before["errors"] + killed["errors"] + sum(one["errors"] for one in without),
    }
    if as_json:
        click.echo(json.dumps(found))
    else:
        table = Table("what", "figure")
        for name, value in found.items():
            table.add_row(name, f"{value:,.2f}" if isinstance(value, float) else str(value))
        Console().print(table)
    lost = found["missing in the ledger"] or found["missing in LangSmith"] or found["more than one run"] or not audit["ok"]
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
