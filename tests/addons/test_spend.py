"""From admission to settlement, with the real script in a real Redis."""

import json
import time

import orjson
import pytest
import redis.asyncio
from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.flow import Error

from addons.access import Access
from addons.context import call_of
from addons.credentials import Credentials
from addons.identify import Identify
from addons.route import Route
from addons.services import Services
from addons.settle import Settle
from addons.spend import Spend
from policies.model import Policy
from sallyport.money import nano_to_usd
from sallyport.providers.usage import Usage
from sallyport.spend.gate import SpendGate
from sallyport.spend.prices import price
from sallyport.tracing.record import CallRecord
from tests.addons.support import KEYS, MakeFlow, known, make_policy, make_snapshot

ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000, "total_tokens": 2_000_000},
}
COST_NANO = 150_000_000 + 600_000_000  # gpt-4o-mini: $0.15 and $0.60 per million tokens


class Pipeline:
    def __init__(self, services: Services) -> None:
        self.spend, self.settle = Spend(services), Settle(services)
        self.route, self.identify, self.access = Route(services), Identify(services), Access(services)
        self.credentials = Credentials(services)

    async def request(self, flow: http.HTTPFlow) -> http.HTTPFlow:
        self.route.requestheaders(flow)
        self.identify.requestheaders(flow)
        self.access.requestheaders(flow)
        self.spend.requestheaders(flow)
        self.access.request(flow)
        await self.spend.request(flow)
        await self.credentials.request(flow)
        return flow

    async def answer(self, flow: http.HTTPFlow, body: bytes) -> None:
        flow.response = http.Response.make(200, b"", {"content-type": "application/json", "content-length": str(len(body))})
        self.settle.responseheaders(flow)
        tap = flow.response.stream
        assert callable(tap)
        assert tap(body) == body
        assert tap(b"") == b""
        await self.settle.call_complete(flow)
        await self.settle.response(flow)


@pytest.fixture
def pipeline(services: Services) -> Pipeline:
    return Pipeline(services)


def caps(limit: str, **more: object) -> tuple[Policy, ...]:
    config = {"window": "monthly", "limit_usd": limit, "strict": False, "on_store_unavailable": "block", **more}
    return (make_policy("spend_cap", config),)


async def published(services: Services, url: str) -> list[CallRecord]:
    async with redis.asyncio.Redis.from_url(url) as client:
        entries = await client.xrange("{default}:calls")
        return [CallRecord.from_json(known(fields)[b"record"]) for _, fields in known(entries)]


async def test_a_call_costs_what_the_provider_counted(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, redis_url: str
):
    flow = await pipeline.request(make_flow(authorization=f"Bearer {KEYS['good']}"))
    await pipeline.answer(flow, orjson.dumps(ANSWER))
    [record] = await published(services, redis_url)
    assert record.cost_nano == COST_NANO
    assert (record.input_tokens, record.output_tokens, record.outcome, record.status) == (1_000_000, 1_000_000, "success", 200)
    assert not record.estimated
    assert services.calls == {}


async def test_when_a_cap_is_used_up_the_next_call_is_a_402_that_says_when_it_ends(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow
):
    services.snapshot = make_snapshot(policies=caps("0.5"))
    first = await pipeline.request(make_flow(authorization=f"Bearer {KEYS['good']}"))
    assert first.response is None
    await pipeline.answer(first, orjson.dumps(ANSWER))
    for _ in range(2):  # the second time without asking Redis
        refused = await pipeline.request(make_flow(authorization=f"Bearer {KEYS['good']}"))
        response = known(refused.response)
        assert response.status_code == 402
        message = json.loads(response.content or b"")["error"]["message"]
        assert message.startswith("request blocked by gateway policies: the spend_cap")
        assert "UTC" in message
        await pipeline.settle.response(refused)
    assert [record.outcome for record in services.unpublished] == ["blocked", "blocked"]


async def test_a_client_that_hangs_up_is_charged_for_what_was_streamed(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, redis_url: str
):
    body = b'{"model":"gpt-4o-mini","stream":true,"messages":[]}'
    flow = await pipeline.request(make_flow(authorization=f"Bearer {KEYS['good']}", content=body))
    assert json.loads(flow.request.content or b"")["stream_options"] == {"include_usage": True}
    flow.response = http.Response.make(200, b"", {"content-type": "text/event-stream"})
    pipeline.settle.responseheaders(flow)
    tap = flow.response.stream
    assert callable(tap)
    chunk = {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "word " * 80}}]}
    tap(b"data: " + orjson.dumps(chunk) + b"\n\n")
    flow.client_conn.timestamp_end = 1.0
    flow.client_conn.state = ConnectionState.CLOSED
    flow.error = Error("Client disconnected.")
    await pipeline.settle.error(flow)
    [record] = await published(services, redis_url)
    assert (record.outcome, record.estimated, record.output_tokens) == ("aborted", True, 100)
    assert record.cost_nano > 0


