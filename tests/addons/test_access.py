import gzip
import json

import pytest
from mitmproxy import http

from addons.access import Access
from addons.context import call_of
from addons.identify import Identify
from addons.route import Route
from addons.services import Services
from sallyport.secret import Secret
from sallyport.settings import Settings
from tests.addons.support import KEYS, MakeFlow, known, make_policy, make_snapshot

BODY = b'{"model":"gpt-4o-mini","messages":[]}'


def access(services: Services, flow: http.HTTPFlow) -> http.HTTPFlow:
    Route(services).requestheaders(flow)
    Identify(services).requestheaders(flow)
    addon = Access(services)
    addon.requestheaders(flow)
    addon.request(flow)
    return flow


def message(flow: http.HTTPFlow) -> str:
    return json.loads(known(flow.response).content or b"")["error"]["message"]


def test_the_model_is_read_from_the_body(services: Services, make_flow: MakeFlow):
    flow = access(
        services, make_flow(authorization=f"Bearer {KEYS['good']}", content=gzip.compress(BODY), content_encoding="gzip")
    )
    assert flow.response is None
    assert known(call_of(flow)).record.model == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("content", "encoding", "status", "word"),
    [
        (b"{bad", "", 400, "not valid JSON"),
        (b"[1]", "", 400, "not a JSON object"),
        (b"", "", 400, "not valid JSON"),
        (b"\xff\xfe", "", 400, "not valid JSON"),
        (BODY, "gzip", 415, "not valid gzip data"),
        (BODY, "snappy", 415, "snappy"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(
    services: Services, make_flow: MakeFlow, content: bytes, encoding: str, status: int, word: str
):
    flow = access(services, make_flow(authorization=f"Bearer {KEYS['good']}", content=content, content_encoding=encoding))
    assert known(flow.response).status_code == status
    assert word in message(flow)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(services: Services, make_flow: MakeFlow):
    services.settings = Settings(max_body_bytes=2000)
    flow = make_flow(authorization=f"Bearer {KEYS['good']}", content_length="2001")
    Route(services).requestheaders(flow)
    Access(services).requestheaders(flow)
    assert known(flow.response).status_code == 413
    assert "2000 bytes" in message(flow)


def test_a_model_that_is_not_allowed_is_403_and_names_policy_and_model(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(policies=(make_policy("model_access", {"allow": ["openai/gpt-5*"]}),))
    flow = access(services, make_flow(authorization=f"Bearer {KEYS['good']}"))
    assert known(flow.response).status_code == 403
    assert message(flow).startswith("request blocked by gateway policies: the model_access")
    assert "openai/gpt-4o-mini" in message(flow)
    allowed = make_flow(authorization=f"Bearer {KEYS['good']}", content=b'{"model":"gpt-5-nano","messages":[]}')
    assert access(services, allowed).response is None
    assert [policy.name for policy in known(call_of(allowed)).record.matched] == ["the model_access"]  # and it passed


def test_what_counts_tokens_is_read_too_for_it_holds_the_same_text(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/anthropic/v1/messages/count_tokens", x_api_key=KEYS["good"], content=b"{oops")
    assert not access(services, flow).request.stream
    assert known(flow.response).status_code == 400


@pytest.mark.parametrize(("host", "refused"), [("llm.internal", True), ("LLM.internal", True), ("other.internal", False)])
def test_an_upstream_is_reached_through_the_pipeline_only(services: Services, make_flow: MakeFlow, host: str, refused: bool):
    services.settings = Settings(upstreams={"openai": "https://llm.internal"})
    key = f"Bearer {KEYS['good']}"
    connect = make_flow("CONNECT", "", host=host, origin_form=False, proxy_authorization=key)
    connect.request.port = 443
    for addon in (Route(services), Identify(services), Access(services)):
        addon.http_connect(connect)
    assert (connect.response is not None) == refused
    if refused:
        assert known(connect.response).status_code == 403


def test_a_key_that_stands_twice_is_sent_as_it_was_read(services: Services, make_flow: MakeFlow):
    """Another parser might take the first value, which nobody here has looked at."""
    content = b'{"model":"gpt-4o","model":"gpt-4o-mini","messages":[{"content":"first","content":"last"}]}'
    flow = access(services, make_flow(authorization=f"Bearer {KEYS['good']}", content=content))
    assert known(call_of(flow)).record.model == "gpt-4o-mini"
    assert flow.request.raw_content == b'{"model":"gpt-4o-mini","messages":[{"content":"last"}]}'
    assert flow.request.headers["content-length"] == str(len(flow.request.raw_content))


def test_more_behind_the_end_of_a_compressed_body_is_refused(services: Services, make_flow: MakeFlow):
    content = gzip.compress(b'{"model":"gpt-4o-mini","messages":[]}') + gzip.compress(b"first")
    flow = access(services, make_flow(authorization=f"Bearer {KEYS['good']}", content=content, content_encoding="gzip"))
    assert known(flow.response).status_code == 400


@pytest.mark.parametrize("depth", [300, 2000])
def test_a_body_that_is_nested_too_deeply_is_refused_in_words(services: Services, make_flow: MakeFlow, depth: int):
    content = b'{"model":"gpt-4o-mini","messages":' + b"[" * depth + b"]" * depth + b"}"
    flow = access(services, make_flow(authorization=f"Bearer {KEYS['good']}", content=content))
    assert known(flow.response).status_code == 400


def test_what_is_stored_can_be_cancelled_without_a_body(services: Services, make_flow: MakeFlow):
    flow = access(services, make_flow(path="/openai/v1/responses/resp_1/cancel", x_gateway_key=KEYS["good"], content=b""))
    assert flow.response is None


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("alt=sse", False),
        ("alt=json", False),
        ("key=1&%24alt=proto", True),
        ("fields=candidates", True),
        ("%66ields=candidates", True),
        ("callback=f", True),
    ],
)
def test_an_answer_must_name_its_usage(services: Services, make_flow: MakeFlow, query: str, refused: bool):
    services.snapshot = make_snapshot(secrets={"GOOGLE_API_KEY": Secret("AIza")})
    path = f"/gemini/v1beta/models/gemini-2.5-flash:generateContent?{query}"
    flow = access(services, make_flow(path=path, x_gateway_key=KEYS["good"], content=b'{"contents":[]}'))
    assert (flow.response is not None) is refused


def test_an_answer_must_not_be_masked_by_a_header(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(secrets={"GOOGLE_API_KEY": Secret("AIza")})
    path = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
    flow = access(services, make_flow(path=path, x_gateway_key=KEYS["good"], x_goog_fieldmask="candidates", content=b"{}"))
    assert known(flow.response).status_code == 400
    assert "x-goog-fieldmask" in message(flow)
