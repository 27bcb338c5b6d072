from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sallyport.ids import new_id
from sallyport.secret import Secret
from sallyport.standin.process import StandIn
from sallyport.tracing.langsmith_run import LangSmithTarget
from sallyport.tracing.langsmith_sink import LangSmithDefaults, LangSmithSink
from sallyport.tracing.record import CallRecord
from sallyport.tracing.sinks import RejectedError, UnavailableError

KEY = "lsv2_pt_canary0123456789"


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with StandIn(plain=True) as standin:
        yield standin


@pytest.fixture
def langsmith(standin: StandIn) -> StandIn:
    standin.clear()
    return standin


def call(*, workspace_id: str | None = "w", **fields: Any) -> CallRecord:
    return CallRecord(id=new_id(), started_at=time.time(), provider="openai", workspace_id=workspace_id, **fields)


def sink_to(url: str, **fields: Any) -> LangSmithSink:
    return LangSmithSink(lambda workspace: LangSmithTarget(Secret(KEY), url, **fields) if workspace == "w" else None)


def test_calls_become_runs(langsmith: StandIn) -> None:
    sink = sink_to(langsmith.url, project="prod", tenant_id="tenant")
    records = [call(input_tokens=7, model="gpt") for _ in range(100)]
    sink.send("w", records)
    found = {run["id"]: run for run in langsmith.runs()}
    assert set(found) == {record.id for record in records}
    run = found[records[0].id]
    assert (run["session_name"], run["run_type"]) == ("prod", "llm")
    assert run["extra"]["metadata"]["gateway.request_id"] == records[0].id
    assert run["outputs"]["usage_metadata"]["input_tokens"] == 7
    requests = langsmith.requests()
    assert len(requests) < 4
    assert {request.header("x-api-key") for request in requests} == {KEY}
    assert {request.header("x-tenant-id") for request in requests} == {"tenant"}


def test_a_call_under_the_callers_run_nests_there(langsmith: StandIn) -> None:
    sink, parent = sink_to(langsmith.url), new_id()
    headers = {"langsmith-trace": f"20261123T120000000000Z{parent}", "baggage": "langsmith-project=agents"}
    record = call(langsmith_run_id=new_id(), trace_headers=headers)
    sink.send("w", [record])
    (run,) = langsmith.runs()
    assert run["id"] == record.langsmith_run_id
    assert (run["parent_run_id"], run["trace_id"], run["session_name"]) == (parent, parent, "agents")


def test_only_a_workspace_with_langsmith_is_traced() -> None:
    sink = sink_to("https://ls.example")
    other, nobodys, ours = call(workspace_id="other"), call(workspace_id=None), call()
    assert [sink.lane(record) for record in (other, nobodys, ours)] == [None, None, "w"]
    assert sink.link(other) is None
    assert sink.link(ours) == f"https://ls.example/r/{ours.id}"


def test_a_new_key_is_used_at_once(langsmith: StandIn) -> None:
    target = LangSmithTarget(Secret(KEY), langsmith.url)
    sink = LangSmithSink(lambda _: target)
    sink.send("w", [call()])
    target = LangSmithTarget(Secret("lsv2_pt_another"), langsmith.url)
    sink.send("w", [call()])
    assert {request.header("x-api-key") for request in langsmith.requests() if request.method == "POST"} == {
        KEY,
        "lsv2_pt_another",
    }


def test_nothing_of_the_environment_goes_along(langsmith: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_FAVOURITE", "from-the-environment")
    monkeypatch.setenv("LANGSMITH_WORKSPACE_ID", "from-the-environment")
    sink_to(langsmith.url).send("w", [call()])
    assert len(langsmith.runs()) == 1
    assert not any("from-the-environment" in request for request in langsmith.requests())


class Unwilling(BaseHTTPRequestHandler):
    """Answers with the status given."""

    status: int
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def unwilling() -> Iterator[tuple[str, type[Unwilling]]]:
    handler = type("Handler", (Unwilling,), {"status": 503, "bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_what_may_pass_is_said_without_the_key(
    unwilling: tuple[str, type[Unwilling]], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    url, handler = unwilling
    handler.status = status
    with pytest.raises(UnavailableError, match=f"answers {status}") as failure:
        sink_to(url).send("w", [call()])
    assert handler.bodies
    assert "canary" not in f"{failure.value}{caplog.text}"
    assert "lsv2" not in f"{failure.value}{caplog.text}"


def test_a_langsmith_that_is_not_there_is_unavailable(unwilling: tuple[str, type[Unwilling]]) -> None:
    with pytest.raises(UnavailableError, match="can't be reached"):
        sink_to("http://127.0.0.1:9").send("w", [call()])


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_run_that_is_never_taken_is_told_apart(unwilling: tuple[str, type[Unwilling]], status: int) -> None:
    url, handler = unwilling
    handler.status = status
    with pytest.raises(RejectedError, match=f"answers {status}"):
        sink_to(url).send("w", [call()])


def test_a_run_that_langsmith_has_already_is_delivered(unwilling: tuple[str, type[Unwilling]]) -> None:
    url, handler = unwilling
    handler.status = 409
    sink_to(url).send("w", [call()])


def test_a_record_whose_run_id_is_no_uuid_is_rejected(langsmith: StandIn) -> None:
    with pytest.raises(RejectedError):
        sink_to(langsmith.url).send("w", [call(langsmith_run_id="nonsense")])


def test_defaults_come_from_the_environment() -> None:
    defaults = LangSmithDefaults.from_environ(
        {"LANGSMITH_API_KEY": KEY, "LANGSMITH_ENDPOINT": "https://ls.example/", "LANGSMITH_PROJECT": "p"}
    )
    assert defaults.target() == LangSmithTarget(Secret(KEY), "https://ls.example", "p")
    assert defaults.target(project="own") == LangSmithTarget(Secret(KEY), "https://ls.example", "own")
    own = Secret("own")
    assert defaults.target(api_key=own) == LangSmithTarget(own, "https://ls.example", "p")
    assert LangSmithDefaults.from_environ({}).target(api_key=own) == LangSmithTarget(own)
    assert LangSmithDefaults.from_environ({}).target() is None


def test_the_operators_key_is_not_sent_where_a_workspace_points() -> None:
    defaults = LangSmithDefaults.from_environ({"LANGSMITH_API_KEY": KEY})
    assert defaults.target(endpoint="https://elsewhere.example") is None