async def test_a_dead_provider_costs_nothing_and_is_a_502_in_its_own_shape(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, redis_url: str
):
    flow = await pipeline.request(make_flow(authorization=f"Bearer {KEYS['good']}"))
    flow.client_conn.timestamp_end = None
    flow.error = Error("[Errno 111] Connect call failed ('10.0.0.1', 443)")
    await pipeline.settle.error(flow)
    assert known(flow.response).status_code == 502
    message = json.loads(known(flow.response).content or b"")["error"]["message"]
    assert message == "openai could not be reached by the gateway: Connect call failed ('10.0.0.1', 443)"
    [record] = await published(services, redis_url)
    assert (record.outcome, record.cost_nano) == ("error", 0)


@pytest.mark.parametrize(("choice", "refused"), [("block", True), ("allow", False)])
async def test_when_redis_is_away_the_policy_decides(services: Services, make_flow: MakeFlow, choice: str, refused: bool):
    away = redis.asyncio.Redis(unix_socket_path="/nonexistent/redis.sock")
    services.spend = SpendGate(away, lease_seconds=30)
    services.snapshot = make_snapshot(policies=caps("5", on_store_unavailable=choice))
    flow = await Pipeline(services).request(make_flow(authorization=f"Bearer {KEYS['good']}"))
    if refused:
        assert known(flow.response).status_code == 503
        assert known(flow.response).headers["retry-after"]
    else:
        assert flow.response is None
    assert known(call_of(flow)).reserved  # it may be: the end of the call is settled when Redis is back


