import base64

from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.http import Headers
from mitmproxy.test import tutils

from addons.presented_key import PresentedKey, from_proxy_authorization, from_request, query_pairs

KEY = "sp_" + "a" * 43


def request(path: str = "/v1/x", **headers: str):
    return tutils.treq(
        path=path.encode(), headers=Headers([(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()])
    )


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_proxy_authorization_takes_the_password_of_any_user():
    assert from_proxy_authorization(basic("sallyport", KEY)) == KEY
    assert from_proxy_authorization(basic("anything", KEY)) == KEY
    assert from_proxy_authorization(f"Bearer {KEY}") == KEY


def test_a_key_as_user_name_alone_counts():
    assert from_proxy_authorization(basic(KEY, "")) == KEY


@given(st.text())
def test_garbage_in_proxy_authorization_is_no_key_and_no_crash(value: str):
    from_proxy_authorization(value)
    from_proxy_authorization("Basic " + value)


def test_x_gateway_key_comes_before_everything():
    found = from_request(request(x_gateway_key=KEY, authorization="Bearer sp_other"), "sp_connect", ())
    assert found == PresentedKey(KEY, separate=True)


def test_the_key_of_connect_holds_for_the_connection():
    assert from_request(request(authorization="Bearer sk-vendor"), KEY, ()) == PresentedKey(KEY, separate=True)


def test_each_auth_place_of_the_providers_is_read():
    for headers in ({"authorization": f"Bearer {KEY}"}, {"x_api_key": KEY}, {"x_goog_api_key": KEY}, {"api_key": KEY}):
        assert from_request(request(**headers), None, ()) == PresentedKey(KEY, separate=False)
    assert from_request(request(path=f"/v1beta/models?key={KEY}"), None, {"key"}) == PresentedKey(KEY, separate=False)


def test_a_vendor_key_in_the_providers_place_is_no_gateway_key():
    assert from_request(request(authorization="Bearer sk-ant-oat01-abc", x_api_key="dummy"), None, ()) is None


def test_query_pairs_keep_what_stands_there():
    assert query_pairs("/p?a=1&b=%20x&c") == [("a", "1"), ("b", "%20x"), ("c", "")]
    assert query_pairs("/p") == []
