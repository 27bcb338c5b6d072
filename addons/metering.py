"""How an answer is read as it streams by: by its operation's wire format, and through its content coding."""

from __future__ import annotations

from functools import partial
from typing import Any

from mitmproxy import http

from addons.context import Call
from addons.decoding import CODINGS, Decoding
from addons.response_tap import ResponseTap
from addons.restored_answer import restored_answer
from addons.traced_content import AnswerCopy, is_traced
from sallyport.providers.usage import Meter
from sallyport.providers.wire.meters import JsonMeter
from sallyport.providers.wire.openai_batch import BatchFile
from sallyport.providers.wire.reading import obj, text

_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


def _note_file(file: BatchFile, meter: Meter, document: Any) -> None:
    file.file_id = text(obj(document), "id")


def tap_for(response: http.Response, call: Call) -> ResponseTap:
    """Also puts the meter into `call`. The client gets the very bytes that come, unless an event may be taken out or added, or
    values are put back."""
    wire = call.operation.wire if call.operation else None
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    events = media_type in _STREAMS
    coding = response.headers.get("content-encoding", "").strip().lower()
    decoding = Decoding(coding) if coding in CODINGS else None
    readable = decoding is not None or coding in ("", "identity")
    restored = None
    rewriter = call.answer_redactor or call.restorer
    if wire and rewriter and readable and response.status_code < 400:
        restored = restored_answer(media_type, rewriter, wire)
    rewritten = restored is not None or (events and (call.prepared or any(cap.strict for cap in call.caps)))
    meter = None
    if wire and readable:
        headers = {name.lower(): value for name, value in response.headers.items()}
        meter = call.meter = wire.meter(status=response.status_code, headers=headers, prepared=call.prepared)
        call.answer = AnswerCopy(wire.name, media_type) if is_traced(call) else None
        if rewritten:
            response.headers.pop("content-length", None)
            response.headers.pop("content-encoding", None)
    elif call.batch_file and response.status_code < 400:
        meter = JsonMeter(partial(_note_file, call.batch_file))
    length = response.headers.get("content-length", "")
    known = int(length) if length.isascii() and length.isdigit() else None
    return ResponseTap(meter, known, events=events, decoding=decoding, decoded=rewritten, copy=call.answer, restored=restored)
