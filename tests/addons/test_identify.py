import base64
import getpass
import json
import socket

import pytest
from mitmproxy import http

from addons.context import Call, call_of
from addons.identify import Identify
from addons.route import Route
from addons.services import Services
from sallyport.settings import Settings
from sallyport.store.snapshot import Enrollment
from tests.addons.support import KEYS, MakeFlow, known, make_snapshot


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"sallyport:{key}".encode()).decode()


def identify(services: Services, flow: http.HTTPFlow, addon: Identify | None = None) -> Call:
    Route(services).requestheaders(flow)
    (addon or Identify(services)).requestheaders(flow)
    return known(call_of(flow))


@pytest.mark.parametrize(
    "headers",
    [{"x_gateway_key": KEYS["good"]}, {"proxy_authorization": basic(KEYS["good"])}, {"authorization": f"Bearer {KEYS['good']}"}],
)
def test_a_key_makes_the_caller_known(services: Services, make_flow: MakeFlow, headers: dict[str, str]):
    call = identify(services, make_flow(**headers))
    record = call.record
    assert (record.organization_id, record.workspace_id, record.user_id, record.api_key_id) == (
        "default",
        "ws",
        "user-1",
        "key-good",
    )


@pytest.mark.parametrize(
    ("key", "word"),
    [(None, "missing"), ("sp_" + "x" * 43, "unknown"), (KEYS["revoked"], "revoked"), (KEYS["expired"], "expired")],
)
def test_whom_we_do_not_know_is_told_why(services: Services, make_flow: MakeFlow, key: str | None, word: str):
    flow = make_flow(**({"authorization": f"Bearer {key}"} if key else {}))
    identify(services, flow)
    assert known(flow.response).status_code == 401
    assert known(flow.response).headers["x-should-retry"] == "false"
    assert json.loads(known(flow.response).content or b"")["error"]["message"].startswith(f"gateway key {word}")
    assert key is None or key not in (known(flow.response).text or "")


def test_a_key_at_connect_holds_for_the_connection(services: Services, make_flow: MakeFlow):
    addon = Identify(services)
    connect = make_flow("CONNECT", "", host="api.openai.com", origin_form=False, proxy_authorization=basic(KEYS["good"]))
    addon.http_connect(connect)
    inner = make_flow(host="api.openai.com", path="/v1/chat/completions", origin_form=False)
    inner.client_conn = connect.client_conn
    assert identify(services, inner, addon).record.api_key_id == "key-good"
    stranger = make_flow(host="api.openai.com", path="/v1/chat/completions", origin_form=False)
    identify(services, stranger, addon)
    assert known(stranger.response).status_code == 401


def test_nobody_is_refused_at_connect_for_a_provider(services: Services, make_flow: MakeFlow):
    flow = make_flow("CONNECT", "", host="api.openai.com", origin_form=False)
    Identify(services).http_connect(flow)
    assert flow.response is None


def test_a_setting_challenges_at_connect_for_providers_too(services: Services, make_flow: MakeFlow):
    services.settings = Settings(challenge_providers=True)
    flow = make_flow("CONNECT", "", host="api.openai.com", origin_form=False)
    Identify(services).http_connect(flow)
    assert known(flow.response).status_code == 407


@pytest.mark.parametrize("key", [None, "sp_" + "x" * 43])
def test_a_tunnel_needs_a_known_caller(services: Services, make_flow: MakeFlow, key: str | None):
    headers = {"proxy_authorization": basic(key)} if key else {}
    flow = make_flow("CONNECT", "", host="github.com", origin_form=False, **headers)
    Identify(services).http_connect(flow)
    assert known(flow.response).status_code == 407
    assert known(flow.response).headers["proxy-authenticate"].startswith("Basic")


def test_a_missing_provider_secret_is_named(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/fireworks/inference/v1/chat/completions", authorization=f"Bearer {KEYS['good']}")
    identify(services, flow)
    assert known(flow.response).status_code == 400
    assert "FIREWORKS_API_KEY" in (known(flow.response).text or "")


def test_an_enrolled_network_needs_no_key_and_the_narrowest_wins(services: Services, make_flow: MakeFlow):
    wide, narrow = Enrollment("network", "127.0.0.0/8", "key-revoked"), Enrollment("network", "127.0.0.1/32", "key-good")
    services.snapshot = make_snapshot(enrollments=(wide, narrow))
    assert identify(services, make_flow()).record.api_key_id == "key-good"


def test_an_enrolled_local_user_is_known_by_the_socket(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(enrollments=(Enrollment("os_user", getpass.getuser(), "key-good"),))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        flow = make_flow()
        flow.client_conn.peername, flow.client_conn.sockname = client.getsockname(), server.getsockname()
        assert identify(services, flow).record.api_key_id == "key-good"


def test_headers_for_policies_are_read_by_their_short_name(services: Services, make_flow: MakeFlow):
    call = identify(services, make_flow(authorization=f"Bearer {KEYS['good']}", X_Gateway_Team_Name="core"))
    assert known(call.subject).get("header:team_name") == "core"


@pytest.mark.parametrize(
    ("token", "passed"),
    [("sk-ant-oat01-" + "a" * 40, True), ("eyJhbGciOi" + "b" * 40, True), ("sk-proj-" + "c" * 40, False), ("dummy", False)],
)
def test_a_vendor_login_is_passed_through_only_where_the_workspace_says_so(
    services: Services, make_flow: MakeFlow, token: str, passed: bool
):
    services.snapshot = make_snapshot(credentials="passthrough")
    call = identify(services, make_flow(x_gateway_key=KEYS["good"], authorization=f"Bearer {token}"))
    assert call.record.passthrough is passed
    services.snapshot = make_snapshot(credentials="replace")
    call = identify(services, make_flow(x_gateway_key=KEYS["good"], authorization=f"Bearer {token}"))
    assert call.record.passthrough is False


PAGES = ({"origin": "http://evil.test"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"})


@pytest.mark.parametrize("headers", PAGES)
def test_a_web_page_can_not_call_as_who_needs_no_key(services: Services, make_flow: MakeFlow, headers: dict[str, str]):
    services.snapshot = make_snapshot(enrollments=(Enrollment("network", "127.0.0.0/8", "key-good"),))
    page = make_flow(**headers)
    identify(services, page)
    assert known(page.response).status_code == 401
    assert identify(services, make_flow(x_gateway_key=KEYS["good"], **headers)).key is not None
    assert identify(services, make_flow(origin="vscode-file://vscode-app")).key is not None


def test_a_key_in_an_odd_place_is_not_recorded(services: Services, make_flow: MakeFlow):
    key = KEYS["good"]
    flow = make_flow("GET", f"/openai/v1/models/{key}", x_gateway_key=key, user_agent=f"agent/{key}", baggage=f"a={key}")
    assert key not in identify(services, flow).record.to_json().decode()
