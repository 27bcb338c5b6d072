"""What may be wrong with a request head. Stricter than mitmproxy, which forwards some of this as a forged request."""

from __future__ import annotations

import re

from mitmproxy import http
from mitmproxy.net.http.validate import validate_headers

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}")
_BAD_IN_TARGET = re.compile(r"[\x00-\x20\x7f]")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_IN_VALUE = re.compile(rb"[\x00\r\n]")

TOO_MANY_FIELDS = "it has too many header fields"


def head_problem(request: http.Request, most_fields: int) -> str | None:
    """What is wrong with a request head, or None."""
    if not _METHOD.fullmatch(request.method):
        return "its method is not a token"
    path = request.path
    if request.method == "CONNECT" and not request.host:
        return "its target is not HOST:PORT"
    if request.method != "CONNECT" and (_BAD_IN_TARGET.search(path) or not (path.startswith("/") or path == "*")):
        return "its path is not a path"
    if request.scheme not in ("http", "https", ""):
        return f"its scheme is {request.scheme[:20]!r}"
    if len(request.headers.fields) > most_fields:
        return TOO_MANY_FIELDS
    for name, value in request.headers.fields:
        if not _NAME.fullmatch(name):
            return "the name of a header is not a token"
        if _BAD_IN_VALUE.search(value):
            return f"header {name.decode('latin-1')[:50]!r} holds a control character"
        if name.lower() == b"transfer-encoding" and value.strip(b" \t").lower() != b"chunked":
            return "its transfer-encoding is not plain chunked"
    if len(request.headers.get_all("host")) > 1:
        return "it has more than one host header"
    try:
        validate_headers(request)
    except ValueError as error:
        return str(error)
    return None
