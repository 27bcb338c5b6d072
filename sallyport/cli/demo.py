"""`demo`: a tour without any provider key. Everything is real but the provider, which is the bundled stand-in."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from sallyport.cli import demo_tour
from sallyport.cli.commands import Command, Failure, current_settings
from sallyport.paths import DataDir
from sallyport.providers import PROVIDERS
from sallyport.standin import StandIn
from sallyport.supervisor.data_dir import RunningGateway, read_state
from sallyport.supervisor.first_start import ADMIN_KEY
from sallyport.supervisor.processes import tethered

_START_SECONDS = 60.0
_PROGRAM = Path(__file__).resolve().parents[2] / "run_gateway.py"


@click.command("demo", cls=Command)
@click.option("--exit", "exit_after", is_flag=True, help="End after the calls, instead of leaving the console open.")
def demo_command(exit_after: bool) -> None:
    """A tour without any provider key: starts a gateway of its own and a stand-in provider, and sends sample calls.

    Everything lies in a temporary directory, and is gone at the end.
    """
    current_settings()  # a mistake in a flag is told, although the tour chooses its own
    admin_key = "spa_" + secrets.token_urlsafe(24)
    screen = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="sallyport-demo-") as directory, StandIn(Path(directory) / "provider") as provider:
        data = DataDir(Path(directory) / "gateway")
        with _gateway(data, provider, admin_key) as running:
            demo_tour.show(screen, data, running, provider)
            screen.print(f"\nThe console:  http://{running.console}\nAdmin key:    {admin_key}", soft_wrap=True)
            if not exit_after:
                screen.print("Look around; Ctrl-C ends the demo.")
                _wait_for_signal()


@contextmanager
def _gateway(data: DataDir, provider: StandIn, admin_key: str) -> Generator[RunningGateway]:
    """A gateway whose every provider is the stand-in."""
    options = ["--data-dir", str(data.root), "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--workers", "1"]
    options += ["--upstream-ca", str(provider.ca), "--log-level", "error"]
    options += [word for name in PROVIDERS for word in ("--upstream", f"{name}={provider.url}/{name}")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SALLYPORT_", "LANGSMITH_"))}
    process = subprocess.Popen(
        tethered([sys.executable, str(_PROGRAM), "serve", *options]),
        stdout=subprocess.DEVNULL,
        env=environment | {ADMIN_KEY: admin_key},
        start_new_session=True,  # Ctrl-C is for us: we end it
    )
    try:
        yield _wait_until_ready(data, process)
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(data: DataDir, process: subprocess.Popen[bytes]) -> RunningGateway:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        running = read_state(data)
        if running is not None:
            return running
        time.sleep(0.05)
    raise Failure("the demo's gateway did not start; what it said stands above")


def _wait_for_signal() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
