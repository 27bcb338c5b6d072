import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.settings import Settings
from sallyport.upstream_proxy import UpstreamProxy


def test_its_parts():
    proxy = UpstreamProxy.parse("https://ada%40corp:p%2Fw@proxy.corp:3129")
    assert (proxy.scheme, proxy.host, proxy.port, proxy.user) == ("https", "proxy.corp", 3129, "ada@corp")
    assert proxy.password
    assert proxy.password.reveal() == "p/w"
    assert "p/w" not in repr(proxy)
    assert "p%2Fw" not in repr(proxy)
    assert UpstreamProxy.parse("http://proxy.corp").port == 80


@pytest.mark.parametrize("url", ["socks5://secret@h:1", "proxy:3128", "http://", "http://secret@h:x", "http://secret@h/path"])
def test_what_is_none_is_refused_without_repeating_it(url: str):
    with pytest.raises(ValueError, match="must be http://") as failed:
        Settings(upstream_proxy=url)
    assert "secret" not in str(failed.value.__context__ or "")
    with pytest.raises(ValueError, match="must be http://") as failed:
        UpstreamProxy.parse(url)
    assert "secret" not in str(failed.value)


@given(st.text())
def test_any_text_is_parsed_or_refused_as_no_url(url: str):
    with contextlib.suppress(ValueError):
        assert UpstreamProxy.parse(url).host


@pytest.mark.parametrize(
    ("host", "carried"),
    [
        ("api.openai.com", True),
        ("llm.corp.example", False),
        ("corp.example", False),
        ("CORP.example.", False),
        ("notcorp.example", True),
        ("bedrock.internal", False),
        ("10.1.2.3", False),
        ("11.1.2.3", True),
        ("fd00::1", False),
        ("localhost", False),
        ("127.9.9.9", False),
        ("::1", False),
    ],
)
def test_exceptions(host: str, carried: bool):
    proxy = UpstreamProxy.parse("http://proxy:3128", ("corp.example", "*.internal", "10.0.0.0/8", "fd00::/8"))
    assert proxy.carries(host) is carried
    assert bool(proxy.for_requests(host)) is carried


def test_everything_can_be_an_exception():
    assert not UpstreamProxy.parse("http://proxy:3128", ("*",)).carries("api.openai.com")
