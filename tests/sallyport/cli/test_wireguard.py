import json

import mitmproxy_rs
import pytest

from sallyport.paths import DataDir
from tests.sallyport.cli.support import Run

ON = ("--mode", "wireguard@51821")


@pytest.fixture
def public(data: DataDir) -> str:
    """The server's public key, of keys as the first start in that mode leaves them."""
    server, client = mitmproxy_rs.wireguard.genkey(), mitmproxy_rs.wireguard.genkey()
    (data.ca / "wireguard.conf").write_text(json.dumps({"server_key": server, "client_key": client}))
    return mitmproxy_rs.wireguard.pubkey(server)


def test_what_a_client_needs(run: Run, data: DataDir, public: str):
    printed = run("wireguard", *ON, "--names", "gateway.corp.example").stdout
    client = json.loads((data.ca / "wireguard.conf").read_text())["client_key"]
    assert f"[Interface]\nPrivateKey = {client}\n" in printed
    assert f"PublicKey = {public}\n" in printed
    assert "Endpoint = gateway.corp.example:51821\n" in printed
    as_json = json.loads(run("wireguard", *ON, "--endpoint", "2001:db8::1", "--json").stdout)
    assert as_json["endpoint"] == "[2001:db8::1]:51821"


def test_what_is_missing_is_named(run: Run, data: DataDir):
    failed = run("wireguard")
    assert failed.exit_code == 2
    assert "not in WireGuard mode" in failed.stderr
    failed = run("wireguard", *ON)
    assert failed.exit_code == 1
    assert "no WireGuard keys yet" in failed.stderr
    (data.ca / "wireguard.conf").write_text("{}")
    assert "does not hold" in run("wireguard", *ON).stderr
