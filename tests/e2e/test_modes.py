"""SOCKS5 and reverse mode with real clients, and several workers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import openai
import pytest

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, Team, wait_for


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Gateway
    team: Team
    socks: int
    reverse: int

    def curl(self, key: str, url: str = "https://api.openai.com/v1/models") -> subprocess.CompletedProcess[str]:
        proxy = ("--socks5-hostname", f"127.0.0.1:{self.socks}", "--proxy-user", f"sallyport:{key}")
        return subprocess.run(
            ["curl", "-sS", "-m", "20", "--cacert", self.gateway.ca, *proxy, "-D", "-", url],
            capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def site(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    socks, reverse = free_port(), free_port()
    modes = ("--mode", f"socks5@127.0.0.1:{socks}", "--mode", f"reverse:https://api.openai.com@127.0.0.1:{reverse}")
    with Gateway(tmp_path_factory.mktemp("modes"), providers, *modes, "--ner-workers", "0", "--log-level", "debug") as gateway:
        team = gateway.team("Ada")
        yield Site(gateway, team, socks, reverse)
        assert team.key not in gateway.log


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_by_socks_with_the_key_as_its_password(site: Site, standin: StandIn):
    done = site.curl(site.team.key)
    assert "HTTP/2 200" in done.stdout, done
    (received,) = standin.requests()
    assert received.header("authorization")
    assert site.team.key not in received
    call_id = next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("x-gateway-request-id"))
    assert site.gateway.call(call_id)["way_in"] == "socks5"
    assert "gateway key unknown" in site.curl("sp_wrong").stdout
    assert site.curl("sp_wrong", "https://example.com/").returncode == 97  # curl's number for what a SOCKS proxy refuses


def test_an_sdk_by_reverse_mode(site: Site, standin: StandIn):
    """As if the gateway were the provider: a base URL without a path."""
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{site.reverse}/v1", api_key=site.team.key, max_retries=0)
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
    assert raw.parse().choices[0].message.content
    assert site.gateway.call(raw.headers["x-gateway-request-id"])["way_in"] == "reverse"
    with pytest.raises(openai.AuthenticationError, match="gateway key unknown"):
        openai.OpenAI(base_url=f"http://127.0.0.1:{site.reverse}/v1", api_key="sp_wrong", max_retries=0).models.list()


def test_every_worker_listens_and_one_that_died_listens_again(site: Site):
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{site.reverse}/v1", api_key=site.team.key, max_retries=0)
    killed, spared = site.gateway.state["workers"]
    os.kill(killed, signal.SIGKILL)

    def both() -> list[int] | None:
        workers = site.gateway.state["workers"]
        return workers if len(workers) == 2 and killed not in workers else None

    renewed = next(pid for pid in wait_for(both, "the worker to be started again", 20) if pid != spared)
    os.kill(spared, signal.SIGSTOP)  # so that the new one must answer
    try:
        wait_for(lambda: _answers(client), "the new worker to answer", 20)
    finally:
        os.kill(spared, signal.SIGCONT)
    assert renewed in site.gateway.state["workers"]


def _answers(client: openai.OpenAI) -> bool:
    """Of some connections, those that come to the worker that stands still get no answer."""
    try:
        client.with_options(timeout=1).models.list()
    except openai.APIConnectionError:
        return False
    return True
