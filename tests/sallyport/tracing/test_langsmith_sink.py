from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sallyport.ids import new_id
from sallyport.secret import Secret
from sallyport.standin.process import StandIn
from sallyport.tracing import langsmith_outbox
from sallyport.tracing.langsmith_run import LangSmithTarget
from sallyport.tracing.langsmith_sink import LangSmithDefaults, LangSmithSink
from sallyport.tracing.record import CallRecord

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


async def runs(langsmith: StandIn, count: int) -> dict[str, dict[str, Any]]:
    async with asyncio.timeout(8):
        while len(found := await asyncio.to_thread(langsmith.runs)) < count:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.02)
    return {run["id"]: run for run in found}


async def test_calls_become_runs(langsmith: StandIn) -> None:
    sink = sink_to(langsmith.url, project="prod", tenant_id="tenant")
    records = [call(input_tokens=7, model="gpt") for _ in range(250)]
    await sink.write(records)
    found = await runs(langsmith, 250)
    await sink.close()
    assert set(found) == {record.id for record in records}
    run = found[records[0].id]
    assert (run["session_name"], run["run_type"]) == ("prod", "llm")
    assert run["extra"]["metadata"]["gateway.request_id"] == records[0].id
    assert run["outputs"]["usage_metadata"]["input_tokens"] == 7
    requests = langsmith.requests()
    assert len(requests) < 10
    assert {request.header("x-api-key") for request in requests} == {KEY}
    assert {request.header("x-tenant-id") for request in requests} == {"tenant"}
    assert (sink.waiting, sink.dropped) == (0, 0)


async def test_a_call_under_the_callers_run_nests_there(langsmith: StandIn) -> None:
    sink, parent = sink_to(langsmith.url), new_id()
    headers = {"langsmith-trace": f"20261123T120000000000Z{parent}", "baggage": "langsmith-project=agents"}
    record = call(langsmith_run_id=new_id(), trace_headers=headers)
    await sink.write([record])
    found = await runs(langsmith, 1)
    await sink.close()
    run = found[str(record.langsmith_run_id)]
    assert (run["parent_run_id"], run["trace_id"], run["session_name"]) == (parent, parent, "agents")


async def test_a_workspace_without_langsmith_sends_nothing(langsmith: StandIn) -> None:
    sink = sink_to(langsmith.url)
    other, nobodys, ours = call(workspace_id="other"), call(workspace_id=None), call()
    await sink.write([other, nobodys, ours])
    await sink.close()
    assert set(await runs(langsmith, 1)) == {ours.id}
    assert sink.link(other) is None
    assert sink.link(ours) == f"{langsmith.url}/r/{ours.id}"


async def test_nothing_of_the_environment_goes_along(langsmith: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_FAVOURITE", "from-the-environment")
    monkeypatch.setenv("LANGSMITH_WORKSPACE_ID", "from-the-environment")
    sink = sink_to(langsmith.url)
    await sink.write([call()])
    await runs(langsmith, 1)
    await sink.close()
    assert not any("from-the-environment" in request for request in langsmith.requests())


class Unwilling(BaseHTTPRequestHandler):
    """Answers with the statuses given, then with the last of them for ever."""

    statuses: list[int]
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def unwilling() -> Iterator[tuple[str, type[Unwilling]]]:
    handler = type("Handler", (Unwilling,), {"statuses": [503], "bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


async def settled(sink: LangSmithSink) -> None:
    async with asyncio.timeout(8):
        while sink.waiting:  # noqa: ASYNC110 - another thread's state
            await asyncio.sleep(0.02)


async def test_a_langsmith_that_comes_back_gets_what_waited(
    unwilling: tuple[str, type[Unwilling]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(langsmith_outbox, "_FIRST_PAUSE", 0.01)
    url, handler = unwilling
    handler.statuses = [503, 500, 429, 202]
    sink, record = sink_to(url), call()
    await sink.write([record])
    await settled(sink)
    await sink.close()
    assert record.id.encode() in handler.bodies[-1]
    assert sink.dropped == 0
    assert caplog.text.count("LangSmith does not take runs") == 1
    assert "canary" not in caplog.text
    assert "lsv2" not in caplog.text


async def test_one_bad_run_does_not_take_the_others_along(unwilling: tuple[str, type[Unwilling]]) -> None:
    url, handler = unwilling
    handler.statuses = [422, 202, 422, 202]
    sink = sink_to(url)
    await sink.write([call() for _ in range(3)])
    await settled(sink)
    await sink.close()
    assert len(handler.bodies) == 4
    assert sink.dropped == 1


async def test_a_refused_key_drops_and_counts(unwilling: tuple[str, type[Unwilling]]) -> None:
    url, handler = unwilling
    handler.statuses = [401]
    sink = sink_to(url)
    await sink.write([call() for _ in range(3)])
    await settled(sink)
    await sink.close()
    assert sink.dropped == 3


async def test_while_langsmith_is_down_the_oldest_are_dropped_and_nobody_waits(
    unwilling: tuple[str, type[Unwilling]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(langsmith_outbox, "_MOST_RECORDS", 5)
    sink = sink_to(unwilling[0])
    began = time.monotonic()
    await sink.write([call() for _ in range(20)])
    assert time.monotonic() - began < 2
    assert sink.waiting <= 6
    assert sink.dropped >= 14
    await sink.close()
    assert time.monotonic() - began < 8


async def test_a_record_whose_run_id_is_no_uuid_is_counted_and_passed_over(langsmith: StandIn) -> None:
    sink, good = sink_to(langsmith.url), call()
    await sink.write([call(langsmith_run_id="nonsense"), good])
    assert set(await runs(langsmith, 1)) == {good.id}
    await sink.close()
    assert sink.dropped == 1


async def test_an_idle_way_ends_and_is_made_again(langsmith: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langsmith_outbox, "_IDLE_SECONDS", 0.01)
    sink = sink_to(langsmith.url)
    for count in (1, 2):
        await sink.write([call()])
        await runs(langsmith, count)
        await asyncio.sleep(0.05)
    await sink.close()
    assert sink.dropped == 0


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
