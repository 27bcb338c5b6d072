import json

import pytest
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.context import call_of
from addons.route import Route
from addons.services import Services
from sallyport.settings import Settings
from tests.addons.support import MakeFlow, known


def test_a_base_path_leads_to_its_provider(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/openai/v1/chat/completions?x=1")
    Route(services).requestheaders(flow)
    assert flow.request.pretty_url == "https://api.openai.com/v1/chat/completions?x=1"
    call = known(call_of(flow))
    assert (call.record.provider, call.record.operation, call.record.way_in) == ("openai", "chat", "base_url")
    assert services.calls == {call.record.id: call}


_LIVE = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        (f"/vertex/@us-central1{_LIVE}", f"https://us-central1-aiplatform.googleapis.com{_LIVE}"),
        (
            f"/vertex/@europe-west4/{_LIVE}",
            f"https://europe-west4-aiplatform.googleapis.com/{_LIVE}",
        ),
        (f"/vertex/@eu{_LIVE}", f"https://aiplatform.eu.rep.googleapis.com{_LIVE}"),
        (f"/vertex{_LIVE}", f"https://aiplatform.googleapis.com{_LIVE}"),
        ("/bedrock/@eu-west-1/model/m/converse", "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse"),
        ("/bedrock/@eu-west-1/inference-profiles?a=b", "https://bedrock.eu-west-1.amazonaws.com/inference-profiles?a=b"),
    ],
)
def test_a_base_path_may_name_the_region(services: Services, make_flow: MakeFlow, path: str, url: str):
    flow = make_flow(path=path)
    Route(services).requestheaders(flow)
    assert flow.request.pretty_url == url


@pytest.mark.parametrize(
    "path", ["/vertex/@evil.example/x", "/bedrock/@s3/model/m/invoke", "/openai/@us/v1/models", "/vertex/@/x"]
)
def test_a_region_that_is_none(services: Services, make_flow: MakeFlow, path: str):
    flow = make_flow(path=path)
    Route(services).requestheaders(flow)
    assert known(flow.response).status_code == 404


def test_a_method_is_sent_as_it_was_judged(services: Services, make_flow: MakeFlow):
    flow = make_flow("post")
    Route(services).requestheaders(flow)
    assert known(call_of(flow)).generates
    assert flow.request.data.method == b"POST"


