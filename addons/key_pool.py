"""A provider's key that was turned away rests, and the call is tried again at once with another key of its pool.

The key of a call is chosen where it is put in, see `credentials`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from mitmproxy import http

from addons.attempt import Failure
from addons.context import Call, call_of
from addons.destination import Destination
from addons.services import Services
from sallyport.spend.elsewhere import names_kept

_REFUSED_SECONDS = 600.0
"""After a 401: the key is wrong or gone, until somebody sets another."""
_AWS_REFUSED = ("UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException")
_LIMITED_SECONDS = 30.0
"""After a 429 that does not say when to come again."""
_LONGEST = 600.0


class KeyPool:
    def __init__(self, services: Services) -> None:
        self._resting = services.resting

    def attempt_failed(self, flow: http.HTTPFlow, failure: Failure) -> None:
        call = call_of(flow)
        if call is None or failure.response is None or not self._rests(call, failure.response):
            return
        if all(self._resting.left(key) for key in call.pool) or names_kept(flow.request.raw_content or b""):
            return
        if not (call.provider and call.operation and call.upstream):
            return
        path = flow.request.path.removeprefix(call.upstream.prefix)
        failure.to = Destination(call.provider, call.operation, call.upstream, path, call.record.model or "")

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Of requests too that can't be sent again, since they streamed through."""
        call = call_of(flow)
        if call and flow.response:
            self._rests(call, flow.response)

    def _rests(self, call: Call, response: http.Response) -> bool:
        seconds = rest_seconds(response.status_code, response.headers)
        if call.pooled_key is None or call.sent is None or seconds is None:
            return False
        self._resting.rest(call.pooled_key, seconds)
        return True


def rest_seconds(status: int, headers: Mapping[str, str]) -> float | None:
    """None: the answer says nothing against the key. A 403 doesn't, as it may be about the model, but where AWS says so."""
    if status == 401 or (status == 403 and headers.get("x-amzn-errortype", "").startswith(_AWS_REFUSED)):
        return _REFUSED_SECONDS
    if status != 429:
        return None
    asked = _retry_after(headers.get("retry-after", ""))
    return _LIMITED_SECONDS if asked is None else min(max(asked, 1.0), _LONGEST)


def _retry_after(value: str) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return seconds if math.isfinite(seconds) else None
