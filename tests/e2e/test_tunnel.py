"""CONNECT: providers are judged inside, other hosts tunnelled untouched, and what is nobody's business refused."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator

import httpx2
import pytest

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, Team
from tests.e2e.wire import chat, connect

METADATA = "169.254.169.254"
FORBIDDEN = (
    "127.0.0.1:22",
    "127.1:22",
    "2130706433:22",
    "0x7f.0.0.1:22",
    "0177.0.0.1:22",
    "localhost:22",
    "LOCALHOST:22",
    "127.8.9.10:443",
    "0.0.0.0:22",
    "[::1]:22",
    "[::]:22",
    "[::ffff:127.0.0.1]:22",
    "[::ffff:7f00:1]:22",
    "[64:ff9b::7f00:1]:22",
    f"{METADATA}:80",
    "[::ffff:169.254.169.254]:80",
    "[fd00:ec2::254]:80",
    "[fe80::1]:80",
    "10.0.0.1:443",
    "172.16.0.1:443",
    "192.168.1.1:443",
    "100.100.100.200:80",
    "[fc00::1]:443",
    "224.0.0.1:443",
)


def basic(key: str, user: str = "sallyport") -> dict[str, str]:
    return {"proxy-authorization": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}


@pytest.mark.parametrize("target", FORBIDDEN)
def test_a_destination_that_is_forbidden(gateway: Gateway, team: Team, target: str):
    answer = connect(gateway, target, basic(team.key))
    assert answer.status == 403
    assert answer.json()["error"]["message"]
    assert answer.headers["x-gateway-request-id"]


def test_the_gateways_own_ports(gateway: Gateway, team: Team):
    for address in (gateway.listen, gateway.state["console"]):
        for target in (address, address.replace("127.0.0.1", "localhost")):
            assert connect(gateway, target, basic(team.key)).status == 403, target


def test_an_upstream_is_no_destination_of_a_tunnel(gateway: Gateway, team: Team, standin: StandIn):
    """Where an operator sends a provider's calls may be private; callers reach it through the pipeline only."""
    address = standin.url.removeprefix("https://")
    assert connect(gateway, address.replace("127.0.0.1", "localhost"), basic(team.key)).status == 403
    assert connect(gateway, address, basic(team.key)).status == 403
    with httpx2.Client(proxy=f"http://sallyport:{team.key}@{gateway.listen}", trust_env=False) as client:
        assert client.get(f"http://{address}/v1/models").status_code == 403


def test_plain_http_to_a_forbidden_destination(gateway: Gateway, team: Team):
    with httpx2.Client(proxy=f"http://sallyport:{team.key}@{gateway.listen}", trust_env=False) as client:
        assert client.get(f"http://{METADATA}/latest/meta-data/").status_code == 403
        assert client.get(f"http://{gateway.state['console']}/healthz").status_code == 403


def test_no_credential_is_asked_for(gateway: Gateway):
    answer = connect(gateway, "example.com:443")
    assert answer.status == 407
    assert answer.headers["proxy-authenticate"].startswith("Basic ")
    assert "gateway key missing" in answer.json()["error"]["message"]
    answer = connect(gateway, "example.com:443", basic("sp_unknown"))
    assert answer.status == 407
    assert "gateway key unknown" in answer.json()["error"]["message"]
    with httpx2.Client(proxy=f"http://{gateway.listen}", trust_env=False) as client:
        assert client.get("http://example.com/").status_code == 407