def test_a_providers_host_is_intercepted(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/v1/messages", host="api.anthropic.com", origin_form=False)
    Route(services).requestheaders(flow)
    assert flow.request.pretty_url == "https://api.anthropic.com/v1/messages"
    assert known(call_of(flow)).record.way_in == "proxy"


@pytest.mark.parametrize("mode", ["transparent", "wireguard", "local", "socks5"])
def test_plain_http_to_an_address_is_a_providers_by_its_host_header(services: Services, make_flow: MakeFlow, mode: str):
    """Else it would be forwarded as if to a stranger's host: past keys, guards and budgets."""
    flow = make_flow(path="/v1/messages", host="192.0.2.7", origin_form=False)
    flow.client_conn.proxy_mode = ProxyMode.parse(mode)
    flow.request.headers["host"] = "API.anthropic.com:80"
    Route(services).requestheaders(flow)
    assert flow.request.pretty_url == "https://api.anthropic.com/v1/messages"
    assert known(call_of(flow)).record.way_in == mode


def test_a_host_header_does_not_move_a_request_that_names_its_host(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/v1/messages", host="other.example", origin_form=False)
    flow.request.headers["host"] = "api.anthropic.com"
    Route(services).requestheaders(flow)
    assert (flow.request.host, call_of(flow)) == ("other.example", None)


def test_the_query_is_not_recorded(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/gemini/v1beta/models/gemini-2.5-flash:generateContent?key=sp_secret")
    Route(services).requestheaders(flow)
    assert known(call_of(flow)).record.path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert known(call_of(flow)).record.model == "gemini-2.5-flash"


def test_an_upstream_replaces_scheme_host_port_and_adds_its_path(services: Services, make_flow: MakeFlow):
    services.settings = Settings(upstreams={"openai": "http://127.0.0.1:9000/prefix/"})
    flow = make_flow(path="/v1/models", method="GET", host="api.openai.com", origin_form=False)
    Route(services).requestheaders(flow)
    assert flow.request.url == "http://127.0.0.1:9000/prefix/v1/models"
    assert flow.request.host_header == "127.0.0.1:9000"


@pytest.mark.parametrize("path", ["/", "/foo", "/openaiX/v1/models", "//openai/v1/models"])
def test_an_unknown_base_path_is_404_with_an_id(services: Services, make_flow: MakeFlow, path: str):
    flow = make_flow(path=path)
    Route(services).requestheaders(flow)
    assert known(flow.response).status_code == 404
    assert "base path" in json.loads(known(flow.response).content or b"")["error"]["message"]
    assert known(flow.response).headers["x-gateway-request-id"]


def test_what_no_model_reads_streams_through_and_what_one_reads_is_held(services: Services, make_flow: MakeFlow):
    held, streamed = make_flow(), make_flow(path="/openai/v1/files")
    for flow in (held, streamed):
        Route(services).requestheaders(flow)
    assert not held.request.stream
    assert streamed.request.stream


def test_unknown_paths_of_a_provider_can_be_refused(services: Services, make_flow: MakeFlow):
    services.settings = Settings(unknown_paths="refuse")
    flow = make_flow(path="/api/event_logging/v2/batch", host="api.anthropic.com", origin_form=False)
    Route(services).requestheaders(flow)
    assert known(flow.response).status_code == 404
    assert json.loads(known(flow.response).content or b"")["type"] == "error"  # in Anthropic's shape


@pytest.mark.parametrize(
    "path",
    [
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/chat/completions/",
        "/v1/./chat/completions",
        "/x/../v1/chat/completions",
        "/v1/chat%2fcompletions",
        "/%761/chat/completions",
        "/v1/chat/completions;x=1",
    ],
)
def test_an_odd_spelling_does_not_lead_past_the_guards(services: Services, make_flow: MakeFlow, path: str):
    """With a vendor key of the caller's own, it would be answered."""
    flow = make_flow(path=f"/openai{path}")
    Route(services).requestheaders(flow)
    assert known(flow.response).status_code == 404
    assert "/v1/chat/completions" in json.loads(known(flow.response).content or b"")["error"]["message"]


def test_a_websocket_and_a_plain_request_are_not_the_same(services: Services, make_flow: MakeFlow):
    handshake = {"upgrade": "websocket", "sec_websocket_version": "13"}
    opened, asked = make_flow("GET", "/openai/v1/responses", **handshake), make_flow("GET", "/openai/v1/responses")
    other = make_flow("GET", "/openai/v1/models", **handshake)
    for flow in (opened, asked, other):
        Route(services).requestheaders(flow)
    assert known(call_of(opened)).opens_socket
    assert known(call_of(asked)).operation is None  # the provider's key goes on neither
    assert known(call_of(other)).operation is None


@pytest.mark.parametrize("path", ["/anthropic", "/anthropic/", "/anthropic/api/hello"])
def test_claude_codes_probe_needs_no_key(services: Services, make_flow: MakeFlow, path: str):
    flow = make_flow("HEAD", path, content=b"")
    Route(services).requestheaders(flow)
    assert known(flow.response).status_code == 200


def test_a_probe_of_the_providers_own_host_is_the_providers_to_answer(services: Services, make_flow: MakeFlow):
    flow = make_flow("HEAD", "/api/hello", content=b"", host="api.anthropic.com", origin_form=False)
    Route(services).requestheaders(flow)
    assert flow.response is None


def test_tunnels_can_be_refused(services: Services, make_flow: MakeFlow):
    services.settings = Settings(tunnel="refuse")
    flow = make_flow("CONNECT", "", host="github.com", origin_form=False)
    Route(services).http_connect(flow)
    assert known(flow.response).status_code == 403
    provider = make_flow("CONNECT", "", host="api.openai.com", origin_form=False)
    Route(services).http_connect(provider)
    assert provider.response is None


def test_a_declared_provider_is_reached_below_providers(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/providers/groq/openai/v1/chat/completions")
    Route(services).requestheaders(flow)
    assert flow.request.pretty_url == "https://api.groq.com/openai/v1/chat/completions"
    call = known(call_of(flow))
    assert (call.record.provider, call.record.operation, call.record.path) == ("groq", "chat", "/openai/v1/chat/completions")


def test_an_endpoint_of_the_operators_own_must_be_told(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/providers/azure/openai/v1/chat/completions")
    Route(services).requestheaders(flow)
    assert known(flow.response).status_code == 404
    assert b"--upstream azure=https://HOST" in known(known(flow.response).content)


def test_what_takes_no_credential_gets_known_paths_only(services: Services, make_flow: MakeFlow):
    services.settings = Settings(upstreams={"ollama": "http://127.0.0.1:11434"})
    flow = make_flow("DELETE", path="/providers/ollama/api/delete")
    Route(services).requestheaders(flow)
    assert known(flow.response).status_code == 404


def test_the_base_paths_are_named_to_who_finds_none(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/nowhere")
    Route(services).requestheaders(flow)
    assert b"/vertex, /providers/azure, " in known(known(flow.response).content)
