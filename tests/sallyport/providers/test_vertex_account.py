"""Workload identities, against a stand-in of Google's token endpoints; and what a secret may not make the gateway do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sallyport.providers.base import CredentialError, Surroundings, Upstream
from sallyport.providers.vertex import Vertex
from sallyport.providers.vertex_account import SECRET_NAME
from sallyport.secret import Secret
from sallyport.standin import StandIn
from sallyport.standin.google_token import ACCESS_TOKEN, FEDERATED_TOKEN, SUBJECT_TOKEN

POOL = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/cluster"
ROBOT = (
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/robot@acme.iam.gserviceaccount.com:generateAccessToken"
)


@pytest.fixture(scope="module")
def google() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture
def standin(google: StandIn) -> StandIn:
    google.clear()
    return google


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """A folder as Kubernetes projects it: the token's name is a link within."""
    folder = tmp_path / "tokens"
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "token").write_text(SUBJECT_TOKEN)
    (folder / "token").symlink_to("..data/token")
    return folder


@pytest.fixture
def vertex(standin: StandIn, tokens: Path) -> Vertex:
    provider = Vertex()
    provider.configure(Surroundings(ca_bundle=standin.ca, workload_token_dirs=(tokens,)))
    return provider


def identity(file: Path | str, **fields: Any) -> Secret:
    info = {
        "type": "external_account",
        "audience": POOL,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(file)},
    }
    return Secret(json.dumps(info | fields))


async def bearer(vertex: Vertex, standin: StandIn, secret: Secret) -> str:
    port = httpx2.URL(standin.url).port
    assert port
    return (await vertex.authorize(secret, Upstream("https", "127.0.0.1", port)))["authorization"]


async def test_a_workloads_token_becomes_googles(vertex: Vertex, standin: StandIn, tokens: Path):
    assert await bearer(vertex, standin, identity(tokens / "token")) == f"Bearer {FEDERATED_TOKEN}"
    assert [request.target for request in standin.requests()] == ["/v1/token"]
    await bearer(vertex, standin, identity(tokens / "token"))
    assert len(standin.requests()) == 1


async def test_and_then_a_service_accounts(vertex: Vertex, standin: StandIn, tokens: Path):
    secret = identity(tokens / "token", service_account_impersonation_url=ROBOT)
    assert await bearer(vertex, standin, secret) == f"Bearer {ACCESS_TOKEN}"
    exchange, impersonate = standin.requests()
    assert b"workloadIdentityPools" in exchange.body
    assert impersonate.target.endswith("/serviceAccounts/robot@acme.iam.gserviceaccount.com:generateAccessToken")


async def test_a_token_in_json(vertex: Vertex, standin: StandIn, tokens: Path):
    (tokens / "token.json").write_text(json.dumps({"access_token": SUBJECT_TOKEN}))
    form = {"type": "json", "subject_token_field_name": "access_token"}
    secret = identity("", credential_source={"file": str(tokens / "token.json"), "format": form})
    assert await bearer(vertex, standin, secret) == f"Bearer {FEDERATED_TOKEN}"


async def test_a_token_that_google_does_not_take(vertex: Vertex, standin: StandIn, tokens: Path):
    (tokens / "..data" / "token").write_text("another")
    with pytest.raises(CredentialError, match=r"was refused by Google \(invalid_grant\)"):
        await bearer(vertex, standin, identity(tokens / "token"))


async def test_a_file_that_is_not_there(vertex: Vertex, standin: StandIn, tokens: Path):
    with pytest.raises(CredentialError) as caught:
        await bearer(vertex, standin, identity(tokens / "gone"))
    assert SECRET_NAME in str(caught.value)


async def test_files_elsewhere_are_not_read(vertex: Vertex, standin: StandIn, tokens: Path, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.write_text(SUBJECT_TOKEN)
    (tokens / "link").symlink_to(outside)
    for file in (outside, tokens / ".." / "outside", tokens / "link", "/etc/passwd", "token"):
        with pytest.raises(CredentialError, match="--workload-token-dir"):
            await bearer(vertex, standin, identity(file))
    unconfigured = Vertex()
    unconfigured.configure(Surroundings(ca_bundle=standin.ca))
    with pytest.raises(CredentialError, match="--workload-token-dir"):
        await bearer(unconfigured, standin, identity(tokens / "token"))
    assert standin.requests() == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"credential_source": {"executable": {"command": "/bin/s3cr3t"}}}, "must be a `file`, and nothing else"),
        ({"credential_source": {"url": "http://169.254.169.254/s3cr3t"}}, "must be a `file`, and nothing else"),
        ({"credential_source": {"file": "/token", "url": "http://s3cr3t"}}, "must be a `file`, and nothing else"),
        ({"credential_source": {"environment_id": "aws1", "region_url": "http://s3cr3t"}}, "must be a `file`, and nothing else"),
        ({"credential_source": "s3cr3t"}, "must be a `file`, and nothing else"),
        ({"token_url": "https://s3cr3t.example/v1/token"}, "the `token_url` of VERTEX_SERVICE_ACCOUNT_JSON is not Google's"),
        ({"token_url": "http://sts.googleapis.com/v1/token"}, "is not Google's"),
        (
            {"service_account_impersonation_url": "https://s3cr3t.example/"},
            "impersonation_url` of VERTEX_SERVICE_ACCOUNT_JSON is not",
        ),
        ({"service_account_impersonation_url": 7}, "is not Google's"),
        ({"audience": None}, "lacks a field of a workload identity's configuration"),
        ({"type": "authorized_user"}, "no workload identity's configuration"),
    ],
)
def test_what_is_not_taken_when_it_is_set(vertex: Vertex, fields: dict[str, object], reason: str):
    with pytest.raises(CredentialError) as caught:
        vertex.check_secret(SECRET_NAME, identity("/token", **fields))
    assert reason in str(caught.value)
    assert "s3cr3t" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_files_are_looked_for_when_they_are_used(vertex: Vertex):
    vertex.check_secret(SECRET_NAME, identity("/only/there/for/the/gateway"))
