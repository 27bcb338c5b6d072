import json

import pytest
from mitmproxy import http
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook, HttpResponseHook
from mitmproxy.test import tflow

from sallyport.proxy.hooks import CallCompleteHook, HookTable, RequestTooLargeHook


class Recorder:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def request(self, flow: http.HTTPFlow) -> None:
        self.seen.append("refused" if flow.response else "passed")

    async def call_complete(self, flow: http.HTTPFlow) -> None:
        self.seen.append("complete")


class Broken:
    def request(self, flow: http.HTTPFlow) -> None:
        raise RuntimeError("a secret in here: sk-very-secret")

    def response(self, flow: http.HTTPFlow) -> None:
        raise RuntimeError


async def test_hooks_run_in_order_sync_or_not():
    first, second = Recorder(), Recorder()
    table = HookTable([first, object(), second])
    flow = tflow.tflow()
    await table.run(HttpRequestHook(flow))
    await table.run(CallCompleteHook(flow))
    assert first.seen == second.seen == ["passed", "complete"]


async def test_what_could_not_be_checked_is_not_sent(caplog: pytest.LogCaptureFixture):
    after = Recorder()
    flow = tflow.tflow()
    await HookTable([Broken(), after]).run(HttpRequestHook(flow))
    assert flow.response is not None
    assert flow.response.status_code == 500
    assert "sk-very-secret" not in (flow.response.text or "")
    assert json.loads(flow.response.content or b"")["error"]["type"] == "gateway_failure"
    assert after.seen == ["refused"]
    assert "Broken.request" in caplog.text


async def test_an_answer_that_could_not_be_read_is_cut():
    flow = tflow.tflow(resp=True)
    flow.live = True
    await HookTable([Broken()]).run(HttpResponseHook(flow))
    assert flow.error is not None


def test_our_hooks_have_the_names_the_addons_use():
    assert CallCompleteHook.name == "call_complete"
    assert RequestTooLargeHook.name == "request_too_large"
