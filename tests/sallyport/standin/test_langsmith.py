"""The real langsmith SDK sends runs to the stand-in."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator

import httpx2
import pytest
import zstandard
from langsmith import Client
from langsmith.run_trees import RunTree

from sallyport.standin import StandIn

KEY = {"x-api-key": "lsv2_pt_x"}


@pytest.fixture
def langsmith(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(standin.ca))
    client = Client(api_url=standin.url, api_key=KEY["x-api-key"])
    yield client
    client.cleanup()


def test_a_tree_of_runs_arrives_whole(standin: StandIn, langsmith: Client):
    parent = RunTree(name="agent", run_type="chain", inputs={"q": 1}, project_name="gateway", ls_client=langsmith)
    parent.post()
    child = parent.create_child(name="call", run_type="llm", inputs={"messages": ["hi"]}, extra={"metadata": {"k": "v"}})
    child.post()
    child.end(outputs={"text": "hello"})
    child.patch()
    parent.end(error="it failed")
    parent.patch()
    langsmith.flush()
    runs = {run["name"]: run for run in standin.runs()}
    assert runs["agent"]["error"] == "it failed"
    assert runs["agent"]["session_name"] == "gateway"
    call = runs["call"]
    assert call["parent_run_id"] == runs["agent"]["id"]
    assert (call["inputs"], call["outputs"]) == ({"messages": ["hi"]}, {"text": "hello"})
    assert call["extra"]["metadata"]["k"] == "v"


def test_compressed(standin: StandIn):
    one = run()
    part = f'--b\r\nContent-Disposition: form-data; name="post.{one["id"]}"\r\n\r\n{json.dumps(one)}\r\n--b--\r\n'
    headers = {**KEY, "content-type": "multipart/form-data; boundary=b", "content-encoding": "zstd"}
    body = zstandard.compress(part.encode())
    answer = httpx2.post(f"{standin.url}/runs/multipart", content=body, headers=headers, verify=standin.tls, trust_env=False)
    assert answer.status_code == 202
    assert standin.runs() == [one]


def test_uncompressed_and_batched(standin: StandIn, langsmith: Client):
    langsmith.multipart_ingest(create=[run()])
    langsmith.batch_ingest_runs(create=[run()], update=[])
    assert [entry.target for entry in standin.requests() if entry.method == "POST"] == ["/runs/multipart", "/runs/batch"]
    assert len(standin.runs()) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": None}, "lacks name"),
        ({"run_type": "call"}, "run_type"),
        ({"session_name": None}, "project"),
        ({"trace_id": str(uuid.uuid4())}, "trace_id"),
        ({"parent_run_id": str(uuid.uuid4())}, "parent"),
        ({"start_time": "soon"}, "malformed"),
    ],
)
def test_a_run_that_langsmith_would_lose_is_refused(standin: StandIn, change: dict[str, str | None], complaint: str):
    answer = httpx2.post(f"{standin.url}/runs", json=run() | change, headers=KEY, verify=standin.tls, trust_env=False)
    assert answer.status_code == 422
    assert complaint in answer.json()["detail"]


def test_a_key_is_asked_for(standin: StandIn):
    answer = httpx2.post(f"{standin.url}/runs/batch", json={"post": [run()]}, verify=standin.tls, trust_env=False)
    assert answer.status_code == 401
    assert standin.runs() == []


def run() -> dict[str, object]:
    run_id, now = str(uuid.uuid4()), datetime.datetime.now(datetime.UTC)
    return {
        "id": run_id,
        "trace_id": run_id,
        "dotted_order": f"{now:%Y%m%dT%H%M%S%fZ}{run_id}",
        "name": "call",
        "run_type": "llm",
        "start_time": now.isoformat(),
        "session_name": "gateway",
        "inputs": {"a": 1},
    }
