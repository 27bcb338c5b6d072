"""Callers who can send no key: known by client certificate, network or local user."""

import getpass
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sallyport.standin import StandIn
from sallyport.standin.tls import make_certificates
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import chat

CALL = "/openai/v1/chat/completions"


@pytest.fixture(scope="module")
def enrolling(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of its own: who is enrolled here must not be known in other tests."""
    with Gateway(tmp_path_factory.mktemp("enrolling"), providers, "--ner-workers", "0", "--workers", "1") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def ada(enrolling: Gateway) -> Team:
    return enrolling.team("Ada")


def enroll(gateway: Gateway, key_id: str, kind: str, value: str) -> str:
    return gateway.admin("POST", "/v1/enrollments", json={"kind": kind, "value": value, "key_id": key_id})["id"]


@pytest.mark.parametrize(("kind", "value"), [("network", "127.0.0.0/8"), ("os_user", getpass.getuser())])
def test_a_caller_without_a_key_is_known_by_where_it_comes_from(enrolling: Gateway, ada: Team, kind: str, value: str):
    with enrolling.client() as client:
        assert client.post(CALL, json=chat("hi")).status_code == 401
        enrollment = enroll(enrolling, ada.key_id, kind, value)
        answer = wait_for(lambda: _success(client.post(CALL, json=chat("hi"))), "the enrollment to hold")
        assert enrolling.call(answer.headers["x-gateway-request-id"])["user_id"] == ada.user_id
        enrolling.admin("DELETE", f"/v1/enrollments/{enrollment}")
        wait_for(lambda: client.post(CALL, json=chat("hi")).status_code == 401, "the enrollment to end")


@pytest.mark.parametrize("way_in", ["base_url", "proxy"])
def test_a_caller_is_known_by_its_certificate(enrolling: Gateway, ada: Team, tmp_path: Path, way_in: str):
    made = make_certificates(tmp_path, ("agent.example",))
    fingerprint = x509.load_pem_x509_certificate(made.certificate.read_bytes()).fingerprint(hashes.SHA256()).hex()
    enrollment = enroll(enrolling, ada.key_id, "certificate", fingerprint)

    def call(*, shown: bool) -> httpx2.Response:
        context = ssl.create_default_context(cafile=enrolling.ca)
        if shown:
            context.load_cert_chain(made.certificate, made.key)
        proxy = enrolling.url if way_in == "proxy" else None
        base = "https://api.openai.com" if proxy else f"https://localhost:{enrolling.listen.rpartition(':')[2]}/openai"
        with httpx2.Client(base_url=base, proxy=proxy, verify=context, trust_env=False, timeout=30) as client:
            return client.post("/v1/chat/completions", json=chat("hi"))

    answer = wait_for(lambda: _success(call(shown=True)), "the certificate to be known")
    assert enrolling.call(answer.headers["x-gateway-request-id"])["api_key_id"] == ada.key_id
    assert call(shown=False).status_code == 401
    enrolling.admin("DELETE", f"/v1/enrollments/{enrollment}")


def _success(answer: httpx2.Response) -> httpx2.Response | None:
    return answer if answer.status_code == 200 else None
