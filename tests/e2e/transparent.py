"""A gateway in transparent mode in a small network, with providers and other servers beyond it."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sallyport.standin import StandIn
from tests.e2e.namespaces import Machine, Network
from tests.e2e.support import ROOT, Gateway, Team, wait_for

MODE = "transparent@8082"
_SERVERS = (
    ("10.77.2.2", "api.openai.com"),
    ("fd77:2::2", "api.anthropic.com"),
    ("10.77.2.3", "other4.example"),
    ("fd77:2::3", "other6.example"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """The network, and what runs in it."""

    network: Network
    gateway: Gateway
    openai: StandIn
    anthropic: StandIn
    other4: StandIn
    other6: StandIn
    team: Team

    @property
    def client(self) -> Machine:
        return self.network.client

    def command(self, *arguments: str) -> str:
        """One of the gateway's own commands, on its machine."""
        data = ("--data-dir", str(self.gateway.data_dir))
        return self.network.gateway.must(sys.executable, ROOT / "run_gateway.py", *arguments, *data)

    def curl(self, *options: str | Path, machine: Machine | None = None) -> tuple[int, str]:
        """Status (0: no answer) and body."""
        done = (machine or self.client).run(
            "curl", "-sS", "-m", "20", "--cacert", self.gateway.ca, "-w", "\\n%{http_code}", *options
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status or 0), body + done.stderr

    def seen(self, server: StandIn) -> int:
        with self.network.providers.entered():
            return len(server.requests())

    def last_seen(self, server: StandIn) -> Any:
        with self.network.providers.entered():
            return server.requests()[-1]

    def record(self, provider: str) -> dict[str, Any] | None:
        """Of the newest call of a model."""
        with self.network.gateway.entered():
            made = [call["id"] for call in self.gateway.calls(provider=provider) if call["input_tokens"]]
            return self.gateway.call(made[0]) if made else None

    def enroll(self, kind: str, *values: str) -> list[str]:
        """As the team; the enrollments."""
        with self.network.gateway.entered():
            made = (
                self.gateway.admin("POST", "/v1/enrollments", json={"kind": kind, "value": value, "key_id": self.team.key_id})
                for value in values
            )
            return [enrollment["id"] for enrollment in made]

    def end(self, enrollments: list[str]) -> None:
        with self.network.gateway.entered():
            for enrollment in enrollments:
                self.gateway.admin("DELETE", f"/v1/enrollments/{enrollment}")

    def wait_until(self, status: int, *options: str | Path, machine: Machine | None = None) -> None:
        """Every worker answers so: each connection may come to another."""

        def all_do() -> bool:
            url = "https://api.openai.com/v1/models"
            return all(self.curl(url, *options, machine=machine)[0] == status for _ in range(8))

        wait_for(all_do, f"the answer {status}", 30)


@contextmanager
def running(directory: Path) -> Generator[Site]:
    """The site, without rules and enrollments."""
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        servers: list[StandIn] = []
        for address, name in _SERVERS:
            listen = f"[{address}]:443" if ":" in address else f"{address}:443"
            with network.providers.entered():
                servers.append(stack.enter_context(StandIn(directory / name, listen=listen, names=(name, address))))
        roots = directory / "roots.pem"
        roots.write_text("".join(server.ca.read_text() for server in servers[:2] if server.ca))
        options = ("--mode", MODE, "--upstream-ca", str(roots), "--ner-workers", "0")
        options += ("--allow-destination", "10.77.2.0/24", "--allow-destination", "fd77:2::/64")
        gateway = Gateway(directory, servers[0], *options, own_hosts=True, within=network.gateway.within)
        with network.gateway.entered():
            stack.enter_context(gateway)
            team = gateway.team("Ada")
        openai, anthropic, other4, other6 = servers
        yield Site(network, gateway, openai, anthropic, other4, other6, team)
        with network.gateway.entered():
            gateway.stop()