@pytest.mark.parametrize(("tier", "fits"), [("default", True), ("flex", True), ("auto", False), ("priority", False)])
async def test_a_strict_cap_counts_with_the_dearest_tier_that_may_serve(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, tier: str, fits: bool
):
    content = orjson.dumps({"model": "gpt-4o-mini", "service_tier": tier, "max_tokens": 1000, "messages": []})
    worst = price("openai", "gpt-4o-mini", Usage(len(content), 1000), at=time.time()).cost_nano
    services.snapshot = make_snapshot(policies=caps(nano_to_usd(worst * 3 // 2), strict=True))
    flow = await pipeline.request(make_flow(content=content, authorization=f"Bearer {KEYS['good']}"))
    assert (flow.response is None) is fits


@pytest.mark.parametrize(("limit", "fits"), [("1.3", False), ("1.4", True)])
async def test_a_strict_cap_reserves_at_the_price_of_a_long_context(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, limit: str, fits: bool
):
    """Above 200,000 tokens Sonnet 4.5 costs $6 a million, so this $1.32 at most; below, it would be $0.66."""
    content = orjson.dumps(
        {"model": "claude-sonnet-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "x" * 220_000}]}
    )
    services.snapshot = make_snapshot(policies=caps(limit, strict=True))
    flow = await pipeline.request(make_flow(path="/anthropic/v1/messages", content=content, x_gateway_key=KEYS["good"]))
    assert (flow.response is None) is fits


async def test_long_answers_that_are_only_allowed_use_up_no_budget(services: Services, pipeline: Pipeline, make_flow: MakeFlow):
    """Twenty calls at once that may each say $0.64 worth of words, under a cap of $0.50."""
    content = orjson.dumps({"model": "gpt-4o", "max_tokens": 64_000, "messages": [{"role": "user", "content": "hi"}]})
    services.snapshot = make_snapshot(policies=caps("0.5"))
    flows = [await pipeline.request(make_flow(content=content, x_gateway_key=KEYS["good"])) for _ in range(20)]
    assert [flow.response for flow in flows] == [None] * 20


ELSEWHERE = (
    {"previous_response_id": "resp_1"},
    {"input": [{"type": "message", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
    {"input": [{"type": "message", "content": [{"type": "input_image", "image_url": "https://example.com/cat.png"}]}]},
    {"tools": [{"type": "web_search"}]},
)


@pytest.mark.parametrize("more", ELSEWHERE)
@pytest.mark.parametrize(("tokens", "fits"), [(127_000, False), (129_000, True)])
async def test_a_strict_cap_reserves_the_models_whole_context_where_a_request_only_names_what_is_read(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, more: dict[str, object], tokens: int, fits: bool
):
    """gpt-4o-mini reads 128,000 tokens."""
    content = orjson.dumps({"model": "gpt-4o-mini", "max_output_tokens": 10, "input": "hi", "service_tier": "default", **more})
    worst = price("openai", "gpt-4o-mini", Usage(tokens, 10), at=time.time()).cost_nano
    services.snapshot = make_snapshot(policies=caps(nano_to_usd(worst), strict=True))
    flow = await pipeline.request(make_flow(path="/openai/v1/responses", content=content, x_gateway_key=KEYS["good"]))
    assert (flow.response is None) is fits


UNCOUNTED = (
    ("/openai/v1/videos", {"model": "sora-2", "prompt": "a cat"}),
    ("/openai/v1/images/edits", {}),
    ("/openai/v1/batches", {"input_file_id": "file-1"}),
    ("/openai/v1/images/generations", {"model": "dall-e-3", "prompt": "a cat"}),
    ("/openai/v1/responses", {"model": "gpt-4o-mini", "input": "hi", "background": True}),
    ("/anthropic/v1/messages/batches", {"model": "claude-haiku-4-5", "requests": []}),
)


@pytest.mark.parametrize(("path", "body"), UNCOUNTED)
async def test_what_no_answer_names_the_cost_of_is_not_sold_under_a_cap(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, path: str, body: dict[str, object]
):
    def call() -> http.HTTPFlow:
        return make_flow(path=path, content=orjson.dumps(body), x_gateway_key=KEYS["good"])

    assert (await pipeline.request(call())).response is None
    services.snapshot = make_snapshot(policies=caps("1000"))
    refused = known((await pipeline.request(call())).response)
    assert refused.status_code == 403
    message = json.loads(refused.content or b"")["error"]["message"]
    assert message.startswith("request blocked by gateway policies: the spend_cap")


@pytest.mark.parametrize(("path", "body"), [*UNCOUNTED[:3], UNCOUNTED[-1]])
@pytest.mark.parametrize(("allow", "refused"), [("gpt-4o-mini", True), ("claude-haiku-4-5", True), ("*", False)])
async def test_what_names_no_model_is_for_those_who_may_use_them_all(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, path: str, body: dict[str, object], allow: str, refused: bool
):
    patterns = [f"{provider}/{allow}" for provider in ("openai", "anthropic")]
    services.snapshot = make_snapshot(policies=(make_policy("model_access", {"allow": patterns}),))
    flow = await pipeline.request(make_flow(path=path, content=orjson.dumps(body), x_gateway_key=KEYS["good"]))
    assert (flow.response is not None and flow.response.status_code == 403) is refused


async def test_a_client_that_hangs_up_before_the_answer_is_charged_for_what_was_expected(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, redis_url: str
):
    """The provider has the request, and may well answer it to the end."""
    flow = await pipeline.request(make_flow(x_gateway_key=KEYS["good"]))
    expected = known(call_of(flow)).expected_nano
    flow.client_conn.state = ConnectionState.CLOSED
    flow.error = Error("Client disconnected.")
    await pipeline.settle.error(flow)
    [record] = await published(services, redis_url)
    assert (record.outcome, record.estimated, record.cost_nano) == ("aborted", True, expected)


async def test_an_answer_that_cannot_be_read_is_not_free(
    services: Services, pipeline: Pipeline, make_flow: MakeFlow, redis_url: str
):
    flow = await pipeline.request(make_flow(x_gateway_key=KEYS["good"]))
    expected = known(call_of(flow)).expected_nano
    await pipeline.answer(flow, b"\x0a\x05hello")
    [record] = await published(services, redis_url)
    assert (record.outcome, record.estimated, record.cost_nano) == ("success", True, expected)


async def test_a_strict_cap_takes_any_number_a_caller_may_write(services: Services, pipeline: Pipeline, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=caps("9000000000", strict=True))
    content = orjson.dumps({"model": "gpt-4o-mini", "max_tokens": 2**63, "n": 2**62, "messages": []})
    flow = await pipeline.request(make_flow(content=content, x_gateway_key=KEYS["good"]))
    assert flow.response is None or flow.response.status_code == 402
