import pytest
from mitmproxy.http import Headers, Request
from mitmproxy.test import tutils

from sallyport.proxy.http_head import head_problem


def request(**changes: object):
    headers = [(b"host", b"api.openai.com"), (b"content-length", b"2")]
    return tutils.treq(**{"headers": Headers(headers), "path": b"/v1/models", "content": b"{}", **changes})


def with_headers(*fields: tuple[bytes, bytes]):
    return request(headers=Headers([(b"host", b"x"), *fields]))


def test_an_ordinary_head_is_fine():
    assert head_problem(request(), 200) is None
    assert head_problem(with_headers((b"transfer-encoding", b"chunked")), 200) is None


@pytest.mark.parametrize(
    "broken",
    [
        request(method=b"GET /evil HTTP/1.1\r\nx:"),
        request(method=b"GE T"),
        request(path=b"/v1/models HTTP/1.1\r\nhost: evil"),
        request(path=b"/a\x00b"),
        request(path=b"v1/models"),
        with_headers((b"x-a", b"1\r\nx-b: 2")),
        with_headers((b"x-a", b"1\n2")),
        with_headers((b"x a", b"1")),
        with_headers((b"transfer-encoding", b"\x0bchunked")),
        with_headers((b"transfer-encoding", b"gzip, chunked")),
        with_headers((b"transfer-encoding", b"chunked"), (b"content-length", b"3")),
        with_headers((b"content-length", b"3"), (b"content-length", b"4")),
        with_headers((b"content-length", b"+3")),
        with_headers((b"host", b"other")),
    ],
)
def test_what_could_forge_a_second_request_is_refused(broken: Request):
    assert head_problem(broken, 200)


def test_too_many_fields_are_refused():
    assert head_problem(with_headers(*[(b"x-%d" % number, b"1") for number in range(201)]), 200)
