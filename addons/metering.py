"""How an answer is read as it streams by: by its operation's wire format, and through its content coding."""

from __future__ import annotations

from mitmproxy import http

from addons.context import Call
from addons.decoding import CODINGS, Decoding
from addons.response_tap import ResponseTap

_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


def tap_for(response: http.Response, call: Call) -> ResponseTap:
    """Also puts the meter into `call`. The client gets the very bytes that come, unless an event may be taken out or added."""
    wire = call.operation.wire if call.operation else None
    events = response.headers.get("content-type", "").partition(";")[0].strip().lower() in _STREAMS
    coding = response.headers.get("content-encoding", "").strip().lower()
    decoding = Decoding(coding) if coding in CODINGS else None
    rewritten = events and (call.prepared or any(cap.strict for cap in call.caps))
    meter = None
    if wire and (decoding or coding in ("", "identity")):
        headers = {name.lower(): value for name, value in response.headers.items()}
        meter = call.meter = wire.meter(status=response.status_code, headers=headers, prepared=call.prepared)
        if rewritten:
            response.headers.pop("content-length", None)
            response.headers.pop("content-encoding", None)
    length = response.headers.get("content-length", "")
    known = int(length) if length.isascii() and length.isdigit() else None
    return ResponseTap(meter, known, events=events, decoding=decoding, decoded=rewritten)