def test_a_provider_is_judged_inside(gateway: Gateway, team: Team, standin: StandIn):
    assert connect(gateway, "api.openai.com:443").status == 200
    url = "https://api.openai.com/v1/chat/completions"
    with gateway.proxied(None) as client:
        refused = client.post(url, json=chat("hi"), headers={"authorization": "Bearer sk-mine"})
        assert (refused.status_code, refused.headers["x-should-retry"]) == (401, "false")
        assert "gateway key missing" in refused.json()["error"]["message"]
        # the key may also come in a header inside
        assert client.post(url, json=chat("hi"), headers={"x-gateway-key": team.key}).status_code == 200
    with gateway.proxied("sp_wrong") as client:
        refused = client.post(url, json=chat("hi"))
        assert refused.status_code == 401
        assert "gateway key unknown" in refused.json()["error"]["message"]
    with gateway.proxied(team.key, user="anything") as client:
        assert client.post(url, json=chat("hi")).status_code == 200
    assert len(standin.requests()) == 2


def test_the_ca_is_of_no_use_elsewhere(gateway: Gateway, team: Team):
    """A name that only looks like a provider's is not opened, and so is not reached here, where there is no internet."""
    for host in ("api.openai.com.example.com", "notapi.openai.com.evil.test", "openai.com.test"):
        with gateway.proxied(team.key) as client, pytest.raises(httpx2.TransportError):
            client.get(f"https://{host}/v1/models")


@pytest.fixture(scope="module")
def open_minded(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Team, StandIn]]:
    """A gateway that may tunnel to loopback, and a TLS server there that is no provider's."""
    options = ("--ner-workers", "0", "--allow-destination", "127.0.0.0/8")
    with StandIn() as server, Gateway(tmp_path_factory.mktemp("open"), providers, *options) as gateway:
        yield gateway, gateway.team("Ada"), server


def test_a_tunnel_is_left_untouched(open_minded: tuple[Gateway, Team, StandIn]):
    gateway, team, server = open_minded
    with gateway.proxied(team.key, roots=server.ca) as client:
        body = chat("[[echo]] ada@example.com")
        answer = client.post(f"{server.url}/v1/chat/completions", json=body, headers={"authorization": "Bearer theirs"})
    assert answer.status_code == 200
    assert "x-gateway-request-id" not in answer.headers
    (received,) = server.requests()
    assert received.json() == body
    assert received.header("authorization") == "Bearer theirs"
    assert received.header("proxy-authorization") is None
    assert team.key not in received


def test_a_tunnel_shows_the_servers_own_certificate(open_minded: tuple[Gateway, Team, StandIn]):
    gateway, team, server = open_minded
    with gateway.proxied(team.key) as client, pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(server.url)


def test_the_gateway_itself_is_never_a_destination(open_minded: tuple[Gateway, Team, StandIn]):
    gateway, team, _ = open_minded
    for address in (gateway.listen, gateway.state["console"]):
        assert connect(gateway, address, basic(team.key)).status == 403


def test_plain_http_is_forwarded(open_minded: tuple[Gateway, Team, StandIn]):
    gateway, team, _ = open_minded
    with StandIn(plain=True) as server:
        with httpx2.Client(proxy=f"http://sallyport:{team.key}@{gateway.listen}", trust_env=False) as client:
            answer = client.get(f"{server.url}/v1/models", headers={"authorization": "Bearer theirs"})
        assert answer.status_code == 200
        (received,) = server.requests()
        assert received.header("authorization") == "Bearer theirs"
        assert received.header("proxy-authorization") is None


def test_a_destination_that_is_dead(open_minded: tuple[Gateway, Team, StandIn]):
    gateway, team, _ = open_minded
    answer = connect(gateway, "127.0.0.1:1", basic(team.key))
    assert answer.status == 502
    assert answer.json()["error"]["message"]


def test_an_https_proxy(gateway: Gateway, team: Team, standin: StandIn):
    """The connection to the proxy may itself be TLS."""
    context = ssl.create_default_context(cafile=gateway.ca)
    proxy = httpx2.Proxy(f"https://sallyport:{team.key}@{gateway.listen}", ssl_context=context)
    with httpx2.Client(proxy=proxy, verify=context, trust_env=False) as client:
        assert client.get("https://api.openai.com/v1/models").status_code == 200
