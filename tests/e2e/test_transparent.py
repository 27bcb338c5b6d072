"""Transparent egress in a network of real machines' parts: their clients know nothing of the gateway but its CA."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator

import pytest

from sallyport.standin import StandIn
from tests.e2e.namespaces import why_not
from tests.e2e.support import wait_for
from tests.e2e.transparent import MODE, Site, running
from tests.e2e.wire import chat

CLIENT_NETWORKS = ("10.77.1.0/24", "fd77:1::/64")
OPENAI = """
import openai
client = openai.OpenAI(api_key="sk-dummy", max_retries=0)
print(client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "[[echo]] over IPv4"}])
      .choices[0].message.content)
"""
ANTHROPIC = """
import anthropic
client = anthropic.Anthropic(api_key="sk-ant-dummy", max_retries=0)
prompt = {"role": "user", "content": "[[echo]] over IPv6"}
with client.messages.stream(max_tokens=99, model="claude-haiku-4-5", messages=[prompt]) as stream:
    print(stream.get_final_text())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := why_not():
        pytest.skip(reason)
    with running(tmp_path_factory.mktemp("transparent")) as site:
        site.enroll("network", *CLIENT_NETWORKS)
        site.command("egress", "apply", "--mode", MODE, *(f"--network={value}" for value in CLIENT_NETWORKS))
        site.wait_until(200)
        yield site


@pytest.mark.parametrize(
    ("script", "provider", "ip", "said"),
    [(OPENAI, "openai", "10.77.1.2", "over IPv4"), (ANTHROPIC, "anthropic", "fd77:1::2", "over IPv6")],
)
def test_an_sdk_that_knows_nothing_of_the_gateway(site: Site, script: str, provider: str, ip: str, said: str):
    server = getattr(site, provider)
    before = site.seen(server)
    done = site.client.run(sys.executable, "-c", script, SSL_CERT_FILE=str(site.gateway.bundle))
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert site.seen(server) == before + 1
    received = site.last_seen(server)
    assert "dummy" not in received
    record = wait_for(lambda: site.record(provider), "its record")
    assert (record["way_in"], record["client_ip"]) == ("transparent", ip)
    assert (record["outcome"], record["api_key_id"]) == ("success", site.team.key_id)


def test_curl(site: Site):
    status, body = site.curl("https://api.openai.com/v1/chat/completions", "--json", json.dumps(chat("[[echo]] curl")))
    assert status == 200, body
    assert "curl" in body


@pytest.mark.parametrize("name", ["other4", "other6"])
def test_tls_to_others_passes_undecrypted(site: Site, name: str):
    """The client sees the origin's own certificate."""
    server: StandIn = getattr(site, name)
    assert server.ca
    done = site.client.run(
        "curl", "-sS", "-m", "20", "--cacert", server.ca, f"https://{name}.example/v1/models", "-H", "authorization: Bearer sk-a"
    )
    assert done.returncode == 0, done.stderr
    assert site.last_seen(server).header("authorization") == "Bearer sk-a"
    status, told = site.curl(f"https://{name}.example/")
    assert status == 0
    assert "certificate" in told


def test_a_providers_name_at_a_wrong_address_leads_to_the_provider(site: Site):
    """Else whoever answers a name wrongly, or says a provider's name to a server of its own, would get the provider key."""
    before, impostor = site.seen(site.openai), site.seen(site.other4)
    wrong = ("--resolve", "api.openai.com:443:10.77.2.3")
    assert site.curl("https://api.openai.com/v1/models", *wrong)[0] == 200
    assert (site.seen(site.openai), site.seen(site.other4)) == (before + 1, impostor)


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "10.77.2.2"), (socket.AF_INET6, "fd77:2::2")])
def test_quic_is_rejected_at_once(site: Site, family: socket.AddressFamily, address: str):
    """By ICMP, so that a client falls back to TCP without waiting; the provider, which would take it, gets nothing."""
    with site.network.providers.entered(), socket.socket(family, socket.SOCK_DGRAM) as provider:
        provider.bind((address, 443))
        provider.setblocking(False)
        with site.client.entered(), socket.socket(family, socket.SOCK_DGRAM) as client:
            client.connect((address, 443))
            client.settimeout(10)
            client.send(b"\xc0 a QUIC initial packet")
            with pytest.raises(ConnectionRefusedError):
                client.recv(100)
        with pytest.raises(BlockingIOError):
            provider.recv(100)


def test_other_ports_are_left_alone(site: Site):
    with site.network.providers.entered(), socket.create_server(("10.77.2.2", 8443)) as server:
        with site.client.entered(), socket.create_connection(("10.77.2.2", 8443), 10):
            accepted, peer = server.accept()
            accepted.close()
        assert peer[0] == "10.77.1.2"


def test_nobody_gets_in_unredirected(site: Site):
    """A connection to the transparent port itself has no destination; the gateway would call itself without end."""
    status, _ = site.curl("https://other4.example:8082/", "--resolve", "other4.example:8082:10.77.1.1")
    assert status == 0
    assert site.curl("https://api.openai.com/v1/models")[0] == 200


def test_the_rules_are_replaced_shown_and_removed(site: Site):
    foreign = "table inet foreign { chain c { type filter hook input priority 0; }; }"
    assert site.network.gateway.run("nft", "-f", "-", given=foreign).returncode == 0
    again = ("egress", "apply", "--mode", MODE, "--interface", "to-clients", "--json")
    assert json.loads(site.command(*again)) == {"table": "inet sallyport", "to_port": 8082, "applied": True}
    assert site.curl("https://api.openai.com/v1/models")[0] == 200
    shown = json.loads(site.command("egress", "show", "--json"))
    chains = [entry["chain"]["name"] for entry in shown["nftables"] if "chain" in entry]
    assert chains == ["clients_tcp", "clients_udp"]
    assert json.loads(site.command("egress", "remove", "--json"))["removed"] is True
    try:
        assert site.curl("https://api.openai.com/v1/models")[0] == 0  # the provider itself, whose CA the client does not know
        assert json.loads(site.command("egress", "show", "--json"))["applied"] is False
        assert "table inet foreign" in site.network.gateway.must("nft", "list", "tables")
    finally:
        site.command("egress", "apply", "--mode", MODE, *(f"--network={value}" for value in CLIENT_NETWORKS))
