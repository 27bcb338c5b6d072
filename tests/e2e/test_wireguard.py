"""A real WireGuard client, which sends all it has through the tunnel and knows nothing else of the gateway but its CA."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sallyport.standin import StandIn
from tests.e2e.namespaces import Machine, Network, why_not
from tests.e2e.support import ROOT, Gateway, wait_for

MODE = ("--mode", "wireguard@51820")
LINK = "to-tunnel"


@dataclass(frozen=True, slots=True)
class Site:
    network: Network
    gateway: Gateway
    openai: StandIn
    key_id: str

    def curl(self, url: str = "https://api.openai.com/v1/models") -> str:
        return self.network.client.run("curl", "-sS", "-m", "5", "--cacert", self.gateway.ca, "-D", "-", url).stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := why_not():
        pytest.skip(reason)
    if not shutil.which("wg"):
        pytest.skip("wg is not installed (Debian: apt install wireguard-tools)")
    directory = tmp_path_factory.mktemp("wireguard")
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        if not _make_link(network.client):
            pytest.skip(
                "no WireGuard in this kernel, and none beside it (Debian: apt install wireguard-go; it needs /dev/net/tun)"
            )
        stack.callback(network.client.run, "ip", "link", "delete", LINK)
        with network.providers.entered():
            openai = stack.enter_context(StandIn(directory, listen="10.77.2.2:443", names=("api.openai.com", "10.77.2.2")))
        options = (*MODE, "--ner-workers", "0", "--workers", "1", "--log-level", "debug")
        gateway = Gateway(directory, openai, *options, own_hosts=True, within=network.gateway.within)
        with network.gateway.entered():
            stack.enter_context(gateway)
            team = gateway.team("Ada")
            enrollment = {"kind": "network", "value": "10.0.0.1/32", "key_id": team.key_id}
            gateway.admin("POST", "/v1/enrollments", json=enrollment)
        _configure(network, gateway, directory)
        yield Site(network, gateway, openai, team.key_id)
        with network.gateway.entered():
            gateway.stop()


def _make_link(client: Machine) -> bool:
    return client.run("ip", "link", "add", LINK, "type", "wireguard").returncode == 0 or (
        shutil.which("wireguard-go") is not None and client.run("wireguard-go", LINK).returncode == 0
    )


def _configure(network: Network, gateway: Gateway, directory: Path) -> None:
    """What `wg-quick up` would do, by what our own command prints."""
    printed = network.gateway.must(
        sys.executable, ROOT / "run_gateway.py", "wireguard", *MODE, "--endpoint", "10.77.1.1", "--data-dir", gateway.data_dir
    )
    given = dict(line.split(" = ") for line in printed.splitlines() if " = " in line)
    configuration = directory / "wg.conf"
    configuration.write_text("\n".join(line for line in printed.splitlines() if not line.startswith(("Address", "DNS"))))
    client = network.client
    client.must("wg", "setconf", LINK, configuration)
    client.must("ip", "addr", "add", given["Address"], "dev", LINK)
    client.must("ip", "link", "set", LINK, "up", "mtu", "1380")
    client.must("ip", "route", "replace", "default", "dev", LINK)
    hosts, resolver = (Path("/etc/netns") / client.name / name for name in ("hosts", "resolv.conf"))
    hosts.write_text("127.0.0.1 localhost\n")
    resolver.write_text(f"nameserver {given['DNS']}\n")


def test_a_call(site: Site):
    answered = wait_for(lambda: found if "HTTP/2 200" in (found := site.curl()) else None, "the enrollment to hold", 20)
    call_id = next(line.split()[1] for line in answered.splitlines() if line.startswith("x-gateway-request-id"))
    with site.network.gateway.entered():
        record = site.gateway.call(call_id)
    assert (record["way_in"], record["client_ip"], record["api_key_id"]) == ("wireguard", "10.0.0.1", site.key_id)


def test_quic_gets_nowhere(site: Site):
    with site.network.providers.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as provider:
        provider.bind(("10.77.2.2", 443))
        with site.network.client.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"\xc0 a QUIC initial packet", ("10.77.2.2", 443))
        assert "HTTP/2 200" in site.curl()  # sent later, and answered
        provider.setblocking(False)
        with pytest.raises(BlockingIOError):
            provider.recv(100)


def test_private_destinations_are_judged(site: Site):
    assert site.curl("http://10.77.2.1:22/") == ""
    assert "HTTP/2 200" in site.curl()


def test_after_its_worker_died(site: Site):
    (worker,) = site.gateway.state["workers"]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "HTTP/2 200" in site.curl(), "the tunnel to carry again", 60)


def test_no_private_key_is_logged(site: Site):
    keys = (site.gateway.data_dir / "ca" / "wireguard.conf").read_text()
    assert [line for line in keys.split('"') if len(line) == 44 and line in site.gateway.log] == []
    assert (site.gateway.data_dir / "ca" / "wireguard.conf").stat().st_mode & 0o077 == 0
