"""Who a caller is that knows nothing of the gateway: by client certificate, as a user of the gateway's machine, a stranger."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sallyport.standin.tls import make_certificates
from tests.e2e.namespaces import why_not
from tests.e2e.support import wait_for
from tests.e2e.transparent import MODE, Site, running
from tests.e2e.wire import chat

MODELS = "https://api.openai.com/v1/models"
MESSAGES = "https://api.anthropic.com/v1/messages"
MESSAGE = json.dumps({"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
AS_NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Root, who the gateway runs as, is left alone; `nobody` and the clients are not."""
    if reason := why_not():
        pytest.skip(reason)
    with running(tmp_path_factory.mktemp("callers")) as site:
        who = ("--network", "10.77.1.0/24", "--network", "fd77:1::/64", "--user", "nobody")
        site.command("egress", "apply", "--mode", MODE, *who)
        yield site


def as_nobody(site: Site, url: str, body: str | None = None) -> tuple[int, str]:
    """The status and body of a user's curl on the gateway's own machine."""
    options = ("--json", body, "-H", "anthropic-version: 2023-06-01") if body else ()
    command = (*AS_NOBODY, "curl", "-sS", "-m", "20", "-k", "-w", "\n%{http_code}", *options, url)
    body, _, status = site.network.gateway.run(*command).stdout.rpartition("\n")
    return int(status or 0), body


def test_whom_nobody_knows_is_refused_in_the_providers_shape(site: Site):
    status, body = site.curl(MODELS)
    assert status == 401
    assert "gateway key missing" in json.loads(body)["error"]["message"]
    status, body = site.curl(MESSAGES, "--json", MESSAGE)
    assert (status, json.loads(body)["type"]) == (401, "error")


@pytest.mark.parametrize(("url", "body", "seen"), [(MODELS, None, "openai"), (MESSAGES, MESSAGE, "anthropic")])
def test_a_user_of_the_gateways_machine(site: Site, url: str, body: str | None, seen: str):
    """By IPv4 and IPv6; the gateway's own calls, which leave the same machine for the same port, are not led back to it."""
    assert as_nobody(site, url, body)[0] == 401
    enrolled = site.enroll("os_user", "nobody")
    try:
        wait_for(lambda: all(as_nobody(site, url, body)[0] == 200 for _ in range(8)), "the enrollment to hold", 20)
        before = site.seen(getattr(site, seen))
        assert as_nobody(site, url, body)[0] == 200
        assert site.seen(getattr(site, seen)) == before + 1
        assert site.curl(MODELS)[0] == 401  # for others it stands for nobody
    finally:
        site.end(enrolled)


def test_a_users_quic_is_rejected_at_once(site: Site):
    script = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); "
    script += "s.connect(('10.77.2.2', 443)); s.send(b'x'); s.recv(1)"
    done = site.network.gateway.run(*AS_NOBODY, "/usr/bin/env", "python3", "-c", script)
    assert "PermissionError" in done.stderr, done  # how Linux tells the sender itself of a rejected packet


def test_who_is_not_named_is_left_alone(site: Site):
    """Root's connection ends at the provider, whose certificate is not ours."""
    status, told = site.curl(MODELS, machine=site.network.gateway)
    assert status == 0
    assert "certificate" in told


def test_a_client_certificate(site: Site, tmp_path_factory: pytest.TempPathFactory):
    """Shown in the TLS with the provider, as the client sees it."""
    made = make_certificates(tmp_path_factory.mktemp("agent"), ("agent.example",))
    fingerprint = x509.load_pem_x509_certificate(made.certificate.read_bytes()).fingerprint(hashes.SHA256()).hex()
    enrolled = site.enroll("certificate", fingerprint)
    try:
        site.wait_until(200, "--cert", made.certificate, "--key", made.key)
        assert site.curl(MODELS)[0] == 401
    finally:
        site.end(enrolled)


def test_strangers_may_act_as_a_key(site: Site):
    enrolled = site.enroll("network", "0.0.0.0/0", "::/0")
    try:
        site.wait_until(200)
        assert site.curl("https://api.openai.com/v1/chat/completions", "--json", json.dumps(chat("[[echo]] stranger")))[0] == 200
        record = site.record("openai")
        assert record
        assert record["api_key_id"] == site.team.key_id
        assert as_nobody(site, MESSAGES, MESSAGE)[0] == 200
        # where a key can be sent it must be: else the port would be an open proxy
        with site.network.gateway.entered(), site.gateway.client() as client:
            assert client.get("/openai/v1/models").status_code == 401
    finally:
        site.end(enrolled)


def test_a_key_can_be_sent_all_the_same(site: Site):
    key = ("-H", f"authorization: Bearer {site.team.key}")
    assert site.curl(MODELS, *key)[0] == 200
    status, body = site.curl(MODELS, "-H", "authorization: Bearer sp_wrong")
    assert status == 401
    assert "gateway key unknown" in body
