"""A body that came compressed leaves in the same coding: the very bytes that came, or where it was changed what it is now.

Between `access` and here it is plain. A further attempt goes plain too: another provider may not know the coding.
"""

from __future__ import annotations

from mitmproxy import http

from addons.attempt import Failure
from addons.content import replace_body
from addons.context import call_of
from addons.decoding import encode
from addons.services import Services


class Recode:
    def __init__(self, services: Services) -> None:
        """It needs nothing of them."""

    def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.coded is None:
            return
        coded, content = call.coded, flow.request.raw_content or b""
        replace_body(flow.request, coded.came if content == coded.plain else encode(content, coded.coding))
        call.plain = content

    def attempt_failed(self, flow: http.HTTPFlow, failure: Failure) -> None:
        call = call_of(flow)
        if call and call.plain is not None:
            flow.request.headers.pop("content-encoding", None)
            replace_body(flow.request, call.plain)
            call.plain = None
