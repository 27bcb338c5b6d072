"""Tokens against a real TLS token server on loopback."""

import asyncio
import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.auth import jwt

from sallyport.providers.base import CredentialError, CredentialUnavailable, Surroundings, Upstream
from sallyport.providers.vertex import Vertex
from sallyport.secret import Secret

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()

KEY = rsa.generate_private_key(65537, 2048)
PRIVATE = KEY.private_bytes(PEM, PKCS8, PLAIN).decode()
ACCOUNT = {
    "type": "service_account",
    "project_id": "acme",
    "private_key_id": "1",
    "private_key": PRIVATE,
    "client_email": "robot@acme.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}
SECRET = Secret(json.dumps(ACCOUNT))


@dataclass
class TokenServer:
    """Mints `token-1`, `token-2`, … as Google does; what it answers can be changed while it runs."""

    upstream: Upstream
    ca: Path
    status: int = 200
    answer: dict[str, object] | None = None
    lifetime: int = 3600
    held: threading.Event = field(default_factory=threading.Event)
    """Cleared: answers wait."""
    called: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list[tuple[str, dict[str, list[str]]]])
    minted: int = 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TokenServer]:
    certificate, ca = _certificate(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            state.asked.append((self.path, parse_qs(body)))
            state.called.set()
            state.held.wait(10)
            state.minted += 1
            minted = {"access_token": f"token-{state.minted}", "expires_in": state.lifetime, "token_type": "Bearer"}
            answer = json.dumps(minted if state.answer is None else state.answer).encode()
            self.send_response(state.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    state = TokenServer(Upstream("https", "127.0.0.1", http.server_port), ca)
    state.held.set()
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.held.set()
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def vertex(server: TokenServer) -> Vertex:
    provider = Vertex()
    provider.configure(Surroundings(ca_bundle=server.ca))
    return provider


async def test_a_token_is_minted_with_the_accounts_signature(vertex: Vertex, server: TokenServer):
    assert await vertex.authorize(SECRET, server.upstream) == {"authorization": "Bearer token-1"}
    path, form = server.asked[0]
    assert path == "/token"
    public = KEY.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(form["assertion"][0], certs=public, audience="https://oauth2.googleapis.com/token")  # pyright: ignore[reportUnknownMemberType]
    assert claims["iss"] == ACCOUNT["client_email"]
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


async def test_callers_share_one_token(vertex: Vertex, server: TokenServer):
    server.held.clear()
    waiting = [asyncio.create_task(vertex.authorize(SECRET, server.upstream)) for _ in range(20)]
    await asyncio.to_thread(server.called.wait, 10)
    waiting[0].cancel()  # one who hangs up takes nothing from the others
    server.held.set()
    answers = await asyncio.gather(*waiting[1:])
    assert answers == [{"authorization": "Bearer token-1"}] * 19
    assert await vertex.authorize(SECRET, server.upstream) == answers[0]
    assert len(server.asked) == 1


async def test_each_account_has_its_own(vertex: Vertex, server: TokenServer):
    other = Secret(json.dumps(ACCOUNT | {"client_email": "other@acme.iam.gserviceaccount.com"}))
    first = await vertex.authorize(SECRET, server.upstream)
    assert await vertex.authorize(other, server.upstream) != first
    assert await vertex.authorize(SECRET, server.upstream) == first


async def test_a_token_near_its_end_is_served_while_the_next_is_minted(vertex: Vertex, server: TokenServer):
    server.lifetime = 120
    await vertex.authorize(SECRET, server.upstream)
    server.lifetime = 3600
    server.held.clear()
    assert await vertex.authorize(SECRET, server.upstream) == {"authorization": "Bearer token-1"}
    server.held.set()
    await background()
    assert await vertex.authorize(SECRET, server.upstream) == {"authorization": "Bearer token-2"}
    assert len(server.asked) == 2


async def test_a_renewal_that_fails_leaves_the_old_token(vertex: Vertex, server: TokenServer):
    server.lifetime = 120
    await vertex.authorize(SECRET, server.upstream)
    server.status, server.answer = 400, {"error": "invalid_grant"}
    for _ in range(3):
        assert await vertex.authorize(SECRET, server.upstream) == {"authorization": "Bearer token-1"}
        await background()
    assert len(server.asked) == 2  # and Google isn't asked again with every call


async def test_a_token_at_its_end_is_never_handed_out(vertex: Vertex, server: TokenServer):
    server.lifetime = 5
    assert await vertex.authorize(SECRET, server.upstream) == {"authorization": "Bearer token-1"}
    assert await vertex.authorize(SECRET, server.upstream) == {"authorization": "Bearer token-2"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("s3cr3t", "is not JSON"),
        ('"s3cr3t"', "is no service account's key file"),
        ('{"type": "authorized_user", "refresh_token": "s3cr3t"}', "is no service account's key file"),
        ('{"type": "service_account", "private_key": "s3cr3t"}', "lacks a field"),
        (json.dumps(ACCOUNT | {"private_key": "s3cr3t"}), "private key is broken"),
        (json.dumps(ACCOUNT | {"client_email": ["s3cr3t"]}), "lacks a field"),
    ],
)
async def test_a_secret_that_cannot_be_used(vertex: Vertex, server: TokenServer, value: str, reason: str):
    with pytest.raises(CredentialError, match=reason) as caught:
        await vertex.authorize(Secret(value), server.upstream)
    assert "VERTEX_SERVICE_ACCOUNT_JSON" in str(caught.value)
    assert "s3cr3t" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert not isinstance(caught.value, CredentialUnavailable)
    assert server.asked == []


async def test_a_secret_that_google_refuses(vertex: Vertex, server: TokenServer):
    server.status, server.answer = 400, {"error": "invalid_grant", "error_description": f"Invalid JWT: {PRIVATE[40:80]}"}
    with pytest.raises(CredentialError) as caught:
        await vertex.authorize(SECRET, server.upstream)
    assert str(caught.value) == "VERTEX_SERVICE_ACCOUNT_JSON was refused by Google (invalid_grant)"
    assert not isinstance(caught.value, CredentialUnavailable)
    server.status, server.answer = 200, None
    assert (await vertex.authorize(SECRET, server.upstream))["authorization"].startswith("Bearer token-")


async def test_an_endpoint_that_cannot_be_reached_is_not_the_secrets_fault(vertex: Vertex, server: TokenServer):
    nobody = Upstream("https", "127.0.0.1", 1)
    with pytest.raises(CredentialUnavailable, match="can't be reached for VERTEX_SERVICE_ACCOUNT_JSON"):
        await vertex.authorize(SECRET, nobody)


async def test_an_endpoint_of_an_unknown_authority_is_not_trusted(server: TokenServer):
    with pytest.raises(CredentialUnavailable):
        await Vertex().authorize(SECRET, server.upstream)
    assert server.asked == []


async def test_a_missing_ca_bundle_is_not_the_secrets_fault(vertex: Vertex, server: TokenServer, tmp_path: Path):
    vertex.configure(Surroundings(ca_bundle=tmp_path / "gone.pem"))
    with pytest.raises(CredentialUnavailable):
        await vertex.authorize(SECRET, server.upstream)


@pytest.mark.parametrize(
    "uri", ["https://evil.example/token", "http://oauth2.googleapis.com/token", "https://googleapis.com.evil/", 7]
)
async def test_a_key_file_cannot_send_the_gateway_elsewhere(uri: object):
    with pytest.raises(CredentialError, match="`token_uri` of VERTEX_SERVICE_ACCOUNT_JSON is not Google's"):
        await Vertex().authorize(Secret(json.dumps(ACCOUNT | {"token_uri": uri})))


async def background() -> None:
    """Wait for what runs beside the test."""
    current = asyncio.current_task()
    beside = [task for task in asyncio.all_tasks() if task is not current]
    if beside:
        await asyncio.wait(beside)


def _certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1: (with its key, alone)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "token server")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    alone, whole = directory / "ca.pem", directory / "server.pem"
    alone.write_bytes(certificate.public_bytes(PEM))
    whole.write_bytes(key.private_bytes(PEM, PKCS8, PLAIN) + certificate.public_bytes(PEM))
    return whole, alone
