"""A gateway that runs with a workload identity, and Google's own SDK as its caller."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from sallyport.standin import StandIn
from sallyport.standin.google_token import ACCESS_TOKEN, SUBJECT_TOKEN
from tests.e2e.sdks import ANSWER
from tests.e2e.support import Gateway, Team

POOL = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/cluster"
ROBOT = (
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/robot@acme.iam.gserviceaccount.com:generateAccessToken"
)


@pytest.fixture(scope="module")
def workload(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Team]]:
    tokens = tmp_path_factory.mktemp("tokens")
    (tokens / "token").write_text(SUBJECT_TOKEN)
    identity = {
        "type": "external_account",
        "audience": POOL,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": ROBOT,
        "credential_source": {"file": str(tokens / "token")},
    }
    with Gateway(tmp_path_factory.mktemp("workload"), providers, "--workload-token-dir", str(tokens)) as gateway:
        yield gateway, gateway.team("Willa", secrets={"VERTEX_SERVICE_ACCOUNT_JSON": json.dumps(identity)})


@pytest.mark.parametrize("location", ["us-central1", "europe-west4", "global", "eu"])
@pytest.mark.parametrize("stream", [False, True])
def test_googles_sdk(
    workload: tuple[Gateway, Team], standin: StandIn, way_in: str, location: str, stream: bool, monkeypatch: pytest.MonkeyPatch
):
    gateway, team = workload
    options = types.HttpOptions(base_url=f"{gateway.url}/vertex", client_args={"trust_env": False})
    token = team.key
    if way_in == "proxy":
        monkeypatch.setenv("HTTPS_PROXY", f"http://sallyport:{team.key}@{gateway.listen}")
        monkeypatch.setenv("SSL_CERT_FILE", str(gateway.bundle))
        options, token = None, "dummy"
    client = genai.Client(
        vertexai=True, project="p", location=location, credentials=Credentials(token=token), http_options=options
    )
    question = {"model": "gemini-2.5-flash", "contents": "hi"}
    if stream:
        text = "".join(chunk.text for chunk in client.models.generate_content_stream(**question))
    else:
        text = client.models.generate_content(**question).text
    assert text == ANSWER
    sent = standin.requests()[-1]
    assert f"/projects/p/locations/{location}/" in sent.target
    assert sent.header("authorization") == f"Bearer {ACCESS_TOKEN}"


def test_the_same_secret_where_the_operator_allows_no_file(gateway: Gateway, workload: tuple[Gateway, Team], tmp_path: Path):
    identity = {
        "type": "external_account",
        "audience": POOL,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "credential_source": {"file": str(tmp_path / "token")},
    }
    team = gateway.team("Wilma", secrets={"VERTEX_SERVICE_ACCOUNT_JSON": json.dumps(identity)})
    path = "/vertex/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent"
    with gateway.client(team) as client:
        answer = client.post(path, json={"contents": [{"parts": [{"text": "hi"}]}]})
    assert answer.status_code == 400
    assert "--workload-token-dir" in answer.json()["error"]["message"]
